"""Who may see which canary: the product's rules said once more, short and on their own.

Nothing of the portal is imported. If this and the portal disagree, one of
them is wrong; the tests only say that they do.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from tests.canary_world import MUNICIPALITY, Entry, Person, Place, World

CATEGORY = {
    "contact": {"contacts"},
    "meeting": {"meetings"},
    "intervention": {"interventions"},
    "activity": {"interventions"},
    "assessment": {"interventions"},
    "plan": {"plans"},
    "goal": {"interventions", "plans"},
    "measurement": {"wellbeing"},
}
PLACE_FIELDS = {"by", "place", "address"}
"""Never told to somebody from whom the family's whereabouts are hidden."""
WAYS_IN = {"phone", "email", "url", "hours"}
"""Nor these, when the place itself says where the family lives."""
HELPS = {"contact", "meeting", "intervention", "activity", "assessment", "plan"}
"""What makes a place one that helps."""
SECTORS = ("social", "school", "health", "employment", "other")
OWNERLESS = {"master_data", "comments"}
"""What no place owns."""
NEVER = {"document", "application", "refused", "collection"}


@dataclass(frozen=True)
class Persona:
    """Somebody who looks: a person of the register, or an employee with a purpose."""

    key: str
    unit: str = ""
    purpose: str = ""


@dataclass(frozen=True)
class Word:
    """One answer about a consent: yes with its content, or a no (`yes` False)."""

    citizen: str
    actor: str
    by: str
    yes: bool = True
    categories: frozenset[str] = frozenset()
    owners: frozenset[str] = frozenset()
    excluded: frozenset[str] = frozenset()
    purpose: str = "moede"
    until: date = date.max
    age: int = 0
    """The citizen's age when it was said; 0: the age she has today."""


@dataclass(frozen=True)
class Note:
    """A comment: who wrote it, and whom it was sent to. `gone`: corrected or taken back since."""

    canary: str
    citizen: str
    author: str
    persons: frozenset[str] = frozenset()
    actors: frozenset[str] = frozenset()
    gone: bool = False


