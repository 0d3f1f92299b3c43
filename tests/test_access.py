"""Who may see and decide, as tables somebody could read aloud, and as properties that hold for all."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

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
    reads_line,
    relation,
    today_in_copenhagen,
)
from portal.access_staff import ANY_OWNER, Scope, has_relation, staff_hides
from portal.handout import Relation
from portal.records import (
    Actor,
    Assessment,
    Audience,
    Category,
    Contact,
    Goal,
    Intervention,
    Measurement,
    Meeting,
    Plan,
    Sector,
    Status,
)

CHILD, MOTHER, FATHER, STRANGER = "child", "mother", "father", "stranger"
BOTH = frozenset({MOTHER, FATHER})
TODAY = date(2026, 6, 15)
NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
SELF, GUARDIAN = Relation.SELF, Relation.GUARDIAN


def facts(age: int | None = 9, **more: object) -> Facts:
    """A child of this age who turned it on this very day, with two custody holders."""
    born = None if age is None else TODAY.replace(year=TODAY.year - age)
    given_ = {"citizen": CHILD, "born": born, "custodians": BOTH, "today": TODAY}
    return Facts(**{**given_, **more})  # type: ignore[arg-type]


def who(person: str) -> Viewer:
    return Viewer(person=person)


# --- ages -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("born", "today", "age"),
    [
        (date(2011, 6, 15), date(2026, 6, 14), 14),
        (date(2011, 6, 15), date(2026, 6, 15), 15),
        (date(2008, 2, 29), date(2026, 2, 28), 17),
        (date(2008, 2, 29), date(2026, 3, 1), 18),
        (date(2008, 2, 29), date(2024, 2, 29), 16),
        (date(2008, 12, 31), date(2026, 12, 30), 17),
        (date(2008, 12, 31), date(2026, 12, 31), 18),
        (date(2026, 6, 15), date(2026, 6, 15), 0),
        (date(2026, 6, 16), date(2026, 6, 15), None),
        (None, date(2026, 6, 15), None),
    ],
)
def test_age_counts_from_the_birthday_itself(
    born: date | None, today: date, age: int | None
) -> None:
    assert facts(born=born, today=today).age == age


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (datetime(2026, 6, 14, 21, 59, tzinfo=UTC), date(2026, 6, 14)),
        (datetime(2026, 6, 14, 22, 0, tzinfo=UTC), date(2026, 6, 15)),
        (datetime(2026, 1, 14, 22, 59, tzinfo=UTC), date(2026, 1, 14)),
        (datetime(2026, 1, 14, 23, 0, tzinfo=UTC), date(2026, 1, 15)),
    ],
)
def test_the_day_turns_at_midnight_in_copenhagen(moment: datetime, day: date) -> None:
    assert today_in_copenhagen(moment) == day


# --- whose overview ---------------------------------------------------------------------

OPENS = {
    # age: (the child herself, each custody holder)
    0: (None, GUARDIAN), 12: (None, GUARDIAN), 13: (SELF, GUARDIAN), 14: (SELF, GUARDIAN),
    15: (SELF, GUARDIAN), 17: (SELF, GUARDIAN), 18: (SELF, None), 40: (SELF, None),
    None: (None, None),
}  # fmt: skip


@pytest.mark.parametrize("age", OPENS)
def test_which_door_opens_at_which_age(age: int | None) -> None:
    own, guardian = OPENS[age]
    assert relation(who(CHILD), facts(age)) is own
    assert relation(who(MOTHER), facts(age)) is guardian
    assert relation(who(STRANGER), facts(age)) is None
    assert relation(Viewer(subject="employee", actors=frozenset({"ppr"})), facts(age)) is None


def test_the_day_before_a_birthday_is_not_the_birthday() -> None:
    for age, person, before, after in ((13, CHILD, None, SELF), (18, MOTHER, GUARDIAN, None)):
        eve = facts(age, today=TODAY - timedelta(days=1))
        assert relation(who(person), eve) is before
        assert relation(who(person), facts(age)) is after


@pytest.mark.parametrize(
    "more",
    [
        {"custodians": None},
        {"custodians": frozenset()},
        {"custodians": frozenset({FATHER})},
        {"closed": frozenset({MOTHER})},
        {"deceased": True},
        {"born": None},
        {"born": TODAY + timedelta(days=1)},
    ],
)
def test_what_is_unknown_or_closed_opens_nothing(more: dict[str, object]) -> None:
    assert relation(who(MOTHER), facts(**more)) is None  # type: ignore[arg-type]


def test_closing_one_parents_access_leaves_the_other() -> None:
    assert relation(who(FATHER), facts(closed=frozenset({MOTHER}))) is GUARDIAN
    assert deciders(facts(closed=frozenset({MOTHER})), Sector.SOCIAL) == {FATHER}


# --- what the family sees ---------------------------------------------------------------

HEALTH, SOCIAL = frozenset({Sector.HEALTH}), frozenset({Sector.SOCIAL})
R, V = Audience.CITIZEN_FROM_15, Audience.OWNER_ONLY
CHILD_NOT, GUARDIANS_NOT, STAFF = (
    Audience.NOT_FOR_CHILD,
    Audience.NOT_FOR_GUARDIANS,
    Audience.STAFF_ONLY,
)
HIDDEN = [
    # audience, sectors, relation, age, hidden?
    (None, SOCIAL, GUARDIAN, 9, False), (None, HEALTH, GUARDIAN, 14, False),
    (None, HEALTH, GUARDIAN, 15, True), (None, HEALTH, GUARDIAN, 17, True),
    (None, SOCIAL, GUARDIAN, 17, False), (None, HEALTH, SELF, 15, False), (None, HEALTH, SELF, 13, False),
    (None, HEALTH | SOCIAL, GUARDIAN, 16, True),
    (R, SOCIAL, GUARDIAN, 9, True), (R, SOCIAL, GUARDIAN, 16, True), (R, SOCIAL, SELF, 14, True),
    (R, SOCIAL, SELF, 15, False), (R, HEALTH, SELF, 18, False),
    (V, SOCIAL, SELF, 40, True), (V, SOCIAL, GUARDIAN, 9, True),
    (STAFF, SOCIAL, SELF, 40, True), (STAFF, SOCIAL, GUARDIAN, 9, True),
    (GUARDIANS_NOT, SOCIAL, GUARDIAN, 9, True), (GUARDIANS_NOT, SOCIAL, SELF, 14, False),
    (CHILD_NOT, SOCIAL, SELF, 14, True), (CHILD_NOT, SOCIAL, SELF, 15, False),
    (CHILD_NOT, SOCIAL, GUARDIAN, 9, False),
]  # fmt: skip


@pytest.mark.parametrize(("audience", "sectors", "how", "age", "hidden"), HIDDEN)
def test_restrictions(
    audience: Audience | None, sectors: frozenset[Sector], how: Relation, age: int, hidden: bool
) -> None:
    entry = plan(audience=frozenset({audience} if audience else ()))
    assert (family_hides(entry, sectors, how, age) is not None) is hidden


def test_concerns_never_appear() -> None:
    entry = plan(kinds=frozenset({"concern"}))
    for how in Relation:
        assert family_hides(entry, SOCIAL, how, 40)
    assert staff_hides(entry, {"fam"}, [scope()], "moede", TODAY) == "concern", (
        "not even to its owner"
    )


@given(age=st.integers(0, 90), sector=st.sampled_from(list(Sector)))
def test_a_source_is_asked_exactly_when_its_plain_entries_are_shown(
    age: int, sector: Sector
) -> None:
    for how in (SELF, GUARDIAN):
        shown = family_hides(plan(), frozenset({sector}), how, age) is None
        assert family_may_ask(sector, how, age) is shown


def plan(cls: type = Plan, **more: object):
    values = {"key": "1", "source": "familieafd", "owner": "fam", "title": "Plan"}
    return cls(**(values | more))


# --- what an employee sees --------------------------------------------------------------


def scope(**more: object) -> Scope:
    values: dict[str, object] = {
        "actor": "ppr",
        "pairs": frozenset((c, "fam") for c in Category),
        "sources": frozenset({"familieafd"}),
        "purpose": "moede",
        "until": TODAY,
    }
    return Scope(**(values | more))  # type: ignore[arg-type]


STAFF_SEES = [
    # entry, what is changed in the consent, shown?
    (plan(), {}, True),
    (plan(), {"purpose": "overgang"}, False),
    (plan(), {"sources": frozenset({"another"})}, False),
    (plan(), {"pairs": frozenset({(Category.MEETINGS, "fam")})}, False),
    (plan(), {"pairs": frozenset({(Category.PLANS, "bup")})}, False),
    (plan(), {"pairs": frozenset({(Category.PLANS, ANY_OWNER)})}, False),
    (plan(Goal), {"pairs": frozenset({(Category.INTERVENTIONS, "fam")})}, True),
    (plan(Goal), {"pairs": frozenset({(Category.PLANS, "fam")})}, True),
    (plan(Goal), {"pairs": frozenset({(Category.WELLBEING, "fam")})}, False),
    (plan(Assessment), {"pairs": frozenset({(Category.INTERVENTIONS, "fam")})}, True),
    (plan(status=Status.DONE), {}, False),
    (plan(status=Status.CANCELLED), {}, False),
    (plan(Intervention, status=Status.DONE), {}, False),
    (plan(Intervention, end=TODAY - timedelta(days=1)), {}, False),
    (plan(end=TODAY), {}, True),
    (plan(status=Status.PROPOSED), {}, False),
    (plan(kinds=frozenset({"document"})), {}, False),
    (plan(kinds=frozenset({"application"})), {}, False),
    (plan(kinds=frozenset({"refused"})), {}, False),
    (plan(kinds=frozenset({"collection"})), {}, False),
    (plan(kinds=frozenset({"excluded:Befordring"})), {}, False),
    (plan(kinds=frozenset({"excluded:Befordring"})), {"excluded": frozenset({"Befordring"})}, True),
    (plan(kinds=frozenset({"excluded:A", "excluded:B"})), {"excluded": frozenset({"A"})}, False),
    (plan(audience=frozenset({R})), {}, False),
    (plan(audience=frozenset({V})), {}, False),
    (plan(audience=frozenset({GUARDIANS_NOT})), {}, True),
]


@pytest.mark.parametrize(("entry", "more", "shown"), STAFF_SEES)
def test_what_a_consent_opens(entry: Plan, more: dict[str, object], shown: bool) -> None:
    assert (staff_hides(entry, {"ppr"}, [scope(**more)], "moede", TODAY) is None) is shown
    assert staff_hides(entry, {"ppr"}, [], "moede", TODAY), "without consent nothing of others"
    assert staff_hides(entry, {"fam"}, [], "", TODAY) is None, (
        "its own matters an actor always sees"
    )


RUNNING = [
    (plan(), True), (plan(status=Status.DONE), False), (plan(Intervention), True),
    (plan(Intervention, status=Status.CANCELLED), False), (plan(Assessment, status=Status.DONE), False),
    (plan(owner="ppr"), False), (plan(kinds=frozenset({"concern"})), False),
    (plan(Goal), False),
    (plan(kinds=frozenset({"application"})), False), (plan(kinds=frozenset({"refused"})), False),
    (plan(kinds=frozenset({"document", "excluded:Befordring"})), True),
    (plan(status=Status.PROPOSED), False), (plan(status=Status.PLANNED), True), (plan(end=TODAY), True), (plan(Intervention, end=TODAY - timedelta(days=1)), False),
    (plan(Assessment, end=TODAY - timedelta(days=1)), False), (plan(end=TODAY - timedelta(days=1)), False),
    (Contact(key="1", source="s", owner="fam", name="K"), True),
    (Contact(key="1", source="s", owner="fam", name="K", running=False), False),
    (Measurement(key="1", source="s", owner="fam", scale="s", day=TODAY, value=1), False),
    (plan(Meeting, start=NOW + timedelta(days=1)), True),
    (plan(Meeting, start=NOW - timedelta(days=1)), False),
    (plan(Meeting, start=NOW - timedelta(hours=1), end=NOW + timedelta(hours=1)), True),
    (plan(Meeting, start=NOW + timedelta(days=1), cancelled=True), False),
]  # fmt: skip


@pytest.mark.parametrize(("entry", "related"), RUNNING)
def test_a_relation_is_something_running_of_ones_own(entry: Plan, related: bool) -> None:
    assert has_relation([entry], {"fam"}, NOW) is related


# --- who decides ------------------------------------------------------------------------

DECIDES = [
    (9, Sector.SOCIAL, BOTH), (9, Sector.HEALTH, BOTH), (14, Sector.HEALTH, BOTH),
    (15, Sector.HEALTH, {CHILD}), (15, Sector.SCHOOL, BOTH | {CHILD}), (17, Sector.HEALTH, {CHILD}),
    (17, Sector.OTHER, BOTH | {CHILD}), (18, Sector.SOCIAL, {CHILD}), (18, Sector.HEALTH, {CHILD}),
    (None, Sector.SOCIAL, set()),
]  # fmt: skip


@pytest.mark.parametrize(("age", "sector", "expected"), DECIDES)
def test_who_must_say_yes(age: int | None, sector: Sector, expected: set[str]) -> None:
    assert deciders(facts(age), sector) == expected


def test_nobody_decides_where_nothing_is_known() -> None:
    for more in (
        {"custodians": None},
        {"custodians": frozenset()},
        {"deceased": True},
        {"closed": BOTH},
    ):
        assert not deciders(facts(9, **more), Sector.SOCIAL)
        assert not deciders(facts(16, **more), Sector.SOCIAL)
    assert deciders(facts(16, custodians=None), Sector.HEALTH) == {CHILD}, "health is hers alone"


@given(
    age=st.one_of(st.none(), st.integers(0, 90)),
    custodians=st.one_of(st.none(), st.frozensets(st.sampled_from([MOTHER, FATHER]))),
    closed=st.frozensets(st.sampled_from([MOTHER, FATHER])),
    sector=st.sampled_from(list(Sector)),
)
def test_whoever_decides_may_also_look(
    age: int | None,
    custodians: frozenset[str] | None,
    closed: frozenset[str],
    sector: Sector,
) -> None:
    f = facts(age, custodians=custodians, closed=closed)
    for person in (CHILD, MOTHER, FATHER, STRANGER):
        if sector in decided_sectors(person, f):
            assert relation(who(person), f), "one who decides but may not open the page"
    assert STRANGER not in deciders(f, sector)
    assert not deciders(f, sector) & closed


# --- the rest ---------------------------------------------------------------------------


def test_places_elsewhere_do_not_exist_for_whom_the_address_is_hidden_from() -> None:
    away = Actor(id="a", name="A", sector=Sector.SOCIAL, municipality="0860")
    for actor, expected in (
        (away, False),
        (Actor(id="b", name="B", sector=Sector.SOCIAL, municipality="0851"), True),
        (Actor(id="c", name="C", sector=Sector.HEALTH), True),
    ):
        assert exists_for(actor, "0851", hidden_address=True) is expected
        assert exists_for(actor, "0851", hidden_address=False)


LINES = [
    # reader's relation, age, who did it, about answers, sectors, exists, readable?
    (GUARDIAN, 9, MOTHER, True, (), True, True),
    (GUARDIAN, 9, FATHER, False, (), True, False),
    (GUARDIAN, 16, FATHER, False, (), True, False),
    (GUARDIAN, 16, CHILD, False, (), True, False),
    (GUARDIAN, 9, None, False, {Sector.SOCIAL}, True, True),
    (GUARDIAN, 9, None, False, {Sector.SOCIAL}, False, False),
    (GUARDIAN, 16, None, False, {Sector.HEALTH}, True, False),
    (GUARDIAN, 16, None, False, {Sector.SOCIAL}, True, True),
    (GUARDIAN, 9, None, False, {Sector.HEALTH}, True, True),
    (SELF, 14, FATHER, False, (), True, False),
    (SELF, 15, FATHER, False, (), True, True),
    (SELF, 15, FATHER, True, (), True, False),
    (SELF, 16, None, False, {Sector.HEALTH}, True, True),
]


def test_what_health_data_alone_let_in_is_the_young_persons() -> None:
    """An employee of a school who came in because a 16-year-old opened health data to it."""
    school, health = frozenset({Sector.SCHOOL}), frozenset({Sector.HEALTH})
    for footing, told in ((health, False), (health | school, True), (frozenset(), True)):
        assert reads_line(MOTHER, GUARDIAN, 16, None, False, school, True, footing) is told
        assert reads_line(MOTHER, GUARDIAN, 9, None, False, school, True, footing)
        assert reads_line(CHILD, SELF, 16, None, False, school, True, footing)


@pytest.mark.parametrize(("how", "age", "by", "answers", "sectors", "exists", "readable"), LINES)
def test_each_reader_has_her_own_log(
    how: Relation,
    age: int,
    by: str | None,
    answers: bool,
    sectors: set[Sector],
    exists: bool,
    readable: bool,
) -> None:
    reader = MOTHER if how is GUARDIAN else CHILD
    assert reads_line(reader, how, age, by, answers, frozenset(sectors), exists) is readable


def test_every_row_of_every_table_says_why() -> None:
    for row in (*access.DOORS, *access.FAMILY_HIDES, *access.DECIDERS):
        assert len(row.because) > 15, row
