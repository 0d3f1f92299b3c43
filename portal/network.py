"""Who is around the citizen: every place once, with its people and what it does, by area of life.

Made of what the viewer's overview already holds: a place of which nothing is
shown has no seat, so a hidden one leaves neither a gap nor a number behind.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

import msgspec

from portal.handout import Overview, Place, Shown
from portal.records import RUNNING, Contact, Meeting, Sector


class Seat(msgspec.Struct, frozen=True, kw_only=True):
    """One place in the network.

    `coordinator` and `responsible` name a person, or nobody ("").
    `consent`  this place sees more because of the viewer's own yes, right now.
    `number`   1 and up in reading order; a link's target.
    """

    number: int
    place: Place
    contacts: tuple[Shown, ...] = ()
    doing: tuple[Shown, ...] = ()
    meeting: Shown | None = None
    coordinator: str = ""
    responsible: str = ""
    consent: bool = False


class Area(msgspec.Struct, frozen=True, kw_only=True):
    """The places of one area of life."""

    sector: Sector
    seats: tuple[Seat, ...]


class Network(msgspec.Struct, frozen=True, kw_only=True):
    """Those who help now, by area, and those who helped before."""

    areas: tuple[Area, ...]
    before: tuple[Seat, ...]

    @property
    def count(self) -> int:
        return sum(len(area.seats) for area in self.areas)


def network(overview: Overview) -> Network:
    """Every place of which this viewer sees anything, the most involved of its area first."""
    coming = set(map(id, overview.meetings))
    found: dict[tuple[str, str], list[Shown]] = {}
    for shown in chain(
        overview.contacts, overview.interventions, overview.plans,
        overview.meetings, overview.past_meetings,
    ):  # fmt: skip
        found.setdefault((shown.owner.id, shown.owner.name), []).append(shown)
    now = {k: things for k, things in found.items() if any(_running(s, coming) for s in things)}
    open_to = overview.consents.places if overview.consents else frozenset()
    order = list(Sector)
    seats = sorted(
        (_seat(things, coming, open_to) for things in now.values()),
        key=lambda s: (order.index(s.place.sector), *_weight(s)),
    )
    gone = sorted(
        (_seat(things, coming, open_to) for k, things in found.items() if k not in now),
        key=lambda s: s.place.name,
    )
    numbered = [msgspec.structs.replace(s, number=n) for n, s in enumerate([*seats, *gone], 1)]
    here = numbered[: len(seats)]
    areas = [Area(sector=x, seats=tuple(s for s in here if s.place.sector is x)) for x in order]
    return Network(areas=tuple(a for a in areas if a.seats), before=tuple(numbered[len(seats) :]))


def _seat(things: Iterable[Shown], coming: set[int], open_to: frozenset[str]) -> Seat:
    things = list(things)
    contacts = tuple(s for s in things if isinstance(s.entry, Contact))
    meetings = [s for s in things if isinstance(s.entry, Meeting)]
    people = [s.entry for s in contacts if isinstance(s.entry, Contact) and s.entry.running]
    place = things[0].owner
    return Seat(
        number=0,
        place=place,
        contacts=contacts,
        doing=tuple(s for s in things if s not in contacts and s not in meetings),
        meeting=_next([s for s in meetings if id(s) in coming]),
        coordinator=next((c.name for c in people if c.coordinator), ""),
        responsible=next((c.name for c in people if c.responsible_for), ""),
        consent=place.id in open_to and not things[0].entry.by,
    )


def _next(coming: list[Shown]) -> Shown | None:
    """The first that takes place; a cancelled one only where there is no other."""
    held = (s for s in coming if isinstance(s.entry, Meeting) and not s.entry.cancelled)
    return next(held, coming[0] if coming else None)


def _weight(seat: Seat) -> tuple[object, ...]:
    involved = len(seat.contacts) + len(seat.doing)
    return (not seat.coordinator, -involved, seat.place.name.casefold())


def _running(shown: Shown, coming: set[int]) -> bool:
    entry = shown.entry
    if isinstance(entry, Contact):
        return entry.running
    if isinstance(entry, Meeting):
        return id(shown) in coming
    return getattr(entry, "status", None) in RUNNING
