"""Calendar subscriptions: neutral, secret, revocable, and dead with the relation."""

from __future__ import annotations

import re
from datetime import datetime

import pytest
from flask import Flask
from icalendar import Calendar
from msgspec import structs

from portal import create_app
from portal.family import RegisterDown
from portal.records import Answer, Hole
from portal.settings import Settings
from tests.acts import shut_out
from tests.conftest import BASE, Browser, Login
from tests.page_checks import check


def link_for(browser: Browser, citizen: str) -> str:
    page = browser.post("/konto", {"handling": "ny-kalender", "borger": citizen})
    found = re.search(rf"{re.escape(BASE)}(/kalender/[\w-]+\.ics)", page.get_data(as_text=True))
    assert found
    return found[1]


def test_a_feed_tells_when_and_nothing_else(login: Login) -> None:
    mette = login("mette")
    link = link_for(mette, mette.citizens()["Emil"])
    answer = mette.get(link)
    assert answer.status_code == 200
    assert answer.content_type == "text/calendar; charset=utf-8"
    events = Calendar.from_ical(answer.data).walk("VEVENT")
    assert len(events) > 3
    assert {str(e["SUMMARY"]) for e in events} == {"Møde"}
    assert not any("LOCATION" in e or "DESCRIPTION" in e or "ORGANIZER" in e for e in events)


def test_a_feed_says_when_meetings_may_be_missing(
    app: Flask, settings: Settings, login: Login
) -> None:
    """A phone forgets what a feed no longer holds: an outage must not read as no meeting."""
    mette = login("mette")
    link = link_for(mette, mette.citizens()["Emil"])
    sick = tuple(
        structs.replace(s, url="http://127.0.0.1:9/none") if s.actor == "familieafdelingen" else s
        for s in settings.source
    )
    broken = Browser(create_app(structs.replace(settings, source=sick)).test_client())
    told = Calendar.from_ical(broken.get(link).data).walk("VEVENT")
    notes = [e for e in told if "mangle" in str(e["SUMMARY"])]
    assert len(told) > 1 and len(notes) == 1 and not isinstance(notes[0]["DTSTART"].dt, datetime)
    assert b"mangle" not in mette.get(link).data


@pytest.mark.parametrize(("lost", "told"), [("meeting", True), ("contact", False)])
def test_a_feed_speaks_of_meetings_that_cannot_be_read_and_of_nothing_else(
    app: Flask, login: Login, monkeypatch: pytest.MonkeyPatch, lost: str, told: bool
) -> None:
    mette = login("mette")
    link = link_for(mette, mette.citizens()["Emil"])
    asked = app.extensions["portal"].gatherer.ask

    def holed(*args: object, **more: object) -> dict[str, Answer]:
        first, *rest = asked(*args, **more).items()
        whose = next(e for _, a in (first, *rest) for e in a.entries)
        hole = Hole(key="h", source=first[0], owner=whose.owner, of=lost)
        return {first[0]: structs.replace(first[1], holes=(hole,)), **dict(rest)}

    monkeypatch.setattr(app.extensions["portal"].gatherer, "ask", holed)
    assert (b"mangle" in mette.get(link).data) is told


def test_a_feed_needs_no_login_and_no_wrong_letter(login: Login) -> None:
    mette = login("mette")
    link = link_for(mette, mette.citizens()["Emil"])
    stranger = Browser(mette.client.application.test_client())
    assert stranger.get(link).status_code == 200
    assert stranger.get(link.replace(".ics", "x.ics")).status_code == 404


def test_closing_a_feed_ends_it_at_once(login: Login) -> None:
    mette = login("mette")
    link = link_for(mette, mette.citizens()["Emil"])
    feed = re.search(r'name="feed" value="(\w+)"', mette.get("/konto").get_data(as_text=True))
    assert feed
    mette.post("/konto", {"handling": "luk-kalender", "feed": feed[1]})
    assert mette.get(link).status_code == 404


def test_nobody_makes_a_feed_of_somebody_elses_child(login: Login) -> None:
    emil = login("mette").citizens()["Emil"]
    assert (
        login("viggo").post("/konto", {"handling": "ny-kalender", "borger": emil}).status_code
        == 404
    )


def test_the_account_names_nobody_whose_overview_is_shut(app: Flask, login: Login) -> None:
    """Closed looks like absence: not in the list, not on a link, and not in `data-viewer`."""
    camilla = login("camilla")
    link = link_for(camilla, camilla.citizens()["Noah"])
    assert "Noah" in check(camilla.get("/konto"))
    child = shut_out(app, camilla, "Noah")
    account = check(camilla.get("/konto"))
    assert "Noah" not in account and child not in account
    assert "ikke virker lige nu" in account
    assert camilla.get(link).status_code == 404
    whole = check(camilla.get("/overblik", follow_redirects=True))
    for text in (whole, account, check(camilla.get("/sprog"))):
        assert 'data-viewer="self"' in text
    feed = re.search(r'name="feed" value="(\w+)"', account)
    assert feed
    camilla.post("/konto", {"handling": "luk-kalender", "feed": feed[1]})
    assert 'name="feed"' not in check(camilla.get("/konto"))


def test_the_account_names_no_child_who_is_of_age(login: Login) -> None:
    hanne = login("hanne")
    assert "Freja" not in check(hanne.get("/konto"))


def test_links_can_be_closed_while_the_register_is_down(
    app: Flask, login: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    mette = login("mette")
    link_for(mette, mette.citizens()["Emil"])

    def down(*_: object) -> None:
        raise RegisterDown("register")

    monkeypatch.setattr(app.extensions["portal"].family, "children", down)
    account = check(mette.get("/konto"))
    assert 'name="feed"' in account and "Emil" not in account
