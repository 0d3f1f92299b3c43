"""The state of a consent is a fold: worked examples, and laws that hold whatever happened before."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.access import Facts, deciders
from portal.access_staff import ANY_OWNER
from portal.consent_state import (
    BY_ITSELF,
    UNDO,
    Event,
    Grant,
    Kind,
    Mine,
    applies,
    latest,
    mine,
    over,
    predecessor,
    replaced,
    scopes,
)
from portal.records import Category, Sector

CHILD, MOTHER, FATHER, STRANGER = "child", "mother", "father", "stranger"
BOTH = frozenset({MOTHER, FATHER})
TODAY = date(2026, 6, 15)
NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
SECTORS = {"fam": Sector.SOCIAL, "skole": Sector.SCHOOL, "bup": Sector.HEALTH, "ppr": Sector.SCHOOL}
Pair = tuple[Category, str]


def facts(age: int | None = 9, **more: object) -> Facts:
    values = {
        "citizen": CHILD,
        "born": None if age is None else TODAY.replace(year=TODAY.year - age),
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


def test_only_systems_with_something_that_is_open_are_asked() -> None:
    """Until everybody has answered, and when only a part lives on."""
    delivered = frozenset({("h", "bup"), ("f", "fam"), ("f", "bup")})
    both: dict[str, object] = {"owners": frozenset({"bup", "fam"}), "age": 16}
    both |= {"sources": frozenset({"h", "f"}), "delivered": delivered | {("k", "fam")}}
    told = Told().yes(CHILD, **both)
    (alone,) = scopes(told.events, "ppr", facts(16), SECTORS)
    assert ({o for _, o in alone.pairs}, alone.sources) == ({"bup"}, {"h", "f"})
    told.yes(MOTHER, **both).yes(FATHER, **(both | {"delivered": delivered}))
    found = {s.sources for s in scopes(told.events, "ppr", facts(16), SECTORS)}
    assert found == {frozenset({"h", "f"}), frozenset({"f"})}, (
        "what one of them was not told of is not asked"
    )
    (later,) = scopes(told.events, "ppr", facts(18), SECTORS)
    assert later.sources == {"h", "f"}
    told = Told().yes(MOTHER, FATHER, **both | {"categories": frozenset({Category.COMMENTS})})
    (ours,) = scopes(told.events, "ppr", facts(), SECTORS)
    assert not ours.sources, "comments come from no system"
    (old,) = scopes(Told().yes(MOTHER, FATHER).events, "ppr", facts(), SECTORS)
    assert old.sources == {"s1", "s2"}, "a yes from before this was kept"


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


def test_master_data_and_comments_are_owned_by_nobody() -> None:
    both = frozenset({Category.MASTER_DATA, Category.COMMENTS})
    told = Told().yes(MOTHER, FATHER, categories=both, owners=frozenset({"fam"}))
    assert told.open() == {(c, ANY_OWNER) for c in both}


def test_what_two_do_not_share_is_no_scope_at_all() -> None:
    """Not an empty one either: it would let the place know that the child is here."""
    told = Told().yes(MOTHER).yes(FATHER, owners=frozenset({"skole"}))
    assert scopes(told.events, "ppr", facts(), SECTORS) == ()
    assert applies(told.events, facts(), SECTORS) == {}


def test_how_a_yes_ended_by_itself_reads_as_over_and_a_replaced_one_as_no_yes() -> None:
    for kind in (Kind.EXPIRED, Kind.ENDED):
        told = Told().yes(MOTHER, FATHER).say(MOTHER, kind)
        assert (told.mine(MOTHER), told.open()) == (Mine.EXPIRED, set())
    replaced_ = Told().yes(MOTHER, FATHER).say(MOTHER, Kind.SUPERSEDED)
    assert not replaced_.open()


def test_her_health_consent_makes_nobody_elses_answer_active() -> None:
    """At 16 hers applies at once; her mother's own about the same place still waits."""
    told = Told().yes(CHILD, owners=frozenset({"bup"}), age=16).yes(MOTHER, age=16)
    assert told.open(facts(16)) == {(Category.MEETINGS, "bup")}
    assert told.mine(MOTHER, facts(16)) is Mine.PENDING


