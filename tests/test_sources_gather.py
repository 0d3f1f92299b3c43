"""Gathering: deadlines, coalescing, breaker, stale, and that an outage never reads as nothing."""

from __future__ import annotations

import gzip
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from recorded.backend import (
    CPR,
    OTHER_CPR,
    Backend,
    Gate,
    recorded,
    running_backend,
    settings,
    source,
    subject,
)

from portal.records import Meeting, State
from portal.sources.gather import Gatherer

LIST: dict[str, Any] = {
    "profile": "hentsagsliste",
    "content_type": "application/json",
    "body": '{"CPR-nr": "{subject}"}',
}
ONE = {"CPR-nr": CPR, "BorgervendtSag": [{"SagUUID": "1", "Sagstitel": "Støtte", "Sagstatus": 2}]}
NOTHING = {"CPR-nr": CPR, "BorgervendtSag": [], "BorgervendtAftaleFrister": []}


@pytest.fixture
def backend() -> Iterator[Backend]:
    with running_backend() as running:
        yield running


def tomorrow() -> bytes:
    """A calendar with one meeting that recurs from tomorrow."""
    start = f"DTSTART:{datetime.now(UTC) + timedelta(days=1):%Y%m%dT%H%M%SZ}"
    lines = ("BEGIN:VEVENT", "UID:u", start, "RRULE:FREQ=WEEKLY", "END:VEVENT")
    return "\r\n".join(("BEGIN:VCALENDAR", *lines, "END:VCALENDAR")).encode()


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 21, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


def gatherer(backend: Backend, clock: Any = None, **more: Any) -> Gatherer:
    chosen = settings(backend.url, source(backend, "rest", **(LIST | more)))
    return Gatherer(chosen, clock) if clock else Gatherer(chosen)


def ask(gatherer: Gatherer, citizen: str = "borger-1", wait: float | None = None) -> Any:
    return gatherer.ask(["system"], subject(citizen), wait)["system"]


def test_shown_and_empty_are_different(backend: Backend) -> None:
    asks = gatherer(backend)
    backend.answers["/svar"] = ONE
    shown = ask(asks)
    assert (shown.state, [e.title for e in shown.entries]) == (State.SHOWN, ["Støtte"])
    backend.answers["/svar"] = NOTHING
    assert ask(asks, "borger-2").state is State.EMPTY


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (500, "status 500"),
        (404, "status 404"),
        (401, "status 401"),
        (b"<!doctype html><title>Login</title>", "not json"),
        (b"[" * 100_000 + b"]" * 100_000, "not json"),
        (b'{"CPR-nr": NaN}', "not json"),
        (b"", "not json"),
        (b"\xff\xfe", "not json"),
        (b"[" + b" " * 5_100_000 + b"]", "too large"),
        ({"error": "database gone"}, "wrong person"),
        ({"CPR-nr": CPR}, "unexpected shape"),
        ({"CPR-nr": CPR, "BorgervendtSag": 3}, "unexpected shape"),
        ({"CPR-nr": OTHER_CPR, "BorgervendtSag": []}, "wrong person"),
        ([], "wrong person"),
    ],
)
def test_a_broken_answer_is_unavailable_and_never_empty(
    backend: Backend, answer: Any, problem: str
) -> None:
    backend.answers["/svar"] = answer
    found = ask(gatherer(backend))
    assert (found.state, found.problem, found.entries) == (State.UNAVAILABLE, problem, ())


def test_failures_and_wrong_persons_are_not_kept(backend: Backend) -> None:
    asks = gatherer(backend)
    backend.answers["/svar"] = ONE | {"CPR-nr": OTHER_CPR}
    assert ask(asks).problem == "wrong person"
    backend.answers["/svar"] = ONE
    assert ask(asks).state is State.SHOWN


