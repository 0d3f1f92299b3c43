"""The provider stands in for the real broker, so its recorded behaviour is itself under test."""

from __future__ import annotations

import hashlib
import json
import queue
import re
import secrets
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
import requests
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError
from joserfc.jwk import ECKey, KeySet

from mitid_stub import Client, Provider, create_app, serving
from mitid_stub.personas import personas

RETURN = "http://127.0.0.1:9/log-ind/retur"
HOME = "http://127.0.0.1:9/"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
NSIS = "https://data.gov.dk/concept/core/nsis/"
Claims = dict[str, Any]


class Inbox:
    """The client's own web server: its public keys, and a box for logout tokens."""

    def __init__(self) -> None:
        self.keys = [ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, auto_kid=True)]
        self.logout_tokens: queue.Queue[str] = queue.Queue()
        inbox = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(json.dumps(KeySet([*inbox.keys]).as_dict(private=False)).encode())

            def do_POST(self) -> None:
                form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                inbox.logout_tokens.put(form["logout_token"][0])
                self._answer(b"")

            def _answer(self, body: bytes) -> None:
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                return None

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@contextmanager
def _inbox() -> Iterator[Inbox]:
    inbox = Inbox()
    thread = threading.Thread(target=inbox.server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield inbox
    inbox.server.shutdown()
    inbox.server.server_close()


class Portal:
    """A careful client of the provider, with one browser."""

    def __init__(self, provider: Provider, inbox: Inbox) -> None:
        self.op, self.inbox = provider.issuer, inbox
        self.provider = provider
        self.http = self.browser()
        self.meta: Claims = self.http.get(f"{self.op}/.well-known/openid-configuration").json()
        self.verifier = secrets.token_urlsafe(48)
        self.state, self.nonce = secrets.token_urlsafe(8), secrets.token_urlsafe(8)

    @staticmethod
    def browser() -> requests.Session:
        http = requests.Session()
        http.trust_env = False
        return http

    def assertion(self, **changed: object) -> dict[str, str]:
        now, key = int(time.time()), self.inbox.keys[0]
        claims = {
            "iss": "familieoverblik",
            "sub": "familieoverblik",
            "aud": self.op,
            "jti": secrets.token_hex(8),
            "iat": now,
            "exp": now + 60,
            **changed,
        }
        signed = jwt.encode({"alg": "ES256", "kid": key.kid}, claims, key)
        return {"client_assertion": signed, "client_assertion_type": ASSERTION_TYPE}

    def parameters(self, **changed: str) -> dict[str, str]:
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return {
            "client_id": "familieoverblik",
            "redirect_uri": RETURN,
            "response_type": "code",
            "scope": "openid mitid ssn",
            "state": self.state,
            "nonce": self.nonce,
            "code_challenge": urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
            "idp_values": "mitid",
            **changed,
        }

    def push(self, **changed: str) -> requests.Response:
        form = {**self.parameters(**changed), **self.assertion()}
        return self.http.post(self.meta["pushed_authorization_request_endpoint"], form)

    def authorize(self, **parameters: str) -> str:
        """Where the provider sends the browser for these parameters."""
        url = self.meta["authorization_endpoint"]
        answer = self.http.get(url, params=parameters, allow_redirects=False)
        assert answer.status_code == 302
        return answer.headers["Location"]

    def arrive(self, **changed: str) -> str:
        """The key of a new log-in attempt."""
        pushed = self.push(**{"prompt": "login", **changed}).json()["request_uri"]
        location = self.authorize(client_id="familieoverblik", request_uri=pushed)
        assert urlsplit(location).path == "/op/login", location
        return parse_qs(urlsplit(location).query)["attempt"][0]

    def decide(self, attempt: str, **form: str) -> dict[str, str]:
        """The parameters of the answer that reaches the client."""
        form = {"attempt": attempt, **form}
        answer = self.http.post(f"{self.op}/login", form, allow_redirects=False)
        assert answer.status_code == 303
        assert answer.headers["Location"].startswith(RETURN + "?")
        return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))

    def code(self, person: str = "mette", level: str = "substantial", **changed: str) -> str:
        attempt = self.arrive(**changed)
        return self.decide(attempt, person=person, level=level, action="approve")["code"]

    def redeem(self, code: str, **changed: str) -> requests.Response:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": RETURN,
            "code_verifier": self.verifier,
            **self.assertion(),
            **changed,
        }
        return self.http.post(self.meta["token_endpoint"], form)

    def claims(self, token: str, algorithm: str = "RS256") -> Claims:
        keys = KeySet.import_key_set(self.http.get(self.meta["jwks_uri"]).json())
        return jwt.decode(token, keys, algorithms=[algorithm]).claims

    def userinfo(self, access_token: str) -> requests.Response:
        bearer = {"Authorization": f"Bearer {access_token}"}
        return self.http.get(self.meta["userinfo_endpoint"], headers=bearer)

    def log_in(self, person: str = "mette", **changed: str) -> tuple[Claims, Claims, str]:
        """ID token claims, userinfo and the raw ID token."""
        tokens = self.redeem(self.code(person, **changed)).json()
        info: Claims = self.userinfo(tokens["access_token"]).json()
        return self.claims(tokens["id_token"]), info, tokens["id_token"]

    def end(self, **parameters: str) -> requests.Response:
        url = self.meta["end_session_endpoint"]
        return self.http.get(url, params=parameters, allow_redirects=False)


