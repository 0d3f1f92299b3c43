"""What a hostile provider, or somebody in between, answers: every case is refused without a session.

The names are those of the OpenID Foundation's conformance modules where there is one.
"""

from __future__ import annotations

import gzip
import json
import re
import time
import warnings
from collections.abc import Callable
from typing import Any

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
    Reply,
)
from joserfc.jwk import OctKey, RSAKey
from sign_in_app import METTE, log_in, who

pytest_plugins = ("sign_in_fixtures",)

Make = Callable[[Provider], Bend]
NOW = time.time
HOUR, YEAR = 3600, 365 * 86400
GONE = object()
with warnings.catch_warnings(action="ignore"):  # it is short on purpose
    SHORT_RSA = RSAKey.generate_key(1024, {"kid": "short"})


def claims(**changes: Any) -> Make:
    """Change claims of the ID token; GONE removes one, a function gets the moment."""

    def bent(found: Json) -> Json:
        made = {k: v(NOW()) if callable(v) else v for k, v in changes.items()}
        return {k: v for k, v in {**found, **made}.items() if v is not GONE}

    return lambda _: Bend(claims=bent)


def header(**changes: Any) -> Make:
    return lambda _: Bend(header=lambda found: {**found, **changes})


def signed(key: Any, algorithm: str, keys: list[Any] | None = None, **named: Any) -> Make:
    """Sign with another key or algorithm, publishing `keys`."""

    def make(provider: Provider) -> Bend:
        provider.key, provider.algorithm = key, algorithm
        provider.keys = keys if keys is not None else [RSA_ONE]
        return Bend(header=lambda found: {**found, **named})

    return make


def raw(id_token: Any) -> Make:
    return lambda _: Bend(
        id_token=lambda found: id_token(found) if callable(id_token) else id_token
    )


def payload(change: Callable[[str], str]) -> Make:
    return lambda _: Bend(payload=change)


def token(**changes: Any) -> Make:
    return lambda _: Bend(
        token=lambda f: {k: v for k, v in {**f, **changes}.items() if v is not GONE}
    )


def userinfo(change: Callable[[Json], Any]) -> Make:
    return lambda _: Bend(userinfo=change)


def metadata(**changes: Any) -> Make:
    return lambda _: Bend(
        metadata=lambda f: {k: v for k, v in {**f, **changes}.items() if v is not GONE}
    )


def jwks(change: Callable[[Json], Any]) -> Make:
    return lambda _: Bend(jwks=change)


def callback(**changes: Any) -> Make:
    return lambda _: Bend(
        callback=lambda f: {k: v for k, v in {**f, **changes}.items() if v is not GONE}
    )


def reply(path: str, status: int, body: bytes = b"{}", **headers: str) -> Make:
    named = {k.replace("_", "-"): v for k, v in headers.items()}
    return lambda _: Bend(replies={path: Reply(status, body, named)})


def listing_rs384(provider: Provider) -> Bend:
    provider.algorithm = "RS384"
    listed = {"id_token_signing_alg_values_supported": ["RS256", "RS384"]}
    return Bend(metadata=lambda f: {**f, **listed})


def with_key_in_header(provider: Provider) -> Bend:
    provider.key = RSA_THREE
    return Bend(header=lambda f: {**f, "kid": "one", "jwk": RSA_THREE.as_dict(private=False)})


def shared_secret(provider: Provider) -> Bend:
    secret = OctKey.generate_key(256, {"kid": "oct"})
    provider.key, provider.algorithm = secret, "HS256"
    public = {**secret.as_dict(private=True), "use": "sig"}
    return Bend(jwks=lambda f: {"keys": [*f["keys"], public]})


def of_another_use(provider: Provider) -> Bend:
    return Bend(jwks=lambda f: {"keys": [{**key, "use": "enc"} for key in f["keys"]]})


