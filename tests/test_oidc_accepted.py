"""What an honest provider may do differently: every variant is let in; and what we send it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from flask.testing import FlaskClient
from hostile_provider import (
    CLIENT,
    EC_TWO,
    RSA_ONE,
    RSA_THREE,
    Bend,
    Json,
    Provider,
    assertion_claims,
)
from joserfc.jwk import RSAKey
from sign_in_app import CLIENT_KEY, METTE, log_in, make_app, make_settings, who

pytest_plugins = ("sign_in_fixtures",)
NSIS = "https://data.gov.dk/concept/core/nsis/"
Make = Callable[[Provider], Bend]


def claims(change: Callable[[Json], Json]) -> Make:
    return lambda _: Bend(claims=change)


def metadata(**changes: Any) -> Make:
    return lambda _: Bend(metadata=lambda f: {**f, **changes})


def without(*names: str) -> Make:
    return lambda _: Bend(metadata=lambda f: {k: v for k, v in f.items() if k not in names})


def with_two_keys(provider: Provider) -> Bend:
    provider.keys = [RSA_THREE, RSA_ONE]
    return Bend()


def with_elliptic_key(provider: Provider) -> Bend:
    provider.key, provider.algorithm, provider.keys = EC_TWO, "ES256", [RSA_ONE, EC_TWO]
    return Bend()


def with_strange_keys(provider: Provider) -> Bend:
    strange = [{"kty": "AKP", "alg": "ML-DSA-44"}, {"kty": "RSA", "n": "!"}, {"kty": "oct"}]
    return Bend(jwks=lambda f: {"keys": [*strange, *f["keys"]]})


def everything_in_the_id_token(provider: Provider) -> Bend:
    provider.person = {"id_token": {"dk.cpr": METTE, "birthdate": "1988-01-01"}}
    return Bend(metadata=lambda f: {k: v for k, v in f.items() if k != "userinfo_endpoint"})


CASES: dict[str, Make] = {
    "fapi2-valid-aud-as-array": claims(lambda f: {**f, "aud": [f["aud"]]}),
    "azp-is-us": claims(lambda f: {**f, "azp": CLIENT}),
    "clock-nine-seconds-ahead": claims(
        lambda f: {**f, **{k: f[k] + 9 for k in ("iat", "exp", "auth_time")}, "nbf": f["iat"] + 9}
    ),
    "numbers-as-texts": claims(
        lambda f: {**f, **{k: str(f[k]) for k in ("iat", "exp", "auth_time")}}
    ),
    "no-at-hash": claims(lambda f: {k: v for k, v in f.items() if k != "at_hash"}),
    "level-high": claims(lambda f: {**f, "acr": NSIS + "High"}),
    "level-only-in-userinfo": lambda _: Bend(
        claims=lambda f: {k: v for k, v in f.items() if k != "acr"},
        userinfo=lambda f: {**f, "acr": NSIS + "Substantial"},
    ),
    "oidcc-client-test-kid-absent-single-jwks": lambda _: Bend(header=lambda f: {**f, "kid": None}),
    "no-typ": lambda _: Bend(header=lambda f: {}),
    "certificate-in-the-header": lambda _: Bend(header=lambda f: {**f, "x5c": ["A" * 2000]}),
    "two-keys": with_two_keys,
    "elliptic-key": with_elliptic_key,
    "keys-nobody-understands": with_strange_keys,
    "everything-in-the-id-token": everything_in_the_id_token,
    "no-par": without("pushed_authorization_request_endpoint"),
    "no-iss-promised": lambda _: Bend(
        metadata=lambda f: {**f, "authorization_response_iss_parameter_supported": False},
        callback=lambda f: {k: v for k, v in f.items() if k != "iss"},
    ),
    "cpr-with-a-dash": lambda _: Bend(userinfo=lambda f: {**f, "dk.cpr": "010188-9001"}),
    "birth-date-danish": lambda _: Bend(userinfo=lambda f: {**f, "birthdate": "01-01-1988"}),
    "birth-date-without-year": lambda _: Bend(userinfo=lambda f: {**f, "birthdate": "0000-01-01"}),
    "birth-date-a-year": lambda _: Bend(userinfo=lambda f: {**f, "birthdate": "1988"}),
    "birth-date-with-time": lambda _: Bend(
        userinfo=lambda f: {**f, "birthdate": "1988-01-01T00:00:00"}
    ),
    "no-birth-date": lambda _: Bend(userinfo=lambda f: {**f, "birthdate": ""}),
    "not-an-employee-as-text": lambda _: Bend(userinfo=lambda f: {**f, "employee": "false"}),
    "nulls-in-the-metadata": metadata(
        end_session_endpoint=None, id_token_signing_alg_values_supported=None, service=None
    ),
    "more-in-the-metadata": metadata(claims_supported=["sub"], x={"y": [1]}),
}


@pytest.mark.parametrize("case", CASES)
def test_let_in(case: str, hostile: Provider, door_visitor: FlaskClient) -> None:
    hostile.bend = CASES[case](hostile)
    answer = log_in(door_visitor, hostile)
    assert answer.headers.get("Location") == "/overblik", answer.text
    assert who(door_visitor) == "Mette Holm"


def test_a_new_key_is_found_and_a_withdrawn_one_forgotten(
    hostile: Provider, door_visitor: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """oidcc-client-test-signing-key-rotation, -just-before-signing; contract: 60 seconds."""
    log_in(door_visitor, hostile)
    hostile.key, hostile.keys = RSA_THREE, [RSA_THREE]
    assert log_in(door_visitor, hostile).headers["Location"] == "/overblik"
    hostile.key = RSA_ONE
    assert log_in(door_visitor, hostile).status_code == 400
    hostile.keys = [RSA_ONE]
    assert log_in(door_visitor, hostile).headers["Location"] == "/overblik"
    hostile.keys = [RSA_THREE]  # withdrawn, and still in our memory
    later = SimpleNamespace(monotonic=lambda: time.monotonic() + 61, time=time.time)
    monkeypatch.setattr("portal.identity.provider.time", later)
    assert log_in(door_visitor, hostile).status_code == 400


def test_strangers_cannot_make_us_hammer_the_provider(
    hostile: Provider, door_visitor: FlaskClient
) -> None:
    for number in range(30):
        token = hostile.logout_token(header={"kid": f"stranger-{number}"})
        door_visitor.post("/log-ind/bagkanal", data={"logout_token": token})
    assert [path for path, _ in hostile.asked].count("/jwks") <= 11


@pytest.mark.parametrize("kid", ["one", None])
def test_a_key_replaced_under_its_own_name_is_accepted_at_once(
    hostile: Provider, door_visitor: FlaskClient, kid: str | None
) -> None:
    log_in(door_visitor, hostile)
    other = RSAKey.import_key({**RSA_THREE.as_dict(private=True), "kid": "one"})
    hostile.key, hostile.keys = other, [other]
    hostile.bend = Bend(header=lambda f: {**f, "kid": kid})
    if kid is None:
        hostile.bend.jwks = lambda f: {
            "keys": [{k: v for k, v in key.items() if k != "kid"} for key in f["keys"]]
        }
    assert log_in(door_visitor, hostile).headers.get("Location") == "/overblik"


def test_a_bad_signature_makes_us_ask_again_ten_times_a_minute(
    hostile: Provider, door_visitor: FlaskClient
) -> None:
    for _ in range(30):
        token = hostile.logout_token()[:-8] + "AAAAAAAA"
        door_visitor.post("/log-ind/bagkanal", data={"logout_token": token})
    assert [path for path, _ in hostile.asked].count("/jwks") == 11


def test_strangers_at_the_back_channel_do_not_keep_a_new_key_out(
    hostile: Provider, tmp_path: Path
) -> None:
    settings = make_settings(tmp_path, hostile.issuer, staff={"client_id": "another"})
    visitor = make_app(settings).test_client()
    log_in(visitor, hostile)
    for number in range(12):
        token = hostile.logout_token(header={"kid": f"stranger-{number}"})
        visitor.post("/log-ind/bagkanal", data={"logout_token": token})
    hostile.key, hostile.keys = RSA_THREE, [RSA_THREE]
    assert log_in(visitor, hostile).headers.get("Location") == "/overblik"


def test_only_client_id_and_request_uri_go_through_the_browser(
    hostile: Provider, door_visitor: FlaskClient
) -> None:
    location = door_visitor.get("/log-ind").headers["Location"]
    query = dict(parse_qsl(urlsplit(location).query))
    assert set(query) == {"client_id", "request_uri"}
    pushed = hostile.pushed[query["request_uri"]]
    assert pushed["code_challenge_method"] == "S256" and len(pushed["nonce"]) <= 64
    assert (pushed["prompt"], pushed["max_age"]) == ("login", "300")
    assert pushed["redirect_uri"] == "http://127.0.0.1:8000/log-ind/retur"


def test_we_prove_ourselves_with_a_short_lived_assertion_to_the_issuer(
    hostile: Provider, door_visitor: FlaskClient
) -> None:
    log_in(door_visitor, hostile)
    forms = [form for path, form in hostile.asked if path in ("/par", "/token")]
    seen = set()
    for form in forms:
        header, found = assertion_claims(form, CLIENT_KEY)
        assert (header["alg"], header["kid"]) == ("ES256", "ours")
        assert found["aud"] == hostile.issuer and found["iss"] == found["sub"] == CLIENT
        assert found["exp"] - found["iat"] <= 120
        seen.add(found["jti"])
    assert len(seen) == len(forms) == 2


def test_our_public_keys_are_published_and_only_they(door_visitor: FlaskClient) -> None:
    (key,) = door_visitor.get("/.well-known/jwks.json").get_json()["keys"]
    assert key["kid"] == "ours" and key["alg"] == "ES256" and "d" not in key


def ask(tmp_path: Path, hostile: Provider, door: str, **provider: Any) -> Json:
    """What one profile sends."""
    name = "staff" if door.endswith("medarbejder") else "citizen"
    settings = make_settings(tmp_path, hostile.issuer, **{name: provider})
    location = make_app(settings).test_client().get(door).headers["Location"]
    return hostile.pushed[dict(parse_qsl(urlsplit(location).query))["request_uri"]]


def test_the_broker_is_asked_in_its_own_words(hostile: Provider, tmp_path: Path) -> None:
    asked = ask(tmp_path, hostile, "/log-ind", profile="neb", minimum_loa="high")
    assert asked["idp_values"] == "mitid" and asked["language"] == "da"
    assert json.loads(asked["idp_params"]) == {"mitid": {"loa_value": "high"}}
    assert asked["scope"] == "openid mitid ssn" and "acr_values" not in asked


def test_the_broker_is_asked_for_employees(hostile: Provider, tmp_path: Path) -> None:
    asked = ask(tmp_path, hostile, "/log-ind/medarbejder", profile="neb")
    assert asked["idp_values"] == "mitid_erhverv" and asked["scope"] == "openid nemlogin"


def test_idura_is_asked_by_acr(hostile: Provider, tmp_path: Path) -> None:
    asked = ask(tmp_path, hostile, "/log-ind", profile="idura")
    assert asked["acr_values"] == "urn:grn:authn:dk:mitid:substantial"
    assert asked["ui_locales"] == "da"


def test_a_level_of_the_operators_own_is_asked_for_and_understood(
    hostile: Provider, tmp_path: Path
) -> None:
    levels = {"substantial": ["gold"], "high": ["platinum"]}
    settings = make_settings(tmp_path, hostile.issuer, citizen={"loa_values": levels})
    visitor = make_app(settings).test_client()
    assert log_in(visitor, hostile).status_code == 403
    hostile.bend = Bend(claims=lambda f: {**f, "acr": "platinum"})
    assert log_in(visitor, hostile).headers["Location"] == "/overblik"
    asked = [form for path, form in hostile.asked if path == "/par"]
    assert asked[0]["acr_values"] == "gold platinum"


BASIC, POST = "client_secret_basic", "client_secret_post"


@pytest.mark.parametrize(
    ("listed", "used"),
    [([POST], POST), ([BASIC], BASIC), ([POST, BASIC], BASIC), (None, BASIC), ([], BASIC)],
)
def test_a_shared_secret_works_too(
    hostile: Provider, tmp_path: Path, listed: list[str] | None, used: str
) -> None:
    """RFC 8414: nothing listed is `client_secret_basic`. No parameter stands twice in a form."""
    name = "token_endpoint_auth_methods_supported"
    hostile.bend = (without(name) if listed is None else metadata(**{name: listed}))(hostile)
    settings = make_settings(
        tmp_path,
        hostile.issuer,
        citizen={"client_key": "", "client_secret_env": "SECRET"},
        environ={"SECRET": "et & langt"},
    )
    visitor = make_app(settings).test_client()
    assert log_in(visitor, hostile).headers["Location"] == "/overblik"
    for form in [form for path, form in hostile.asked if path in ("/par", "/token")]:
        assert form.get("client_secret") == ("et & langt" if used == POST else None)


def test_without_a_minimum_no_level_is_needed(hostile: Provider, tmp_path: Path) -> None:
    hostile.bend = claims(lambda f: {k: v for k, v in f.items() if k != "acr"})(hostile)
    settings = make_settings(tmp_path, hostile.issuer, citizen={"minimum_loa": ""})
    assert log_in(make_app(settings).test_client(), hostile).headers["Location"] == "/overblik"