@pytest.fixture(scope="module")
def inbox() -> Iterator[Inbox]:
    with _inbox() as inbox:
        yield inbox


def _client(inbox: Inbox) -> Client:
    return Client(
        client_id="familieoverblik",
        redirect_uris=[RETURN],
        post_logout_uris=[HOME],
        backchannel_uri=f"{inbox.url}/log-ind/bagkanal",
        jwks_url=f"{inbox.url}/.well-known/jwks.json",
    )


def _private(inbox: Inbox) -> Client:
    return Client(
        client_id="privat",
        redirect_uris=[RETURN],
        secret="et & langt + kodeord",
        organisation="12345678",
        public_authority=False,
    )


@pytest.fixture(scope="module")
def provider(inbox: Inbox) -> Iterator[Provider]:
    with serving([_client(inbox), _private(inbox)], personas()) as provider:
        yield provider


@pytest.fixture
def portal(provider: Provider, inbox: Inbox) -> Portal:
    inbox.logout_tokens = queue.Queue()
    return Portal(provider, inbox)


def test_metadata_is_the_brokers(portal: Portal) -> None:
    assert portal.meta["issuer"] == portal.op
    assert portal.meta["authorization_response_iss_parameter_supported"] is True
    assert "scopes_supported" not in portal.meta
    assert portal.meta["code_challenge_methods_supported"] == ["S256"]


def test_citizen_logs_in_and_personal_data_comes_only_from_userinfo(portal: Portal) -> None:
    claims, info, _ = portal.log_in("mette")
    mette = next(one for one in personas() if one.key == "mette")
    assert claims["iss"] == portal.op and claims["aud"] == "familieoverblik"
    assert claims["nonce"] == portal.nonce and claims["exp"] - claims["iat"] == 300
    assert claims["idp"] == "mitid" and claims["identity_type"] == "private"
    assert claims["loa"] == claims["ial"] == claims["aal"] == f"{NSIS}Substantial"
    assert claims["sid"] == claims["neb_sid"] and claims["amr"] == ["code_app"]
    assert isinstance(claims["session_expiry"], str) and isinstance(claims["auth_time"], int)
    assert not [name for name in claims if name.startswith(("mitid.", "dk.", "name"))]
    assert mette.cpr not in json.dumps(claims) and "Mette" not in json.dumps(claims)
    assert info["dk.cpr"] == mette.cpr and info["mitid.identity_name"] == "Mette Holm"
    assert info["mitid.date_of_birth"] == mette.born.isoformat()
    assert info["mitid.age"] == "38" and info["mitid.has_cpr"] == "true"
    assert all(isinstance(value, str) for value in info.values())
    assert info["sub"] == claims["sub"] and list(info)[-1] == "sub"


def test_at_hash_covers_the_access_token(portal: Portal) -> None:
    tokens = portal.redeem(portal.code()).json()
    half = hashlib.sha256(tokens["access_token"].encode()).digest()[:16]
    expected = urlsafe_b64encode(half).rstrip(b"=").decode()
    assert portal.claims(tokens["id_token"])["at_hash"] == expected


def test_cpr_needs_the_scope(portal: Portal) -> None:
    _, info, _ = portal.log_in("mette", scope="openid mitid")
    assert "dk.cpr" not in info and info["mitid.identity_name"] == "Mette Holm"


