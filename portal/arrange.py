"""Entries -> what a page shows: nested, sorted and named, for one viewer.

Runs last, on entries that passed the rules and redaction; decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from portal.handout import Line, Note, Place, Shown
from portal.records import (
    RUNNING,
    Answer,
    AnyEntry,
    Assessment,
    Contact,
    Goal,
    Intervention,
    Measurement,
    Meeting,
    Plan,
    Sector,
    State,
)

SECTORS = list(Sector)


class Arrangement(msgspec.Struct, frozen=True, kw_only=True):
    """The entries of one overview, by the section they stand in."""

    contacts: tuple[Shown, ...] = ()
    meetings: tuple[Shown, ...] = ()
    past_meetings: tuple[Shown, ...] = ()
    interventions: tuple[Shown, ...] = ()
    plans: tuple[Shown, ...] = ()
    loose_goals: tuple[Shown, ...] = ()
    measurements: tuple[Shown, ...] = ()


class Arranger(msgspec.Struct, frozen=True, kw_only=True):
    """What is needed to turn an entry into something shown."""

    ref: Callable[[str, str], str]
    place: Callable[[AnyEntry], Place]
    name: Callable[[str], str]
    answers: Mapping[str, Answer]
    notes: Mapping[str, tuple[Note, ...]]
    maps: bool
    now: datetime

    def arrange(self, entries: Iterable[AnyEntry]) -> Arrangement:
        kinds: dict[type, list[AnyEntry]] = {kind: [] for kind in AnyEntry.__args__}
        for e in entries:
            kinds[type(e)].append(e)
        goals: dict[tuple[str, str], list[Goal]] = {}
        for e in kinds.pop(Goal):
            assert isinstance(e, Goal)
            goals.setdefault((e.source, e.plan), []).append(e)
        parents = {(e.source, e.key) for e in kinds[Plan] + kinds[Intervention]}
        loose = [g for where, gs in goals.items() if where not in parents for g in gs]
        shown = {
            kind: [self.shown(e, goals.get((e.source, e.key), ())) for e in found]
            for kind, found in kinds.items()
        }
        help_ = shown[Intervention] + shown[Assessment]
        meetings = sorted(shown[Meeting], key=starts)
        ahead: list[Shown] = []
        past: list[Shown] = []
        for meeting in meetings:
            (ahead if self.ahead(meeting) else past).append(meeting)
        return Arrangement(
            contacts=tuple(sorted(shown[Contact], key=_contact_order)),
            meetings=tuple(ahead),
            past_meetings=tuple(reversed(past)),
            interventions=tuple(sorted(help_, key=_help_order)),
            plans=tuple(sorted(shown[Plan], key=_help_order)),
            loose_goals=tuple(self.shown(g, ()) for g in loose),
            measurements=tuple(sorted(shown[Measurement], key=_measurement_order)),
        )

    def ahead(self, meeting: Shown) -> bool:
        """Whether a meeting is still to come or going on; a whole day counts to its end."""
        entry = meeting.entry
        assert isinstance(entry, Meeting)
        length = timedelta(days=1) if entry.all_day else timedelta(hours=1)
        return (entry.end or entry.start + length) > self.now

    def shown(self, entry: AnyEntry, goals: Sequence[Goal]) -> Shown:
        answer = self.answers.get(entry.source)
        ref = self.ref(entry.source, entry.key)
        owner = self.place(entry)
        owners: tuple[str, ...] = (owner.name,)
        if entry.also:
            also = (self.name(owner) for _, owner in entry.also)
            owners = tuple(dict.fromkeys((owner.name, *also)))
        place = _place_of(entry)
        return Shown(
            ref=ref,
            entry=entry,
            owner=owner,
            owners=owners,
            fetched=answer.fetched if answer else None,
            stale=answer is not None and answer.state is State.STALE,
            goals=tuple([self.shown(g, ()) for g in goals]) if goals else (),
            notes=self.notes.get(ref, ()),
            place_hidden=isinstance(entry, Meeting) and not place,
            on_map=self.maps and bool(place),
        )


def _place_of(entry: AnyEntry) -> str:
    if isinstance(entry, Meeting):
        return entry.place
    return entry.address if isinstance(entry, Contact) else ""


def starts(meeting: Shown) -> datetime:
    """When a shown meeting begins."""
    assert isinstance(meeting.entry, Meeting)
    return meeting.entry.start


def _contact_order(shown: Shown) -> tuple[object, ...]:
    entry = shown.entry
    assert isinstance(entry, Contact)
    return (
        not entry.coordinator,
        SECTORS.index(shown.owner.sector),
        not entry.responsible_for,
        entry.name.casefold(),
    )


def _help_order(shown: Shown) -> tuple[object, ...]:
    entry = shown.entry
    assert isinstance(entry, Intervention | Assessment | Plan)
    began = -entry.start.toordinal() if entry.start else 0
    return (entry.status not in RUNNING, SECTORS.index(shown.owner.sector), began, entry.title)


def _measurement_order(shown: Shown) -> tuple[object, ...]:
    entry = shown.entry
    assert isinstance(entry, Measurement)
    return (entry.scale, entry.day, entry.key)


def line(answer: Answer, name: str, sector: Sector, anything_shown: bool) -> Line:
    """A source's status line. Nothing left after the rules reads exactly like nothing there.

    Half an answer never reads as "nothing", whether or not the rules left something of it.
    """
    state = answer.state
    if state in (State.SHOWN, State.EMPTY):
        state = State.SHOWN if anything_shown or answer.partial else State.EMPTY
    return Line(
        source=answer.source,
        name=name,
        sector=sector,
        state=state,
        fetched=answer.fetched,
        partial=answer.partial,
    )
