"""The places of a family's consents: what they are called, and which is meant by an id.

A place gone from the configuration keeps its consents visible. Nothing says any more whether
its id tells where somebody lives, so whoever must not know that meets an opaque one.
"""

from __future__ import annotations

from portal.access import exists_for
from portal.consents import Consents
from portal.handout import Place
from portal.overview import Overviews
from portal.records import Sector
from portal.settings import Settings
from portal.speech import gettext as _
from portal.standing import NotFound, Standing, Standings


class ConsentPlaces:
    """The places one can name, and those one has named."""

    def __init__(
        self, settings: Settings, overviews: Overviews, consents: Consents, standings: Standings
    ) -> None:
        self._settings, self._overviews = settings, overviews
        self._consents, self._standings = consents, standings
        self._actors = settings.actors

    def shown(self, standing: Standing, actor: str) -> Place:
        """The actor for this viewer, gone or not."""
        if actor in self._actors:
            return self._overviews.place(standing, actor)
        if standing.guard.places:
            return self.unplaced(standing.home.citizen.id, actor)
        return _gone(actor)

    def unplaced(self, citizen: str, actor: str) -> Place:
        """The actor when nothing is known about the viewer: what no name or id can locate."""
        if actor in self._actors:
            return self._overviews.unplaced(citizen, actor)
        return _gone(self._standings.alias(citizen, actor))

    def nameable(self, standing: Standing, actor: str) -> bool:
        """Whether the viewer may name this actor; one with an own answer stays visible."""
        found = self._actors.get(actor)
        if found is None:
            return False
        return exists_for(found, self._settings.municipality, standing.guard.places)

    def named(self, standing: Standing, shown: str) -> str:
        """The actor a viewer named by the id she met. Raises NotFound."""
        actor = self._overviews.meant(standing, shown)
        if not self.nameable(standing, actor):
            raise NotFound
        return actor

    def gone(self, standing: Standing, shown: str) -> str:
        """The actor gone from the configuration about which the viewer has a row, by the id she met."""
        rows = self._consents.rows(standing.home, standing.viewer.person or "")
        absent = rows.keys() - self._actors.keys()
        return next((a for a in absent if self.shown(standing, a).id == shown), "")

    def answered(self, citizen: str, person: str, shown: str) -> str:
        """The actor the person has answered about, by the id she met; needs no register."""
        mine = {e.actor for e in self._consents.events(citizen) if e.by == person}
        met = {self.unplaced(citizen, a).id: a for a in mine}
        return met.get(shown, "") or (shown if shown in mine else "")


def _gone(id: str) -> Place:
    name = _("Et sted, der ikke er koblet på mere")
    return Place(id=id, name=name, sector=Sector.OTHER, gone=True)