def test_employee_comes_with_unit_and_never_high(portal: Portal) -> None:
    asked = {"scope": "openid nemlogin", "idp_values": "mitid_erhverv"}
    tokens = portal.redeem(portal.code("karin", level="high", **asked)).json()
    claims = portal.claims(tokens["id_token"])
    info = portal.userinfo(tokens["access_token"]).json()
    assert claims["idp"] == "mitid_erhverv" and claims["identity_type"] == "professional"
    assert claims["loa"] == f"{NSIS}Substantial"
    assert info["nemlogin.name"] == "Karin Thomsen" and info["nemlogin.cvr"] == "29189420"
    assert info["nemlogin.p_number"] == "1003000001"
    assert info["nemlogin.persistent_professional_id"]
    assert "dk.cpr" not in info and "nemlogin.cpr" not in info
    assert all(isinstance(value, str) for value in info.values())


def test_level_chosen_on_the_page_is_in_the_token(portal: Portal) -> None:
    for level, name in (("low", "Low"), ("high", "High")):
        tokens = portal.redeem(portal.code(level=level, prompt="login")).json()
        assert portal.claims(tokens["id_token"])["loa"] == f"{NSIS}{name}"


def test_success_names_the_issuer(portal: Portal) -> None:
    answer = portal.decide(portal.arrive(), person="jonas", action="approve")
    assert list(answer) == ["code", "state", "session_state", "iss"]
    assert answer["iss"] == portal.op and answer["state"] == portal.state


def test_cancel_comes_back_without_issuer(portal: Portal) -> None:
    attempt = portal.arrive()
    answer = portal.decide(attempt, person="mette", action="cancel")
    assert list(answer) == ["error", "error_description", "state", "session_state"]
    assert answer["error"] == "access_denied"
    assert answer["error_description"] == "mitid_user_aborted"
    again = portal.http.post(f"{portal.op}/login", {"attempt": attempt, "action": "cancel"})
    assert again.status_code == 400


def test_a_code_works_once_even_under_a_race(portal: Portal) -> None:
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
def test_wrong_token_requests(portal: Portal, changed: dict[str, str], error: str) -> None:
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
def test_wrong_assertions(portal: Portal, changed: dict[str, object]) -> None:
    answer = portal.redeem(portal.code(), **portal.assertion(**changed))
    assert answer.json() == {"error": "invalid_client"}


def test_an_assertion_works_once(portal: Portal) -> None:
    assertion = portal.assertion()
    assert portal.redeem(portal.code(), **assertion).status_code == 200
    assert portal.redeem(portal.code(), **assertion).json() == {"error": "invalid_client"}


def test_the_clients_new_key_is_fetched(portal: Portal, inbox: Inbox) -> None:
    assert portal.push().status_code == 201
    inbox.keys.insert(0, ECKey.generate_key("P-256", {"alg": "ES256"}, auto_kid=True))
    assert portal.push().status_code == 201


def test_secret_clients_and_what_private_services_get(portal: Portal) -> None:
    form = portal.parameters(client_id="privat")
    secret = "et & langt + kodeord"
    basic = requests.auth.HTTPBasicAuth("privat", "et+%26+langt+%2B+kodeord")
    par = portal.meta["pushed_authorization_request_endpoint"]
    assert portal.http.post(par, form, auth=basic).status_code == 201
    assert portal.http.post(par, {**form, "client_secret": "gæt"}).json() == {
        "error": "invalid_client"
    }
    pushed = portal.http.post(par, {**form, "client_secret": secret}).json()
    location = portal.authorize(client_id="privat", request_uri=pushed["request_uri"])
    attempt = parse_qs(urlsplit(location).query)["attempt"][0]
    code = portal.decide(attempt, person="mette", action="approve")["code"]
    grant = {"grant_type": "authorization_code", "code": code, "redirect_uri": RETURN}
    proof = {"code_verifier": portal.verifier, "client_id": "privat", "client_secret": secret}
    tokens = portal.http.post(portal.meta["token_endpoint"], {**grant, **proof}).json()
    info = portal.userinfo(tokens["access_token"]).json()
    assert info["mitid.identity_name"] == "NAVNE & ADRESSEBESKYTTET" and "dk.cpr" not in info
    assert info["sub"] != portal.log_in("mette")[0]["sub"]


