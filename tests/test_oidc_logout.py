"""Logging out: here, at the provider, and when the provider says so by itself."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hostile_provider import LOGOUT_EVENT, RSA_THREE, Bend, Provider, Reply
from joserfc.jwk import OctKey
from sign_in_app import JONAS, METTE, UNIT, log_in, make_app, make_settings, who

pytest_plugins = ("sign_in_fixtures",)
Token = Callable[[Provider], str]
NAMED = "oidcc-client-test-rp-backchannel-rpinitlogout-"


def told(visitor: FlaskClient, token: str) -> int:
    answer = visitor.post("/log-ind/bagkanal", data={"logout_token": token})
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.status_code


def changed(**changes: Any) -> Token:
    def make(provider: Provider) -> str:
        made = {k: v(time.time()) if callable(v) else v for k, v in changes.items()}
        return provider.logout_token(**made)

    return make


def signed(key: Any, algorithm: str) -> Token:
    def make(provider: Provider) -> str:
        right = provider.key, provider.algorithm
        provider.key, provider.algorithm = key or right[0], algorithm
        token = provider.logout_token(header={"kid": "one"})
        provider.key, provider.algorithm = right
        return token

    return make


DEEP = "[" * 2900 + "]" * 2900


def nested(header: str, payload: str, provider: Provider) -> str:
    """A token of a header and a payload as no library would write them."""
    claims = payload if "iss" in payload else json.dumps({"iss": provider.issuer})
    parts = (base64.urlsafe_b64encode(part.encode()).decode() for part in (header, claims))
    return ".".join(part.rstrip("=") for part in (*parts, "AAAA"))


REFUSED: dict[str, Token] = {
    NAMED + "alg-none": signed(None, "none"),
    NAMED + "wrong-alg": signed(None, "HS256"),
    "shared-key": signed(OctKey.generate_key(256), "HS256"),
    "another-key": signed(RSA_THREE, "RS256"),
    NAMED + "wrong-iss": changed(iss="https://evil.example"),
    "no-iss": changed(iss=None),
    NAMED + "wrong-aud": changed(aud="other"),
    "no-aud": changed(aud=None),
    "second-aud": changed(aud=["familieoverblik", "other"]),
    NAMED + "no-event": changed(events=None),
    NAMED + "wrong-event": changed(events={"http://schemas.example/other": {}}),
    "event-a-list": changed(events=[LOGOUT_EVENT]),
    "event-a-text": changed(events={LOGOUT_EVENT: "yes"}),
    NAMED + "with-nonce": changed(nonce="x"),
    "nonce-null": lambda p: p.sign(
        {"typ": "logout+jwt"},
        {
            "iss": p.issuer,
            "aud": "familieoverblik",
            "iat": int(time.time()),
            "exp": int(time.time()) + 60,
            "jti": "n",
            "sub": "sub-mette",
            "events": {LOGOUT_EVENT: {}},
            "nonce": None,
        },
    ),
    "typ-jwt": changed(header={"typ": "JWT"}),
    "typ-missing": changed(header={"typ": None}),
    "typ-access-token": changed(header={"typ": "at+jwt"}),
    "id-token": lambda p: p.id_token("nonce", "access"),
    "no-jti": changed(jti=None),
    "jti-empty": changed(jti=""),
    "jti-a-number": changed(jti=7),
    "no-iat": changed(iat=None),
    "iat-three-minutes-ago": changed(iat=lambda now: now - 180),
    "iat-ahead": changed(iat=lambda now: now + 60),
    "no-exp": changed(exp=None),
    "exp-past": changed(exp=lambda now: now - 30),
    "nobody": changed(sub=None, sid=None),
    "sub-a-number": changed(sub=7),
    "sid-empty": changed(sid=""),
    "kid-nested-2900-deep": lambda p: nested(f'{{"alg":"ES256","kid":{DEEP}}}', "{}", p),
    "iss-nested-900-deep": lambda p: nested('{"alg":"ES256"}', f'{{"iss":{DEEP[2000:-2000]}}}', p),
    "rubbish": lambda _: "rubbish",
    "empty": lambda _: "",
    "huge": lambda _: "a" * 30_000,
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_wrong_logout_token_ends_nothing(
    case: str, hostile: Provider, door_visitor: FlaskClient
) -> None:
    log_in(door_visitor, hostile)
    assert told(door_visitor, REFUSED[case](hostile)) == 400
    assert who(door_visitor) == "Mette Holm"


RIGHT: dict[str, Token] = {
    "both": changed(),
    "only-sub": changed(sid=None),
    "only-sid": changed(sub=None),
    "aud-list-of-one": changed(aud=["familieoverblik"]),
    "clock-nine-seconds-ahead": changed(iat=lambda now: int(now) + 9),
    "times-as-texts": changed(iat=lambda now: str(int(now)), exp=lambda now: str(int(now) + 60)),
    "typ-in-full": changed(header={"typ": "application/logout+jwt"}),
}


@pytest.mark.parametrize("case", RIGHT)
def test_the_provider_ends_the_session(
    case: str, hostile: Provider, door_visitor: FlaskClient
) -> None:
    log_in(door_visitor, hostile)
    assert told(door_visitor, RIGHT[case](hostile)) == 200
    assert who(door_visitor) is None


def test_a_logout_token_works_once(hostile: Provider, door_visitor: FlaskClient) -> None:
    token = hostile.logout_token()
    assert told(door_visitor, token) == 200
    log_in(door_visitor, hostile)
    assert told(door_visitor, token) == 400
    assert who(door_visitor) == "Mette Holm"


def test_logging_out_one_leaves_the_others(hostile: Provider, door_app: Flask) -> None:
    mette, phone, jonas = (door_app.test_client() for _ in range(3))
    log_in(mette, hostile)
    hostile.sid = "on-her-phone"
    log_in(phone, hostile)
    hostile.person, hostile.sid = {"sub": "sub-jonas", "userinfo": {"dk.cpr": JONAS}}, "his"
    log_in(jonas, hostile)
    assert told(jonas, hostile.logout_token(sid="provider-session")) == 200
    assert [who(v) for v in (mette, phone, jonas)] == [None, "Mette Holm", "Jonas Krogh"]
    assert told(jonas, hostile.logout_token(sid="his")) == 200  # his session, her sub
    assert told(jonas, hostile.logout_token(sub="sub-nobody", sid=None)) == 200
    assert who(jonas) == "Jonas Krogh"
    assert told(jonas, hostile.logout_token(sid=None)) == 200
    assert [who(v) for v in (phone, jonas)] == [None, "Jonas Krogh"]


def test_a_session_whose_provider_session_is_unknown_ends_with_its_person(
    hostile: Provider, door_visitor: FlaskClient
) -> None:
    hostile.bend = Bend(claims=lambda f: {k: v for k, v in f.items() if k != "sid"})
    log_in(door_visitor, hostile)
    hostile.bend = Bend()
    assert told(door_visitor, hostile.logout_token()) == 200
    assert who(door_visitor) is None


def test_no_token_and_two_tokens(hostile: Provider, door_visitor: FlaskClient) -> None:
    assert door_visitor.post("/log-ind/bagkanal").status_code == 400
    two = {"logout_token": [hostile.logout_token(), hostile.logout_token()]}
    assert door_visitor.post("/log-ind/bagkanal", data=two).status_code == 400
    assert door_visitor.get("/log-ind/bagkanal").status_code == 405


def test_a_provider_that_is_down_is_told_to_try_again(
    hostile: Provider, door_visitor: FlaskClient
) -> None:
    hostile.bend = Bend(jwks=lambda f: [])
    assert told(door_visitor, hostile.logout_token()) == 503


def test_logging_out_here_leads_to_the_provider_and_forgets(
    hostile: Provider, door_visitor: FlaskClient
) -> None:
    log_in(door_visitor, hostile)
    out = door_visitor.post("/log-ud")
    target = urlsplit(out.headers["Location"])
    query = dict(parse_qsl(target.query))
    assert out.status_code == 303 and target.path == "/op/end"
    assert query["post_logout_redirect_uri"] == "http://127.0.0.1:8000/"
    assert query["id_token_hint"].count(".") == 2
    assert out.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert door_visitor.get_cookie("session") is None
    assert door_visitor.get("/log-ud").status_code == 405


def test_a_provider_that_ends_sessions_at_another_host_is_reached_by_a_page_of_our_own(
    hostile: Provider, door_visitor: FlaskClient
) -> None:
    """Browsers follow a form's redirects by `form-action`, which names the issuer's host alone."""
    elsewhere = "http://127.0.0.1:9/out"
    hostile.bend = Bend(metadata=lambda f: {**f, "end_session_endpoint": elsewhere})
    log_in(door_visitor, hostile)
    out = door_visitor.post("/log-ud")
    target = out.headers["Refresh"].removeprefix("0; url=")
    assert out.status_code == 200 and "Location" not in out.headers
    assert target.startswith(f"{elsewhere}?id_token_hint=")
    assert f'href="{target.replace("&", "&amp;")}"' in out.get_data(as_text=True)
    assert out.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert door_visitor.get_cookie("session") is None


def test_the_cpr_number_never_travels_in_an_address(
    hostile: Provider, door_visitor: FlaskClient
) -> None:
    hostile.person = {"id_token": {"dk.cpr": METTE}}
    log_in(door_visitor, hostile)
    query = dict(parse_qsl(urlsplit(door_visitor.post("/log-ud").headers["Location"]).query))
    assert "id_token_hint" not in query and query["client_id"] == "familieoverblik"


@pytest.mark.parametrize(
    ("claims", "hinted"),
    [
        ({"dk.cpr": METTE}, False),
        ({"nested": {"number": "010188-9001"}}, False),
        ({"sub": METTE}, False),
        ({"unit": "1003000002", "updated_at": "1801019001"}, True),  # a place's number; a moment
        ({"sub": "ansat7", "uuid": "01018890-0101-0101-0101-010188900199"}, True),
    ],
)
def test_an_employees_number_travels_in_no_address_either(
    hostile: Provider, tmp_path: Path, claims: dict[str, Any], hinted: bool
) -> None:
    named = {"sub": claims["sub"]} if "sub" in claims else {}
    hostile.person = {**named, "id_token": {"unit": f"urn:uuid:{UNIT}", **claims}}
    staff = {"unit_system": "http://p-nummer.dk" if "unit" in claims else "https://sts.example"}
    visitor = make_app(make_settings(tmp_path, hostile.issuer, staff=staff)).test_client()
    assert log_in(visitor, hostile, "/log-ind/medarbejder").status_code == 302
    query = dict(parse_qsl(urlsplit(visitor.post("/log-ud").headers["Location"]).query))
    assert ("id_token_hint" in query) is hinted and query["client_id"] == "familieoverblik"


def test_logging_out_waits_for_no_provider(
    hostile: Provider, door_app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it said of itself long ago will do, even while it hangs."""
    visitor = door_app.test_client()
    log_in(visitor, hostile)
    monkeypatch.setattr("portal.identity.provider.METADATA_SECONDS", -1)
    slow = Reply(200, b"{" + b" " * 100, drip=0.1)
    hostile.bend = Bend(replies={"/.well-known/openid-configuration": slow})
    started = time.monotonic()
    assert urlsplit(visitor.post("/log-ud").headers["Location"]).path == "/op/end"
    assert time.monotonic() - started < 1
    assert who(visitor) is None


def test_logging_out_of_a_provider_never_heard_leads_to_the_front_page(
    hostile: Provider, door_app: Flask, tmp_path: Path
) -> None:
    visitor, worker = door_app.test_client(), make_app(make_settings(tmp_path, hostile.issuer))
    log_in(visitor, hostile)
    session = visitor.get_cookie("session")
    assert session is not None
    hostile.bend = Bend(metadata=lambda f: [])
    other = worker.test_client()
    other.set_cookie("session", session.value)
    assert other.post("/log-ud").headers["Location"] == "http://127.0.0.1:8000/"
    assert who(other) is None and who(visitor) is None


def test_logging_out_when_nobody_is_logged_in(door_visitor: FlaskClient) -> None:
    assert door_visitor.post("/log-ud").headers["Location"] == "/"
