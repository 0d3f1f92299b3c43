"""What rests in Valkey, on a real one: shared, sealed, short-lived, and missed by nobody when it is gone."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import redis
from flask import Flask
from msgspec import structs
from recorded.backend import Backend, running_backend, source, subject
from recorded.backend import settings as small

from portal import create_app
from portal import valkey as shared_store
from portal.limits import BY_ONE_WORKER, LIMITS, WIDE, Limiter
from portal.records import Answer, Meeting, State
from portal.settings import ConfigError, Settings
from portal.sources.cache import Cache, Redis
from portal.sources.gather import Gatherer
from tests.conftest import Login
from tests.valkey_fixtures import Valkey, free_port

pytest_plugins = ("tests.valkey_fixtures",)

TITLE = "Hemmeligt møde om Emil"
KEY = re.compile(rb"answer:\{(0851|0860):[0-9a-f]{32}\}:[0-9a-f]{32}")
LIMIT_KEY = re.compile(
    rb"LIMITS:(?:\{)?LIMITER/\{(0851|0860):[0-9a-f]{32}\}/[a-z-]+/[0-9/a-z]+\}?(?:/-1)?"
)


@pytest.fixture
def backend() -> Iterator[Backend]:
    with running_backend() as running:
        running.answers["/svar"] = {"m": [{"t": TITLE, "s": "2026-11-20T10:00:00Z"}]}
        yield running


@pytest.fixture(autouse=True)
def briefly(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine is no outage; a store that was down is asked again at once."""
    monkeypatch.setattr(shared_store, "SECONDS", 2.0)
    monkeypatch.setattr(shared_store, "PAUSE", 0.05)


def worker(backend: Backend, cache: str, **more: Any) -> Gatherer:
    mapping = {"meetings": {"items": "m", "title": "t", "start": "s"}}
    chosen = source(backend, "rest", mapping=mapping, **more)
    return Gatherer(small(backend.url, chosen, cache=cache))


def state(worker: Gatherer, citizen: str = "borger-1") -> State:
    return worker.ask(["system"], subject(citizen), None)["system"].state


def answer(size: int = 0) -> Answer:
    now, title = datetime.now(UTC), TITLE + "x" * size
    meeting = Meeting(key="m", source="system", owner="familie", title=title, start=now)
    return Answer(source="system", state=State.SHOWN, entries=(meeting,), fetched=now)


def full(limiter: Limiter, who: str) -> bool:
    return not limiter.allows("report", who)


def test_what_one_worker_fetched_another_need_not(valkey: Valkey, backend: Backend) -> None:
    citizen = "en-families-barn"
    assert state(worker(backend, valkey.url), citizen) is State.SHOWN
    assert state(worker(backend, valkey.url), citizen) is State.SHOWN
    assert backend.count("/svar") == 1
    assert state(worker(backend, valkey.url), "et-andet-barn") is State.SHOWN
    assert backend.count("/svar") == 2