class Oracle:
    """Answers for one world and what was said in it."""

    def __init__(
        self,
        world: World,
        words: tuple[Word, ...] = (),
        notes: tuple[Note, ...] = (),
        looked_up: frozenset[str] | None = None,
    ) -> None:
        self.world, self.words, self.notes = world, words, notes
        self.looked_up = frozenset(world.people) if looked_up is None else looked_up

    # --- people ---

    def age(self, person: Person) -> int | None:
        """Whole years today; None when the register does not say."""
        born, today = person.born, self.world.today
        if born is None or born > today:
            return None
        before = (today.month, today.day) < (born.month, born.day)
        return today.year - born.year - before

    def guardians(self, child: str) -> set[str]:
        """Custody holders who are not shut out; nobody when three contradict each other."""
        held = self.world.custody.get(child, ())
        if len(held) > 2:
            return set()
        return {a for a in held if (a, child) not in self.world.closed}

    def relation(self, viewer: str, citizen: str) -> str:
        """ "self", "guardian" or "": then the citizen does not exist for her."""
        who = self.world.people[citizen]
        age = self.age(who)
        if age is None or who.deceased:
            return ""
        if viewer == citizen:
            return "self" if age >= 13 else ""
        return "guardian" if viewer in self.guardians(citizen) and age < 18 else ""

    def hides_places(self, viewer: str, citizen: str) -> bool:
        """Whether the family's whereabouts are kept from this viewer."""
        people = self.world.people
        home = people[viewer].home
        if viewer == citizen or people[citizen].home == home:
            return False
        family = {citizen, *self.world.custody.get(citizen, ())} - {viewer}
        return any(people[p].protected and people[p].home != home for p in family)

    # --- the family ---

    def family_sees(self, viewer: str, e: Entry) -> bool:
        """Whether an entry exists for a member of the family."""
        how = self.relation(viewer, e.citizen)
        age = self.age(self.world.people[e.citizen]) or 0
        system = self.world.systems[e.source]
        if not how or not system.ages[0] <= age <= system.ages[1]:
            return False
        places = [self.world.places[system.actor], self.world.places[e.owner]]
        away = any(p.municipality not in (None, MUNICIPALITY) for p in places)
        if away and self.hides_places(viewer, e.citizen):
            return False
        if "concern" in e.kinds or e.audience & {"V", "staff-only"}:
            return False
        if "R" in e.audience and not (how == "self" and age >= 15):
            return False
        if how == "self":
            return not ("not-for-child" in e.audience and age < 15)
        if "not-for-guardians" in e.audience:
            return False
        return not (age >= 15 and any(p.sector == "health" for p in places))

    def told(self, viewer: str, e: Entry, field: str) -> bool:
        """Whether a field of a visible entry says nothing about a hidden place."""
        if not self.hides_places(viewer, e.citizen):
            return True
        if field in PLACE_FIELDS or (field == "url" and e.record == "meeting"):
            return False
        place = self.world.places[e.owner]
        office = place.sector in ("social", "employment") and place.municipality is not None
        return field not in WAYS_IN or (office and not e.unconfigured)

    # --- consent ---

    def opens(self, actor: str, purpose: str, e: Entry, extra: tuple[Word, ...] = ()) -> bool:
        """Whether consents that hold now open this entry to this actor."""
        deciders = self.deciders(e.citizen, self.world.places[e.owner].sector)
        yes = self._standing(e.citizen, actor)
        said = [yes.get(d) for d in deciders]
        return bool(said) and all(w is not None and self._covers(w, purpose, e) for w in said)

    def opens_ownerless(self, actor: str, purpose: str, citizen: str, category: str) -> bool:
        """Master data and comments, which no place owns."""
        yes = self._standing(citizen, actor)
        said = [yes.get(d) for d in self.deciders(citizen, "other")]
        return bool(said) and all(
            w is not None
            and category in w.categories
            and w.purpose == purpose
            and self._lasts(w, "other")
            for w in said
        )

    def deciders(self, citizen: str, sector: str) -> set[str]:
        """Everybody who must say yes."""
        who = self.world.people[citizen]
        age, guardians = self.age(who), self.guardians(citizen)
        if age is None or who.deceased:
            return set()
        if age < 15:
            return guardians
        if age >= 18 or sector == "health":
            return {citizen}
        return guardians | {citizen} if guardians else set()

    def _standing(self, citizen: str, actor: str) -> dict[str, Word]:
        """Each person's last word, if it was a yes that has not run out."""
        last = {w.by: w for w in self.words if (w.citizen, w.actor) == (citizen, actor)}
        return {by: w for by, w in last.items() if w.yes and w.until >= self.world.today}

    def _covers(self, w: Word, purpose: str, e: Entry) -> bool:
        sector = self.world.places[e.owner].sector
        names = {k.partition(":")[2] for k in e.kinds if k.startswith("excluded:")}
        return (
            w.purpose == purpose
            and bool(CATEGORY[e.record] & w.categories)
            and e.owner in w.owners
            and names <= w.excluded
            and e.source in self.delivered(w)
            and self._lasts(w, sector)
        )

    def _lasts(self, w: Word, sector: str) -> bool:
        """At 18 only what the young person said alone goes on."""
        age = self.age(self.world.people[w.citizen]) or 0
        then = w.age or age
        return age < 18 or then >= 18 or (then >= 15 and sector == "health")

    def delivered(self, w: Word) -> set[str]:
        """The systems that delivered for these owners when she said yes, as she could see it."""
        found = {s.id for s in self.world.systems.values() if s.actor in w.owners}
        return found | {
            e.source
            for e in self.world.entries
            if e.citizen == w.citizen and e.owner in w.owners and self.family_sees(w.by, e)
        }

    # --- staff ---

    def related(self, unit: str, citizen: str) -> bool:
        """Whether the unit owns something running about the citizen, by its own systems.

        A look-up never crosses a municipality.
        """
        who = self.world.people[citizen]
        if self._away(unit) or self.age(who) is None or who.deceased:
            return False
        return any(
            e.citizen == citizen
            and e.owner == unit
            and self._asked(unit, e)
            and e.running
            and "concern" not in e.kinds
            and e.record not in ("goal", "measurement")
            for e in self.world.entries
        )

    def _away(self, unit: str) -> bool:
        return self.world.places[unit].municipality not in (None, MUNICIPALITY)

    def _asked(self, unit: str, e: Entry) -> bool:
        system = self.world.systems[e.source]
        age = self.age(self.world.people[e.citizen]) or 0
        return system.actor == unit and system.ages[0] <= age <= system.ages[1]

    def staff_sees(self, unit: str, purpose: str, e: Entry) -> bool:
        """Own entries, and what consent opens of others'."""
        system = self.world.systems[e.source]
        age = self.age(self.world.people[e.citizen]) or 0
        if "concern" in e.kinds or not system.ages[0] <= age <= system.ages[1]:
            return False
        if e.owner == unit:
            return self._reached(unit, purpose, e) and self._door(unit, e.citizen)
        if e.audience & {"R", "V"} or e.kinds & NEVER:
            return False
        if not e.running and e.record != "meeting":
            return False
        return self.opens(unit, purpose, e)

    def _door(self, unit: str, citizen: str) -> bool:
        found = citizen in self.looked_up and self.related(unit, citizen)
        return found or self._consented(unit, citizen)

    def _consented(self, unit: str, citizen: str) -> bool:
        """Whether any consent at all holds: then the citizen exists for the unit."""
        owners = [p.id for p in self.world.places.values()]
        words = [w for w in self.words if (w.citizen, w.actor) == (citizen, unit) and w.yes]
        return any(
            self._pair_opens(unit, w.purpose, citizen, c, o)
            for w in words
            for o in owners
            for c in w.categories
        )

    def _pair_opens(self, unit: str, purpose: str, citizen: str, category: str, owner: str) -> bool:
        if category in OWNERLESS:
            return self.opens_ownerless(unit, purpose, citizen, category)
        sector = self.world.places[owner].sector
        yes = self._standing(citizen, unit)
        said = [yes.get(d) for d in self.deciders(citizen, sector)]
        return bool(said) and all(
            w is not None
            and w.purpose == purpose
            and category in w.categories
            and owner in w.owners
            and self._lasts(w, sector)
            for w in said
        )

    def _reached(self, unit: str, purpose: str, e: Entry) -> bool:
        """Its own system is always asked; somebody else's only when a consent opens that system."""
        if self.world.systems[e.source].actor == unit:
            return True
        for sector in {p.sector for p in self.world.places.values()}:
            yes = self._standing(e.citizen, unit)
            said = [yes.get(d) for d in self.deciders(e.citizen, sector)]
            if not said or any(w is None or w.purpose != purpose for w in said):
                continue
            shared = set.intersection(
                *({(c, o) for c in w.categories for o in w.owners} for w in said if w)
            )
            fits = any(self.world.places[o].sector == sector for _, o in shared)
            if fits and all(e.source in self.delivered(w) for w in said if w):
                return True
        return False

    def answer(self, person: str, citizen: str, actor: str) -> str:
        """What her own row says of an actor; another's answer shows only in what opens."""
        asked = {p for s in SECTORS for p in self.deciders(citizen, s)}
        if person == citizen and person not in asked and self._consented(actor, citizen):
            return "active"  # too young to answer, she sees what holds
        said = [w for w in self.words if (w.citizen, w.actor, w.by) == (citizen, actor, person)]
        if not said or not said[-1].yes:
            return "withdrawn" if any(w.yes for w in said) else "none"
        w, places = said[-1], self.world.places
        pairs = [
            (c, o)
            for c in w.categories
            for o in (("",) if c in OWNERLESS else w.owners)
            if person in self.deciders(citizen, sector := places[o].sector if o else "other")
            and self._lasts(w, sector)
        ]
        if w.until < self.world.today or not pairs:
            return "expired"
        opens = any(self._pair_opens(actor, w.purpose, citizen, c, o) for c, o in pairs)
        return "active" if opens else "pending"

    def previewed(self, w: Word, e: Entry, field: str) -> bool:
        """What a preview shows: what the actor would see if all said this, and she sees herself."""
        if not (self.family_sees(w.by, e) and self.told(w.by, e, field)):
            return False
        if e.owner == w.actor:
            return True
        shut = bool(e.audience & {"R", "V"} or e.kinds & NEVER)
        goes_on = e.running or e.record == "meeting"
        return not shut and goes_on and self._covers(w, w.purpose, e)

    # --- what a persona sees ---

    def sees(self, persona: Persona, e: Entry, field: str) -> bool:
        """Whether a canary of this entry and field may and must reach this persona.

        Who manages a FHIR episode is a contact too, responsible for what the episode is.
        """
        return any(self._sees(persona, one, field) for one in self.also(e, field))

    @staticmethod
    def also(e: Entry, field: str) -> tuple[Entry, ...]:
        """The entry, and what else the same text of it is."""
        if e.record == "assessment" and e.source.endswith("-fhir") and e.running:
            return (e, replace(e, record="contact"))
        if e.record == "activity" and field == "by":  # its care plan is a plan of the same place
            return (e, replace(e, record="plan"))
        return (e,)

    def _sees(self, persona: Persona, e: Entry, field: str) -> bool:
        if persona.unit:
            return self.staff_sees(persona.unit, persona.purpose, e)
        return self.family_sees(persona.key, e) and self.told(persona.key, e, field)

    def sees_address(self, persona: Persona, citizen: str) -> bool:
        """Whether the citizen's own address stands on her overview for this persona."""
        if persona.unit:
            return self.opens_ownerless(persona.unit, persona.purpose, citizen, "master_data")
        who = self.relation(persona.key, citizen)
        return bool(who) and not self.hides_places(persona.key, citizen)

    def sees_link(self, persona: Persona, place: Place) -> bool:
        """Whether a place's own link stands somewhere: on the page of places that help."""
        return any(
            e.owner == place.id
            and e.record in HELPS
            and not e.unconfigured
            and (bool(persona.unit) or self.told(persona.key, e, "url"))
            and self._sees(persona, e, "title")
            for e in self.world.entries
        )

    def sees_name(self, persona: Persona, person: str) -> bool:
        """Whether somebody's whole name stands anywhere for this persona.

        An employee's list of those who consented never crosses a municipality.
        """
        if not persona.unit:
            family = [c for c in self.world.people if self.relation(persona.key, c)]
            return person == persona.key or any(
                person in (c, *self.world.custody.get(c, ())) for c in family
            )
        about = [c for c in self.world.people if person in (c, *self.world.custody.get(c, ()))]
        told = any(
            self.opens_ownerless(persona.unit, persona.purpose, c, "master_data") for c in about
        )
        return told or (not self._away(persona.unit) and self._consented(persona.unit, person))

    def reads_line(self, reader: str, citizen: str, person: str = "", unit: str = "") -> bool:
        """Whether a look by this person or unit stands in the reader's own log."""
        how, age = self.relation(reader, citizen), self.age(self.world.people[citizen]) or 0
        if not how or person:
            adult = person and (self.age(self.world.people[person]) or 18) >= 18
            return bool(how) and (person == reader or (how == "self" and age >= 15 and bool(adult)))
        if self._away(unit) and self.hides_places(reader, citizen):
            return False
        return not (self.world.places[unit].sector == "health" and how == "guardian" and age >= 15)

    def sees_note(self, persona: Persona, note: Note) -> bool:
        """Whether the text of a comment reaches this persona."""
        if note.gone:
            return False
        if persona.unit:
            holds = self.opens_ownerless(persona.unit, persona.purpose, note.citizen, "comments")
            return holds and persona.unit in note.actors
        named = persona.key == note.author or persona.key in note.persons
        return named and bool(self.relation(persona.key, note.citizen))
