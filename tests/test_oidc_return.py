"""Coming back: bound to the browser that left, good for one answer, and only to our own pages."""

from __future__ import annotations

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hostile_provider import Bend, Json, Provider, Reply
from sign_in_app import JONAS, METTE, log_in, make_app, make_settings, who

from portal.crypto import Vault
from portal.db import Store
from portal.identity.attempt import ReturnKeys
from portal.identity.oidc import Oidc
from portal.lanes import lane_of

pytest_plugins = ("sign_in_fixtures",)


def test_an_answer_is_good_for_one_use(hostile: Provider, door_app: Flask) -> None:
    """The cookie, the state and the code copied before use: the copy is refused, in any order."""
    first, copy = door_app.test_client(), door_app.test_client()
    answer = hostile.authorize(first.get("/log-ind").headers["Location"])
    cookie = first.get_cookie("login")
    assert cookie is not None
    copy.set_cookie("login", cookie.value)
    assert first.get("/log-ind/retur", query_string=answer).status_code == 302
    hostile.codes[answer["code"]] = {}
    assert copy.get("/log-ind/retur", query_string=answer).status_code == 400
    assert who(copy) is None and who(first) == "Mette Holm"


def test_a_cancelled_answer_is_used_up_too(hostile: Provider, door_visitor: FlaskClient) -> None:
    hostile.bend = Bend(callback=lambda f: {"state": f["state"], "error": "access_denied"})
    answer = hostile.authorize(door_visitor.get("/log-ind").headers["Location"])
    cookie = door_visitor.get_cookie("login")
    back = door_visitor.get("/log-ind/retur", query_string=answer)
    assert back.headers["Location"] == "/?login=afbrudt"
    assert cookie is not None and door_visitor.get_cookie("login") is None
    door_visitor.set_cookie("login", cookie.value)
    assert door_visitor.get("/log-ind/retur", query_string=answer).status_code == 400


def test_another_browser_cannot_use_the_answer(hostile: Provider, door_app: Flask) -> None:
    mine, other = door_app.test_client(), door_app.test_client()
    answer = hostile.authorize(mine.get("/log-ind").headers["Location"])
    assert other.get("/log-ind/retur", query_string=answer).status_code == 400
    other.get("/log-ind")
    assert other.get("/log-ind/retur", query_string=answer).status_code == 400
    assert who(other) is None


@pytest.mark.parametrize("change", [lambda v: v[:-4] + "AAAA", lambda v: "rubbish", lambda v: "å"])
def test_a_changed_cookie_is_refused(
    hostile: Provider, door_visitor: FlaskClient, change: object
) -> None:
    answer = hostile.authorize(door_visitor.get("/log-ind").headers["Location"])
    cookie = door_visitor.get_cookie("login")
    assert cookie is not None and callable(change)
    door_visitor.set_cookie("login", quote(change(cookie.value)))
    assert door_visitor.get("/log-ind/retur", query_string=answer).status_code == 400


def begun(hostile: Provider, visitor: FlaskClient, many: int) -> list[Json]:
    """The answers of so many tabs, each with its own login."""
    return [hostile.authorize(visitor.get("/log-ind").headers["Location"]) for _ in range(many)]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_three_tabs_come_in_whichever_answers_first(
    hostile: Provider, door_visitor: FlaskClient, order: tuple[int, ...]
) -> None:
    answers = begun(hostile, door_visitor, 3)
    for tab in order:
        back = door_visitor.get("/log-ind/retur", query_string=answers[tab])
        assert back.headers.get("Location") == "/overblik"
        assert who(door_visitor) == "Mette Holm"
    assert door_visitor.get_cookie("login") is None
    for answer in answers:  # each was good for one use, logged in or not
        assert door_visitor.get("/log-ind/retur", query_string=answer).status_code == 400
    assert who(door_visitor) == "Mette Holm"


def test_the_fourth_tab_ends_the_first(hostile: Provider, door_visitor: FlaskClient) -> None:
    first, *others = begun(hostile, door_visitor, 4)
    assert door_visitor.get("/log-ind/retur", query_string=first).status_code == 400
    for answer in others:
        assert door_visitor.get("/log-ind/retur", query_string=answer).status_code == 302


def test_cancelled_in_one_tab_the_other_still_comes_in(
    hostile: Provider, door_visitor: FlaskClient
) -> None:
    cancelled, other = begun(hostile, door_visitor, 2)
    del cancelled["code"]
    cancelled["error"] = "access_denied"
    back = door_visitor.get("/log-ind/retur", query_string=cancelled)
    assert back.headers["Location"] == "/?login=afbrudt"
    assert door_visitor.get("/log-ind/retur", query_string=other).status_code == 302


