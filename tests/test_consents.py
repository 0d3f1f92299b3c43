"""Answers as they are written: one at a time, sealed, with their log line, and never over one's own newer one."""

from __future__ import annotations

import importlib
import os
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import ClauseElement, event
from sqlalchemy.dialects import postgresql

from portal.audit import Act
from portal.audit import entries as log_of
from portal.config import load
from portal.consent_events import ConsentEvents
from portal.consent_state import Grant, Kind, Mine
from portal.consents import Changed, NotAllowed, Row
from portal.crypto import Unreadable
from portal.db import Task
from portal.journal import Journal
from portal.proposal import Proposal
from portal.records import Category
from portal.settings import Settings
from tests.store_world import Shop, secrets, write_settings

pytest_plugins = ("tests.store_fixtures",)
CONSENTS = importlib.import_module("portal.consents")  # the package holds a view of that name


@pytest.fixture
def engine() -> str:
    """SQLite alone: what both databases must do, tests/test_races.py and the like show."""
    return "sqlite"


@pytest.fixture
def bare(tmp_path: Path) -> Settings:
    """A municipality with the places these families speak of."""
    environ = secrets()
    file = write_settings(tmp_path, "sqlite:///portal.db", environ).path("portal-0851.toml")
    file.write_text(file.read_text() + PLACES)
    return load(file, {**os.environ, **environ})


PLACES = '[[kind]]\ncoding = "x"\nis = "excluded:Befordring"\n' + "".join(
    f'[[actor]]\nid = "{id}"\nname = "{id}"\nsector = "{sector}"\n'
    for id, sector in {
        "ppr": "school",
        "familieafdelingen": "social",
        "bup-nord": "health",
        "jobcenter": "employment",
    }.items()
)


@pytest.fixture
def family(shop: Shop) -> tuple[Shop, str, dict[str, str]]:
    """The services, Emil's id and who is who."""
    home = shop.household()
    assert home.custodians
    mette, jonas = home.custodians
    return shop, home.citizen.id, {"Mette": mette.id, "Jonas": jonas.id}


def proposal(today, **more: object) -> Proposal:
    values: dict[str, object] = {
        "actor": "ppr",
        "categories": frozenset({Category.MEETINGS}),
        "owners": frozenset({"familieafdelingen"}),
        "sources": frozenset({"familieafd"}),
        "purpose": "moede",
        "until": today + timedelta(days=30),
    }
    return Proposal(**(values | more))  # type: ignore[arg-type]


def test_a_yes_and_its_log_line_are_one_fact(family) -> None:
    portal, emil, people = family
    home = portal.household()
    given = portal.consents.grant(
        home, people["Mette"], proposal(home.facts.today), "teksten", "da"
    )
    assert (given.seq, given.kind, given.by) == (1, Kind.GRANTED, people["Mette"])
    (read,) = portal.consents.events(emil)
    assert read == given
    assert read.grant and (read.grant.text, read.grant.language, read.grant.age) == (
        "teksten",
        "da",
        9,
    )
    with portal.store.read() as c:
        lines = log_of(c, portal.settings.municipality, emil, portal.family.key(emil))
    line = next(e.line for e in lines if e.line.act is Act.CONSENT)
    assert (line.person, line.outcome, line.about) == (people["Mette"], "granted", "ppr")


def test_a_yes_on_an_old_form_is_refused_and_writes_nothing(family) -> None:
    portal, emil, people = family
    home = portal.household()
    ask = proposal(home.facts.today)
    portal.consents.grant(home, people["Mette"], ask, "t", "da")
    with pytest.raises(Changed):
        portal.consents.grant(home, people["Mette"], ask, "t", "da")
    portal.consents.grant(
        home, people["Jonas"], ask, "t", "da"
    )  # another's answer is no change of mine
    newer = msgspec.structs.replace(ask, seen=1)
    portal.consents.grant(home, people["Mette"], newer, "t", "da")
    mette, jonas = people["Mette"], people["Jonas"]
    assert [(e.by, e.kind) for e in portal.consents.events(emil)] == [
        (mette, Kind.GRANTED),
        (jonas, Kind.GRANTED),
        (mette, Kind.SUPERSEDED),
        (mette, Kind.GRANTED),
    ]