def test_answers_that_come_together_are_kept_together(
    valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is kept before anybody is told of it; 45 of them are a few ways there, not 45."""
    cache, ways = Cache(small(cache=valkey.url)), []
    put = cache.store.put
    monkeypatch.setattr(cache.store, "put", lambda values: ways.append(len(values)) or put(values))
    sources = [f"kilde-{n}" for n in range(45)]

    async def one(name: str) -> None:
        await cache.keep_on_loop("mange-svar", structs.replace(answer(), source=name), 60)
        assert await cache.read_on_loop([name], "mange-svar")

    async def all_at_once() -> None:
        await asyncio.gather(*(one(name) for name in sources))

    asyncio.run(all_at_once())
    assert sum(ways) == 45 and len(ways) <= 3, ways


def test_two_workers_count_together(valkey: Valkey) -> None:
    chosen = small(cache=valkey.url)
    one, two = Limiter(chosen), Limiter(chosen)
    most = LIMITS["report"].amount
    assert [w.allows("report", "mor") for w in (one, two) * (most // 2)] == [True] * most
    assert full(one, "mor") and full(two, "mor")
    assert not full(two, "far")
    assert one.allows("search", "mor")


def test_another_municipality_shares_the_server_and_nothing_in_it(valkey: Valkey) -> None:
    here, there = small(cache=valkey.url), small(cache=valkey.url, municipality="0860")
    Cache(here).keep("delt", answer(), 60)
    assert Cache(here).read(["system"], "delt")
    assert Cache(there).read(["system"], "delt") == {}
    limiter = Limiter(here)
    while limiter.allows("report", "delt"):
        pass
    assert not full(Limiter(there), "delt")


def test_a_thief_of_the_server_reads_nothing(
    valkeys: Callable[..., Valkey], settings: Settings, login: Login, app: Flask
) -> None:
    """A whole family's pages, a calendar link and a look-up, then every key and value."""
    server = valkeys()
    shared = create_app(structs.replace(settings, cache=server.url))
    mette, lone = login("mette", app=shared), login("lone", "/log-ind/medarbejder", app=shared)
    names = mette.citizens()
    for citizen in names.values():
        assert mette.get(f"/overblik/{citizen}?vent=1").status_code == 200
    mette.get("/kalender/et-hemmeligt-link-som-ingen-maa-se.ics")
    lone.post("/medarbejder", {"cpr": "0101889001"})
    heap, keys = server.everything(), list(server.client.scan_iter())
    assert len([k for k in keys if KEY.fullmatch(k)]) > 10
    assert len([k for k in keys if LIMIT_KEY.fullmatch(k)]) >= 2
    assert [k for k in keys if not KEY.fullmatch(k) and not LIMIT_KEY.fullmatch(k)] == []
    known = [b"hemmeligt-link", b"010188", b"bup", b"Aalborg", *(n.encode() for n in names)]
    known += [c.encode() for c in names.values()]
    assert [k for k in known if k in heap] == []
    assert re.search(rb"\b[0-3]\d[01]\d{3}-?\d{4}\b", b"\n".join(keys)) is None


def test_everything_in_it_ends(valkeys: Callable[..., Valkey]) -> None:
    server = valkeys()
    chosen = small(cache=server.url)
    cache, limiter = Cache(chosen), Limiter(chosen)
    cache.keep("barn", answer(), 60)
    cache.keep("snart", answer(), 0.3)
    for what in LIMITS:
        limiter.allows(what, "mor")
    left = {key: server.client.pttl(key) for key in server.client.scan_iter()}
    assert len(left) == 2 + len(LIMITS) - len(BY_ONE_WORKER)
    wide = [what.encode() for what in LIMITS if LIMITS[what].amount >= WIDE]  # two windows of them
    for key, milliseconds in left.items():
        assert 0 < milliseconds <= (121_000 if any(w in key for w in wide) else 61_000), key
    _until(lambda: cache.read(["system"], "snart") == {})
    assert cache.read(["system"], "barn")


def test_what_was_altered_or_moved_is_as_good_as_absent(valkey: Valkey) -> None:
    cache = Cache(small(cache=valkey.url))
    cache.keep("barn", answer(), 60)
    (mine,), (other,) = cache.keys(["system"], "barn"), cache.keys(["system"], "andet-barn")
    sealed = valkey.client.get(mine) or b""
    valkey.client.set(other, sealed)
    assert cache.read(["system"], "andet-barn") == {}
    valkey.client.set(mine, sealed[:-1] + bytes([sealed[-1] ^ 1]))
    assert cache.read(["system"], "barn") == {}
    valkey.client.set(mine, b"")
    assert cache.read(["system"], "barn") == {}


def test_killed_it_is_missed_by_nobody_and_used_again_when_it_is_back(
    valkeys: Callable[..., Valkey], backend: Backend
) -> None:
    server = valkeys()
    one, limiter = worker(backend, server.url), Limiter(small(cache=server.url))
    assert state(one) is State.SHOWN and state(one) is State.SHOWN
    assert backend.count("/svar") == 1
    server.kill()
    assert state(one) is State.SHOWN
    assert backend.count("/svar") == 2
    while limiter.allows("report", "mor"):  # counted here alone meanwhile
        pass
    server.start()
    _until(lambda: state(one) is State.SHOWN and bool(server.client.dbsize()))
    asked = backend.count("/svar")
    assert state(worker(backend, server.url)) is State.SHOWN
    assert backend.count("/svar") == asked
    _until(lambda: limiter.allows("report", "mor"))


def test_frozen_it_holds_nobody_up(
    valkeys: Callable[..., Valkey], backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One wait, then it is left in peace; an overview asks it twice, a limited form once."""
    monkeypatch.setattr(shared_store, "SECONDS", 0.2)
    monkeypatch.setattr(shared_store, "PAUSE", 600.0)
    server = valkeys()
    one, limiter = worker(backend, server.url), Limiter(small(cache=server.url))
    assert state(one) is State.SHOWN and limiter.allows("report", "mor")
    server.freeze()
    begun = time.monotonic()
    for _ in range(40):
        assert state(one) is State.SHOWN
        assert limiter.allows("search", "mor")
    assert time.monotonic() - begun < 40 * 0.2
    server.thaw()


def test_pages_and_readiness_do_without_it(
    valkeys: Callable[..., Valkey], settings: Settings, login: Login, app: Flask
) -> None:
    server = valkeys()
    shared = create_app(structs.replace(settings, cache=server.url))
    mette = login("mette", app=shared)
    emil = mette.citizens()["Emil"]
    server.kill()
    assert mette.get(f"/overblik/{emil}?vent=1").status_code == 200
    assert mette.get("/readyz").status_code == 200
    server.start()
    mette.get(f"/overblik/{emil}?vent=1")
    _until(lambda: mette.get(f"/overblik/{emil}?vent=1") and bool(server.client.dbsize()))


def test_limits_of_the_pages_hold_across_two_apps(
    valkey: Valkey, settings: Settings, login: Login, app: Flask
) -> None:
    """The same employee on two workers: one count, one answer 429."""
    chosen = structs.replace(settings, cache=valkey.url)
    one, two = create_app(chosen), create_app(chosen)
    lone = login("lone", "/log-ind/medarbejder", app=one)
    token, codes = lone.token(), []
    other = two.test_client()
    for cookie in lone.client._cookies.values():  # type: ignore[union-attr]
        other.set_cookie(cookie.key, cookie.value, domain="127.0.0.1")
    for client in (lone.client, other) * 13:
        form = {"csrf_token": token, "cpr": "0101889001"}
        codes.append(
            client.post("/medarbejder", base_url="http://127.0.0.1:8000", data=form).status_code
        )
    assert codes == [404] * 20 + [429] * 6


@pytest.mark.parametrize("policy", ["allkeys-lru", "noeviction"])
def test_its_memory_is_bounded_by_the_operator_and_a_full_one_does_no_harm(
    valkeys: Callable[..., Valkey], backend: Backend, policy: str
) -> None:
    server = valkeys("--maxmemory", "6mb", "--maxmemory-policy", policy)
    cache = Cache(small(cache=server.url))
    for n in range(100):
        cache.keep(f"barn-{n}", answer(200_000), 60)
    assert server.client.info("memory")["used_memory"] < 8_000_000  # type: ignore[index]
    assert state(worker(backend, server.url)) is State.SHOWN
    assert Limiter(small(cache=server.url)).allows("report", "mor")


def test_each_question_stays_in_one_slot_of_a_cluster(
    valkeys: Callable[..., Valkey], backend: Backend
) -> None:
    """A server in cluster mode refuses what would touch two slots: CROSSSLOT."""
    server = valkeys("--cluster-enabled", "yes", "--cluster-port", str(free_port()))
    server.client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
    _until(lambda: b"cluster_state:ok" in server.client.execute_command("CLUSTER", "INFO"))
    chosen = small(cache=server.url)
    cache = Cache(chosen)
    sources = [f"kilde-{n}" for n in range(45)]
    for name in sources:
        cache.keep("barn", structs.replace(answer(), source=name), 60)
    assert [*cache.read(sources, "barn")] == sources
    store = cache.store
    assert isinstance(store, Redis)
    with pytest.raises(redis.ResponseError, match="same slot"):
        store._valkey.client.mget([*cache.keys(["a"], "barn"), *cache.keys(["a"], "andet-barn")])
    limiter = Limiter(chosen)
    while limiter.allows("report", "mor"):
        pass
    assert server.client.dbsize() == len(sources) + 1


def test_the_rights_the_operators_guide_names_are_enough(valkeys: Callable[..., Valkey]) -> None:
    server = valkeys()
    guide = (Path(__file__).parent.parent / "docs/operator.md").read_text(encoding="utf-8")
    (rights,) = re.findall(r"ACL SETUSER portal on >\S+ (.+)", guide)
    server.client.execute_command("ACL", "SETUSER", "portal", "on", ">ordet", *rights.split())
    chosen = small(cache=f"redis://portal:ordet@127.0.0.1:{server.port}/0")
    cache, one, two = Cache(chosen), Limiter(chosen), Limiter(chosen)
    cache.keep("barn", answer(), 60)
    assert cache.read(["system"], "barn")
    assert [w.allows("report", "mor") for w in (one, two) * 6] == [True] * 10 + [False] * 2


@pytest.mark.parametrize("address", ["redis://127.0.0.1:ingen/0", "redis://127.0.0.1:6379/0?db=x"])
def test_an_address_that_is_none_stops_the_start(address: str) -> None:
    with pytest.raises(ConfigError, match="cache"):
        Cache(small(cache=address))
    with pytest.raises(ConfigError, match="cache"):
        Limiter(small(cache=address))


def _until(holds: Callable[[], object], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)