NSIS = "https://data.gov.dk/concept/core/nsis/"
ID_TOKEN: dict[str, Make] = {
    "oidcc-client-test-invalid-iss": claims(iss="https://evil.example"),
    "iss-with-slash": claims(iss=lambda _: "http://127.0.0.1/op/"),
    "fapi2-invalid-missing-iss": claims(iss=GONE),
    "iss-as-list": claims(iss=["x"]),
    "oidcc-client-test-invalid-aud": claims(aud="other"),
    "oidcc-client-test-missing-aud": claims(aud=GONE),
    "aud-of-another-with-our-azp": claims(aud="other", azp=CLIENT),
    "fapi2-invalid-secondary-aud": claims(aud=[CLIENT, "evil"], azp=CLIENT),
    "aud-empty-list": claims(aud=[]),
    "azp-of-another": claims(azp="other"),
    "oidcc-client-test-missing-iat": claims(iat=GONE),
    "iat-an-hour-ahead": claims(iat=lambda now: now + HOUR),
    "iat-a-minute-ahead": claims(iat=lambda now: now + 61),
    "iat-a-year-ago": claims(iat=lambda now: now - YEAR),
    "iat-no-number": claims(iat="yesterday"),
    "iat-true": claims(iat=True),
    "iat-of-400-digits": claims(iat=10**400),
    "exp-endless": payload(lambda p: re.sub(r'"exp": \d+', '"exp": 1e999', p)),
    "auth-time-endless": payload(lambda p: re.sub(r'"auth_time": \d+', '"auth_time": 1e999', p)),
    "lone-surrogate-in-a-claim-nobody-reads": claims(nickname="\ud800"),
    "lone-surrogate-in-a-name": claims(**{"\udfff": "x"}),
    "kid-nested": header(kid=json.loads("[" * 900 + "]" * 900)),
    "fapi2-invalid-missing-exp": claims(exp=GONE),
    "fapi2-invalid-expired-exp": claims(exp=lambda now: now - 600),
    "exp-a-minute-ago": claims(exp=lambda now: now - 60),
    "nbf-ahead": claims(nbf=lambda now: now + 120),
    "fapi2-invalid-missing-nonce": claims(nonce=GONE),
    "oidcc-client-test-nonce-invalid": claims(nonce="another"),
    "nonce-unsupported-they-say": claims(nonce=GONE, nonce_supported=False),
    "nonce-as-list": claims(nonce=["another"]),
    "oidcc-client-test-missing-sub": claims(sub=GONE),
    "sub-a-number": claims(sub=17),
    "sub-empty": claims(sub=""),
    "sub-lone-surrogate": claims(sub="\ud800"),
    "oidcc-client-test-invalid-athash": claims(at_hash="AAAAAAAAAAAAAAAAAAAAAA"),
    "at-hash-a-number": claims(at_hash=1),
    "auth-time-missing": claims(auth_time=GONE),
    "auth-time-a-year-ago": claims(auth_time=lambda now: now - YEAR),
    "auth-time-ahead": claims(auth_time=lambda now: now + HOUR),
    "auth-time-no-number": claims(auth_time="now"),
    "oidcc-client-test-invalid-sig-rs256": signed(RSA_THREE, "RS256", kid="one"),
    "oidcc-client-test-invalid-sig-es256": signed(EC_TWO, "ES256", kid="one"),
    "oidcc-client-test-invalid-sig-hs256": signed(RSA_ONE, "HS256"),
    "oidcc-client-test-idtoken-sig-none": signed(RSA_ONE, "none"),
    "fapi2-invalid-null-alg": header(alg=None),
    "alg-None-in-capitals": header(alg="NONE"),
    "fapi2-invalid-alternate-alg": signed(RSA_ONE, "RS384"),
    "alternate-alg-though-listed": listing_rs384,
    "kid-unknown": header(kid="nobody"),
    "kid-a-number": header(kid=1),
    "oidcc-client-test-kid-absent-multiple-jwks": signed(
        RSA_ONE, "RS256", [RSA_ONE, RSA_THREE], kid=None
    ),
    "key-withdrawn": signed(RSA_ONE, "RS256", [RSA_THREE]),
    "key-too-short": signed(SHORT_RSA, "RS256", [SHORT_RSA]),
    "key-for-encryption": of_another_use,
    "key-for-another-alg": jwks(lambda f: {"keys": [{**k, "alg": "PS256"} for k in f["keys"]]}),
    "key-for-signing-only": jwks(
        lambda f: {"keys": [{**k, "key_ops": ["sign"]} for k in f["keys"]]}
    ),
    "key-shared": shared_secret,
    "key-in-the-header": with_key_in_header,
    "key-address-in-the-header": signed(RSA_THREE, "RS256", jku="http://127.0.0.1/jwks"),
    "typ-logout-token": header(typ="logout+jwt"),
    "typ-access-token": header(typ="at+jwt"),
    "typ-application-access-token": header(typ="application/at+jwt"),
    "crit-unknown": header(crit=["urn:evil"], **{"urn:evil": True}),
    "crit-b64": header(crit=["b64"], b64=False),
    "no-token": raw("rubbish"),
    "empty-token": raw(""),
    "five-parts": raw("a.b.c.d.e"),
    "signature-cut-off": raw(lambda t: t.rpartition(".")[0] + "."),
    "payload-changed": raw(lambda t: t.split(".")[0] + ".e30." + t.split(".")[2]),
    "name-twice": payload(lambda p: p[:-1] + ', "sub": "someone-else"}'),
    "not-a-number": payload(lambda p: p[:-1] + ', "x": NaN}'),
    "payload-a-list": payload(lambda p: f"[{p}]"),
    "bottomless": payload(lambda p: p[:-1] + ', "x": ' + "[" * 20000 + "]" * 20000 + "}"),
}
TOKEN_ANSWER: dict[str, Make] = {
    "no-id-token": token(id_token=GONE),
    "id-token-null": token(id_token=None),
    "no-access-token": token(access_token=GONE),
    "token-type-mac": token(token_type="mac"),
    "token-answer-a-list": reply("/token", 200, b"[]"),
    "token-answer-not-json": reply("/token", 200, b"<html>"),
    "code-refused": reply("/token", 400, b'{"error":"invalid_grant"}'),
    "error-beside-the-tokens": token(error="invalid_request"),
    "client-refused": reply("/token", 401, b'{"error":"invalid_client"}'),
    "token-endpoint-broken": reply("/token", 500, b"oops"),
    "token-endpoint-leads-elsewhere": reply("/token", 302, b"", Location="http://127.0.0.1:1/"),
    "token-answer-huge": reply("/token", 200, b'{"x":"' + b"a" * 600_000 + b'"}'),
    "token-answer-a-bomb": reply(
        "/token", 200, gzip.compress(b" " * 50_000_000), Content_Encoding="gzip"
    ),
}
USERINFO: dict[str, Make] = {
    "oidcc-client-test-userinfo-invalid-sub": userinfo(lambda f: {**f, "sub": "another"}),
    "userinfo-without-sub": userinfo(lambda f: {"dk.cpr": f["dk.cpr"]}),
    "userinfo-empty": userinfo(lambda f: {}),
    "userinfo-a-list": userinfo(lambda f: [f]),
    "userinfo-refused": reply("/userinfo", 401),
    "userinfo-broken-with-claims": reply(
        "/userinfo", 500, json.dumps({"sub": "sub-mette", "dk.cpr": METTE}).encode()
    ),
    "userinfo-leads-elsewhere": reply("/userinfo", 302, b"", Location="http://127.0.0.1:1/"),
    "userinfo-not-json": reply("/userinfo", 200, b"hello"),
    "userinfo-with-a-name-twice": reply("/userinfo", 200, b'{"sub":"a","sub":"sub-mette"}'),
}
PROVIDER: dict[str, Make] = {
    "oidcc-client-test-discovery-issuer-mismatch": metadata(issuer="https://evil.example"),
    "discovery-without-token-endpoint": metadata(token_endpoint=GONE),
    "discovery-with-plain-endpoint": metadata(token_endpoint="http://evil.example/token"),
    "discovery-with-script-endpoint": metadata(authorization_endpoint="javascript:alert(1)"),
    "discovery-broken": reply("/.well-known/openid-configuration", 500),
    "discovery-a-list": reply("/.well-known/openid-configuration", 200, b"[]"),
    "keys-broken": reply("/jwks", 500),
    "keys-missing": reply("/jwks", 200, b'{"keys":{}}'),
    "keys-rubbish": reply("/jwks", 200, b'{"keys":[1,{"kty":"RSA"},{"kty":"EC","crv":"X"}]}'),
    "pushing-refused": reply("/par", 400, b'{"error":"invalid_request"}'),
    "pushing-without-uri": reply("/par", 201, b'{"expires_in":60}'),
    "pushing-leads-elsewhere": reply("/par", 302, b"", Location="http://127.0.0.1:1/"),
}
CALLBACK: dict[str, Make] = {
    "fapi2-ensure-authorization-response-with-invalid-state-fails": callback(state="another"),
    "fapi2-ensure-authorization-response-with-invalid-missing-state-fails": callback(state=GONE),
    "fapi2-invalid-authorization-response-iss": callback(iss="https://evil.example"),
    "fapi2-remove-authorization-response-iss": callback(iss=GONE),
    "no-code": callback(code=GONE),
    "code-twice": callback(code=["one", "two"]),
    "state-twice": lambda _: Bend(callback=lambda f: {**f, "state": [f["state"], "x"]}),
    "code-of-another": callback(code="stolen"),
    "cancelled-by-another-provider": callback(
        code=GONE, error="access_denied", iss="https://evil.example"
    ),
    "cancelled-with-wrong-state": callback(code=GONE, error="access_denied", state="x"),
    "error-unknown": callback(code=GONE, error="invalid_scope"),
    "state-not-ascii": callback(state="æ\ud7ff"),
}
LEVEL: dict[str, Make] = {
    "level-low": claims(acr=NSIS + "Low"),
    "level-missing": claims(acr=GONE),
    "level-unknown": claims(acr="very high"),
    "level-two-at-once": claims(acr=[NSIS + "Low", NSIS + "High"]),
    "level-only-better-in-userinfo": lambda _: Bend(
        claims=lambda f: {**f, "acr": NSIS + "Low"},
        userinfo=lambda f: {**f, "acr": NSIS + "High"},
    ),
}
PERSON: dict[str, Make] = {
    "professional-at-the-citizens-door": claims(identity_type="professional"),
    "employee-at-the-citizens-door": claims(employee="true"),
    "employee-told-only-in-userinfo": userinfo(lambda f: {**f, "employee": True}),
    "no-cpr": userinfo(lambda f: {"sub": f["sub"]}),
    "cpr-of-letters": userinfo(lambda f: {**f, "dk.cpr": "abcdefghij"}),
    "cpr-too-short": userinfo(lambda f: {**f, "dk.cpr": "101889001"}),
    "cpr-twice": userinfo(lambda f: {**f, "dk.cpr": [METTE, "0202859002"]}),
    "cpr-unknown": userinfo(lambda f: {**f, "dk.cpr": "0909999999"}),
    "born-another-day": userinfo(lambda f: {**f, "birthdate": "1988-01-02"}),
    "born-another-day-danish": userinfo(lambda f: {**f, "birthdate": "02-01-1988"}),
    "born-who-knows-when": userinfo(lambda f: {**f, "birthdate": "long ago"}),
}
CASES = {**ID_TOKEN, **TOKEN_ANSWER, **USERINFO, **PROVIDER, **CALLBACK, **LEVEL, **PERSON}


