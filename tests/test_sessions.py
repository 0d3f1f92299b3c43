"""Sessions live on the server: a copied cookie dies with its session, everywhere and at once."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_login import current_user
from hostile_provider import Provider
from sign_in_app import JONAS, METTE, log_in, make_app, make_settings, who

from portal import db
from portal.identity import user
from portal.identity.browser import BrowserSession
from portal.identity.session import Account, Sessions

pytest_plugins = ("sign_in_fixtures",)
Later = Callable[[float], None]


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Later:
    """Move the clock of the sessions, in seconds from the real time."""

    def move(seconds: float) -> None:
        moved: Callable[[], datetime] = lambda: db.now() + timedelta(seconds=seconds)  # noqa: E731
        monkeypatch.setattr("portal.identity.session.now", moved)

    return move


@pytest.fixture
def sessions(door_app: Flask) -> Sessions:
    found: Sessions = door_app.extensions["portal"].sessions
    return found


def token(visitor: FlaskClient) -> str:
    cookie = visitor.get_cookie("session")
    assert cookie is not None
    return cookie.value


def copy_of(visitor: FlaskClient, app: Flask) -> FlaskClient:
    """Another browser with the same cookie."""
    thief = app.test_client()
    thief.set_cookie("session", token(visitor))
    return thief


def account(visitor: FlaskClient, sessions: Sessions) -> Account:
    found = sessions.load(token(visitor))
    assert found is not None
    return found.account


def test_a_copied_cookie_dies_at_logout(hostile: Provider, door_app: Flask) -> None:
    visitor = door_app.test_client()
    log_in(visitor, hostile)
    thief = copy_of(visitor, door_app)
    assert who(thief) == "Mette Holm"
    visitor.post("/log-ud")
    assert who(thief) is None and thief.get_cookie("session") is None


def test_the_end_counts_in_another_worker_at_once(
    hostile: Provider, door_app: Flask, tmp_path: Path
) -> None:
    other = make_app(make_settings(tmp_path, hostile.issuer))
    visitor = door_app.test_client()
    log_in(visitor, hostile)
    thief = copy_of(visitor, other)
    assert who(thief) == "Mette Holm"
    visitor.post("/log-ind/bagkanal", data={"logout_token": hostile.logout_token()})
    assert who(thief) is None


def test_idle_and_absolute(hostile: Provider, door_visitor: FlaskClient, later: Later) -> None:
    minute, hour = 60, 3600
    log_in(door_visitor, hostile)
    for moment in range(29 * minute, 12 * hour, 29 * minute):
        later(moment)
        assert who(door_visitor) == "Mette Holm"
    later(12 * hour)
    assert who(door_visitor) is None
    later(0)
    assert who(door_visitor) is None, "an ended session does not come back with the clock"


def test_half_an_hour_idle(hostile: Provider, door_app: Flask, later: Later) -> None:
    visitor = door_app.test_client()
    log_in(visitor, hostile)
    thief = copy_of(visitor, door_app)
    later(30 * 60)
    assert who(visitor) is None and who(thief) is None


def test_a_login_gives_a_new_token_and_ends_the_old_session(
    hostile: Provider, door_app: Flask
) -> None:
    visitor = door_app.test_client()
    log_in(visitor, hostile)
    first = token(visitor)
    thief = copy_of(visitor, door_app)
    log_in(visitor, hostile)
    assert token(visitor) != first and len(first) == 43
    assert who(thief) is None and who(visitor) == "Mette Holm"


def test_a_token_chosen_by_somebody_else_is_never_taken_over(
    hostile: Provider, door_visitor: FlaskClient
) -> None:
    door_visitor.set_cookie("session", "planted")
    log_in(door_visitor, hostile)
    assert token(door_visitor) != "planted"


def test_two_people_in_one_browser_share_nothing(hostile: Provider, door_app: Flask) -> None:
    visitor = door_app.test_client()
    visitor.post("/note", data={"name": "planted", "value": "by a stranger"})
    assert visitor.get_cookie("session") is None
    log_in(visitor, hostile)
    assert visitor.get("/me").get_json()["data"] == {}
    visitor.post("/note", data={"name": "draft", "value": "hers"})
    hostile.person = {"sub": "sub-jonas", "userinfo": {"dk.cpr": JONAS}}
    log_in(visitor, hostile)
    me = visitor.get("/me").get_json()
    assert me["name"] == "Jonas Krogh" and me["data"] == {}
    visitor.post("/log-ud")
    assert visitor.get("/me").get_json()["data"] == {}


def test_a_stranger_gets_no_row_and_no_cookie(door_visitor: FlaskClient, tmp_path: Path) -> None:
    answer = door_visitor.post("/note", data={"name": "a", "value": "b"})
    assert "Set-Cookie" not in answer.headers
    with sqlite3.connect(tmp_path / "portal.db") as raw:
        assert raw.execute("select count(*) from session").fetchone() == (0,)


def test_the_database_holds_neither_token_nor_name(
    hostile: Provider, door_visitor: FlaskClient, tmp_path: Path
) -> None:
    log_in(door_visitor, hostile)
    with sqlite3.connect(tmp_path / "portal.db") as raw:
        dump = "\n".join(raw.iterdump())
    files = b"".join(f.read_bytes() for f in tmp_path.glob("portal.db*"))
    for secret in (token(door_visitor), "Mette Holm", "sub-mette", METTE, hostile.issuer):
        assert secret not in dump.replace(f"'{METTE}'", ""), secret
        assert secret == METTE or secret.encode() not in files


def test_a_session_that_ended_meanwhile_is_not_resurrected(
    hostile: Provider, door_visitor: FlaskClient, sessions: Sessions
) -> None:
    log_in(door_visitor, hostile)
    browser = BrowserSession(sessions, token(door_visitor))
    browser["draft"] = "text"
    sessions.end_all()
    browser.save()
    assert browser.cookie == ""
    assert sessions.load(token(door_visitor)) is None


def test_two_requests_at_once_lose_nothing_of_each_other(
    hostile: Provider, door_visitor: FlaskClient, sessions: Sessions
) -> None:
    log_in(door_visitor, hostile)
    one, two = (BrowserSession(sessions, token(door_visitor)) for _ in range(2))
    one["a"], two["b"] = "1", "2"
    one.save()
    two.save()
    assert door_visitor.get("/me").get_json()["data"] == {"a": "1", "b": "2"}


def test_what_is_taken_out_or_changed_inside_is_saved(
    hostile: Provider, door_visitor: FlaskClient, sessions: Sessions
) -> None:
    log_in(door_visitor, hostile)
    browser = BrowserSession(sessions, token(door_visitor))
    browser["list"], browser["gone"] = [1], "x"
    browser.save()
    again = BrowserSession(sessions, token(door_visitor))
    again["list"].append(2)
    again.modified = True
    del again["gone"]
    again.save()
    assert door_visitor.get("/me").get_json()["data"] == {"list": [1, 2]}


def test_a_bug_discards_what_the_request_changed(
    hostile: Provider, door_visitor: FlaskClient, sessions: Sessions
) -> None:
    log_in(door_visitor, hostile)
    browser = BrowserSession(sessions, token(door_visitor))
    browser["half"] = "done"
    browser.modified = False
    browser.save()
    assert door_visitor.get("/me").get_json()["data"] == {}


def test_reading_writes_at_most_once_a_minute(
    hostile: Provider, door_visitor: FlaskClient, sessions: Sessions, later: Later
) -> None:
    log_in(door_visitor, hostile)
    whose = account(door_visitor, sessions)
    first = sessions.list(whose)[0].used
    later(59)
    who(door_visitor)
    assert sessions.list(whose)[0].used == first
    later(61)
    who(door_visitor)
    assert sessions.list(whose)[0].used > first


def test_one_sees_and_ends_ones_own_sessions_only(
    hostile: Provider, door_app: Flask, sessions: Sessions
) -> None:
    mette, phone, jonas = (door_app.test_client() for _ in range(3))
    log_in(mette, hostile)
    log_in(phone, hostile)
    hostile.person = {"sub": "sub-jonas", "userinfo": {"dk.cpr": JONAS}}
    log_in(jonas, hostile)
    hers, his = account(mette, sessions), account(jonas, sessions)
    assert len(sessions.list(hers)) == 2 and len(sessions.list(his)) == 1
    assert not sessions.end_own(his, hers.session)
    assert sessions.end_own(hers, account(phone, sessions).session)
    assert [who(v) for v in (mette, phone, jonas)] == ["Mette Holm", None, "Jonas Krogh"]
    assert hers.person is not None and sessions.end_person(hers.person) == 1
    assert sessions.end_all() == 1
    assert [who(v) for v in (mette, phone, jonas)] == [None, None, None]


def test_another_municipality_of_the_same_database_is_untouched(
    hostile: Provider, door_app: Flask, tmp_path: Path
) -> None:
    other = make_app(make_settings(tmp_path, hostile.issuer, municipality="0860"))
    visitor = door_app.test_client()
    log_in(visitor, hostile)
    assert who(copy_of(visitor, other)) is None
    assert other.extensions["portal"].sessions.end_all() == 0
    token = hostile.logout_token()
    other.test_client().post("/log-ind/bagkanal", data={"logout_token": token})
    assert who(visitor) == "Mette Holm"


def test_a_row_that_was_tampered_with_is_nobody(
    hostile: Provider, door_app: Flask, tmp_path: Path
) -> None:
    mette, jonas = door_app.test_client(), door_app.test_client()
    log_in(mette, hostile)
    hostile.person = {"sub": "sub-jonas", "userinfo": {"dk.cpr": JONAS}}
    log_in(jonas, hostile)
    with sqlite3.connect(tmp_path / "portal.db") as raw:
        (hers,) = raw.execute("select data from session order by created").fetchone()
        raw.execute("update session set data = ?", (hers,))
    assert who(jonas) is None and who(mette) == "Mette Holm"


@pytest.mark.parametrize("value", ["", "x", "a" * 3000, "../..", "%00", "'; drop table session"])
def test_rubbish_cookies_are_nobody(door_visitor: FlaskClient, value: Any) -> None:
    door_visitor.set_cookie("session", value)
    assert who(door_visitor) is None


def test_flask_login_sees_the_same_person_and_remembers_nobody(
    hostile: Provider, door_app: Flask
) -> None:
    user.install(door_app)
    door_app.secret_key = "k" * 40
    door_app.add_url_rule("/flask-login", view_func=lambda: current_user.get_id() or "nobody")
    visitor = door_app.test_client()
    log_in(visitor, hostile)
    known = visitor.get("/flask-login").text
    assert len(known) == 64
    visitor.post("/log-ud")
    visitor.set_cookie("remember_token", f"{known}|" + "0" * 128)
    assert visitor.get("/flask-login").text == "nobody"
    assert visitor.get_cookie("session") is None
