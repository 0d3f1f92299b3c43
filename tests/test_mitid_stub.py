"""The provider stands in for the real broker, so its recorded behaviour is itself under test."""

from __future__ import annotations

import hashlib
import json
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests
from joserfc.errors import InvalidKeyIdError
from joserfc.jwk import ECKey

from mitid_stub.personas import personas
from mitid_stub.rehearsal import (
    HOME,
    RETURN,
    SECRET,
    Rehearsal,
    answer_login,
    new_browser,
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


def test_metadata_is_the_brokers(portal: Rehearsal) -> None:
    assert portal.meta["issuer"] == portal.op
    assert portal.meta["authorization_response_iss_parameter_supported"] is True
    assert "scopes_supported" not in portal.meta
    assert portal.meta["code_challenge_methods_supported"] == ["S256"]


def test_citizen_logs_in_and_personal_data_comes_only_from_userinfo(portal: Rehearsal) -> None:
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


def test_at_hash_covers_the_access_token(portal: Rehearsal) -> None:
    tokens = portal.redeem(portal.code()).json()
    half = hashlib.sha256(tokens["access_token"].encode()).digest()[:16]
    expected = urlsafe_b64encode(half).rstrip(b"=").decode()
    assert portal.claims(tokens["id_token"])["at_hash"] == expected


def test_cpr_needs_the_scope(portal: Rehearsal) -> None:
    _, info, _ = portal.log_in("mette", scope="openid mitid")
    assert "dk.cpr" not in info and info["mitid.identity_name"] == "Mette Holm"


def test_employee_comes_with_unit_and_never_high(portal: Rehearsal) -> None:
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


def test_level_chosen_on_the_page_is_in_the_token(portal: Rehearsal) -> None:
    for level, name in (("low", "Low"), ("high", "High")):
        tokens = portal.redeem(portal.code(level=level, prompt="login")).json()
        assert portal.claims(tokens["id_token"])["loa"] == f"{NSIS}{name}"


def test_success_names_the_issuer(portal: Rehearsal) -> None:
    answer = portal.decide(portal.arrive(), person="jonas", action="approve")
    assert list(answer) == ["code", "state", "session_state", "iss"]
    assert answer["iss"] == portal.op and answer["state"] == portal.state


def test_cancel_comes_back_without_issuer(portal: Rehearsal) -> None:
    attempt = portal.arrive()
    answer = portal.decide(attempt, person="mette", action="cancel")
    assert list(answer) == ["error", "error_description", "state", "session_state"]
    assert answer["error"] == "access_denied"
    assert answer["error_description"] == "mitid_user_aborted"
    again = portal.http.post(f"{portal.op}/login", {"attempt": attempt, "action": "cancel"})
    assert again.status_code == 400


def test_the_clients_new_key_is_fetched(portal: Rehearsal) -> None:
    assert portal.push().status_code == 201
    portal.inbox.keys.insert(0, ECKey.generate_key("P-256", {"alg": "ES256"}, auto_kid=True))
    assert portal.push().status_code == 201


def test_secret_clients_and_what_private_services_get(portal: Rehearsal) -> None:
    form = portal.parameters(client_id="privat")
    basic = requests.auth.HTTPBasicAuth("privat", "et+%26+langt+%2B+kodeord")
    par = portal.meta["pushed_authorization_request_endpoint"]
    assert portal.http.post(par, form, auth=basic).status_code == 201
    assert portal.http.post(par, {**form, "client_secret": "gæt"}).json() == {
        "error": "invalid_client"
    }
    pushed = portal.http.post(par, {**form, "client_secret": SECRET}).json()
    location = portal.authorize(client_id="privat", request_uri=pushed["request_uri"])
    attempt = parse_qs(urlsplit(location).query)["attempt"][0]
    code = portal.decide(attempt, person="mette", action="approve")["code"]
    grant = {"grant_type": "authorization_code", "code": code, "redirect_uri": RETURN}
    proof = {"code_verifier": portal.verifier, "client_id": "privat", "client_secret": SECRET}
    tokens = portal.http.post(portal.meta["token_endpoint"], {**grant, **proof}).json()
    info = portal.userinfo(tokens["access_token"]).json()
    assert info["mitid.identity_name"] == "NAVNE & ADRESSEBESKYTTET" and "dk.cpr" not in info
    assert info["sub"] != portal.log_in("mette")[0]["sub"]


def test_single_sign_on_and_how_to_refuse_it(portal: Rehearsal) -> None:
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


def test_prompt_none_without_session(portal: Rehearsal) -> None:
    answer = parse_qs(urlsplit(portal.authorize(**portal.parameters(prompt="none"))).query)
    assert answer["error"] == ["login_required"] and "iss" not in answer


def test_rotation_keeps_the_old_key_until_it_is_withdrawn(portal: Rehearsal) -> None:
    _, _, old = portal.log_in("mette")
    portal.provider.keys.rotate()
    _, _, new = portal.log_in("mette", prompt="login")
    assert portal.claims(old)["sub"] == portal.claims(new)["sub"]
    portal.provider.keys.withdraw()
    assert portal.claims(new)
    with pytest.raises(InvalidKeyIdError):
        portal.claims(old)
    assert "d" not in portal.http.get(portal.meta["jwks_uri"]).json()["keys"][0]


def test_logging_out_tells_the_client_and_comes_home(portal: Rehearsal) -> None:
    claims, _, raw = portal.log_in("sofie")
    answer = portal.end(id_token_hint=raw, post_logout_redirect_uri=HOME, state="s")
    assert answer.headers["Location"] == f"{HOME}?state=s"
    token = portal.inbox.logout_tokens.get(timeout=5)
    told = portal.claims(token)
    assert told["sid"] == claims["sid"] and told["sub"] == claims["sub"]
    assert told["aud"] == "familieoverblik" and told["iss"] == portal.op and told["jti"]
    assert told["events"] == {"http://schemas.openid.net/event/backchannel-logout": {}}
    assert "nonce" not in told and told["exp"] - told["iat"] == 120
    assert "/op/login?" in portal.authorize(**portal.parameters())
    portal.end(id_token_hint=raw)
    assert portal.inbox.logout_tokens.empty(), "nobody is told twice"
    assert portal.end(id_token_hint=token).headers["Location"] == "/op/Account/Logout"


def test_back_end_logout_needs_no_browser(portal: Rehearsal) -> None:
    claims, _, raw = portal.log_in("layla")
    url = f"{portal.op}/api/v1/session/logout"
    assert new_browser().post(url, {"id_token": raw}).status_code == 200
    assert portal.claims(portal.inbox.logout_tokens.get(timeout=5))["sid"] == claims["sid"]
    assert new_browser().post(url, {"id_token": "x"}).status_code == 400


def test_the_page_shows_only_those_who_may_log_in_here(portal: Rehearsal) -> None:
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


def test_pages_are_strict_and_work_without_scripts(portal: Rehearsal) -> None:
    attempt = portal.arrive()
    for person in ({}, {"person": "mette"}):
        page = portal.http.get(f"{portal.op}/login", params={"attempt": attempt, **person})
        policy = page.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy
        assert "form-action 'self' http://127.0.0.1:9" in policy
        assert page.headers["Cache-Control"] == "no-store"
        assert "<script" not in page.text and "style=" not in page.text
        assert page.text.count("<h1>") == 1 and '<html lang="da">' in page.text


def test_es256_and_a_bent_claim() -> None:
    def bend(what: str, claims: Claims) -> Claims:
        return {**claims, "loa": "nonsense"} if what == "id_token" else claims

    with open_stage(algorithm="ES256", bend=bend) as stage:
        portal = stage()
        tokens = portal.redeem(portal.code()).json()
        assert portal.claims(tokens["id_token"], "ES256")["loa"] == "nonsense"


def test_fifty_people_log_in_at_once(stage: Callable[[], Rehearsal]) -> None:
    def one(_: int) -> str:
        return str(stage().log_in("amira")[0]["sid"])

    with ThreadPoolExecutor(16) as pool:
        assert len(set(pool.map(one, range(50)))) == 50


@pytest.mark.parametrize("day", [date(2026, 11, 22), date(2028, 2, 29), date(2028, 3, 1)])
def test_ages_hold_on_any_day(day: date) -> None:
    ages = {"mette": 38, "sofie": 16, "emil": 9, "layla": 14, "freja": 18, "viggo": 71, "ida": 11}
    people = {person.key: person for person in personas(day)}
    for key, age in ages.items():
        born = people[key].born
        assert day.year - born.year - ((day.month, day.day) < (born.month, born.day)) == age
    assert len({person.cpr for person in people.values()}) == len(people) == 23
    assert all(person.cpr[:6] == f"{person.born:%d%m%y}" for person in people.values())


def test_a_scripted_login_in_one_call(portal: Rehearsal) -> None:
    url = f"{portal.meta['authorization_endpoint']}?{urlencode(portal.parameters())}"
    assert f"state={portal.state}" in answer_login(url, "jonas")
    assert "error=access_denied" in answer_login(url, "jonas", action="cancel")
    assert "/op/Error" in answer_login(url.replace("openid", "x"), "jonas")
