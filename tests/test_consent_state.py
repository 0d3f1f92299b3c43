"""The state of a consent is a fold: worked examples, and laws that hold whatever happened before."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from portal.access import Facts, deciders
from portal.access_staff import ANY_OWNER
from portal.consent_state import Event, Grant, Kind, Mine, applies, latest, mine, scopes
from portal.records import Category, Sector

CHILD, MOTHER, FATHER, STRANGER = "child", "mother", "father", "stranger"
BOTH = frozenset({MOTHER, FATHER})
TODAY = date(2026, 6, 15)
NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
SECTORS = {"fam": Sector.SOCIAL, "skole": Sector.SCHOOL, "bup": Sector.HEALTH, "ppr": Sector.SCHOOL}
Pair = tuple[Category, str]


def facts(age: int = 9, **more: object) -> Facts:
    values = {
        "citizen": CHILD,
        "born": TODAY.replace(year=TODAY.year - age),
        "custodians": BOTH,
        "today": TODAY,
    }
    return Facts(**(values | more))  # type: ignore[arg-type]


def a_grant(**more: object) -> Grant:
    values: dict[str, object] = {
        "categories": frozenset({Category.MEETINGS}),
        "owners": frozenset({"fam"}),
        "sources": frozenset({"s1", "s2"}),
        "purpose": "moede",
        "start": TODAY,
        "until": TODAY + timedelta(days=30),
        "age": 9,
    }
    return Grant(**(values | more))  # type: ignore[arg-type]


class Told:
    """A history, told one sentence at a time."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def say(self, by: str, kind: Kind, grant: Grant | None = None, actor: str = "ppr") -> Told:
        seq = len(self.events) + 1
        self.events.append(Event(seq=seq, actor=actor, kind=kind, by=by, at=NOW, grant=grant))
        return self

    def yes(self, *people: str, **more: object) -> Told:
        for by in people:
            self.say(by, Kind.GRANTED, a_grant(**more))
        return self

    def no(self, by: str) -> Told:
        return self.say(by, Kind.WITHDRAWN)

    def open(self, f: Facts | None = None) -> set[Pair]:
        return opened(self.events, f or facts())

    def mine(self, person: str, f: Facts | None = None) -> Mine:
        return mine(self.events, "ppr", person, f or facts(), SECTORS)


def opened(events: Iterable[Event], f: Facts, actor: str = "ppr") -> set[Pair]:
    return {p for s in scopes(list(events), actor, f, SECTORS) for p in s.pairs}


MEETINGS = (Category.MEETINGS, "fam")


def test_one_of_two_is_not_enough_and_both_are() -> None:
    told = Told().yes(MOTHER)
    assert not told.open()
    assert (told.mine(MOTHER), told.mine(FATHER)) == (Mine.PENDING, Mine.NONE)
    told.yes(FATHER)
    assert told.open() == {MEETINGS}
    assert (told.mine(MOTHER), told.mine(FATHER)) == (Mine.ACTIVE, Mine.ACTIVE)
    told.no(FATHER)
    assert not told.open()
    assert (told.mine(MOTHER), told.mine(FATHER)) == (Mine.PENDING, Mine.WITHDRAWN)
    told.yes(FATHER)
    assert told.open() == {MEETINGS}


def test_a_refusal_looks_like_no_answer_to_the_other() -> None:
    asked = Told().yes(MOTHER)
    refused = Told().yes(MOTHER).say(FATHER, Kind.REFUSED)
    assert asked.mine(MOTHER) == refused.mine(MOTHER) == Mine.PENDING
    assert refused.mine(FATHER) is Mine.NONE


def test_only_what_both_said_applies() -> None:
    told = Told()
    told.yes(
        MOTHER,
        categories=frozenset({Category.MEETINGS, Category.PLANS, Category.COMMENTS}),
        owners=frozenset({"fam", "skole"}),
        sources=frozenset({"a", "b"}),
        excluded=frozenset({"x", "y"}),
        until=TODAY + timedelta(days=10),
    )
    told.yes(
        FATHER,
        categories=frozenset({Category.PLANS, Category.CONTACTS, Category.COMMENTS}),
        owners=frozenset({"fam", "bup"}),
        sources=frozenset({"b", "c"}),
        excluded=frozenset({"y", "z"}),
        until=TODAY + timedelta(days=20),
    )
    (scope,) = scopes(told.events, "ppr", facts(), SECTORS)
    assert scope.pairs == {(Category.PLANS, "fam"), (Category.COMMENTS, ANY_OWNER)}
    assert (scope.sources, scope.excluded) == ({"b"}, {"y"})
    assert scope.until == TODAY + timedelta(days=10)


def test_two_purposes_share_nothing() -> None:
    assert not Told().yes(MOTHER).yes(FATHER, purpose="overgang").open()


def test_nothing_in_common_is_pending_for_both() -> None:
    told = Told().yes(MOTHER).yes(FATHER, owners=frozenset({"skole"}))
    assert not told.open()
    assert told.mine(MOTHER) == told.mine(FATHER) == Mine.PENDING