def test_a_copied_cookie_brings_back_no_spent_tab(hostile: Provider, door_app: Flask) -> None:
    visitor, copy = door_app.test_client(), door_app.test_client()
    spent, other = begun(hostile, visitor, 2)
    cookie = visitor.get_cookie("login")
    assert cookie is not None
    copy.set_cookie("login", cookie.value)
    assert visitor.get("/log-ind/retur", query_string=spent).status_code == 302
    hostile.codes[spent["code"]] = {}
    assert copy.get("/log-ind/retur", query_string=spent).status_code == 400
    assert copy.get("/log-ind/retur", query_string=other).status_code == 302


def test_another_persons_answer_in_a_second_tab_is_hers(
    hostile: Provider, door_visitor: FlaskClient
) -> None:
    """She does not see what the first tab's person sees."""
    first, second = begun(hostile, door_visitor, 2)
    door_visitor.get("/log-ind/retur", query_string=first)
    hostile.person = {"sub": "sub-jonas", "userinfo": {"dk.cpr": JONAS}}
    door_visitor.get("/log-ind/retur", query_string=second)
    assert who(door_visitor) == "Jonas Krogh"


def test_the_cookie_of_three_long_attempts_fits_a_browser(
    hostile: Provider, door_app: Flask
) -> None:
    visitor = door_app.test_client()
    key = door_app.extensions["portal"].oidc.returns.key("/" + "a" * 499, "f" * 64)
    for _ in range(5):
        answer = visitor.get(f"/log-ind?retur={key}")
    (cookie,) = answer.headers.getlist("Set-Cookie")
    assert 2000 < len(cookie) + len("__Host-; Secure") < 4096


def test_ten_minutes_are_enough(
    hostile: Provider, door_visitor: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = hostile.authorize(door_visitor.get("/log-ind").headers["Location"])
    later = SimpleNamespace(time=lambda: time.time() + 601)
    monkeypatch.setattr("portal.identity.attempt.time", later)
    assert door_visitor.get("/log-ind/retur", query_string=answer).status_code == 400


def test_the_answer_of_one_door_does_not_open_the_other(
    hostile: Provider, door_visitor: FlaskClient
) -> None:
    hostile.bend = Bend(claims=lambda f: {**f, "unit": "nowhere"})
    assert log_in(door_visitor, hostile, "/log-ind/medarbejder").status_code == 403
    assert who(door_visitor) is None


def test_a_picture_cannot_begin_a_login(hostile: Provider, door_visitor: FlaskClient) -> None:
    answer = door_visitor.get("/log-ind", headers={"Sec-Fetch-Mode": "no-cors"})
    assert answer.status_code == 400 and door_visitor.get_cookie("login") is None


def test_cookies_over_https_are_host_cookies(hostile: Provider, tmp_path: Path) -> None:
    settings = make_settings(tmp_path, hostile.issuer, base_url="https://portal.example")
    visitor = make_app(settings).test_client()
    left = visitor.get("/log-ind", base_url="https://portal.example")
    answer = hostile.authorize(left.headers["Location"])
    back = visitor.get("/log-ind/retur", query_string=answer, base_url="https://portal.example")
    (attempt,) = left.headers.getlist("Set-Cookie")
    forgotten, session = back.headers.getlist("Set-Cookie")
    assert attempt.startswith("__Host-login=") and "Max-Age=600" in attempt
    assert forgotten.startswith("__Host-login=;") and session.startswith("__Host-session=")
    for cookie in (attempt, forgotten, session):
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))
        assert "Domain" not in cookie
    assert "Max-Age" not in session


def test_the_return_key_leads_to_the_page(hostile: Provider, door_app: Flask) -> None:
    key = door_app.extensions["portal"].oidc.returns.key("/overblik/abc?vent=1")
    back = log_in(door_app.test_client(), hostile, f"/log-ind?retur={key}")
    assert back.headers["Location"] == "/overblik/abc?vent=1"


OUTSIDE = (
    "//evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/%09/evil.example\t",
    "https:evil.example",
    "https://evil.example",
    "////evil.example",
    "javascript:alert(1)",
    "/x\r\nSet-Cookie: a=b",
    "overblik",
    "",
    "/log-ind",
    "/log-ud",
    "/" + "a" * 600,
)


