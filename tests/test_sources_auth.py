"""SMART Backend Services against a real token endpoint, and the kept answers."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import msgspec
import pytest
from aiohttp import web
from joserfc import jwk, jwt
from recorded.backend import (
    Backend,
    patient,
    running_backend,
    serve_fhir,
    settings,
    source,
    subject,
)

from portal.records import Answer, Meeting, State
from portal.settings import ConfigError, KindRule, SourceAuth
from portal.sources.auth import credentials
from portal.sources.breaker import Breaker
from portal.sources.cache import Cache, Memory, Redis
from portal.sources.gather import Gatherer


@pytest.fixture
def backend() -> Iterator[Backend]:
    with running_backend() as running:
        yield running


class TokenEndpoint:
    """Issues numbered tokens and keeps the assertions."""

    def __init__(self, backend: Backend, expires_in: Any = 300) -> None:
        self.forms: list[dict[str, list[str]]] = []
        self.expires_in = expires_in
        self.url = f"{backend.url}/token"
        backend.answers["/token"] = self
        backend.answers["/fhir/.well-known/smart-configuration"] = {"token_endpoint": self.url}

    async def __call__(self, request: web.Request) -> web.Response:
        self.forms.append(parse_qs((await request.read()).decode()))
        token = f"token-{len(self.forms)}"
        lasts = {"expires_in": self.expires_in}
        return web.json_response({"access_token": token, "token_type": "bearer"} | lasts)


def key_file(folder: Path, key: Any, **more: Any) -> str:
    file = folder / "client.jwk.json"
    file.write_text(json.dumps(key.as_dict(private=True) | more))
    return str(file)


def gatherer(backend: Backend, file: str, **more: Any) -> Gatherer:
    auth = SourceAuth(kind="smart_backend", client_id="portal", client_key=file, **more)
    return Gatherer(settings(backend.url, source(backend, auth=auth, timeout=20.0)))


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [(jwk.RSAKey.generate_key(2048), "RS384"), (jwk.ECKey.generate_key("P-384"), "ES384")],
)
def test_one_signed_assertion_for_all_types(
    backend: Backend, tmp_path: Path, key: Any, algorithm: str
) -> None:
    serve_fhir(backend, patient())
    endpoint = TokenEndpoint(backend)
    file = key_file(tmp_path, key, alg=algorithm, kid="k1")
    asks = gatherer(backend, file, scope="system/CarePlan.rs")
    assert asks.ask(["system"], subject(), None)["system"].state is State.EMPTY
    (form,) = endpoint.forms
    assert form["grant_type"] == ["client_credentials"]
    assert form["scope"] == ["system/CarePlan.rs"]
    token = jwt.decode(form["client_assertion"][0], key, algorithms=[algorithm])
    assert token.header == {"alg": algorithm, "typ": "JWT", "kid": "k1"}
    assert (token.claims["iss"], token.claims["aud"]) == ("portal", endpoint.url)
    assert token.claims["exp"] - token.claims["iat"] <= 300
    said = {h.get("Authorization") for h in backend.headers}
    assert said == {None, "Bearer token-1"}


def test_a_refused_token_is_renewed_once(backend: Backend, tmp_path: Path) -> None:
    serve_fhir(backend, patient())
    endpoint = TokenEndpoint(backend)
    plain = backend.answers["/fhir/Patient/_search"]

    async def second_only(request: web.Request) -> web.StreamResponse:
        if request.headers["Authorization"] != "Bearer token-2":
            return web.Response(status=401)
        found: web.StreamResponse = await plain(request)
        return found

    backend.answers["/fhir/Patient/_search"] = second_only
    file = key_file(tmp_path, jwk.ECKey.generate_key("P-384"))
    asks = gatherer(backend, file, token_url=endpoint.url)
    assert asks.ask(["system"], subject(), None)["system"].state is State.EMPTY
    assert len(endpoint.forms) == 2


@pytest.mark.parametrize(
    "answer",
    [
        500,
        {"error": "invalid_client"},
        {"access_token": {}, "token_type": "bearer"},
        {"access_token": "t", "token_type": "mac"},
        {"access_token": "t\r\nX-Evil: 1", "token_type": "bearer"},
        {"access_token": "", "token_type": "bearer"},
        {"access_token": "t", "token_type": "bearer", "expires_in": -1},
        b"<html>",
    ],
)
def test_no_token_no_question(backend: Backend, tmp_path: Path, answer: Any) -> None:
    serve_fhir(backend, patient())
    TokenEndpoint(backend)
    backend.answers["/token"] = answer
    asks = gatherer(backend, key_file(tmp_path, jwk.ECKey.generate_key("P-384")))
    assert asks.ask(["system"], subject(), None)["system"].state is State.UNAVAILABLE
    assert "/fhir/Patient/_search" not in backend.asked


@pytest.mark.parametrize(
    ("said", "asked"),
    [(300, 1), ("300", 1), (0, 3), (40.5, 1)],
    ids=["five minutes", "as a text", "over at once", "short"],
)
def test_a_token_is_kept_until_shortly_before_it_ends(
    backend: Backend, tmp_path: Path, said: Any, asked: int
) -> None:
    """Three pages; a token that is over is fetched again, before the backend refuses it."""
    serve_fhir(backend, patient())
    for kind in ("CareTeam", "CarePlan", "Goal", "Appointment", "EpisodeOfCare", "Observation"):
        backend.answers[f"/fhir/{kind}/_search"] = 404
    endpoint = TokenEndpoint(backend, expires_in=said)
    asks = gatherer(backend, key_file(tmp_path, jwk.ECKey.generate_key("P-384")))
    for n in range(3):
        assert asks.ask(["system"], subject(f"borger-{n}"), None)["system"].state is State.EMPTY
    assert len(endpoint.forms) >= asked if said == 0 else len(endpoint.forms) == asked


def test_a_token_that_is_about_to_end_is_not_used(
    backend: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve_fhir(backend, patient())
    endpoint = TokenEndpoint(backend)
    asks = gatherer(backend, key_file(tmp_path, jwk.ECKey.generate_key("P-384")))
    ahead = [0.0]
    clock = time.monotonic
    monkeypatch.setattr("portal.sources.auth_tokens.time.monotonic", lambda: clock() + ahead[0])
    for n, later in enumerate((0.0, 270.0, 285.0)):
        ahead[0] = later
        asks.ask(["system"], subject(f"borger-{n}"), None)
        assert len(endpoint.forms) == 1 + (later > 280)


def test_many_at_once_share_one_token_and_one_renewal(backend: Backend, tmp_path: Path) -> None:
    """Twelve citizens, eight types each; then the backend forgets the token."""
    serve_fhir(backend, patient())
    endpoint = TokenEndpoint(backend)
    valid = ["token-1"]
    for path, plain in list(backend.answers.items()):
        if path.endswith("/_search"):
            backend.answers[path] = guarded(plain, valid)
    asks = gatherer(backend, key_file(tmp_path, jwk.ECKey.generate_key("P-384")))

    def all_at_once(first: int) -> None:
        people = [subject(f"borger-{n}") for n in range(first, first + 12)]
        with ThreadPoolExecutor(12) as pool:
            for found in pool.map(lambda who: asks.ask(["system"], who, None), people):
                assert found["system"].state is State.EMPTY, found["system"].problem

    all_at_once(0)
    assert len(endpoint.forms) == 1
    valid[:] = ["token-2"]
    all_at_once(12)
    assert len(endpoint.forms) == 2


def guarded(plain: Any, valid: list[str]) -> Any:
    async def answer(request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization") != f"Bearer {valid[0]}":
            return web.Response(status=401)
        found: web.StreamResponse = await plain(request)
        return found

    return answer


def test_a_token_that_is_refused_twice_is_given_up(backend: Backend, tmp_path: Path) -> None:
    serve_fhir(backend, patient())
    endpoint = TokenEndpoint(backend)
    backend.answers["/fhir/Patient/_search"] = 401
    asks = gatherer(backend, key_file(tmp_path, jwk.ECKey.generate_key("P-384")))
    assert asks.ask(["system"], subject(), None)["system"].problem == "status 401"
    assert len(endpoint.forms) == 2 and backend.count("/fhir/Patient/_search") == 2


@pytest.mark.parametrize("where", ["http://evil.example/token", "file:///etc/passwd", 3, ""])
def test_a_token_endpoint_without_tls_gets_nothing(
    backend: Backend, tmp_path: Path, where: Any
) -> None:
    backend.answers["/fhir/.well-known/smart-configuration"] = {"token_endpoint": where}
    asks = gatherer(backend, key_file(tmp_path, jwk.ECKey.generate_key("P-384")))
    assert asks.ask(["system"], subject(), None)["system"].problem == "no token endpoint"


@pytest.mark.parametrize(
    "key", [jwk.ECKey.generate_key("P-256"), jwk.OctKey.generate_key(256)], ids=["P-256", "oct"]
)
def test_a_key_that_cannot_sign_stops_the_start(backend: Backend, tmp_path: Path, key: Any) -> None:
    with pytest.raises(ConfigError, match=r"source\.system\.auth\.client_key"):
        gatherer(backend, key_file(tmp_path, key))


@pytest.mark.parametrize(
    ("name", "half"),
    [
        ("token_env", {"kind": "bearer"}),
        ("token_env", {"kind": "bearer", "token_env": "NONE"}),
        ("username", {"kind": "basic", "password_env": "SECRET"}),
        ("password_env", {"kind": "basic", "username": "portal"}),
        ("cert", {"kind": "mtls"}),
        ("client_id", {"kind": "mtls", "cert": "x.pem", "token_url": "https://x.example/token"}),
        ("client_id", {"kind": "smart_backend", "client_key": "x.json"}),
        ("client_key", {"kind": "smart_backend", "client_id": "portal"}),
        ("kind", {"token_env": "SECRET"}),
        ("kind", {"cert": "x.pem", "key": "x.pem"}),
    ],
)
def test_half_a_proof_stops_the_start(name: str, half: dict[str, str]) -> None:
    """The key is named, with an example: found out later, every page would lack the source."""
    auth = SourceAuth(**half)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=rf"^source\.system\.auth\.{name}: .*\(example: ."):
        credentials("source.system", "https://x.example/fhir", auth, settings())


KEPT = Answer(
    source="system",
    state=State.SHOWN,
    entries=(
        Meeting(
            key="a",
            source="system",
            owner="familie",
            title="Hemmeligt møde",
            start=msgspec.json.decode(
                '"2026-11-21T10:00:00Z"', type=__import__("datetime").datetime
            ),
        ),
    ),
)


def test_kept_answers_are_unreadable_and_bound_to_their_citizen() -> None:
    cache = Cache(settings())
    cache.keep("borger-1", KEPT, 60)
    assert cache.read(["system"], "borger-1") == {"system": KEPT}
    assert cache.read(["system"], "borger-2") == {}
    store = cache.store
    assert isinstance(store, Memory)
    ((key, (_, sealed)),) = store.kept.items()
    assert b"Hemmeligt" not in sealed and b"borger-1" not in key
    (other,) = cache.keys(["system"], "borger-2")
    store.put({other: (sealed, 60)})
    assert cache.read(["system"], "borger-2") == {}


def test_an_answer_is_not_kept_beyond_the_configuration_it_was_read_with() -> None:
    """A new rule about concerns must hold for what a shared cache still has, too."""
    before, same = Cache(settings()), Cache(settings())
    rule = KindRule(coding="x|concern*", is_="concern")
    ruled = Cache(msgspec.structs.replace(settings(), kind=(rule,)))
    same.store = ruled.store = before.store
    before.keep("borger-1", KEPT, 60)
    assert same.read(["system"], "borger-1") == {"system": KEPT}
    assert ruled.read(["system"], "borger-1") == {}


def test_the_memory_is_bounded_and_drops_the_oldest() -> None:
    store = Memory(most_bytes=250)
    for n in range(5):
        store.put({bytes([n]): (bytes(100), 60)})
    assert store.get_many([bytes([n]) for n in range(5)]) == [None] * 3 + [bytes(100)] * 2
    store.put({b"x": (b"over", 0)})
    assert store.get_many([b"x"]) == [None]


def test_a_cache_that_is_down_is_an_empty_cache(backend: Backend) -> None:
    store = Redis("redis://127.0.0.1:9/0")
    store.put({b"a": (b"b", 60)})
    assert store.get_many([b"a", b"b"]) == [None, None]
    backend.answers["/svar"] = {"m": []}
    mapping = {"meetings": {"items": "m", "title": "t", "start": "s"}}
    chosen = settings(
        backend.url, source(backend, "rest", mapping=mapping), cache="redis://127.0.0.1:9/0"
    )
    assert Gatherer(chosen).ask(["system"], subject(), None)["system"].state is State.EMPTY


def test_a_cache_nobody_knows_stops_the_start() -> None:
    with pytest.raises(ConfigError, match="cache"):
        Gatherer(settings(cache="memcached://x"))


def test_an_open_breaker_probes_every_ten_seconds() -> None:
    now = [0.0]
    breaker = Breaker(lambda: now[0])
    for _ in range(5):
        assert breaker.lets_through()
        breaker.failed()
    assert not breaker.lets_through()
    now[0] = 10.0
    assert breaker.lets_through()
    assert not breaker.lets_through()
    breaker.answered()
    assert breaker.lets_through()