@pytest.mark.filterwarnings("ignore:Key size")
@pytest.mark.parametrize("case", CASES)
def test_refused(case: str, hostile: Provider, door_visitor: FlaskClient) -> None:
    hostile.bend = CASES[case](hostile)
    answer = log_in(door_visitor, hostile)
    assert answer.status_code in (400, 403, 503), answer.headers.get("Location")
    assert "session=" not in str(answer.headers.getlist("Set-Cookie"))
    assert "Traceback" not in answer.text and METTE not in answer.text
    assert who(door_visitor) is None


EXPECTED = {
    "level-low": 403,
    "professional-at-the-citizens-door": 403,
    "cpr-unknown": 403,
    "born-another-day": 403,
    "discovery-broken": 503,
    "oidcc-client-test-discovery-issuer-mismatch": 503,
    "discovery-with-plain-endpoint": 503,
    "token-endpoint-broken": 503,
    "oidcc-client-test-nonce-invalid": 400,
}


@pytest.mark.parametrize("case", EXPECTED)
def test_each_kind_of_refusal_has_its_status(
    case: str, hostile: Provider, door_visitor: FlaskClient
) -> None:
    hostile.bend = CASES[case](hostile)
    assert log_in(door_visitor, hostile).status_code == EXPECTED[case]