def test_a_new_yes_writes_how_the_one_before_it_ended(family) -> None:
    """Replaced while it stood; run out, or over by custody, if that is what happened to it."""
    portal, emil, people = family
    home, mette = portal.household(), people["Mette"]
    for kind, then in (
        (Kind.SUPERSEDED, home),
        (Kind.EXPIRED, on(home, timedelta(days=31))),
    ):
        say_yes(portal, home, mette)
        before = len(portal.consents.events(emil))
        say_yes(portal, then, mette)
        ending, new = portal.consents.events(emil)[before:]
        assert (ending.kind, ending.by, ending.grant) == (kind, mette, None)
        assert (new.kind, new.by) == (Kind.GRANTED, mette)
        portal.consents.withdraw(emil, mette, "ppr", False)
    say_yes(portal, home, mette)
    assert [e.kind for e in portal.consents.events(emil)][-2:] == [Kind.WITHDRAWN, Kind.GRANTED]


def test_what_ended_with_a_new_yes_stands_in_the_log_too(family) -> None:
    portal, emil, people = family
    home = portal.household()
    for _ in range(2):
        say_yes(portal, home, people["Mette"])
    say_yes(portal, on(home, timedelta(days=31)), people["Mette"])
    assert [(e.line.act, e.line.outcome) for e in reversed(log(portal, emil))] == [
        (Act.CONSENT, "granted"),
        (Act.CONSENT, "superseded"),
        (Act.CONSENT, "granted"),
        (Act.AUTOMATIC, "expired"),
        (Act.CONSENT, "granted"),
    ]


def test_a_no_is_a_refusal_until_there_was_a_yes(family) -> None:
    portal, emil, people = family
    home, mette = portal.household(), people["Mette"]
    for _ in range(2):
        assert portal.consents.withdraw(emil, mette, "ppr", True).kind is Kind.REFUSED
    say_yes(portal, home, mette)
    for _ in range(2):
        assert portal.consents.withdraw(emil, mette, "ppr", True).kind is Kind.WITHDRAWN


def test_a_yes_that_meets_a_no_on_the_way_loses(family) -> None:
    """The form was shown before the no: whichever comes first, the no stands."""
    portal, emil, people = family
    home, mette = portal.household(), people["Mette"]
    for first in (Kind.REFUSED, Kind.WITHDRAWN):
        shown = portal.consents.row(home, mette, "ppr").version
        assert portal.consents.withdraw(emil, mette, "ppr", True).kind is first
        with pytest.raises(Changed):
            portal.consents.grant(home, mette, proposal(home.facts.today, seen=shown), "t", "da")
        say_yes(portal, home, mette)
    portal.consents.withdraw(emil, mette, "ppr", True)
    assert portal.consents.row(home, mette, "ppr").mine is Mine.WITHDRAWN


def test_fortryd_is_offered_for_24_hours(family, monkeypatch: pytest.MonkeyPatch) -> None:
    portal, emil, people = family
    home, mette = portal.household(), people["Mette"]
    given = say_yes(portal, home, mette).at
    day = timedelta(hours=24)
    for at, until in (
        (given, given + day),
        (given + day - timedelta(seconds=1), given + day),
        (given + day, None),
        (given + timedelta(days=9), None),
    ):
        monkeypatch.setattr(CONSENTS, "now", lambda at=at: at)
        assert portal.consents.row(home, mette, "ppr").undo_until == until
    monkeypatch.setattr(CONSENTS, "now", lambda: given)
    say_yes(portal, home, people["Jonas"])
    both = portal.consents.row(home, mette, "ppr")
    assert (both.mine, both.undo_until) == (Mine.ACTIVE, given + day)
    portal.consents.withdraw(emil, mette, "ppr", False)
    assert portal.consents.row(home, mette, "ppr").undo_until is None