def test_scopes_stand_in_one_order() -> None:
    """By who decides, so that the same state is the same bytes."""
    told = (
        Told()
        .yes(CHILD, owners=frozenset({"skole"}), age=16)
        .yes(MOTHER, FATHER, owners=frozenset({"skole"}), age=16)
    )
    told.say(CHILD, Kind.GRANTED, a_grant(owners=frozenset({"skole", "zz"}), age=16))
    sectors = SECTORS | {"zz": Sector.HEALTH}
    found = scopes(told.events, "ppr", facts(16), sectors)
    assert [set(s.pairs) for s in found] == [
        {(Category.MEETINGS, "zz")},
        {(Category.MEETINGS, "skole")},
    ]
    told = Told().yes(CHILD, owners=frozenset({"skole", "zz"}), age=16)
    told.yes("adam", owners=frozenset({"skole"}), age=16)
    found = scopes(told.events, "ppr", facts(16, custodians=frozenset({"adam"})), sectors)
    assert [set(s.pairs) for s in found] == [
        {(Category.MEETINGS, "skole")},
        {(Category.MEETINGS, "zz")},
    ]


def test_what_a_grown_up_granted_goes_on_as_she_grows_older() -> None:
    told = Told().yes(CHILD, age=19)
    assert told.open(facts(20)) == {MEETINGS}
    for age, goes_on in ((14, False), (15, True)):
        told = Told().yes(CHILD, owners=frozenset({"bup"}), age=age)
        assert bool(told.open(facts(18))) is goes_on


def test_how_a_yes_has_ended() -> None:
    (word,) = Told().yes(MOTHER, until=TODAY).events
    later = facts(today=TODAY + timedelta(days=1))
    alone = facts(custodians=frozenset({FATHER}))
    assert over(word, facts(), SECTORS) is None
    assert over(word, later, SECTORS) is Kind.EXPIRED
    assert over(word, alone, SECTORS) is Kind.ENDED
    for unknown in (facts(custodians=None), facts(None), facts(17, custodians=None)):
        assert over(word, unknown, SECTORS) is None, "nobody knows"
    for f in (
        facts(18, custodians=None),
        facts(19, custodians=None),
        facts(deceased=True),
        facts(custodians=frozenset()),
    ):
        assert over(word, f, SECTORS) is Kind.ENDED
    assert over(word, facts(custodians=None, today=later.today), SECTORS) is Kind.EXPIRED
    (no,) = Told().no(MOTHER).events
    assert over(no, later, SECTORS) is None


def test_how_a_yes_ends_when_a_new_one_comes() -> None:
    (word,) = Told().yes(MOTHER, until=TODAY).events
    later = facts(today=TODAY + timedelta(days=1))
    assert replaced(word, facts(), SECTORS) is Kind.SUPERSEDED
    assert replaced(word, later, SECTORS) is Kind.EXPIRED
    assert replaced(word, facts(custodians=frozenset({FATHER})), SECTORS) is Kind.ENDED
    assert replaced(None, facts(), SECTORS) is None
    for kind in Kind:
        if kind is not Kind.GRANTED:
            assert replaced(Told().say(MOTHER, kind).events[0], facts(), SECTORS) is None


def test_which_yes_a_yes_replaced() -> None:
    first, ended, _other, second = (
        Told().yes(MOTHER).say(MOTHER, Kind.SUPERSEDED).yes(FATHER).yes(MOTHER).events
    )
    events = [first, ended, _other, second]
    assert predecessor(events, second) == first
    assert predecessor(events, first) is None
    assert predecessor([first, second], second) == first, "written before ends were events"
    for kind in (Kind.WITHDRAWN, Kind.EXPIRED, Kind.ENDED, Kind.REFUSED):
        told = Told().yes(MOTHER).say(MOTHER, kind).yes(MOTHER).events
        assert predecessor(told, told[-1]) is None, kind
    elsewhere = Told().yes(MOTHER, FATHER)
    elsewhere.say(MOTHER, Kind.GRANTED, a_grant(), "fam")
    assert predecessor(elsewhere.events, elsewhere.events[-1]) is None
    after = Told().yes(MOTHER).yes(MOTHER).yes(MOTHER).events
    assert [predecessor(after, e) for e in after] == [None, after[0], after[1]]


def test_what_is_stored_is_never_called_something_else() -> None:
    """These words lie in rows and sealed grants that nobody can change."""
    assert {k.value for k in Kind} == {
        "granted", "refused", "withdrawn", "expired", "ended", "superseded"
    }  # fmt: skip
    assert {m.value for m in Mine} == {"none", "pending", "active", "expired", "withdrawn"}
    assert [k.value for k in (Kind.GRANTED, Kind.REFUSED, Kind.EXPIRED)] == [
        "granted", "refused", "expired"
    ]  # fmt: skip
    assert {Kind.EXPIRED, Kind.ENDED} == BY_ITSELF
    bare = a_grant()
    assert (bare.language, bare.text, bare.child_says) == ("da", "", "")
    assert timedelta(days=1) == UNDO


def test_an_event_cannot_be_edited() -> None:
    (event,) = Told().yes(MOTHER).events
    with pytest.raises(AttributeError):
        event.kind = Kind.WITHDRAWN
    with pytest.raises(AttributeError):
        event.grant.until = TODAY


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
