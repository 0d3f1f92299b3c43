"""A fresh login before what lets others see more: kind, in the same place, and hers alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from mitid_stub.rehearsal import answer_login
from portal import db
from tests import acts
from tests.conftest import BASE, Browser, Login
from tests.page_checks import check
from tests.test_routes import stored

Later = Callable[[float], None]


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Later:
    """So many seconds have passed since everybody logged in."""

    def move(seconds: float) -> None:
        moved = lambda: db.now() + timedelta(seconds=seconds)  # noqa: E731
        monkeypatch.setattr("portal.identity.fresh.now", moved)

    return move


def asked_again(sent: TestResponse, who: Browser) -> tuple[str, str]:
    """The page that says why; its way to the provider, and its way back."""
    assert sent.status_code == 303 and sent.headers["Location"].startswith("/log-ind/igen?retur=")
    page = check(who.get(sent.headers["Location"]))
    assert "For din sikkerheds skyld" in page
    to_provider = re.search(r'href="(/log-ind\?retur=[^"]+)"', page)
    back = re.search(r'href="([^"]+)">Nej, gå tilbage', page)
    assert to_provider and back
    return to_provider[1], back[1].replace("&amp;", "&")


def answered(who: Browser, away: str, person: str) -> TestResponse:
    gone = who.get(away)
    return who.get(answer_login(gone.headers["Location"], person).removeprefix(BASE))


def cookie(who: Browser) -> str:
    found = who.client.get_cookie("session", domain="127.0.0.1")
    assert found is not None
    return found.value


def test_a_yes_asks_for_a_fresh_login_and_for_one_more_press(login: Login, later: Later) -> None:
    camilla = login("camilla")
    noah = camilla.citizens()["Noah"]
    token = acts.draft(camilla, noah, "ppr")
    later(301)
    assert "beder vi dig logge ind" in check(
        camilla.get(f"/overblik/{noah}/samtykke/ppr/bekraeft")
    ), "it is said before"
    away, _ = asked_again(acts.confirm(camilla, noah, "ppr", token), camilla)
    assert acts.state(camilla, noah, "ppr") == "none", "nothing was given yet"
    before = cookie(camilla)
    back = answered(camilla, away, "camilla")
    later(0)
    assert back.headers["Location"] == f"/overblik/{noah}/samtykke/ppr/bekraeft?igen=1"
    assert cookie(camilla) != before, "a new id"
    page = check(camilla.get(back.headers["Location"]))
    assert "nu ved vi, at det er dig" in page and token in page, "the same draft"
    assert acts.state(camilla, noah, "ppr") == "none", "coming back writes nothing"
    assert acts.confirm(camilla, noah, "ppr", token).status_code == 303
    assert acts.state(camilla, noah, "ppr") == "active"


def test_the_copied_cookie_of_before_is_dead(login: Login, later: Later) -> None:
    camilla = login("camilla")
    noah = camilla.citizens()["Noah"]
    thief = Browser(camilla.client.application.test_client())
    token = acts.draft(camilla, noah, "ppr")
    thief.client.set_cookie("session", cookie(camilla), domain="127.0.0.1")
    later(301)
    away, _ = asked_again(acts.confirm(camilla, noah, "ppr", token), camilla)
    answered(camilla, away, "camilla")
    assert thief.get("/overblik").headers["Location"].startswith("/log-ind")


def test_within_five_minutes_nothing_is_asked(login: Login, later: Later) -> None:
    camilla = login("camilla")
    noah = camilla.citizens()["Noah"]
    later(290)
    assert "MitID" not in check(camilla.get(f"/overblik/{noah}/samtykke/ppr/bekraeft"))
    acts.grant(camilla, noah, "ppr")


def test_taking_back_never_asks(login: Login, later: Later) -> None:
    camilla = login("camilla")
    noah = camilla.citizens()["Noah"]
    acts.grant(camilla, noah, "ppr")
    later(25 * 60)
    assert acts.withdraw(camilla, noah, "ppr").headers["Location"].endswith("trukket=1")
    assert acts.state(camilla, noah, "ppr") == "withdrawn"


def test_a_new_calendar_link_is_made_after_one_more_press(login: Login, later: Later) -> None:
    mette = login("mette")
    emil = mette.citizens()["Emil"]
    wanted = {"handling": "ny-kalender", "borger": emil}
    later(301)
    away, back = asked_again(mette.post("/konto", wanted), mette)
    assert back == "/konto?igen=kalender"
    came = answered(mette, away, "mette")
    later(0)
    page = check(mette.get(came.headers["Location"]))
    assert "Tryk en gang til" in page and f'value="{emil}" selected' in page
    assert "/kalender/" not in page, "coming back makes no link"
    assert "/kalender/" in check(mette.post("/konto", wanted))
    assert "selected" not in check(mette.get("/konto"))


def test_ones_own_data_is_fetched_after_one_more_press(login: Login, later: Later) -> None:
    mette = login("mette")
    later(301)
    away, back = asked_again(mette.get("/konto/mine-data"), mette)
    assert back == "/konto?igen=data"
    came = answered(mette, away, "mette")
    later(0)
    page = check(mette.get(came.headers["Location"]))
    assert "så får du filen" in page and "så laver vi linket" not in page
    assert mette.get("/konto/mine-data").content_type.startswith("application/json")


def test_a_closed_link_needs_no_login(login: Login, later: Later) -> None:
    mette = login("mette")
    page = check(mette.post("/konto", {"handling": "ny-kalender"}))
    feed = re.search(r'name="feed" value="(\w+)"', page)
    assert feed
    later(301)
    closed = mette.post("/konto", {"handling": "luk-kalender", "feed": feed[1]})
    assert closed.headers["Location"] == "/konto"


def test_somebody_else_answers_and_sees_nothing_of_either(
    login: Login, later: Later, app: Flask
) -> None:
    """Aula, 2021: B confirmed in A's browser and saw A's data."""
    camilla = login("camilla")
    noah = camilla.citizens()["Noah"]
    token = acts.draft(camilla, noah, "ppr")
    thief = Browser(app.test_client())
    thief.client.set_cookie("session", cookie(camilla), domain="127.0.0.1")
    later(301)
    away, _ = asked_again(acts.confirm(camilla, noah, "ppr", token), camilla)
    said = answered(camilla, away, "mette")
    text = check(said)
    assert said.status_code == 403 and "Det var en anden" in text
    assert 'data-viewer="anonymous"' in text
    for name in ("Camilla", "Noah", "Mette", "Emil"):
        assert name not in text
    for browser in (camilla, thief):
        assert browser.get("/overblik").headers["Location"].startswith("/log-ind")


def test_cancelled_at_the_provider_leads_back_and_the_session_stands(
    login: Login, later: Later
) -> None:
    camilla = login("camilla")
    noah = camilla.citizens()["Noah"]
    token = acts.draft(camilla, noah, "ppr")
    later(301)
    away, back = asked_again(acts.confirm(camilla, noah, "ppr", token), camilla)
    gone = camilla.get(away)
    answer = answer_login(gone.headers["Location"], "camilla", action="cancel")
    came = camilla.get(answer.removeprefix(BASE))
    assert came.headers["Location"] == back
    page = check(camilla.get(back))
    assert token in page and "nu ved vi" not in page
    assert acts.state(camilla, noah, "ppr") == "none"


def test_the_page_in_between_is_hers_alone_and_writes_nothing(
    login: Login, later: Later, app: Flask
) -> None:
    camilla, mette = login("camilla"), login("mette")
    later(301)
    sent = camilla.post("/konto", {"handling": "ny-kalender"}).headers["Location"]
    assert mette.get(sent).headers["Location"] == "/konto", "another person's key"
    assert camilla.get("/log-ind/igen?retur=x").headers["Location"] == "/konto"
    assert Browser(app.test_client()).get(sent).headers["Location"] == "/konto"
    before = stored(app)
    camilla.get(sent)
    assert stored(app) == before