def test_another_clients_code_is_refused(portal: Portal) -> None:
    form = {"client_id": "privat", "client_secret": "et & langt + kodeord"}
    grant = {"grant_type": "authorization_code", "code": portal.code(), "redirect_uri": RETURN}
    proof = {"code_verifier": portal.verifier}
    answer = portal.http.post(portal.meta["token_endpoint"], {**form, **grant, **proof})
    assert answer.json() == {"error": "invalid_grant"}


def test_a_pushed_request_works_once(portal: Portal) -> None:
    pushed = portal.push()
    assert pushed.status_code == 201 and pushed.json()["expires_in"] == 600
    request_uri = pushed.json()["request_uri"]
    assert request_uri.startswith("urn:ietf:params:oauth:request_uri:")
    asked = {"client_id": "familieoverblik", "request_uri": request_uri}
    assert "/op/login?" in portal.authorize(**asked)
    assert "/op/Error?errorId=" in portal.authorize(**asked)


def test_par_refuses_what_it_cannot_read(portal: Portal) -> None:
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
def test_invalid_requests_never_reach_the_client(portal: Portal, changed: dict[str, str]) -> None:
    location = portal.authorize(**portal.parameters(**changed))
    assert location.startswith("/op/Error?errorId=")
    page = portal.http.get(urlsplit(portal.op)._replace(path="").geturl() + location)
    assert page.status_code == 400 and page.text.count("<h1>") == 1


def test_single_sign_on_and_how_to_refuse_it(portal: Portal) -> None:
    first, _, _ = portal.log_in("mette")
    location = portal.authorize(**portal.parameters())
    assert location.startswith(RETURN), "the session is reused without asking"
    tokens = portal.redeem(parse_qs(urlsplit(location).query)["code"][0]).json()
    assert portal.claims(tokens["id_token"])["auth_time"] == first["auth_time"]
    higher = json.dumps({"mitid": {"loa_value": "high"}})
    for changed in (
        {"prompt": "login"},
        {"max_age": "0"},
        {"idp_values": "mitid_erhverv"},
        {"idp_params": higher},
    ):
        assert "/op/login?" in portal.authorize(**portal.parameters(**changed))


def test_prompt_none_without_session(portal: Portal) -> None:
    answer = parse_qs(urlsplit(portal.authorize(**portal.parameters(prompt="none"))).query)
    assert answer["error"] == ["login_required"] and "iss" not in answer


def test_userinfo_without_token(portal: Portal) -> None:
    answer = portal.userinfo("made-up")
    assert answer.status_code == 401 and answer.content == b""
    challenge = 'Bearer realm="IdentityServer",error="invalid_token"'
    assert answer.headers["WWW-Authenticate"] == challenge


def test_rotation_keeps_the_old_key_until_it_is_withdrawn(portal: Portal) -> None:
    _, _, old = portal.log_in("mette")
    portal.provider.keys.rotate()
    _, _, new = portal.log_in("mette", prompt="login")
    assert portal.claims(old)["sub"] == portal.claims(new)["sub"]
    portal.provider.keys.withdraw()
    assert portal.claims(new)
    with pytest.raises(InvalidKeyIdError):
        portal.claims(old)
    assert "d" not in portal.http.get(portal.meta["jwks_uri"]).json()["keys"][0]


def test_logging_out_tells_the_client_and_comes_home(portal: Portal, inbox: Inbox) -> None:
    claims, _, raw = portal.log_in("sofie")
    answer = portal.end(id_token_hint=raw, post_logout_redirect_uri=HOME, state="s")
    assert answer.headers["Location"] == f"{HOME}?state=s"
    token = inbox.logout_tokens.get(timeout=5)
    told = portal.claims(token)
    assert told["sid"] == claims["sid"] and told["sub"] == claims["sub"]
    assert told["aud"] == "familieoverblik" and told["iss"] == portal.op and told["jti"]
    assert told["events"] == {"http://schemas.openid.net/event/backchannel-logout": {}}
    assert "nonce" not in told and told["exp"] - told["iat"] == 120
    assert "/op/login?" in portal.authorize(**portal.parameters())
    portal.end(id_token_hint=raw)
    assert inbox.logout_tokens.empty(), "nobody is told twice"
    assert portal.end(id_token_hint=token).headers["Location"] == "/op/Account/Logout"