def test_a_place_gone_from_the_file_shows_no_parent_what_is_hers_alone(family) -> None:
    """At 16: her own yes about a place nobody can place counts as health."""
    portal, emil, people = family
    home = on(portal.household(), timedelta(days=0), age=16)
    gone = msgspec.structs.replace
    grant = portal.consents.grant(
        home, emil, proposal(home.facts.today, owners=frozenset({"bup-nord"})), "t", "da"
    ).grant
    portal.consents.withdraw(emil, emil, "ppr", False)
    with portal.store.write(emil) as c:
        said = gone(grant, owners=frozenset({"nedlagt"}))
        portal.consents._add(c, emil, "ppr", Kind.GRANTED, emil, said)
    assert portal.consents.row(home, emil, "ppr").mine is Mine.ACTIVE
    for parent in ("Mette", "Jonas"):
        say_yes(
            portal,
            home,
            people[parent],
            categories=frozenset({Category.COMMENTS}),
            owners=frozenset(),
        )
        assert portal.consents.row(home, people[parent], "ppr").scopes == ()


def test_nobody_knows_is_not_over(family) -> None:
    """A register that contradicts itself opens nothing; but what nobody ended goes on afterwards."""
    portal, emil, people = family
    home = portal.household()
    for who in people.values():
        say_yes(portal, home, who)
    facts = home.facts
    for unknown in (
        {"custodians": None},
        {"born": None},
        {"born": facts.today + timedelta(days=1)},
    ):
        then = msgspec.structs.replace(facts, **unknown)
        assert not portal.consents.applies(emil, then)
        assert portal.consents.settle(msgspec.structs.replace(home, facts=then)) == 0
    assert portal.consents.applies(emil, facts)


def test_custody_that_is_lost_ends_a_yes_for_good(family) -> None:
    portal, emil, people = family
    home = portal.household()
    for who in people.values():
        say_yes(portal, home, who)
    alone = with_custody(home, people["Mette"])
    assert portal.consents.applies(emil, alone.facts)
    assert portal.consents.settle(alone) == 1
    assert portal.consents.settle(alone) == 0
    assert not portal.consents.applies(emil, home.facts)
    assert portal.consents.row(home, people["Jonas"], "ppr").mine is Mine.EXPIRED


def say_yes(portal, home, who: str, **more: object):
    seen = portal.consents.row(home, who, str(more.get("actor", "ppr"))).version
    asked = proposal(home.facts.today, seen=seen, **more)
    return portal.consents.grant(home, who, asked, "t", "da")


def on(home, later: timedelta, age: int | None = None):
    """The household so much later; or with a child of another age."""
    facts = home.facts
    born = facts.born if age is None else facts.today.replace(year=facts.today.year - age, day=1)
    facts = msgspec.structs.replace(facts, today=facts.today + later, born=born)
    return msgspec.structs.replace(home, facts=facts)


def with_custody(home, *custodians: str):
    facts = msgspec.structs.replace(home.facts, custodians=frozenset(custodians))
    return msgspec.structs.replace(home, facts=facts)


def log(portal, citizen: str):
    with portal.store.read(citizen) as c:
        entries = log_of(c, portal.settings.municipality, citizen, portal.family.key(citizen))
    return [e for e in entries if e.line.about]


def test_nothing_she_is_handed_counts_the_others_answers(family) -> None:
    """Not her form, not her receipt: whatever he answered in between, and about whatever place."""
    portal, emil, people = family
    home, mette = portal.household(), people["Mette"]
    say_yes(portal, home, mette)
    alone = say_yes(portal, home, mette)
    versions = [portal.consents.row(home, mette, "ppr").version]
    for place in ("ppr", "jobcenter", "ppr"):
        portal.consents.withdraw(emil, people["Jonas"], place, True)
        versions.append(portal.consents.row(home, mette, "ppr").version)
    assert versions == [3] * 4
    after = say_yes(portal, home, mette)
    names = [portal.consents.number(emil, e) for e in (alone, after)]
    assert len(set(names)) == 2
    assert all(re.fullmatch(r"[0-9a-f]{4}-[0-9a-f]{4}", n) for n in names)


def test_twenty_at_once_leave_one_yes(family) -> None:
    portal, emil, people = family
    home = portal.household()
    ask = proposal(home.facts.today)

    def say(_: int) -> bool:
        try:
            portal.consents.grant(home, people["Mette"], ask, "t", "da")
        except Changed:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(say, range(20)))
    assert said.count(True) == 1
    assert [e.seq for e in portal.consents.events(emil)] == [1]