@pytest.mark.parametrize("path", OUTSIDE)
def test_no_key_leads_outside(hostile: Provider, door_app: Flask, path: str) -> None:
    returns: ReturnKeys = door_app.extensions["portal"].oidc.returns
    assert returns.key(path) == ""
    for key in (path, str(returns._signer.dumps([path, ""])), str(returns._signer.dumps(path))):
        assert returns.read(key).path == ""
    back = log_in(door_app.test_client(), hostile, f"/log-ind?retur={quote(path)}")
    assert back.headers["Location"] == "/overblik"


def test_a_return_key_survives_the_change_of_secret_keys(hostile: Provider, tmp_path: Path) -> None:
    old = make_settings(tmp_path, hostile.issuer, secret_keys=("o" * 40,))
    new = make_settings(tmp_path, hostile.issuer, secret_keys=("n" * 40, "o" * 40))
    last = make_settings(tmp_path, hostile.issuer, secret_keys=("n" * 40,))
    key = ReturnKeys(old).key("/overblik")
    assert ReturnKeys(new).read(key).path == "/overblik"
    assert ReturnKeys(last).read(key).path == ""
    assert ReturnKeys(last).read(ReturnKeys(new).key("/konto")).path == "/konto"


def test_a_step_up_is_answered_by_the_same_person_or_not_at_all(
    hostile: Provider, door_app: Flask
) -> None:
    """Aula, 2021: B confirmed in A's browser and saw A's data."""
    visitor = door_app.test_client()
    log_in(visitor, hostile)
    visitor.post("/note", data={"name": "draft", "value": "kept"})
    before = visitor.get("/me").get_json()
    services = door_app.extensions["portal"]
    cookie = visitor.get_cookie("session")
    assert cookie is not None
    account = services.sessions.load(cookie.value).account
    key = services.oidc.returns.key("/konto", account.subject)
    assert log_in(visitor, hostile, f"/log-ind?retur={key}").headers["Location"] == "/konto"
    after = visitor.get("/me").get_json()
    assert after["data"] == {"draft": "kept"} and after["session"] != before["session"]
    assert services.sessions.load(cookie.value) is None
    hostile.person = {"sub": "sub-jonas", "userinfo": {"dk.cpr": JONAS}}
    answer = log_in(visitor, hostile, f"/log-ind?retur={key}")
    assert answer.status_code == 403
    assert who(visitor) is None and visitor.get_cookie("session") is None


def test_a_step_up_wants_a_fresh_login_whatever_the_file_allows(
    hostile: Provider, tmp_path: Path
) -> None:
    """A file may let ordinary logins be an hour old; a step-up is five minutes all the same."""
    settings = make_settings(tmp_path, hostile.issuer, citizen={"max_age": 3600})
    app = make_app(settings)
    visitor = app.test_client()
    hostile.bend = Bend(claims=lambda f: {**f, "auth_time": f["auth_time"] - 400})
    log_in(visitor, hostile)
    cookie = visitor.get_cookie("session")
    assert cookie is not None, "an ordinary login may be older"
    services = app.extensions["portal"]
    subject = services.sessions.load(cookie.value).account.subject
    key = services.oidc.returns.key("/konto", subject)
    assert log_in(visitor, hostile, f"/log-ind?retur={key}").status_code == 400
    hostile.bend = Bend()
    assert log_in(visitor, hostile, f"/log-ind?retur={key}").headers["Location"] == "/konto"


def test_the_same_sub_at_another_issuer_is_another_person(
    hostile: Provider, door_app: Flask
) -> None:
    sessions = door_app.extensions["portal"].sessions
    one = SimpleNamespace(door="citizen", issuer="https://a", subject="x")
    two = SimpleNamespace(door="citizen", issuer="https://b", subject="x")
    assert sessions.subject(one) != sessions.subject(two)


