"""Who may see, decide and do what: small pure rules, one readable table per question.

Every row carries its source in law or in the product's own rules; the
page docs/access.md is made from these tables. Unknown facts (birth date,
custody) always count as the most protective answer. Nothing here reads a
clock, a database or a request: what is needed is passed in.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from portal.handout import Relation
from portal.records import (
    Actor,
    Audience,
    Entry,
    Sector,
)

COPENHAGEN = ZoneInfo("Europe/Copenhagen")
OWN_LOGIN, PARTY, DECIDES_ON_HEALTH, ADULT = 13, 10, 15, 18


class Viewer(msgspec.Struct, frozen=True, kw_only=True):
    """Who is asking. A citizen has `person`; an employee has `actors`.

    `related` are citizens with whom the employee's actor has a relation, found
    by a look-up and remembered in the session.
    """

    person: str | None = None
    subject: str = ""
    name: str = ""
    actors: frozenset[str] = frozenset()
    role: str = ""
    related: frozenset[str] = frozenset()
    session: str = ""
    seen: str = ""
    """Changes in the session whenever she has said what she has seen (seen.py)."""

    @property
    def staff(self) -> bool:
        return self.person is None


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known about one citizen at one moment.

    `custodians` are portal person ids, None when the register does not know
    or contradicts itself; `closed` are adults an authority has shut out.
    """

    citizen: str
    born: date | None
    deceased: bool = False
    custodians: frozenset[str] | None = None
    closed: frozenset[str] = frozenset()
    today: date

    @property
    def age(self) -> int | None:
        """Whole years; the birthday counts from 00:00 in Copenhagen, 29 February from 1 March."""
        if self.born is None or self.born > self.today:
            return None
        had = (self.today.month, self.today.day) >= (self.born.month, self.born.day)
        return self.today.year - self.born.year - (not had)

    @property
    def guardians(self) -> frozenset[str]:
        """Those who hold custody now and are not shut out; nobody when unknown."""
        return (self.custodians or frozenset()) - self.closed


def turning(facts: Facts, within: int) -> tuple[int, date] | None:
    """The age at which rules change (15 or 18) and its day, if that is at most so many days ahead."""
    if facts.born is None:
        return None
    for age in (DECIDES_ON_HEALTH, ADULT):
        year = facts.born.year + age
        leap_child = (facts.born.month, facts.born.day) == (2, 29)  # leap years + 15 or 18 are none
        day = date(year, 3, 1) if leap_child else facts.born.replace(year=year)
        if 0 <= (day - facts.today).days <= within:
            return age, day
    return None


def grown_today(adult: str, facts: Facts) -> bool:
    """Whether the adult's door closes today, because the citizen comes of age: she is told so."""
    coming = turning(facts, 0)
    return adult in facts.guardians and not facts.deceased and bool(coming and coming[0] == ADULT)


def today_in_copenhagen(moment: datetime) -> date:
    """The calendar day on which ages count."""
    return moment.astimezone(COPENHAGEN).date()


# --- Question 1: whose overview may a citizen open? -----------------------------------


class Door(NamedTuple):
    relation: Relation
    opens: Callable[[str, Facts, int], bool]
    because: str


DOORS = (
    Door(
        Relation.SELF,
        lambda who, f, age: who == f.citizen and age >= OWN_LOGIN,
        "One's own matters; MitID from 13 (product rule)",
    ),
    Door(
        Relation.GUARDIAN,
        lambda who, f, age: who != f.citizen and who in f.guardians and age < ADULT,
        "Custody until 18 (Forældreansvarsloven §§ 1-3)",
    ),
)


def relation(viewer: Viewer, facts: Facts) -> Relation | None:
    """Which door opens for a citizen, or None: then the overview does not exist for her."""
    if viewer.person is None or facts.deceased:
        return None
    if facts.age is None:
        return None
    for door in DOORS:
        if door.opens(viewer.person, facts, facts.age):
            return door.relation
    return None


# --- Question 2: which entries does the family see? -----------------------------------


class Seen(NamedTuple):
    """What a family rule looks at: the entry, its sectors, the viewer's relation and the age."""

    entry: Entry
    sectors: frozenset[Sector]
    relation: Relation
    age: int


class Hides(NamedTuple):
    name: str
    when: Callable[[Seen], bool]
    because: str