def test_a_redirect_is_a_failure_and_not_followed(backend: Backend) -> None:
    async def away(request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": "/elsewhere"})

    backend.answers |= {"/svar": away, "/elsewhere": ONE}
    assert ask(gatherer(backend)).problem == "redirect"
    assert backend.count("/elsewhere") == 0


def test_a_dripping_answer_ends_at_the_total_deadline(backend: Backend) -> None:
    stop = threading.Event()

    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while not stop.is_set():
            try:
                await response.write(b" ")
                await backend.pause(0.02)
            except ConnectionError:
                break
        return response

    backend.answers["/svar"] = drip
    began = time.monotonic()
    found = ask(gatherer(backend, timeout=0.3))
    stop.set()
    assert (found.state, found.problem) == (State.UNAVAILABLE, "timeout")
    assert time.monotonic() - began < 3.0


def test_a_gzip_bomb_stops_at_the_cap(backend: Backend) -> None:
    bomb = gzip.compress(b"[" + b" " * 100_000_000 + b"]")

    async def send(request: web.Request) -> web.Response:
        return web.Response(body=bomb, headers={"Content-Encoding": "gzip"})

    backend.answers["/svar"] = send
    assert ask(gatherer(backend)).problem == "too large"


def test_cookies_are_not_kept(backend: Backend) -> None:
    async def cookie(request: web.Request) -> web.Response:
        response = web.json_response(NOTHING)
        response.set_cookie("session", "borger-1")
        return response

    backend.answers["/svar"] = cookie
    asks = gatherer(backend)
    ask(asks, "borger-1")
    ask(asks, "borger-2")
    assert all("Cookie" not in h for h in backend.headers)


def test_nobody_listens(backend: Backend) -> None:
    found = ask(gatherer(backend, url="http://127.0.0.1:9/svar"))
    assert (found.state, found.problem) == (State.UNAVAILABLE, "no connection")


def test_waiting_goes_on_and_fills_the_cache(backend: Backend) -> None:
    backend.answers["/svar"] = gate = Gate(backend, ONE)
    asks = gatherer(backend)
    assert ask(asks, wait=0.01).state is State.WAITING
    gate.open()
    assert ask(asks).state is State.SHOWN
    assert ask(asks, wait=0.0).state is State.SHOWN
    assert backend.count("/svar") == 1


def test_two_who_ask_at_once_share_one_question(backend: Backend) -> None:
    backend.answers["/svar"] = gate = Gate(backend, ONE)
    asks = gatherer(backend)
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(ask, asks) for _ in range(8)]
        assert gate.reached.wait(5)
        gate.open()
        states = {a.result().state for a in asked}
    assert (states, backend.count("/svar")) == ({State.SHOWN}, 1)


def test_two_citizens_never_share(backend: Backend) -> None:
    backend.answers["/svar"] = ONE
    asks = gatherer(backend)
    ask(asks, "borger-1")
    ask(asks, "borger-2")
    assert backend.count("/svar") == 2


def test_fresh_then_asked_again_then_stale_then_gone(backend: Backend) -> None:
    clock = Clock()
    asks = gatherer(backend, clock, cache_seconds=60, stale_seconds=900)
    backend.answers["/svar"] = ONE
    first = ask(asks)
    clock.now += timedelta(seconds=59)
    assert (ask(asks).fetched, backend.count("/svar")) == (first.fetched, 1)
    clock.now += timedelta(seconds=2)
    backend.answers["/svar"] = 503
    stale = ask(asks)
    assert (stale.state, stale.fetched, stale.problem) == (State.STALE, first.fetched, "status 503")
    assert stale.entries == first.entries
    clock.now += timedelta(seconds=900)
    assert ask(asks).state is State.UNAVAILABLE


def test_the_breaker_opens_after_five_failures(backend: Backend) -> None:
    backend.answers["/svar"] = 500
    asks = gatherer(backend)
    problems = [ask(asks, f"borger-{n}").problem for n in range(7)]
    assert problems == ["status 500"] * 5 + ["breaker"] * 2
    assert backend.count("/svar") == 5


def test_one_persons_trouble_does_not_open_the_breaker(backend: Backend) -> None:
    backend.answers["/svar"] = 403
    asks = gatherer(backend)
    assert [ask(asks, f"borger-{n}").problem for n in range(7)] == ["status 403"] * 7


def test_a_citizen_without_the_identifier_is_not_asked_about(backend: Backend) -> None:
    asks = gatherer(backend, subject="urn:oid:1.2.208.176.1.6.1.3")
    assert asks.ask(["system"], subject(), None) == {}
    assert backend.asked == []


