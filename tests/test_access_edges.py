"""The edges of the rules: the day itself, the part that decides, the unknown; which rule, not only whether."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal import access
from portal.access import (
    Facts,
    Viewer,
    decided_sectors,
    deciders,
    exists_for,
    family_hides,
    family_may_ask,
    may_decide,
    reads_line,
    relation,
    turning,
)
from portal.handout import Relation
from portal.records import (
    Actor,
    Audience,
    Sector,
)
from tests.test_access import (
    CHILD,
    FATHER,
    GUARDIAN,
    HEALTH,
    MOTHER,
    SELF,
    SOCIAL,
    STRANGER,
    TODAY,
    facts,
    plan,
    who,
)

# --- ages and their days ----------------------------------------------------------------


def test_the_ages_are_those_of_the_law() -> None:
    """MitID, Barnets Lov § 3, Sundhedsloven § 17, majority."""
    ages = (access.OWN_LOGIN, access.PARTY, access.DECIDES_ON_HEALTH, access.ADULT)
    assert ages == (13, 10, 15, 18)


TURNS = [
    # born, days ahead that are looked at, what is turned and when
    (date(2011, 6, 15), 0, (15, date(2026, 6, 15))), (date(2011, 6, 14), 400, None),
    (date(2011, 6, 16), 0, None), (date(2011, 6, 16), 1, (15, date(2026, 6, 16))),
    (date(2011, 7, 15), 30, (15, date(2026, 7, 15))), (date(2011, 7, 16), 30, None),
    (date(2008, 6, 15), 0, (18, date(2026, 6, 15))), (date(2008, 7, 15), 30, (18, date(2026, 7, 15))),
    (date(2008, 6, 14), 400, None), (date(2013, 6, 16), 365, None), (None, 30, None),
]  # fmt: skip


@pytest.mark.parametrize(("born", "within", "expected"), TURNS)
def test_a_turning_is_announced_from_so_many_days_before_to_the_day_itself(
    born: date | None, within: int, expected: tuple[int, date] | None
) -> None:
    assert turning(facts(born=born), within) == expected


LEAP = [
    # born, today, the day on which 15 or 18 counts
    (date(2008, 2, 29), date(2023, 2, 20), (15, date(2023, 3, 1))),
    (date(2008, 2, 29), date(2026, 2, 20), (18, date(2026, 3, 1))),
    (date(2008, 2, 28), date(2026, 2, 20), (18, date(2026, 2, 28))),
    (date(2008, 3, 29), date(2026, 3, 20), (18, date(2026, 3, 29))),
    (date(2009, 1, 29), date(2024, 1, 20), (15, date(2024, 1, 29))),
]  # fmt: skip


@pytest.mark.parametrize(("born", "today", "expected"), LEAP)
def test_a_child_of_29_february_turns_on_1_march(
    born: date, today: date, expected: tuple[int, date]
) -> None:
    assert turning(facts(born=born, today=today), 30) == expected


@given(
    born=st.dates(date(2000, 1, 1), date(2020, 12, 31)),
    today=st.dates(date(2020, 1, 1), date(2039, 1, 1)),
)
def test_an_announced_turning_is_the_day_the_age_itself_turns(born: date, today: date) -> None:
    found = turning(facts(born=born, today=today), 30)
    if found:
        age, day = found
        assert age in (15, 18) and today <= day <= today + timedelta(days=30)
        assert facts(born=born, today=day).age == age
        assert facts(born=born, today=day - timedelta(days=1)).age == age - 1


@given(born=st.dates(date(2000, 3, 1), date(2020, 12, 31)), days=st.integers(0, 12000))
def test_age_never_falls_and_grows_by_one_a_year(born: date, days: int) -> None:
    day = born + timedelta(days=days)
    age = facts(born=born, today=day).age
    later = facts(born=born, today=day + timedelta(days=1)).age
    assert age is not None and later is not None
    assert age <= later <= age + 1
    assert age == day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def test_the_moment_decides_in_which_day_an_age_counts() -> None:
    summer, winter = (datetime(2026, m, 14, 22, 30, tzinfo=UTC) for m in (7, 12))
    assert access.today_in_copenhagen(summer) == date(2026, 7, 15)
    assert access.today_in_copenhagen(winter) == date(2026, 12, 14)
    change = datetime(2026, 3, 29, 22, 0, tzinfo=UTC)
    assert access.today_in_copenhagen(change) == date(2026, 3, 30), (
        "the clock went forward that night"
    )


# --- who is who -------------------------------------------------------------------------


def test_whoever_is_not_told_to_be_something_is_nothing() -> None:
    citizen = Viewer(person=MOTHER)
    assert not citizen.staff
    assert not [f for f in Viewer.__struct_fields__ if f != "person" and getattr(citizen, f)]
    assert Viewer().staff, "no person: an employee"
    unknown = Facts(citizen=CHILD, born=date(2000, 1, 1), today=TODAY)
    assert not unknown.deceased and not unknown.guardians and not unknown.closed
    assert relation(who(CHILD), unknown) is SELF


@pytest.mark.parametrize("what", [Viewer(person=MOTHER), facts(9)], ids=lambda w: type(w).__name__)
def test_what_rules_look_at_is_named_and_cannot_be_changed_under_way(what: msgspec.Struct) -> None:
    for field in what.__struct_fields__:
        with pytest.raises(AttributeError):
            setattr(what, field, None)
    with pytest.raises(TypeError, match="positional"):
        type(what)("who", "is", "who")  # one person's id where another's belongs would be a leak


def test_nobody_is_her_own_guardian() -> None:
    alone = facts(12, custodians=frozenset({CHILD}))
    assert relation(who(CHILD), alone) is None, "a register that says so contradicts itself"
    assert relation(who(CHILD), facts(13, custodians=frozenset({CHILD}))) is SELF


@given(
    age=st.one_of(st.none(), st.integers(0, 90)),
    custodians=st.one_of(st.none(), st.frozensets(st.sampled_from([MOTHER, FATHER]))),
    closed=st.frozensets(st.sampled_from([MOTHER, FATHER])),
    deceased=st.booleans(),
)
def test_the_doors(
    age: int | None, custodians: frozenset[str] | None, closed: frozenset[str], deceased: bool
) -> None:
    """domain.md 4: from 13 the citizen; until 18 custody holders who are not shut out."""
    f = facts(age, custodians=custodians, closed=closed, deceased=deceased)
    alive = age is not None and not deceased
    for parent in (MOTHER, FATHER):
        holds = custodians is not None and parent in custodians and parent not in closed
        opens = alive and holds and (age or 0) < 18
        assert relation(who(parent), f) is (GUARDIAN if opens else None)
    assert relation(who(CHILD), f) is (SELF if alive and (age or 0) >= 13 else None)
    assert relation(who(STRANGER), f) is None


# --- which rule hides -------------------------------------------------------------------

WHICH = [
    # audience, kinds, sectors, relation, age, the rule of docs/access.md
    ((), {"concern"}, SOCIAL, SELF, 40, "concern"),
    ((), {"document", "concern"}, SOCIAL, GUARDIAN, 9, "concern"),
    ((), {"document"}, SOCIAL, GUARDIAN, 9, None),
    ((Audience.STAFF_ONLY,), (), SOCIAL, SELF, 40, "staff only"),
    ((Audience.OWNER_ONLY,), (), SOCIAL, SELF, 40, "owner only"),
    ((Audience.CITIZEN_FROM_15,), (), SOCIAL, SELF, 14, "citizen from 15"),
    ((Audience.CITIZEN_FROM_15,), (), SOCIAL, SELF, 15, None),
    ((Audience.CITIZEN_FROM_15,), (), SOCIAL, SELF, 16, None),
    ((Audience.CITIZEN_FROM_15,), (), SOCIAL, GUARDIAN, 15, "citizen from 15"),
    ((Audience.NOT_FOR_GUARDIANS,), (), SOCIAL, GUARDIAN, 9, "not for guardians"),
    ((Audience.NOT_FOR_CHILD,), (), SOCIAL, SELF, 13, "not for the child"),
    ((Audience.NOT_FOR_CHILD,), (), SOCIAL, SELF, 16, None),
    ((Audience.NOT_FOR_CHILD,), (), SOCIAL, GUARDIAN, 14, None),
    ((), (), HEALTH, GUARDIAN, 15, "health from 15"), ((), (), HEALTH, GUARDIAN, 16, "health from 15"),
    ((), (), HEALTH | SOCIAL, GUARDIAN, 15, "health from 15"), ((), (), HEALTH, GUARDIAN, 14, None),
    ((), (), HEALTH, SELF, 15, None), ((), (), frozenset(), GUARDIAN, 15, None),
]  # fmt: skip


@pytest.mark.parametrize(("audience", "kinds", "sectors", "how", "age", "rule"), WHICH)
def test_which_rule_hides_an_entry_from_the_family(
    audience: tuple[Audience, ...],
    kinds: set[str],
    sectors: frozenset[Sector],
    how: Relation,
    age: int,
    rule: str | None,
) -> None:
    entry = plan(audience=frozenset(audience), kinds=frozenset(kinds))
    assert family_hides(entry, sectors, how, age) == rule


def test_a_health_source_is_not_asked_for_parents_from_15() -> None:
    for sector in Sector:
        for age in (9, 14, 15, 16, 17):
            for how in (SELF, GUARDIAN):
                closed = sector is Sector.HEALTH and how is GUARDIAN and age >= 15
                assert family_may_ask(sector, how, age) is not closed


# --- who decides ------------------------------------------------------------------------


@given(
    age=st.one_of(st.none(), st.integers(0, 90)),
    custodians=st.one_of(st.none(), st.frozensets(st.sampled_from([MOTHER, FATHER]))),
    closed=st.frozensets(st.sampled_from([MOTHER, FATHER])),
    deceased=st.booleans(),
    sector=st.sampled_from(list(Sector)),
)
def test_who_must_say_yes_at_every_age(
    age: int | None,
    custodians: frozenset[str] | None,
    closed: frozenset[str],
    deceased: bool,
    sector: Sector,
) -> None:
    """domain.md 4: under 15 custody; 15-17 health alone, else with custody; from 18 alone."""
    f = facts(age, custodians=custodians, closed=closed, deceased=deceased)
    parents = (custodians or frozenset()) - closed
    if age is None or deceased:
        expected: frozenset[str] = frozenset()
    elif age < 15:
        expected = parents
    elif age < 18 and sector is not Sector.HEALTH:
        expected = parents | {CHILD} if parents else frozenset()
    else:
        expected = frozenset({CHILD})
    assert deciders(f, sector) == expected
    for person in (CHILD, MOTHER, FATHER, STRANGER):
        assert may_decide(person, f, sector) is (person in expected)
        assert (sector in decided_sectors(person, f)) is (person in expected)


@pytest.mark.parametrize(
    ("age", "health", "row"),
    [
        (0, True, "under 15"), (14, False, "under 15"), (15, True, "15-17, health"),
        (17, True, "15-17, health"), (15, False, "15-17, other"), (17, False, "15-17, other"),
        (18, True, "18 and over"), (18, False, "18 and over"),
        (40, True, "18 and over"), (40, False, "18 and over"),
    ],
)  # fmt: skip
def test_the_row_that_decides_is_called_after_its_ages(age: int, health: bool, row: str) -> None:
    """The names are what docs/access.md shows to lawyers."""
    assert next(r.name for r in access.DECIDERS if r.when(age, health)) == row


# --- names of places, lines of the log --------------------------------------------------


def test_a_place_that_is_nobodys_own_exists_everywhere() -> None:
    clinic = Actor(id="c", name="C", sector=Sector.HEALTH, municipality=None)
    assert exists_for(clinic, "0851", hidden_address=True)
    assert exists_for(clinic, "", hidden_address=True)


MIXED = frozenset({Sector.HEALTH, Sector.SOCIAL})
LINES = [
    # reader's relation, age, who did it, about answers, sectors, exists, readable?
    (GUARDIAN, 15, None, False, HEALTH, True, False), (GUARDIAN, 14, None, False, HEALTH, True, True),
    (GUARDIAN, 17, None, False, HEALTH, True, False), (GUARDIAN, 15, None, False, MIXED, True, True),
    (GUARDIAN, 15, None, False, frozenset(), True, True), (SELF, 15, None, False, HEALTH, True, True),
    (SELF, 13, None, False, HEALTH, True, True), (SELF, 15, None, False, HEALTH, False, False),
    (SELF, 15, None, True, SOCIAL, True, False), (GUARDIAN, 9, None, True, SOCIAL, True, False),
    (GUARDIAN, 9, None, True, SOCIAL, False, False), (SELF, 16, MOTHER, False, frozenset(), True, True),
    (SELF, 16, MOTHER, False, frozenset(), False, True), (SELF, 14, MOTHER, False, frozenset(), True, False),
    (SELF, 16, MOTHER, True, frozenset(), True, False), (SELF, 13, CHILD, True, frozenset(), False, True),
    (GUARDIAN, 17, STRANGER, False, frozenset(), True, False),
]  # fmt: skip


@pytest.mark.parametrize(("how", "age", "by", "answers", "sectors", "exists", "readable"), LINES)
def test_whose_log_a_line_stands_in(
    how: Relation,
    age: int,
    by: str | None,
    answers: bool,
    sectors: frozenset[Sector],
    exists: bool,
    readable: bool,
) -> None:
    reader = FATHER if how is GUARDIAN else CHILD
    assert reads_line(reader, how, age, by, answers, sectors, exists) is readable