def test_an_unbent_provider_is_let_in(hostile: Provider, door_visitor: FlaskClient) -> None:
    assert log_in(door_visitor, hostile).headers["Location"] == "/overblik"
    assert who(door_visitor) == "Mette Holm"


def test_nothing_secret_is_logged(
    hostile: Provider, door_visitor: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    log_in(door_visitor, hostile)
    hostile.bend = CASES["born-another-day"](hostile)
    log_in(door_visitor, hostile)
    secrets = [METTE]
    for path, form in hostile.asked:
        names = {"/par": ("nonce", "state"), "/token": ("code", "code_verifier")}.get(path, ())
        secrets += [form[name] for name in names] + [form.get("client_assertion", METTE)]
    assert len(secrets) > 10
    assert not [s for s in secrets if s in caplog.text]
    # As a word: four digits turn up inside a pseudonym's hex every few hundred runs.
    assert not re.search(r"\b1988\b", caplog.text)


def test_the_login_cookie_is_small_after_many_abandoned_logins(
    hostile: Provider, door_visitor: FlaskClient
) -> None:
    for _ in range(20):
        door_visitor.get("/log-ind")
    cookie = door_visitor.get_cookie("login")
    assert cookie is not None and len(cookie.value) < 1500
    assert json.dumps(hostile.asked).count('"/par"') == 20