def test_many_withdrawals_and_yeses_at_once_leave_no_gap(family) -> None:
    portal, emil, people = family
    home = portal.household()

    def act(number: int) -> None:
        who = people["Mette" if number % 2 else "Jonas"]
        portal.consents.withdraw(emil, who, f"sted-{number % 3}", True)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(act, range(30)))
    assert [e.seq for e in portal.consents.events(emil)] == list(range(1, 31))
    assert not portal.consents.applies(emil, home.facts)


def test_nobody_else_says_yes_or_no(family) -> None:
    portal, emil, people = family
    home = portal.household()
    for stranger in ("0" * 32, emil):
        with pytest.raises(NotAllowed):
            portal.consents.grant(home, stranger, proposal(home.facts.today), "t", "da")
        with pytest.raises(NotAllowed):
            portal.consents.withdraw(emil, stranger, "ppr", False)
    assert portal.consents.events(emil) == ()
    assert people


def test_a_grant_can_be_read_only_with_the_citizens_own_key(family) -> None:
    portal, _, people = family
    home = portal.household()
    portal.consents.grant(home, people["Mette"], proposal(home.facts.today), "hemmelig tekst", "da")
    with portal.store.read() as c:
        raw = c.exec_driver_sql("SELECT detail FROM consent_event").scalar()
    assert b"hemmelig" not in raw and b"familieafdelingen" not in raw


def test_a_citizen_has_her_row_and_the_others_theirs(family) -> None:
    portal, _, people = family
    home = portal.household()
    portal.consents.grant(home, people["Mette"], proposal(home.facts.today), "t", "da")
    assert portal.consents.row(home, people["Mette"], "ppr").mine is Mine.PENDING
    row = portal.consents.row(home, people["Jonas"], "ppr")
    assert row == Row(actor="ppr", mine=Mine.NONE)
    assert portal.consents.rows(home, people["Jonas"]) == {}


def test_a_custody_holder_sees_what_she_decides_about_and_nothing_else(family) -> None:
    """At 16 health is the young person's alone: what applies there shows in no parent's row."""
    portal, emil, people = family
    home = on(portal.household(), timedelta(days=0), age=16)
    owners = {"bup-nord": {emil}, "familieafdelingen": {emil, *people.values()}}
    for owner, saying in owners.items():
        for who in sorted(saying):
            say_yes(portal, home, who, actor=owner, owners=frozenset({owner}))
    for parent in people.values():
        rows = portal.consents.rows(home, parent)
        assert rows.keys() == {"familieafdelingen"}
        assert [s.actor for s in rows["familieafdelingen"].scopes] == ["familieafdelingen"]
        hidden = portal.consents.row(home, parent, "bup-nord")
        assert hidden == Row(actor="bup-nord", mine=Mine.NONE)
    assert portal.consents.rows(home, emil).keys() == owners.keys()


def test_a_parents_yes_to_health_shows_her_nothing_of_the_young_persons_own(family) -> None:
    """Her yes of before the birthday waits for ever; his own, to the same place, is none of her business."""
    portal, emil, people = family
    home, mette = on(portal.household(), timedelta(days=0), age=16), people["Mette"]
    say_yes(portal, home, mette)
    say_yes(portal, home, emil, owners=frozenset({"bup-nord"}))
    row = portal.consents.row(home, mette, "ppr")
    assert (row.mine, row.scopes) == (Mine.PENDING, ())
    say_yes(portal, home, emil, owners=frozenset({"bup-nord", "familieafdelingen"}))
    say_yes(portal, home, people["Jonas"])
    row = portal.consents.row(home, mette, "ppr")
    assert row.mine is Mine.ACTIVE
    assert [{o for _, o in s.pairs} for s in row.scopes] == [{"familieafdelingen"}]
    hers = portal.consents.row(home, emil, "ppr")
    assert {o for s in hers.scopes for _, o in s.pairs} == {"familieafdelingen", "bup-nord"}


def test_a_child_too_young_to_be_asked_sees_what_applies_and_only_that(family) -> None:
    portal, emil, people = family
    home = portal.household()
    say_yes(portal, home, people["Mette"])
    assert portal.consents.row(home, emil, "ppr") == Row(actor="ppr", mine=Mine.NONE)
    assert portal.consents.rows(home, emil) == {}
    say_yes(portal, home, people["Jonas"])
    row = portal.consents.row(home, emil, "ppr")
    assert (row.mine, row.version, row.undo_until) == (Mine.ACTIVE, 0, None)
    assert row.scopes == portal.consents.applies(emil, home.facts)["ppr"] != ()
    assert portal.consents.rows(home, emil) == {"ppr": row}
    stranger = portal.consents.row(home, "0" * 32, "ppr")
    assert stranger == Row(actor="ppr", mine=Mine.NONE)


