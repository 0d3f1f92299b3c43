"""What the provider refuses: a stand-in that says yes too easily would hide the portal's mistakes."""

from __future__ import annotations

import hashlib
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from mitid_stub import Client, create_app
from mitid_stub.personas import personas
from mitid_stub.rehearsal import (
    HOME,
    RETURN,
    SECRET,
    Rehearsal,
    open_stage,
)

NSIS = "https://data.gov.dk/concept/core/nsis/"
Claims = dict[str, Any]


@pytest.fixture(scope="module")
def stage() -> Iterator[Callable[[], Rehearsal]]:
    with open_stage() as stage:
        yield stage


@pytest.fixture
def portal(stage: Callable[[], Rehearsal]) -> Rehearsal:
    return stage()


def test_a_code_works_once_even_under_a_race(portal: Rehearsal) -> None:
    code = portal.code()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: portal.redeem(code), range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 7
    refused = next(answer for answer in answers if answer.status_code == 400)
    assert refused.json() == {"error": "invalid_grant"}
    assert refused.headers["Cache-Control"] == "no-store, no-cache, max-age=0"


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"code_verifier": "x" * 43}, "invalid_grant"),
        ({"code_verifier": ""}, "invalid_grant"),
        ({"redirect_uri": RETURN + "/"}, "invalid_grant"),
        ({"grant_type": "refresh_token"}, "unauthorized_client"),
        ({"grant_type": ""}, "invalid_request"),
        ({"client_assertion": "a.b.c"}, "invalid_client"),
    ],
)
def test_wrong_token_requests(portal: Rehearsal, changed: dict[str, str], error: str) -> None:
    answer = portal.redeem(portal.code(), **changed)
    assert answer.status_code == 400 and answer.json() == {"error": error}


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": "https://another.example/op"},
        {"sub": "another"},
        {"exp": int(time.time()) - 1},
        {"exp": int(time.time()) + 86_400},
        {"exp": None},
        {"jti": ""},
    ],
)
def test_wrong_assertions(portal: Rehearsal, changed: dict[str, object]) -> None:
    answer = portal.redeem(portal.code(), **portal.assertion(**changed))
    assert answer.json() == {"error": "invalid_client"}


def test_an_assertion_works_once(portal: Rehearsal) -> None:
    assertion = portal.assertion()
    assert portal.redeem(portal.code(), **assertion).status_code == 200
    assert portal.redeem(portal.code(), **assertion).json() == {"error": "invalid_client"}


def test_another_clients_code_is_refused(portal: Rehearsal) -> None:
    form = {"client_id": "privat", "client_secret": SECRET}
    grant = {"grant_type": "authorization_code", "code": portal.code(), "redirect_uri": RETURN}
    proof = {"code_verifier": portal.verifier}
    answer = portal.http.post(portal.meta["token_endpoint"], {**form, **grant, **proof})
    assert answer.json() == {"error": "invalid_grant"}


def test_a_pushed_request_works_once(portal: Rehearsal) -> None:
    pushed = portal.push()
    assert pushed.status_code == 201 and pushed.json()["expires_in"] == 600
    request_uri = pushed.json()["request_uri"]
    assert request_uri.startswith("urn:ietf:params:oauth:request_uri:")
    asked = {"client_id": "familieoverblik", "request_uri": request_uri}
    assert "/op/login?" in portal.authorize(**asked)
    assert "/op/Error?errorId=" in portal.authorize(**asked)


def test_par_refuses_what_it_cannot_read(portal: Rehearsal) -> None:
    assert portal.push(request="x").json() == {"error": "invalid_request_object"}
    assert portal.push(redirect_uri="https://evil.example/").json() == {"error": "invalid_request"}
    par = portal.meta["pushed_authorization_request_endpoint"]
    assert portal.http.post(par, portal.parameters()).json() == {"error": "invalid_client"}


@pytest.mark.parametrize(
    "changed",
    [
        {"client_id": "unknown"},
        {"redirect_uri": "https://evil.example/"},
        {"response_type": ""},
        {"scope": ""},
        {"idp_values": "nemid"},
        {"idp_params": "{"},
        {"code_challenge": ""},
        {"code_challenge_method": "plain"},
        {"max_age": "soon"},
    ],
)
def test_invalid_requests_never_reach_the_client(
    portal: Rehearsal, changed: dict[str, str]
) -> None:
    location = portal.authorize(**portal.parameters(**changed))
    assert location.startswith("/op/Error?errorId=")
    page = portal.http.get(urlsplit(portal.op)._replace(path="").geturl() + location)
    assert page.status_code == 400 and page.text.count("<h1>") == 1


def test_userinfo_without_token(portal: Rehearsal) -> None:
    answer = portal.userinfo("made-up")
    assert answer.status_code == 401 and answer.content == b""
    challenge = 'Bearer realm="IdentityServer",error="invalid_token"'
    assert answer.headers["WWW-Authenticate"] == challenge


def test_without_a_usable_hint_the_person_is_stranded(portal: Rehearsal) -> None:
    _, _, raw = portal.log_in("sofie")
    forged = raw[:-8] + "AAAAAAAA"
    for hint in ({}, {"id_token_hint": "x"}, {"id_token_hint": forged}):
        answer = portal.end(post_logout_redirect_uri=HOME, **hint)
        assert answer.headers["Location"] == "/op/Account/Logout"
    elsewhere = portal.end(id_token_hint=raw, post_logout_redirect_uri="https://evil.example/")
    assert elsewhere.status_code == 200


def test_codes_and_tokens_grow_old() -> None:
    now = [time.time()]
    client = Client(client_id="c", redirect_uris=[RETURN], secret="s")
    app = create_app(
        issuer="http://127.0.0.1/op", clients=[client], personas=personas(), clock=lambda: now[0]
    )
    web = app.test_client()
    verifier = "v" * 64
    digest = hashlib.sha256(verifier.encode()).digest()
    asked = {
        "client_id": "c",
        "redirect_uri": RETURN,
        "response_type": "code",
        "scope": "openid",
        "code_challenge": urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
        "prompt": "login",
    }
    grant = {"grant_type": "authorization_code", "redirect_uri": RETURN, "client_id": "c"}
    for age, status in ((59, 200), (61, 400)):
        location = web.get("/op/connect/authorize", query_string=asked).location
        form = {"attempt": location.partition("attempt=")[2], "person": "viggo"}
        back = web.post("/op/login", data={**form, "action": "approve"}).location
        code = parse_qs(urlsplit(back).query)["code"][0]
        now[0] += age
        proof = {"code": code, "code_verifier": verifier, "client_secret": "s"}
        assert web.post("/op/connect/token", data={**grant, **proof}).status_code == status