def test_a_consent_lasts_to_and_with_its_last_day() -> None:
    told = Told().yes(MOTHER, FATHER, until=TODAY + timedelta(days=5))
    last, after = (facts(today=TODAY + timedelta(days=d)) for d in (5, 6))
    assert told.open(last) == {MEETINGS}
    assert not told.open(after)
    assert (told.mine(MOTHER, last), told.mine(MOTHER, after)) == (Mine.ACTIVE, Mine.EXPIRED)
    early = Told().yes(MOTHER, FATHER, start=TODAY + timedelta(days=1))
    assert not early.open()


def test_a_new_yes_replaces_the_old_one_whole() -> None:
    told = Told().yes(MOTHER, FATHER).yes(MOTHER, categories=frozenset({Category.PLANS}))
    assert not told.open()
    assert told.mine(FATHER) is Mine.PENDING


def test_a_new_custody_holder_must_say_yes_too_and_a_former_one_counts_no_more() -> None:
    alone = facts(custodians=frozenset({MOTHER}))
    told = Told().yes(MOTHER)
    assert told.open(alone) == {MEETINGS}
    assert not told.open(facts())
    assert told.no(FATHER).open(alone) == {MEETINGS}


def test_at_15_parents_health_consents_end_and_the_others_wait_for_her() -> None:
    told = Told().yes(MOTHER, FATHER, owners=frozenset({"fam", "bup"}), age=14)
    before, after = facts(14), facts(15)
    assert told.open(before) == {MEETINGS, (Category.MEETINGS, "bup")}
    assert not told.open(after)
    assert told.mine(MOTHER, after) is Mine.PENDING
    told.yes(CHILD, age=15)
    assert told.open(after) == {MEETINGS}
    only_health = Told().yes(MOTHER, FATHER, owners=frozenset({"bup"}), age=14)
    assert only_health.mine(MOTHER, after) is Mine.EXPIRED


def test_at_15_health_needs_nobody_but_her() -> None:
    told = Told().yes(CHILD, owners=frozenset({"bup", "fam"}), age=15)
    assert told.open(facts(15)) == {(Category.MEETINGS, "bup")}
    assert told.mine(MOTHER, facts(15)) is Mine.NONE
    assert not told.no(CHILD).open(facts(15))


def test_at_18_what_she_granted_alone_goes_on_and_the_joint_ends() -> None:
    told = Told().yes(CHILD, owners=frozenset({"bup", "fam"}), age=16).yes(MOTHER, FATHER, age=16)
    assert told.open(facts(17)) == {MEETINGS, (Category.MEETINGS, "bup")}
    assert told.open(facts(18)) == {(Category.MEETINGS, "bup")}
    assert told.mine(MOTHER, facts(18)) is Mine.EXPIRED
    assert Told().yes(CHILD, age=18).open(facts(18)) == {MEETINGS}


def test_death_and_the_unknown_end_everything() -> None:
    told = Told().yes(MOTHER, FATHER)
    for more in ({"deceased": True}, {"born": None}, {"custodians": None}, {"closed": BOTH}):
        assert not told.open(facts(**more)), more


def test_an_owner_gone_from_the_file_opens_nothing_it_did_not_before() -> None:
    told = Told().yes(MOTHER, FATHER, owners=frozenset({"gone"}))
    assert told.open(facts(15)) == set(), "an unknown sector counts as health"


def test_one_actors_consent_is_not_anothers() -> None:
    events = Told().yes(MOTHER, FATHER).events
    assert set(applies(events, facts(), SECTORS)) == {"ppr"}
    assert not opened(events, facts(), actor="fam")


# --- laws -------------------------------------------------------------------------------

PEOPLE = [CHILD, MOTHER, FATHER, STRANGER]
grants = st.builds(
    a_grant,
    categories=st.frozensets(
        st.sampled_from([Category.MEETINGS, Category.PLANS, Category.COMMENTS])
    ),
    owners=st.frozensets(st.sampled_from(["fam", "skole", "bup"])),
    sources=st.frozensets(st.sampled_from(["s1", "s2"])),
    purpose=st.sampled_from(["moede", "overgang"]),
    start=st.sampled_from([TODAY, TODAY - timedelta(days=5), TODAY + timedelta(days=1)]),
    until=st.sampled_from([TODAY, TODAY + timedelta(days=9), TODAY - timedelta(days=1)]),
    age=st.integers(8, 19),
)
said = st.tuples(
    st.sampled_from(PEOPLE),
    st.one_of(grants, st.sampled_from([Kind.WITHDRAWN, Kind.REFUSED])),
    st.sampled_from(["ppr", "fam"]),
)
histories = st.lists(said, max_size=9)
known = st.builds(
    facts,
    age=st.integers(8, 19),
    custodians=st.sampled_from([None, frozenset(), frozenset({MOTHER}), BOTH]),
    closed=st.sampled_from([frozenset(), frozenset({FATHER})]),
    deceased=st.sampled_from([False, False, False, True]),
)


