"""Puts names where a source gave only a unit's UUID, and takes the UUIDs out that stay unknown."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import msgspec

from portal.records import AnyEntry, Contact, Hole, Meeting
from portal.settings import SourceConfig
from portal.sources import Delivery, Source
from portal.sources.http import Http
from portal.sources.marks import UNIT
from portal.sources.organisation import Directory, Unit

MARGIN = 0.1
"""Seconds kept free of a source's own limit: a late name must not lose the whole answer."""
FIELDS = ("by", "name", "responsible")


class Named:
    """A source whose units the directory names."""

    def __init__(self, inner: Source, directory: Directory | None) -> None:
        self._inner, self._directory = inner, directory
        self.config: SourceConfig = inner.config

    async def fetch(self, value: str, http: Http) -> Delivery:
        """Raises SourceFailure."""
        clock = asyncio.get_running_loop().time
        until = clock() + self.config.timeout - MARGIN
        delivery = await self._inner.fetch(value, http)
        wanted = {u for e in delivery.entries for u in _units(e)}
        if not wanted:
            return delivery
        units: dict[str, Unit] = {}
        if self._directory:
            units = await self._directory.units(wanted, until - clock())
        named = [(old, _named(old, units)) for old in delivery.entries]
        lost = [Hole.instead_of(old) for old, now in named if now is None]
        return Delivery.of(
            (*(now for _, now in named if now), *delivery.holes, *lost),
            partial=delivery.partial,
            strangers=delivery.strangers,
        )


def _units(entry: AnyEntry) -> Iterator[str]:
    for field in FIELDS:
        if _is_unit(said := getattr(entry, field, "")):
            yield said
    if isinstance(entry, Meeting):
        yield from filter(_is_unit, entry.people)


def _is_unit(said: str) -> bool:
    return said.startswith("https://kombit.dk/") and UNIT.fullmatch(said) is not None


def _named(entry: AnyEntry, units: dict[str, Unit]) -> AnyEntry | None:
    """None for a contact that nobody can name."""
    told = {u: units.get(u, Unit()) for u in _units(entry)}
    if not told:
        return entry
    changes: dict[str, object] = {
        f: told[getattr(entry, f)].name for f in FIELDS if getattr(entry, f, "") in told
    }
    if isinstance(entry, Contact) and (unit := told.get(entry.name)):
        if not unit.name:
            return None
        changes["phone"] = entry.phone or unit.phone
    if isinstance(entry, Meeting):
        names = (told[p].name if p in told else p for p in entry.people)
        changes["people"] = tuple(n for n in names if n)
    return msgspec.structs.replace(entry, **changes)