def test_a_yes_is_open_until_it_ends(family) -> None:
    """Open is what a button to withdraw stands beside: also while the other parent has not answered."""
    portal, _, people = family
    home, (mette, jonas) = portal.household(), people.values()
    assert not portal.consents.row(home, mette, "ppr").open
    say_yes(portal, home, mette)
    assert portal.consents.row(home, mette, "ppr").mine is Mine.PENDING
    assert portal.consents.row(home, mette, "ppr").open
    say_yes(portal, home, jonas)
    assert portal.consents.row(home, mette, "ppr").mine is Mine.ACTIVE
    assert portal.consents.row(home, mette, "ppr").open
    over = portal.consents.row(on(home, timedelta(days=31)), mette, "ppr")
    assert (over.mine, over.open, over.undo_until) == (Mine.EXPIRED, False, None)
    portal.consents.withdraw(home.citizen.id, mette, "ppr", False)
    assert not portal.consents.row(home, mette, "ppr").open


def test_what_applies_is_asked_for_some_places_or_for_all(family) -> None:
    portal, emil, people = family
    home = portal.household()
    for who in people.values():
        for place in ("ppr", "jobcenter"):
            say_yes(portal, home, who, actor=place)
    applied = portal.consents.applies(emil, home.facts)
    assert applied.keys() == {"ppr", "jobcenter"}
    of = portal.consents.of
    assert of(emil, home.facts, {"ppr"}) == applied["ppr"]
    assert of(emil, home.facts, {"skole"}) == ()
    assert of(emil, home.facts, {"ppr", "jobcenter"}) == applied["jobcenter"] + applied["ppr"]
    (scope,) = applied["ppr"]
    assert (scope.actor, scope.purpose) == ("ppr", "moede")
    assert scope.pairs == {(Category.MEETINGS, "familieafdelingen")}


def test_a_yes_keeps_what_was_ticked_and_read(family) -> None:
    portal, emil, people = family
    home = portal.household()
    ask = proposal(
        home.facts.today,
        categories=frozenset({Category.PLANS, Category.MEETINGS}),
        excluded=frozenset({"Befordring"}),
        child_says="Helst ikke til skolen",
        delivered=frozenset({("s", "ppr")}),
    )
    given = portal.consents.grant(home, people["Mette"], ask, "Hele teksten", "ar")
    (read,) = portal.consents.events(emil)
    assert given == read
    assert read.grant == Grant(
        categories=ask.categories,
        owners=ask.owners,
        sources=ask.sources,
        delivered=ask.delivered,
        excluded=ask.excluded,
        purpose=ask.purpose,
        start=home.facts.today,
        until=ask.until,
        age=9,
        language="ar",
        text="Hele teksten",
        child_says="Helst ikke til skolen",
    )
    (said,) = log(portal, emil)
    line = said.line
    assert (line.act, line.person, line.about) == (Act.CONSENT, people["Mette"], "ppr")
    assert line.categories == (Category.MEETINGS, Category.PLANS)
    assert (line.purpose, line.outcome) == ("moede", "granted")
    portal.consents.withdraw(emil, people["Mette"], "ppr", False)
    line = log(portal, emil)[0].line
    assert (line.act, line.outcome, line.purpose, line.categories) == (
        Act.CONSENT,
        "withdrawn",
        "",
        (),
    )


def test_what_is_wrong_with_a_proposal_is_not_confirmed(family) -> None:
    portal, emil, people = family
    home = portal.household()
    for wrong in ({"purpose": "x"}, {"categories": frozenset()}, {"until": home.facts.today}):
        with pytest.raises(NotAllowed):
            portal.consents.grant(
                home, people["Mette"], proposal(home.facts.today, **wrong), "t", "da"
            )
    with pytest.raises(NotAllowed):  # what belongs to nobody in particular is still not hers
        portal.consents.grant(
            home,
            "0" * 32,
            proposal(
                home.facts.today, categories=frozenset({Category.COMMENTS}), owners=frozenset()
            ),
            "t",
            "da",
        )
    assert portal.consents.events(emil) == ()