def events_of(history: Iterable[tuple[str, Grant | Kind, str]]) -> list[Event]:
    told = Told()
    for by, word, actor in history:
        kind = Kind.GRANTED if isinstance(word, Grant) else word
        told.say(by, kind, word if isinstance(word, Grant) else None, actor)
    return told.events


def restated(events: list[Event], f: Facts) -> set[Pair]:
    """What applies to "ppr", said once more and independently, from the product's rules."""
    age = f.age
    parents = (f.custodians or frozenset()) - f.closed
    if age is None or f.deceased:
        return set()
    words = {}
    for e in sorted(events, key=lambda e: e.seq):
        if e.actor == "ppr":
            words[e.by] = e.grant if e.kind is Kind.GRANTED else None
    found = set()
    for category in Category:
        ownerless = category in (Category.MASTER_DATA, Category.COMMENTS)
        for owner in [ANY_OWNER] if ownerless else SECTORS:
            health = SECTORS.get(owner) is Sector.HEALTH
            if age >= 18 or (age >= 15 and health):
                needed = {CHILD}
            elif age >= 15:
                needed = {CHILD, *parents} if parents else set()
            else:
                needed = set(parents)
            yeses = [words.get(p) for p in needed]
            ok = bool(needed) and all(
                g is not None
                and category in g.categories
                and (ownerless or owner in g.owners)
                and g.start <= f.today <= g.until
                and (age < 18 or g.age >= 18 or (health and g.age >= 15))
                for g in yeses
            )
            if ok and len({g.purpose for g in yeses if g}) == 1:
                found.add((category, owner))
    return found


@settings(max_examples=400)
@given(histories, known)
def test_the_fold_says_what_the_rules_say(history: list, f: Facts) -> None:
    events = events_of(history)
    assert opened(events, f) == restated(events, f)


@given(histories, known, st.sampled_from(PEOPLE))
def test_a_withdrawal_never_widens(history: list, f: Facts, person: str) -> None:
    before = events_of(history)
    after = events_of([*history, (person, Kind.WITHDRAWN, "ppr")])
    assert opened(after, f) <= opened(before, f)
    assert opened(after, f, "fam") == opened(before, f, "fam")


@given(histories, known)
def test_a_scope_lies_within_every_deciders_own_yes(history: list, f: Facts) -> None:
    events = events_of(history)
    words = latest(events, "ppr")
    for scope in scopes(events, "ppr", f, SECTORS):
        for pair in scope.pairs:
            for decider in deciders(f, SECTORS.get(pair[1], Sector.OTHER)):
                grant = words[decider].grant
                assert grant and pair in grant.pairs
                assert scope.sources <= grant.sources and scope.excluded <= grant.excluded
                assert scope.until <= grant.until and scope.purpose == grant.purpose


@given(histories, known)
def test_nobody_outside_the_family_changes_anything(history: list, f: Facts) -> None:
    events = events_of(history)
    without = [e for e in events if e.by != STRANGER]
    assert opened(events, f) == opened(without, f)
    for person in (CHILD, MOTHER, FATHER):
        assert mine(events, "ppr", person, f, SECTORS) == mine(without, "ppr", person, f, SECTORS)


@given(histories, known)
def test_the_order_between_different_people_does_not_matter(history: list, f: Facts) -> None:
    by_person = sorted(history, key=lambda said: said[0])
    one, other = events_of(history), events_of(by_person)
    assert opened(one, f) == opened(other, f)
    for person in PEOPLE:
        assert mine(one, "ppr", person, f, SECTORS) == mine(other, "ppr", person, f, SECTORS)


@given(histories, known, st.one_of(grants, st.just(Kind.REFUSED), st.just(Kind.WITHDRAWN)))
def test_the_others_answer_shows_only_in_what_applies(
    history: list, f: Facts, word: Grant | Kind
) -> None:
    """My row changes only between pending and active, whatever the other parent answers."""
    before, after = events_of(history), events_of([*history, (FATHER, word, "ppr")])
    rows = [mine(e, "ppr", MOTHER, f, SECTORS) for e in (before, after)]
    assert rows[0] == rows[1] or set(rows) == {Mine.PENDING, Mine.ACTIVE}


@given(histories, known)
def test_with_time_alone_nothing_is_opened(history: list, f: Facts) -> None:
    events = [e for e in events_of(history) if not e.grant or e.grant.start <= TODAY]
    later = facts(
        f.age or 0,
        custodians=f.custodians,
        closed=f.closed,
        deceased=f.deceased,
        today=TODAY + timedelta(days=3),
        born=f.born,
    )
    if later.age == f.age:
        assert opened(events, later) <= opened(events, f)


@given(histories, st.integers(13, 17))
def test_growing_older_never_lets_a_parents_word_open_more(history: list, age: int) -> None:
    """At 15 and 18 what parents said opens less, never more, unless she has spoken herself."""
    events = [e for e in events_of(history) if e.by != CHILD]
    assert opened(events, facts(age + 1)) <= opened(events, facts(age))
