"""Where a viewer stands with a citizen right now: relation, consents, protection.

Asked for twice around every gathering: once to know whom to ask, and once more
when the answers are there, so that nothing outlives a withdrawal.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from portal import access, access_staff
from portal.access import Viewer
from portal.access_staff import Scope
from portal.consent_state import sector_of
from portal.consents import Consents
from portal.family import Family, Household, Known, UnknownPerson
from portal.handout import Relation
from portal.held import Held
from portal.records import AnyEntry, Hole, Person, Sector
from portal.redaction import NO_SHIELD, Shield, locates, place_name, shield, telling
from portal.settings import Settings, SourceConfig

MOST_OPENED = 100_000


class NotFound(Exception):
    """Not yours, or no such thing: the two look the same."""


class PurposeMissing(Exception):
    """An employee must say why before anything is opened."""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the rules need about one viewer and one citizen at one moment."""

    viewer: Viewer
    relation: Relation
    home: Household
    guard: Shield = NO_SHIELD
    scopes: tuple[Scope, ...] = ()
    purpose: str = ""
    preview_for: str = ""
    before_consent: bool = False
    """An employee to whom a written legal basis opens a little before any consent."""

    @property
    def age(self) -> int:
        return self.home.facts.age or 0

    @property
    def protected_family(self) -> bool:
        return any(p.person.protected for p in (self.home.citizen, *(self.home.custodians or ())))