def test_without_a_usable_hint_the_person_is_stranded(portal: Portal) -> None:
    _, _, raw = portal.log_in("sofie")
    forged = raw[:-8] + "AAAAAAAA"
    for hint in ({}, {"id_token_hint": "x"}, {"id_token_hint": forged}):
        answer = portal.end(post_logout_redirect_uri=HOME, **hint)
        assert answer.headers["Location"] == "/op/Account/Logout"
    elsewhere = portal.end(id_token_hint=raw, post_logout_redirect_uri="https://evil.example/")
    assert elsewhere.status_code == 200


def test_back_end_logout_needs_no_browser(portal: Portal, inbox: Inbox) -> None:
    claims, _, raw = portal.log_in("layla")
    url = f"{portal.op}/api/v1/session/logout"
    assert Portal.browser().post(url, {"id_token": raw}).status_code == 200
    assert portal.claims(inbox.logout_tokens.get(timeout=5))["sid"] == claims["sid"]
    assert Portal.browser().post(url, {"id_token": "x"}).status_code == 400


def test_the_page_shows_only_those_who_may_log_in_here(portal: Portal) -> None:
    citizens = portal.http.get(f"{portal.op}/login", params={"attempt": portal.arrive()})
    assert "Mette Holm" in citizens.text and "Karin Thomsen" not in citizens.text
    assert "Emil" not in re.sub(r"<span>.*?</span>", "", citizens.text), "9 years, no MitID"
    asked = {"idp_values": "mitid_erhverv", "language": "en"}
    staff = portal.http.get(f"{portal.op}/login", params={"attempt": portal.arrive(**asked)})
    assert "Karin Thomsen" in staff.text and "Mette Holm" not in staff.text
    assert '<html lang="en">' in staff.text
    attempt = portal.arrive()
    form = {"attempt": attempt, "person": "karin", "action": "approve"}
    answer = portal.http.post(f"{portal.op}/login", form, allow_redirects=False)
    assert answer.headers["Location"].startswith("/op/login"), "no employee by the citizens' door"


def test_pages_are_strict_and_work_without_scripts(portal: Portal) -> None:
    attempt = portal.arrive()
    for person in ({}, {"person": "mette"}):
        page = portal.http.get(f"{portal.op}/login", params={"attempt": attempt, **person})
        policy = page.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy
        assert "form-action 'self' http://127.0.0.1:9" in policy
        assert page.headers["Cache-Control"] == "no-store"
        assert "<script" not in page.text and "style=" not in page.text
        assert page.text.count("<h1>") == 1 and '<html lang="da">' in page.text


def test_codes_and_tokens_grow_old(inbox: Inbox) -> None:
    now = [time.time()]
    key = inbox.keys[0]
    client = Client(client_id="c", redirect_uris=[RETURN], secret="s")
    app = create_app(
        issuer="http://127.0.0.1/op", clients=[client], personas=personas(), clock=lambda: now[0]
    )
    web = app.test_client()
    verifier = key.kid * 2 if key.kid else ""
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


def test_es256_and_a_bent_claim(inbox: Inbox) -> None:
    def bend(what: str, claims: Claims) -> Claims:
        return {**claims, "loa": "nonsense"} if what == "id_token" else claims

    with serving([_client(inbox)], personas(), algorithm="ES256", bend=bend) as provider:
        portal = Portal(provider, inbox)
        tokens = portal.redeem(portal.code()).json()
        assert portal.claims(tokens["id_token"], "ES256")["loa"] == "nonsense"


def test_fifty_people_log_in_at_once(provider: Provider, inbox: Inbox) -> None:
    def one(_: int) -> str:
        return str(Portal(provider, inbox).log_in("amira")[0]["sid"])

    with ThreadPoolExecutor(16) as pool:
        assert len(set(pool.map(one, range(50)))) == 50


@pytest.mark.parametrize("day", [date(2026, 11, 22), date(2028, 2, 29), date(2028, 3, 1)])
def test_ages_hold_on_any_day(day: date) -> None:
    ages = {"mette": 38, "sofie": 16, "emil": 9, "layla": 14, "freja": 18, "viggo": 71, "ida": 11}
    people = {person.key: person for person in personas(day)}
    for key, age in ages.items():
        born = people[key].born
        assert day.year - born.year - ((day.month, day.day) < (born.month, born.day)) == age
    assert len({person.cpr for person in people.values()}) == len(people) == 20
    assert all(person.cpr[:6] == f"{person.born:%d%m%y}" for person in people.values())