def test_one_who_decides_no_longer_can_still_take_her_yes_back(family) -> None:
    portal, emil, people = family
    mette, jonas = people.values()
    say_yes(portal, portal.household(), mette)
    assert portal.consents.withdraw(emil, mette, "ppr", False).kind is Kind.WITHDRAWN
    assert portal.consents.withdraw(emil, mette, "ppr", False).kind is Kind.WITHDRAWN
    with pytest.raises(NotAllowed):  # the other's answer, and one about another place, are not hers
        portal.consents.withdraw(emil, jonas, "ppr", False)
    with pytest.raises(NotAllowed):
        portal.consents.withdraw(emil, mette, "jobcenter", False)
    assert portal.consents.withdraw(emil, jonas, "ppr", True).kind is Kind.REFUSED


def test_a_no_is_in_the_journal_outside_the_database(family) -> None:
    """What a restored backup would forget is read there again (decision on backups)."""
    portal, emil, people = family
    mette = people["Mette"]
    say_yes(portal, portal.household(), mette)
    assert list(Journal(portal.settings).read()) == []
    no = portal.consents.withdraw(emil, mette, "ppr", False)
    (kept,) = Journal(portal.settings).read()
    assert (kept.citizen, kept.actor, kept.by) == (emil, "ppr", mette)
    assert (kept.kind, kept.seq, kept.at) == (no.kind, no.seq, no.at)


def test_every_place_that_ran_out_is_settled_once_with_its_log_line(family) -> None:
    portal, emil, people = family
    home, (mette, jonas) = portal.household(), people.values()
    for who, place in ((mette, "ppr"), (jonas, "ppr"), (mette, "jobcenter")):
        say_yes(portal, home, who, actor=place)
    later = on(home, timedelta(days=31))
    assert portal.consents.settle(home) == 0
    assert portal.consents.settle(later) == 3
    assert portal.consents.settle(later) == 0
    ended = [(e.actor, e.by, e.kind) for e in portal.consents.events(emil)[3:]]
    assert ended == [
        ("jobcenter", mette, Kind.EXPIRED),
        ("ppr", mette, Kind.EXPIRED),
        ("ppr", jonas, Kind.EXPIRED),
    ]
    told = [(e.line.act, e.line.person, e.line.about) for e in reversed(log(portal, emil))][3:]
    assert told == [(Act.AUTOMATIC, by, actor) for actor, by, _ in ended]


def test_a_new_word_said_meanwhile_is_not_ended(family) -> None:
    """The day's work read her old yes; before it wrote, she had said a new one."""
    portal, emil, people = family
    home, mette = portal.household(), people["Mette"]
    old = say_yes(portal, home, mette)
    later = on(home, timedelta(days=31))
    say_yes(portal, later, mette, until=later.facts.today + timedelta(days=9))
    count = len(portal.consents.events(emil))
    assert not portal.consents._end(emil, "ppr", mette, old, Kind.EXPIRED)
    assert len(portal.consents.events(emil)) == count


def test_who_was_ever_spoken_of_is_found_by_place(family) -> None:
    portal, emil, people = family
    found = portal.consents
    assert not found.ever(emil, frozenset({"ppr"}))
    assert found.everybody() == found.citizens_of(frozenset({"ppr"})) == ()
    found.withdraw(emil, people["Mette"], "ppr", True)
    found.withdraw(emil, people["Jonas"], "ppr", True)
    other = portal.household("0404179004").citizen.id
    found.withdraw(other, people["Mette"], "jobcenter", True)
    assert found.ever(emil, frozenset({"ppr", "skole"}))
    assert not found.ever(emil, frozenset({"jobcenter"}))
    assert not found.ever(emil, frozenset())
    assert not found.ever(people["Mette"], frozenset({"ppr"}))
    assert found.everybody() == tuple(sorted((emil, other)))
    assert found.citizens_of(frozenset({"ppr"})) == (emil,)
    assert found.citizens_of(frozenset({"jobcenter", "skole"})) == (other,)
    assert found.citizens_of(frozenset()) == ()
    with portal.store.write() as c:  # a database that serves a neighbour too
        c.exec_driver_sql(
            "INSERT INTO consent_event (tenant, citizen, seq, actor, kind, by, at) "
            "SELECT '0860', by, 1, actor, kind, by, at FROM consent_event LIMIT 1"
        )
    assert found.everybody() == tuple(sorted((emil, other)))
    assert found.citizens_of(frozenset({"ppr"})) == (emil,)


