"""What is new since last time: marked when she asks for it, for her alone, and never by looking."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from sqlalchemy import delete, select

from portal import create_app
from portal import seen as module
from portal.access import Viewer
from portal.models import seen
from portal.settings import Settings
from tests import stores
from tests.conftest import Browser, Login, staff
from tests.page_checks import check

NEW = '<span class="tag new">Nyt</span>'


@pytest.fixture(autouse=True)
def nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests change the marks behind the portal's back."""
    monkeypatch.setattr(module, "FRESH_SECONDS", 0)


def overview(who: Browser, citizen: str) -> str:
    return check(who.get(f"/overblik/{citizen}?vent=1"))


def remember(who: Browser, citizen: str, *listed: str) -> None:
    form = {"handling": "husk", "ny": list(listed)}
    assert who.post(f"/overblik/{citizen}/nyt", form).status_code == 303


def listed(text: str) -> list[str]:
    return re.findall(r'name="ny" value="([0-9a-f]{32})"', text)


def rows(app: Flask) -> list[tuple[str, str]]:
    with stores.everything(app.extensions["portal"].store) as c:
        return [(r.person, r.mark) for r in c.execute(select(seen))]


def lose(app: Flask, who: str, citizen: str, *ids: str, what: str = "entry") -> None:
    """As if these entries had come since, or a source had been down: their marks are not there."""
    ref = app.extensions["portal"].family.key(who).ref
    marks = [ref("seen", citizen, what, i) for i in ids]
    with stores.everything(app.extensions["portal"].store) as c:
        assert c.execute(delete(seen).where(seen.c.mark.in_(marks))).rowcount == len(ids)


def meetings(who: Browser, citizen: str) -> list[str]:
    text = check(who.get(f"/overblik/{citizen}/moeder?vent=1"))
    return list(dict.fromkeys(re.findall(r"/moeder/([0-9a-f]{32})\.ics", text)))


def test_nothing_is_marked_or_remembered_before_she_asks(app: Flask, login: Login) -> None:
    mette = login("mette")
    people = mette.citizens()
    for _ in range(2):
        text = overview(mette, people["Emil"])
        assert NEW not in text and "siden sidst" not in text
        assert "Se næste gang, hvad der er nyt" in text
    assert "siden sidst" not in check(mette.get("/overblik?vent=1"))
    assert not rows(app)


def test_what_came_since_is_marked_counted_and_named_until_she_has_seen_it(
    app: Flask, login: Login
) -> None:
    mette, jonas = login("mette"), login("jonas")
    people = mette.citizens()
    me, emil = people["Mig selv"], people["Emil"]
    remember(mette, emil)
    assert "Ikke noget nyt siden sidst" in overview(mette, emil)
    first, second = meetings(mette, emil)[:2]
    lose(app, me, emil, first, second)
    text = overview(mette, emil)
    assert "2 nye ting siden sidst" in text and NEW in text
    assert sorted(listed(text)) == sorted((first, second))
    assert NEW in check(mette.get(f"/overblik/{emil}/moeder?vent=1"))
    family = check(mette.get("/overblik?vent=1"))
    assert family.count("2 nye ting siden sidst") == 1
    assert NEW not in overview(jonas, emil), "his own marks are his own"
    remember(mette, emil, first)
    assert "1 ny ting siden sidst" in overview(mette, emil), "only what was listed has been seen"
    remember(mette, emil, second)
    assert "Ikke noget nyt siden sidst" in overview(mette, emil)


def test_a_comment_from_somebody_else_is_news_and_ones_own_is_not(login: Login) -> None:
    mette, jonas = login("mette"), login("jonas")
    people = mette.citizens()
    emil, me = people["Emil"], people["Mig selv"]
    remember(mette, emil)
    remember(jonas, emil)
    said = jonas.post(
        f"/overblik/{emil}/kommentarer", {"tekst": "Jeg henter torsdag", "modtager": [me]}
    )
    assert said.status_code == 303
    text = overview(mette, emil)
    assert "1 ny ting siden sidst" in text and "Kommentar fra Jonas" in text
    assert "1 ny ting siden sidst" in check(mette.get("/overblik?vent=1"))
    assert NEW in check(mette.get(f"/overblik/{emil}/kommentarer?vent=1"))
    assert "siden sidst" in overview(jonas, emil) and "1 ny" not in overview(jonas, emil)


def test_a_source_that_was_down_brings_no_old_things_back_as_news(app: Flask, login: Login) -> None:
    mette = login("mette")
    people = mette.citizens()
    me, emil = people["Mig selv"], people["Emil"]
    remember(mette, emil)
    kept = len(rows(app))
    page = app.extensions["portal"].overviews.open(Viewer(person=me), emil)
    meeting = page.meetings[0]
    source = meeting.entry.source
    its = [s.ref for s in (*page.meetings, *page.contacts) if s.entry.source == source]
    lose(app, me, emil, *its)
    assert NEW in overview(mette, emil)
    lose(app, me, emil, source, what="source")
    assert NEW not in overview(mette, emil), "nobody knows whether they are new"
    remember(mette, emil)
    assert len(rows(app)) == kept
    assert NEW not in overview(mette, emil)


def test_she_can_have_it_forgotten(app: Flask, login: Login) -> None:
    mette = login("mette")
    people = mette.citizens()
    remember(mette, people["Emil"])
    remember(mette, people["Sofie"])
    before = len(rows(app))
    gone = mette.post(f"/overblik/{people['Emil']}/nyt", {"handling": "glem"})
    assert gone.status_code == 303
    assert 0 < len(rows(app)) < before
    assert "Se næste gang" in overview(mette, people["Emil"])
    assert "Ikke noget nyt" in overview(mette, people["Sofie"])


def test_marks_tell_nothing_and_odd_forms_leave_none(app: Flask, login: Login) -> None:
    mette = login("mette")
    emil = mette.citizens()["Emil"]
    assert mette.post(f"/overblik/{emil}/nyt", {"handling": "alt"}).status_code == 400
    assert not rows(app)
    remember(mette, emil, "x", "0" * 32, "../../etc")
    found = rows(app)
    assert len({m for _, m in found}) == len(found) > 20
    text = overview(mette, emil)
    refs = set(re.findall(r"[0-9a-f]{32}", text))
    assert not refs & {m for _, m in found}


def test_an_employee_has_no_marks(app: Flask, login: Login) -> None:
    emil = login("mette").citizens()["Emil"]
    poul = staff(login, "poul")
    assert poul.post(f"/overblik/{emil}/nyt", {"handling": "husk"}).status_code == 404
    assert not rows(app)


def test_every_worker_knows_at_once_what_this_session_said(
    app: Flask, login: Login, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FRESH_SECONDS", 60)
    mette = login("mette")
    emil = mette.citizens()["Emil"]
    other = Browser(create_app(settings).test_client())
    cookie = mette.client.get_cookie("session", domain="127.0.0.1")
    assert cookie
    other.client.set_cookie("session", cookie.value, domain="127.0.0.1")
    for handling, said in (("husk", "Ikke noget nyt"), ("glem", "Se næste gang")):
        for who in (mette, other):
            assert said not in overview(who, emil)
        assert mette.post(f"/overblik/{emil}/nyt", {"handling": handling}).status_code == 303
        for who in (other, mette):
            assert said in overview(who, emil)