def test_a_system_not_connected_is_never_asked(backend: Backend) -> None:
    assert gatherer(backend, connected=False).ask(["system"], subject(), None) == {}


def test_none_waits_for_the_page_and_leaves_nothing_waiting(backend: Backend) -> None:
    backend.answers["/svar"] = gate = Gate(backend, ONE)
    chosen = settings(backend.url, source(backend, "rest", **LIST, timeout=5), page_seconds=0.1)
    found = Gatherer(chosen).ask(["system"], subject(), None)["system"]
    gate.open()
    assert (found.state, found.problem) == (State.UNAVAILABLE, "timeout")


def test_forty_five_at_once_cost_one_wait(backend: Backend) -> None:
    async def slow(request: web.Request) -> web.Response:
        await backend.pause(0.2)
        return web.json_response(NOTHING)

    sources = [source(backend, "rest", id=f"s{n}", **LIST) for n in range(45)]
    backend.answers["/svar"] = slow
    began = time.monotonic()
    found = Gatherer(settings(backend.url, *sources)).ask([s.id for s in sources], subject(), None)
    assert {a.state for a in found.values()} == {State.EMPTY}
    assert list(found) == [s.id for s in sources]
    assert time.monotonic() - began < 3.0


def test_one_source_gets_at_most_sixteen_questions_at_once(backend: Backend) -> None:
    under_way: list[int] = [0, 0]
    full = threading.Event()
    let_go = Gate(backend, NOTHING)

    async def count(request: web.Request) -> web.StreamResponse:
        under_way[0] += 1
        under_way[1] = max(under_way)
        if under_way[0] == 16:
            full.set()
        answer = await let_go(request)
        under_way[0] -= 1
        return answer

    backend.answers["/svar"] = count
    asks = gatherer(backend, timeout=5)
    for n in range(30):
        ask(asks, f"borger-{n}", wait=0.0)
    assert full.wait(5)
    let_go.open()
    assert {ask(asks, f"borger-{n}").state for n in range(30)} == {State.EMPTY}
    assert under_way[1] == 16


@pytest.mark.parametrize("kind", ["rest", "icalendar"])
def test_a_fork_makes_its_own_loop(backend: Backend, kind: str) -> None:
    backend.answers["/svar"] = ONE if kind == "rest" else tomorrow()
    more = LIST if kind == "rest" else {}
    asks = Gatherer(settings(backend.url, source(backend, kind, **more)))
    ask(asks, "borger-1")
    child = os.fork()
    if child == 0:
        os._exit(0 if ask(asks, "borger-2").state is State.SHOWN else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert ask(asks, "borger-3").state is State.SHOWN


def test_nothing_personal_is_logged(backend: Backend, caplog: pytest.LogCaptureFixture) -> None:
    backend.answers["/svar"] = b"Mette Holm " + CPR.encode()
    with caplog.at_level(0):
        ask(gatherer(backend))
    assert CPR not in caplog.text and "Mette" not in caplog.text and "/svar" not in caplog.text
    assert "system: not json" in caplog.text


def test_bearer_and_basic(backend: Backend) -> None:
    from portal.settings import SourceAuth

    backend.answers["/svar"] = NOTHING
    ask(gatherer(backend, auth=SourceAuth(kind="bearer", token_env="SECRET")))
    ask(gatherer(backend, auth=SourceAuth(kind="basic", username="u", password_env="SECRET")))
    said = [h["Authorization"] for h in backend.headers]
    assert said == ["Bearer hemmeligt-ord", "Basic dTpoZW1tZWxpZ3Qtb3Jk"]


def test_hentsagsliste_as_recorded(backend: Backend) -> None:
    backend.answers["/svar"] = recorded("hentsagsliste.json")
    found = ask(gatherer(backend))
    assert found.state is State.SHOWN
    meetings = [e for e in found.entries if isinstance(e, Meeting)]
    assert [(m.title, m.cancelled, m.tentative) for m in meetings] == [
        ("Netværksmøde", False, False),
        ("Samtale med rådgiver", True, False),
    ]
