"""Answers as they are written: one at a time, sealed, with their log line, and never over one's own newer one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import msgspec
import pytest
from flask import Flask

from portal.access import Viewer
from portal.audit import Act
from portal.audit import entries as log_of
from portal.consent_state import Kind, Mine
from portal.consents import Changed, NotAllowed, Proposal, Row, months_ahead
from portal.db import StoreDown
from portal.records import Category
from tests.conftest import Login


@pytest.fixture
def family(app: Flask, login: Login) -> tuple[object, str, dict[str, str]]:
    """The services, Emil's id and who is who."""
    people = login("mette").citizens()
    portal = app.extensions["portal"]
    home = portal.family.household(people["Emil"])
    assert home.custodians
    return portal, people["Emil"], {c.first_name: c.id for c in home.custodians}


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
    home = portal.family.household(emil)
    event = portal.consents.grant(
        home, people["Mette"], proposal(home.facts.today), "teksten", "da"
    )
    assert (event.seq, event.kind, event.by) == (1, Kind.GRANTED, people["Mette"])
    (read,) = portal.consents.events(emil)
    assert read == event
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
    home = portal.family.household(emil)
    ask = proposal(home.facts.today)
    first = portal.consents.grant(home, people["Mette"], ask, "t", "da")
    with pytest.raises(Changed):
        portal.consents.grant(home, people["Mette"], ask, "t", "da")
    portal.consents.grant(
        home, people["Jonas"], ask, "t", "da"
    )  # another's answer is no change of mine
    newer = msgspec.structs.replace(ask, seen=first.seq)
    portal.consents.grant(home, people["Mette"], newer, "t", "da")
    mette, jonas = people["Mette"], people["Jonas"]
    assert [(e.by, e.kind) for e in portal.consents.events(emil)] == [
        (mette, Kind.GRANTED),
        (jonas, Kind.GRANTED),
        (mette, Kind.SUPERSEDED),
        (mette, Kind.GRANTED),
    ]


def test_twenty_at_once_leave_one_yes(family) -> None:
    portal, emil, people = family
    home = portal.family.household(emil)
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
    home = portal.family.household(emil)

    def act(number: int) -> None:
        who = people["Mette" if number % 2 else "Jonas"]
        portal.consents.withdraw(emil, who, f"sted-{number % 3}", True)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(act, range(30)))
    assert [e.seq for e in portal.consents.events(emil)] == list(range(1, 31))
    assert not portal.consents.applies(emil, home.facts)


def test_nobody_else_says_yes_or_no(family) -> None:
    portal, emil, people = family
    home = portal.family.household(emil)
    for stranger in ("0" * 32, emil):
        with pytest.raises(NotAllowed):
            portal.consents.grant(home, stranger, proposal(home.facts.today), "t", "da")
        with pytest.raises(NotAllowed):
            portal.consents.withdraw(emil, stranger, "ppr", False)
    assert portal.consents.events(emil) == ()
    assert people


PROBLEMS = [
    ({"categories": frozenset()}, {"kategori"}),
    ({"owners": frozenset()}, {"ejer"}),
    ({"owners": frozenset({"findes-ikke"})}, {"ejer"}),
    ({"purpose": ""}, {"formaal"}),
    ({"excluded": frozenset({"Alt"})}, {"undtaget"}),
    ({"categories": frozenset({Category.COMMENTS}), "owners": frozenset()}, set()),
    ({}, set()),
]


@pytest.mark.parametrize(("more", "fields"), PROBLEMS)
def test_what_is_wrong_with_a_proposal(family, more: dict[str, object], fields: set[str]) -> None:
    portal, emil, people = family
    home = portal.family.household(emil)
    found = portal.consents.problems(proposal(home.facts.today, **more), home, people["Mette"])
    assert {p.field for p in found} == fields


def test_the_last_day_is_at_most_a_year_away(family) -> None:
    portal, emil, people = family
    home = portal.family.household(emil)
    today = home.facts.today
    last = months_ahead(today, 12)
    for until, ok in (
        (today, False),
        (today + timedelta(days=1), True),
        (last, True),
        (last + timedelta(days=1), False),
    ):
        found = portal.consents.problems(proposal(today, until=until), home, people["Mette"])
        assert (not found) is ok, until


def test_a_grant_can_be_read_only_with_the_citizens_own_key(family) -> None:
    portal, emil, people = family
    home = portal.family.household(emil)
    portal.consents.grant(home, people["Mette"], proposal(home.facts.today), "hemmelig tekst", "da")
    with portal.store.read() as c:
        raw = c.exec_driver_sql("SELECT detail FROM consent_event").scalar()
    assert b"hemmelig" not in raw and b"familieafdelingen" not in raw


def test_a_citizen_has_her_row_and_the_others_theirs(family) -> None:
    portal, emil, people = family
    home = portal.family.household(emil)
    portal.consents.grant(home, people["Mette"], proposal(home.facts.today), "t", "da")
    assert portal.consents.row(home, people["Mette"], "ppr").mine is Mine.PENDING
    row = portal.consents.row(home, people["Jonas"], "ppr")
    assert row == Row(actor="ppr", mine=Mine.NONE)
    assert portal.consents.rows(home, people["Jonas"]) == {}


def test_an_overview_cannot_be_opened_when_its_events_cannot_be_read(family) -> None:
    portal, emil, people = family
    with portal.store.engine.begin() as c:
        c.exec_driver_sql("ALTER TABLE consent_event RENAME TO gone")
    with pytest.raises(StoreDown):
        portal.overviews.open(Viewer(person=people["Mette"]), emil)