class Standings:
    """Works out standings from family, consents and settings."""

    def __init__(self, settings: Settings, family: Family, consents: Consents) -> None:
        self._settings, self._family, self._consents = settings, family, consents
        self._actors = settings.actors
        self._opened: set[tuple[str, str]] = set()
        self._sources = {s.id: s for s in settings.source}
        self._sectors = {a.id: a.sector for a in settings.actor}

    def of(
        self,
        viewer: Viewer,
        citizen: str,
        purpose: str = "",
        fresh: bool = False,
        held: Held | None = None,
    ) -> Standing:
        """Raises NotFound, PurposeMissing, family.RegisterDown. `held`: see Family.household."""
        fresh = fresh or self._first_opening(viewer, citizen)
        if not self._conceivable(viewer, citizen, fresh):
            raise NotFound
        try:
            home = self._family.household(citizen, fresh, held)
        except UnknownPerson:
            raise NotFound from None
        if viewer.staff:
            return self._staff(viewer, home, purpose)
        how = access.relation(viewer, home.facts)
        if how is None or viewer.person is None:
            raise NotFound
        guard = self.guard(viewer.person, home)
        return Standing(viewer=viewer, relation=how, home=home, guard=guard)

    def _first_opening(self, viewer: Viewer, citizen: str) -> bool:
        """Whether this session opens this citizen for the first time: then custody is read anew."""
        opening = (viewer.session, citizen)
        if not viewer.session or opening in self._opened:
            return False
        if len(self._opened) > MOST_OPENED:
            self._opened.clear()
        self._opened.add(opening)
        return True

    def _conceivable(self, viewer: Viewer, citizen: str, fresh: bool) -> bool:
        """Asked before anything is looked up about the citizen, so that somebody else's child
        and one that does not exist cost the same time."""
        if viewer.person:
            if citizen == viewer.person:
                return True
            return any(c.id == citizen for c in self._family.children(viewer.person, fresh))
        return citizen in viewer.related or self._consents.ever(citizen, viewer.actors)

    def preview(self, standing: Standing, actor: str, scopes: tuple[Scope, ...]) -> Standing:
        """What the actor would see with these scopes, cut to what the viewer herself may see."""
        purpose = scopes[0].purpose if scopes else ""
        return msgspec.structs.replace(standing, preview_for=actor, scopes=scopes, purpose=purpose)

    def _staff(self, viewer: Viewer, home: Household, purpose: str) -> Standing:
        if home.facts.deceased or home.facts.age is None:
            raise NotFound
        scopes = self._consents.of(home.citizen.id, home.facts, viewer.actors, home.held)
        if not scopes and home.citizen.id not in viewer.related:
            raise NotFound
        if purpose not in {p.id for p in self._settings.purpose}:
            raise PurposeMissing
        basis = self._settings.before_consent
        return Standing(
            viewer=viewer,
            relation=Relation.STAFF,
            home=home,
            scopes=scopes,
            purpose=purpose,
            before_consent=bool(basis and viewer.role and viewer.role == basis.role),
        )

    def guard(self, reader: str, home: Household) -> Shield:
        """What must be kept from one private reader about this citizen's family."""
        own = reader == home.citizen.id
        me = home.citizen if own else self._family.known(reader)
        others = [c.person for c in home.custodians or () if c.id != reader]
        near = [c.person for c in self._children(home, reader)]
        return shield(me.person, home.citizen.person, others, near, is_self=own)

    def addresses(self, home: Household) -> Shield:
        """The protected addresses of this family, as kept from whoever lives nowhere near."""
        nobody = Person(name="", born=None)
        people = [c.person for c in home.custodians or ()]
        near = [c.person for c in self._children(home, home.citizen.id)]
        found = shield(nobody, home.citizen.person, people, near)
        streets = tuple(w for w in found.words if w not in found.towns)
        return Shield(words=streets)  # a town or its number alone is no address

    def _children(self, home: Household, reader: str) -> Iterable[Known]:
        """The reader's own children, or a child's brothers and sisters: where one of them lives may
        be told by what is said about another."""
        child = reader == home.citizen.id and home.custodians
        parents = [c.id for c in home.custodians or ()] if child else [reader]
        found = {c.id: c for p in parents for c in self._family.children(p)}
        return (c for id, c in found.items() if id not in (home.citizen.id, reader))

    # --- whose look it is ---

    def family(self, home: Household) -> Iterator[Standing]:
        """Where the citizen and each custody holder stand, also one whose door is shut today: she
        may read the log on a day when it is not."""
        custodians = home.facts.custodians or frozenset()
        for person in sorted({home.citizen.id, *custodians}):
            how = Relation.SELF if person == home.citizen.id else Relation.GUARDIAN
            try:
                guard = self.guard(person, home)
            except UnknownPerson:  # a custody holder without a record of her own
                continue
            yield Standing(viewer=Viewer(person=person), relation=how, home=home, guard=guard)

    def footing(self, standing: Standing) -> frozenset[Sector]:
        """The sectors of the data that let an employee in: her own places' and what consents open."""
        if standing.relation is not Relation.STAFF:
            return frozenset()
        opened = self.opened(s for s in standing.scopes if s.purpose == standing.purpose)
        related = standing.home.citizen.id in standing.viewer.related
        own = standing.viewer.actors if related else ()
        return opened | {self._sectors.get(a, Sector.HEALTH) for a in own}

    def opened(self, scopes: Iterable[Scope]) -> frozenset[Sector]:
        """The sectors of the data that these consents open."""
        return frozenset(sector_of(pair, self._sectors) for s in scopes for pair in s.pairs)

    # --- whom to ask, and what may be shown ---

    def sources(self, standing: Standing) -> tuple[SourceConfig, ...]:
        """The connected and unconnected sources that exist for this viewer and citizen."""
        age = standing.age
        return tuple(
            s
            for s in self._settings.source
            if s.ages[0] <= age <= s.ages[1] and self._exists(s, standing)
        )

    @staticmethod
    def _opened_by(standing: Standing) -> set[str]:
        scopes = (s for s in standing.scopes if s.purpose == standing.purpose)
        return {source for scope in scopes for source in scope.sources}

    def previewed(self, standing: Standing, source: SourceConfig) -> bool:
        """Whether a preview speaks of this system: one the place would ask. True of any other page."""
        if not standing.preview_for:
            return True
        return source.actor == standing.preview_for or source.id in self._opened_by(standing)

    def _exists(self, source: SourceConfig, standing: Standing) -> bool:
        actor = self._actors[source.actor]
        if standing.relation is Relation.STAFF:
            if source.actor in standing.viewer.actors or source.id in self._opened_by(standing):
                return True
            same = actor.municipality == self._settings.municipality
            return standing.before_consent and same and actor.sector is not Sector.HEALTH
        if not access.exists_for(actor, self._settings.municipality, standing.guard.places):
            return False
        return access.family_may_ask(actor.sector, standing.relation, standing.age)

    def seen(self, standing: Standing, entry: AnyEntry) -> AnyEntry | None:
        """The entry as this viewer may see it: whole, cut to what a legal basis opens, or None."""
        if self.shows(standing, entry):
            return entry
        owner = self._actors.get(entry.owner)
        if not standing.before_consent or owner is None:
            return None
        return access_staff.before_consent(
            entry, owner, self._settings.municipality, standing.home.facts.today
        )

    def misses(self, standing: Standing, hole: Hole) -> bool:
        """Whether this viewer is told that something is missing here: she would see it."""
        if self.shows(standing, hole):
            return True
        owner = self._actors.get(hole.owner)
        if not standing.before_consent or owner is None:
            return False
        return access_staff.basis_opens(
            hole, owner, self._settings.municipality, standing.home.facts.today
        )

    def shows(self, standing: Standing, entry: AnyEntry | Hole) -> bool:
        """Whether this viewer may see this entry."""
        if standing.relation is Relation.STAFF:
            return self._staff_shows(standing, entry, standing.viewer.actors)
        owner = self._actors.get(entry.owner)
        source = self._sources[entry.source]
        sectors = frozenset(
            {self._actors[source.actor].sector, owner.sector if owner else Sector.HEALTH}
        )
        if owner and not access.exists_for(
            owner, self._settings.municipality, standing.guard.places
        ):
            return False
        if access.family_hides(entry, sectors, standing.relation, standing.age):
            return False
        if standing.preview_for:
            return self._staff_shows(standing, entry, frozenset({standing.preview_for}))
        return True

    @staticmethod
    def _staff_shows(standing: Standing, entry: AnyEntry | Hole, actors: frozenset[str]) -> bool:
        today = standing.home.facts.today
        hidden = access_staff.staff_hides(entry, actors, standing.scopes, standing.purpose, today)
        return hidden is None

    def of_this_municipality(self, actors: frozenset[str]) -> frozenset[str]:
        """Those of the actors that may look somebody up: a look-up never crosses a municipality."""
        found = (self._actors[a] for a in actors if a in self._actors)
        return frozenset(
            a.id for a in found if a.municipality in (None, self._settings.municipality)
        )

    # --- ids, which also may tell ---

    def shown_id(self, standing: Standing, actor: str) -> str:
        """The id of an actor as this viewer meets it: opaque where its own would name a place."""
        found = self._actors.get(actor)
        if found and standing.guard.places and locates(found) and telling(actor, found.name):
            return self.alias(standing.home.citizen.id, actor)
        return actor

    def shown_source(self, standing: Standing, source: str, actor: str) -> str:
        """The same for a source's id."""
        found = self._actors[actor]
        if standing.guard.places and locates(found) and telling(source, found.name):
            return self.alias(standing.home.citizen.id, source)
        return source

    def meant(self, standing: Standing, shown: str) -> str:
        """The actor behind an id that a viewer sent; empty when it is none she can have met."""
        return next((a for a in self._actors if self.shown_id(standing, a) == shown), "")

    def alias(self, citizen: str, name: str) -> str:
        """An opaque id, the same for this citizen every time."""
        return "sted-" + self._family.key(citizen).ref("id", name)[:12]

    def name(self, standing: Standing, actor: str, neutral: Mapping[Sector, str]) -> str:
        """How an actor is called in front of this viewer."""
        return place_name(self._actors[actor], standing.guard, neutral)