FAMILY_HIDES = (
    Hides(
        "concern",
        lambda s: "concern" in s.entry.kinds,
        "A report of concern and its notifier never appear (Barnets Lov §§ 132-138)",
    ),
    Hides(
        "staff only",
        lambda s: Audience.STAFF_ONLY in s.entry.audience,
        "The owner keeps it among staff",
    ),
    Hides(
        "owner only",
        lambda s: Audience.OWNER_ONLY in s.entry.audience,
        "Very restricted (HL7 v3 Confidentiality V): only the owner",
    ),
    Hides(
        "citizen from 15",
        lambda s: (
            Audience.CITIZEN_FROM_15 in s.entry.audience
            and not (s.relation is Relation.SELF and s.age >= DECIDES_ON_HEALTH)
        ),
        "Restricted (HL7 v3 Confidentiality R): the citizen from 15, and the owner",
    ),
    Hides(
        "not for guardians",
        lambda s: (
            Audience.NOT_FOR_GUARDIANS in s.entry.audience and s.relation is Relation.GUARDIAN
        ),
        "The owner keeps it from custody holders (Barnets Lov § 5(3))",
    ),
    Hides(
        "not for the child",
        lambda s: (
            Audience.NOT_FOR_CHILD in s.entry.audience
            and s.relation is Relation.SELF
            and s.age < DECIDES_ON_HEALTH
        ),
        "The owner keeps it from a child under 15",
    ),
    Hides(
        "health from 15",
        lambda s: (
            Sector.HEALTH in s.sectors
            and s.relation is Relation.GUARDIAN
            and s.age >= DECIDES_ON_HEALTH
        ),
        "From 15 the young person decides on health data (Sundhedsloven § 17)",
    ),
)


def family_hides(entry: Entry, sectors: frozenset[Sector], how: Relation, age: int) -> str | None:
    """The name of the rule that hides the entry from the family member, or None: it is shown."""
    seen = Seen(entry, sectors, how, age)
    for rule in FAMILY_HIDES:  # a plain loop: asked of every entry of every page
        if rule.when(seen):
            return rule.name
    return None


def family_may_ask(sector: Sector, how: Relation, age: int) -> bool:
    """Whether a source of this sector is asked at all for this family member."""
    return not (sector is Sector.HEALTH and how is Relation.GUARDIAN and age >= DECIDES_ON_HEALTH)


# --- Question 3: who must say yes before a consent holds? ------------------------------


class Deciders(NamedTuple):
    name: str
    when: Callable[[int, bool], bool]
    who: Callable[[Facts], frozenset[str]]
    because: str


DECIDERS = (
    Deciders(
        "under 15",
        lambda age, health: age < DECIDES_ON_HEALTH,
        lambda f: f.guardians,
        "Every custody holder (Forældreansvarsloven § 3)",
    ),
    Deciders(
        "15-17, health",
        lambda age, health: age < ADULT and health,
        lambda f: frozenset({f.citizen}),
        "The young person alone (Sundhedsloven § 17(3))",
    ),
    Deciders(
        "15-17, other",
        lambda age, health: age < ADULT,
        lambda f: f.guardians | {f.citizen} if f.guardians else frozenset(),
        "The young person and every custody holder (product rule)",
    ),
    Deciders(
        "18 and over",
        lambda age, health: True,
        lambda f: frozenset({f.citizen}),
        "That person only (majority, Forældreansvarsloven § 1 a)",
    ),
)


def deciders(facts: Facts, sector: Sector) -> frozenset[str]:
    """Everybody who must grant before data of this sector is opened; empty = nobody can."""
    if facts.age is None or facts.deceased:
        return frozenset()
    health = sector is Sector.HEALTH
    row = next(r for r in DECIDERS if r.when(facts.age, health))
    return row.who(facts)


def may_decide(person: str, facts: Facts, sector: Sector) -> bool:
    """Whether this person is one of those who decide about data of this sector."""
    return person in deciders(facts, sector)


def decided_sectors(person: str, facts: Facts) -> frozenset[Sector]:
    """The sectors whose data this person can open to an actor."""
    return frozenset(s for s in Sector if may_decide(person, facts, s))


# --- Question 4: which actors can be named? --------------------------------------------


def exists_for(actor: Actor, municipality: str, hidden_address: bool) -> bool:
    """Whether an actor exists for a private viewer from whom the address is protected.

    A place in another municipality would reveal a move, so it does not exist
    (CPR-loven § 28).
    """
    return not hidden_address or actor.municipality in (None, municipality)


# --- Question 5: which log lines may a family member read? ------------------------------


def reads_line(
    reader: str,
    how: Relation,
    age: int,
    by_person: str | None,
    about_answers: bool,
    staff_sectors: frozenset[Sector],
    staff_exists: bool,
    staff_footing: frozenset[Sector] = frozenset(),
) -> bool:
    """Each reader gets her own log.

    Her own lines; employees' lines, unless the place does not exist for her or
    the young person decides: the place is health, or came in by health data
    alone (`staff_footing`). From 15 the young person also sees the adults'
    reads, never their answers or comments (`about_answers`).
    """
    if by_person == reader:
        return True
    if by_person is not None:
        return how is Relation.SELF and age >= DECIDES_ON_HEALTH and not about_answers
    if about_answers or not staff_exists:
        return False
    health_only = {Sector.HEALTH} in (staff_sectors, staff_footing)
    return not (health_only and how is Relation.GUARDIAN and age >= DECIDES_ON_HEALTH)
