"""Actors and institutions as one viewer may know them: named, or by their sector where a name could locate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from portal.access import exists_for
from portal.handout import Place
from portal.records import AnyEntry, Contact, Meeting, Sector
from portal.redaction import Shield, cut, holds_protected, locates, telling, with_known_places
from portal.settings import Settings
from portal.spelling import normal
from portal.standing import Standing, Standings


class Places:
    """What each place is called in front of whom."""

    def __init__(
        self, settings: Settings, standings: Standings, neutral: Mapping[Sector, str]
    ) -> None:
        self._actors, self._municipality = settings.actors, settings.municipality
        self._standings, self._neutral = standings, neutral

    def shown(self, standing: Standing, actor: str, by: str = "") -> Place:
        """An actor as this viewer may see it; `by` is an unconfigured organisation's own name."""
        found = self._actors[actor]
        name = self._standings.name(standing, actor, self._neutral)
        if name != found.name or by:
            named = cut(by, standing.guard) if by else name
            shown = self._standings.shown_id(standing, actor)
            return Place(id=shown, name=named, sector=found.sector)
        kept = {f: getattr(found, f) for f in ("id", "name", "sector", "phone", "hours", "url")}
        return Place(**kept)

    def name(self, standing: Standing, actor: str) -> str:
        """As `shown`; empty for one that is no longer configured."""
        return self.shown(standing, actor).name if actor in self._actors else ""

    def source_name(self, standing: Standing, actor: str, name: str) -> str:
        """What a system of this actor is called: its own name may tell where somebody lives."""
        if standing.guard.places and locates(self._actors[actor]):
            return self._neutral[self._actors[actor].sector]
        return name

    def unplaced(self, citizen: str, actor: str) -> Place:
        """An actor when the register is down: the most protective answer."""
        found = self._actors.get(actor)
        if found is None:
            return Place(id=actor, name=self._neutral[Sector.OTHER], sector=Sector.OTHER)
        if not locates(found):
            return Place(id=actor, name=found.name, sector=found.sector)
        id = self._standings.alias(citizen, actor) if telling(actor, found.name) else actor
        return Place(id=id, name=self._neutral[found.sector], sector=found.sector)

    def locates(self, entry: AnyEntry) -> bool:
        """Whether who delivers an entry tells where the citizen lives."""
        return bool(entry.by) or locates(self._actors[entry.owner])

    def guarding(self, guard: Shield, entries: Iterable[AnyEntry]) -> Shield:
        """The guard, knowing every place that these entries or the configuration mention."""
        return with_known_places(guard, self._mentioned(entries))

    def reveals(self, guard: Shield, entries: Iterable[AnyEntry], text: str) -> bool:
        """Whether a text holds a place that must be kept from the reader behind this guard."""
        return holds_protected(text, self.guarding(guard, entries))

    def _mentioned(self, entries: Iterable[AnyEntry]) -> Iterable[str]:
        actors = self._actors
        offices = {normal(a.name.split(",")[0]) for a in actors.values() if not locates(a)}
        for e in entries:
            yield e.by
            if locates(actors[e.owner]):
                yield getattr(e, "phone", "")
            if isinstance(e, Meeting):
                yield from (p for p in e.place.split(",") if normal(p) not in offices)
            elif isinstance(e, Contact):
                yield from e.address.split(",")
        for actor in actors.values():
            if locates(actor) or not exists_for(actor, self._municipality, True):
                yield actor.name
                yield actor.phone
