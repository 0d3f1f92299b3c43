"""Calendar subscriptions: neutral, secret, revocable, and dead with the relation."""

from __future__ import annotations

import re

from icalendar import Calendar

from tests.conftest import BASE, Browser, Login


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
