"""What one source may cost: questions at once, persons at once, second questions, a page's patience."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from aiohttp import web
from recorded.backend import Backend, Gate, running_backend, settings, source, subject

from portal.records import State
from portal.sources.gather import MOST_UNDER_WAY, Gatherer
from portal.sources.hedge import SHARE, Hedge

MEETINGS = {"meetings": {"items": "m[]", "title": "t", "start": "s"}}
NOTHING: dict[str, Any] = {"m": []}


@pytest.fixture
def backend() -> Iterator[Backend]:
    with running_backend() as running:
        yield running


def gatherer(backend: Backend, **more: Any) -> Gatherer:
    page = {"page_seconds": more.pop("page_seconds")} if "page_seconds" in more else {}
    config = source(backend, "rest", mapping=MEETINGS, **more)
    return Gatherer(settings(backend.url, config, **page))


def ask(asks: Gatherer, citizen: str = "borger", wait: float | None = None) -> Any:
    return asks.ask(["system"], subject(citizen), wait)["system"]


def test_who_comes_when_too_many_wait_is_told_at_once(backend: Backend) -> None:
    backend.answers["/svar"] = gate = Gate(backend, NOTHING)
    asks = gatherer(backend, timeout=20)
    for n in range(MOST_UNDER_WAY):
        ask(asks, f"borger-{n}", wait=0.0)
    shed = ask(asks, "en-til")
    assert (shed.state, shed.problem) == (State.UNAVAILABLE, "busy")
    gate.open()
    for n in range(MOST_UNDER_WAY):
        assert ask(asks, f"borger-{n}").state is State.EMPTY
    assert ask(asks, "en-til").state is State.EMPTY


def test_a_page_about_several_people_waits_once(backend: Backend) -> None:
    backend.answers["/svar"] = gate = Gate(backend, NOTHING)
    asks = gatherer(backend, timeout=20, page_seconds=0.5)
    people = [f"barn-{n}" for n in range(8)]
    for person in people:
        ask(asks, person, wait=0.0)
    began = time.monotonic()
    assert {ask(asks, p).problem for p in people} == {"timeout"}
    assert time.monotonic() - began < 8 * 0.5
    gate.open()


def counting(backend: Backend, late: int) -> list[int]:
    """The first `late` questions are answered late, the others at once."""
    came = [0]

    async def answer(request: web.Request) -> web.Response:
        came[0] += 1
        if came[0] <= late:
            await backend.pause(1.5)
        return web.json_response(NOTHING)

    backend.answers["/svar"] = answer
    return came


def test_a_second_question_only_where_configured(backend: Backend) -> None:
    came = counting(backend, late=1)
    assert ask(gatherer(backend, timeout=1)).problem == "timeout"
    assert came == [1]


def test_a_second_question_helps_and_stays_seldom(backend: Backend) -> None:
    quick = round(1 / SHARE)
    came = counting(backend, late=0)
    asks = gatherer(backend, timeout=20, hedge_after=0.5)
    for n in range(quick):
        assert ask(asks, f"borger-{n}").state is State.EMPTY
    assert came == [quick], "nobody was late"
    slow = [False]

    async def now_and_then(request: web.Request) -> web.Response:
        came[0] += 1
        slow[0] = not slow[0]
        if slow[0]:
            await backend.pause(1.5)
        return web.json_response(NOTHING)

    backend.answers["/svar"] = now_and_then
    assert ask(asks, "sen").state is State.EMPTY
    assert came == [quick + 2]


def test_at_most_one_in_twenty_is_asked_twice() -> None:
    asked = 0

    async def late() -> None:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0.002)

    async def all_of_them() -> None:
        hedge = Hedge(0.0001)
        for _ in range(200):
            await hedge.first(late)

    asyncio.run(all_of_them())
    assert 200 < asked <= 210


def test_the_first_good_answer_counts() -> None:
    async def at_once() -> str:
        return "quick"

    async def one() -> str:
        hedge = Hedge(0.05)
        for _ in range(round(1 / SHARE)):
            await hedge.first(at_once)
        turns = iter((True, False))

        async def the_first_breaks() -> str:
            breaks = next(turns)
            await asyncio.sleep(0.3)
            if breaks:
                raise ConnectionError
            return "good"

        return await hedge.first(the_first_breaks)

    assert asyncio.run(one()) == "good"


def test_a_hanging_source_leaves_no_thread_and_no_question(backend: Backend) -> None:
    counting(backend, late=1000)
    asks = gatherer(backend, timeout=0.2)
    ask(asks)
    before = threading.active_count()
    for n in range(20):
        ask(asks, f"borger-{n}", wait=0.0)
    end = time.monotonic() + 20
    while (asks._tasks or asks._flights) and time.monotonic() < end:
        time.sleep(0.05)
    assert not asks._tasks and not asks._flights and threading.active_count() <= before + 1