@pytest.mark.parametrize("path", ["/token", "/.well-known/openid-configuration"])
def test_a_provider_that_drips_is_cut_off(
    hostile: Provider, tmp_path: Path, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.identity.wire.SECONDS", 0.5)
    hostile.bend = Bend(replies={path: Reply(200, b"{" + b" " * 100, drip=0.1)})
    visitor = make_app(make_settings(tmp_path, hostile.issuer)).test_client()
    started = time.monotonic()
    assert log_in(visitor, hostile).status_code == 503
    assert time.monotonic() - started < 2


SLOW = Reply(200, b"{" + b" " * 100, drip=0.1)


def test_a_provider_that_hangs_is_not_waited_for_again(
    hostile: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For some seconds nobody waits; then one asks, and the others do not wait with it."""
    monkeypatch.setattr("portal.identity.wire.SECONDS", 0.5)
    monkeypatch.setattr("portal.identity.provider.QUIET_SECONDS", 1.0)
    app = make_app(make_settings(tmp_path, hostile.issuer))
    hostile.bend = Bend(replies={"/par": SLOW})
    assert app.test_client().get("/log-ind").status_code == 503
    started = time.monotonic()
    assert {app.test_client().get("/log-ind").status_code for _ in range(5)} == {503}
    assert time.monotonic() - started < 0.4
    time.sleep(1.0)
    with ThreadPoolExecutor(6) as pool:
        answers = pool.map(lambda _: timed(app.test_client(), "/log-ind"), range(6))
    assert [seconds > 0.4 for _, seconds in answers].count(True) == 1
    hostile.bend = Bend()
    time.sleep(1.1)
    assert app.test_client().get("/log-ind").status_code == 302


def timed(visitor: FlaskClient, path: str) -> tuple[int, float]:
    started = time.monotonic()
    return visitor.get(path).status_code, time.monotonic() - started


def test_nobody_queues_for_the_keys_of_a_provider_that_hangs(
    hostile: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.identity.wire.SECONDS", 0.5)
    app = make_app(make_settings(tmp_path, hostile.issuer))
    hostile.bend = Bend(replies={"/jwks": SLOW})
    token = hostile.logout_token()

    def told(_: int) -> int:
        answer = app.test_client().post("/log-ind/bagkanal", data={"logout_token": token})
        return answer.status_code

    started = time.monotonic()
    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(told, range(6))) == {503}
    assert time.monotonic() - started < 1.2


def test_leaving_and_taking_back_wait_for_no_login() -> None:
    coming = {lane_of("GET", "/log-ind", ""), lane_of("POST", "/log-ind/bagkanal", "")}
    assert lane_of("POST", "/medarbejder", "") == lane_of("GET", "/del/x", "") == "patient"
    leaving = {lane_of("POST", "/log-ud", ""), lane_of("POST", "/overblik/x/samtykke/y", "")}
    assert len(coming) == len(leaving) == 1 and not coming & leaving


def test_the_register_being_down_has_its_own_page(hostile: Provider, door_app: Flask) -> None:
    door_app.extensions["portal"].family.down = True
    visitor = door_app.test_client()
    assert log_in(visitor, hostile).status_code == 503
    assert who(visitor) is None and METTE


def test_a_door_that_is_not_configured_is_not_there(hostile: Provider, tmp_path: Path) -> None:
    settings = make_settings(tmp_path, hostile.issuer)
    store = Store(settings.database, tmp_path)
    assert Oidc(settings, store, Vault(settings.data_keys)).doors == ("citizen", "staff")


def test_a_provider_that_drips_its_headers_is_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A timeout per read never ends here; only a deadline does."""
    monkeypatch.setattr("portal.identity.wire.SECONDS", 0.5)
    stop = threading.Event()

    def drip(listening: socket.socket) -> None:
        with listening.accept()[0] as talking:
            talking.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            while not stop.wait(0.1):
                with suppress(OSError):
                    talking.sendall(b"a")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=drip, args=(listening,))
        thread.start()
        issuer = f"http://127.0.0.1:{listening.getsockname()[1]}/op"
        visitor = make_app(make_settings(tmp_path, issuer)).test_client()
        started = time.monotonic()
        status = visitor.get("/log-ind").status_code
        stop.set()
        thread.join()
    assert status == 503 and time.monotonic() - started < 3


def test_many_answers_at_once_make_one_session(hostile: Provider, door_app: Flask) -> None:
    first = door_app.test_client()
    answer = hostile.authorize(first.get("/log-ind").headers["Location"])
    cookie = first.get_cookie("login")
    assert cookie is not None
    sealed = cookie.value

    def come_back(_: int) -> int:
        browser = door_app.test_client()
        browser.set_cookie("login", sealed)
        return browser.get("/log-ind/retur", query_string=answer).status_code

    with ThreadPoolExecutor(8) as pool:
        answers = sorted(pool.map(come_back, range(8)))
    assert answers == [302] + [400] * 7


@pytest.mark.parametrize("number", ["", "abcdefghij", "101889001", "٠١٠١٨٨٩٠٠١", "0101889001 x"])
def test_the_register_is_asked_for_whole_cpr_numbers_only(
    hostile: Provider, door_app: Flask, monkeypatch: pytest.MonkeyPatch, number: str
) -> None:
    asked: list[str] = []
    family = door_app.extensions["portal"].family
    monkeypatch.setattr(family, "identify", lambda system, value: asked.append(value))
    hostile.person = {"userinfo": {"dk.cpr": number}}
    assert log_in(door_app.test_client(), hostile).status_code == 403
    assert asked == []