def test_citizens_are_looked_for_by_the_task_that_may(
    family, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL shows one who names no citizen the rows of these places alone, or of the day's work."""
    portal, _, _ = family
    asked, read = [], portal.store.read
    monkeypatch.setattr(
        portal.store, "read", lambda *c, **how: asked.append(how) or read(*c, **how)
    )
    portal.consents.citizens_of(frozenset({"skole", "ppr"}))
    portal.consents.everybody()
    assert asked == [
        {"task": Task.ACTORS, "keys": ["ppr", "skole"]},
        {"task": Task.SETTLE, "keys": []},
    ]


def test_each_citizens_events_are_numbered_by_themselves(family) -> None:
    portal, emil, people = family
    other = portal.household("0404179004").citizen.id
    for citizen in (emil, other, emil):
        for who in people.values():
            portal.consents.withdraw(citizen, who, "ppr", True)
    assert [e.seq for e in portal.consents.events(emil)] == [1, 2, 3, 4]
    assert [e.seq for e in portal.consents.events(other)] == [1, 2]


def test_a_sealed_yes_opens_in_its_own_place_only(family) -> None:
    """Sealed to the citizen and to the event's number: copied elsewhere it is unreadable."""
    portal, emil, people = family
    say_yes(portal, portal.household(), people["Mette"])
    with portal.store.write() as c:
        sealed = c.exec_driver_sql("SELECT detail FROM consent_event").scalar()
    opened = portal.family.key(emil).open(sealed, "consent 1")
    assert b"familieafdelingen" in opened
    with pytest.raises(Unreadable):
        portal.family.key(emil).open(sealed, "consent 2")


def test_a_receipt_keeps_its_name(family) -> None:
    portal, emil, people = family
    given = say_yes(portal, portal.household(), people["Mette"])
    sign = portal.family.key(emil).ref("receipt", "1")
    assert portal.consents.number(emil, given) == f"{sign[:4]}-{sign[4:8]}"


def test_a_row_cannot_be_changed_after_it_was_read() -> None:
    with pytest.raises(AttributeError):
        Row(actor="ppr", mine=Mine.NONE).mine = Mine.ACTIVE
    with pytest.raises(TypeError):
        Row("ppr", Mine.NONE)  # said by name: nobody mixes up two of them


def test_whoever_answers_first_waits_for_the_citizens_other_writers(family) -> None:
    """The citizen's row is asked for, to be locked, before anybody's earlier answer is read."""
    portal, emil, people = family
    home, (mette, jonas) = portal.household(), people.values()
    old = say_yes(portal, home, mette)
    acts = (
        lambda: say_yes(portal, home, mette),
        lambda: portal.consents.withdraw(emil, jonas, "ppr", True),
        lambda: portal.consents._end(emil, "ppr", mette, old, Kind.EXPIRED),
    )
    for act in acts:
        said: list[tuple[str, object]] = []

        @event.listens_for(portal.store.engine, "before_cursor_execute")
        def keep(_c, _cursor, statement, values, *_more, said=said):
            said.append((" ".join(statement.split()), values))

        act()
        event.remove(portal.store.engine, "before_cursor_execute", keep)
        begun = [i for i, (s, _) in enumerate(said) if s == LOCK]
        assert [said[i][1] for i in begun] == [(emil,)]
        own = [i for i, (s, _) in enumerate(said) if 'consent_event."by" = ?' in s]
        assert begun < own
    asked: list[str] = []
    ConsentEvents.lock(Asked(asked), emil)  # type: ignore[arg-type]
    assert "FOR UPDATE" in asked[0]


class Asked:
    """A connection that keeps what it is asked, as PostgreSQL would read it."""

    def __init__(self, said: list[str]) -> None:
        self.said = said

    def execute(self, statement: ClauseElement) -> None:
        self.said.append(str(statement.compile(dialect=postgresql.dialect())))


LOCK = "SELECT person.id FROM person WHERE person.id = ?"
