"""Each fault does what its line in FAULTS says, on one system, until it is healed."""

from __future__ import annotations

import asyncio
import time
import zlib
from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest
import requests

from backend_stub import create_app, run_in_thread
from backend_stub.calendar_days import Days
from backend_stub.cast import CPR, people
from backend_stub.faults import FAULTS

EMIL = people(Days().today)["emil"].cpr
ASK = {"identifier": f"{CPR}|{EMIL}"}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with run_in_thread() as url:
        yield url


@pytest.fixture
def base(server: str) -> Iterator[str]:
    yield server
    requests.delete(f"{server}/fault", timeout=5)


def switch(base: str, system: str, fault: str) -> requests.Response:
    return requests.post(f"{base}/fault", json={"system": system, "fault": fault}, timeout=5)


def ask(base: str, system: str = "bup", **how: Any) -> requests.Response:
    return requests.post(
        f"{base}/{system}/fhir/Patient/_search",
        data=ASK,
        **{"timeout": 5, "allow_redirects": False} | how,
    )


def test_the_switch_names_what_it_knows(base: str) -> None:
    for system, fault in ("nobody", "500"), ("bup", "sneeze"):
        reply = switch(base, system, fault)
        assert reply.status_code == 400 and reply.json()["faults"] == FAULTS


@pytest.mark.parametrize(
    ("fault", "status"),
    [("500", 500), ("redirect", 302), ("401", 401), ("429", 429), ("html", 200)],
)
def test_one_system_is_ill_and_the_others_are_well(base: str, fault: str, status: int) -> None:
    switch(base, "bup", fault)
    reply = ask(base)
    assert reply.status_code == status
    assert "Emil" not in reply.text
    assert ask(base, "ppr").json()["total"] == 1
    requests.delete(f"{base}/fault?system=bup", timeout=5)
    assert ask(base).json()["total"] == 1


def test_redirect_and_too_many_say_where_and_when(base: str) -> None:
    switch(base, "bup", "redirect")
    assert ask(base).headers["Location"].startswith("http://169.254.")
    switch(base, "bup", "429")
    assert ask(base).headers["Retry-After"] == "30"


def test_slow_is_right_but_late(base: str) -> None:
    switch(base, "bup", "slow")
    began = time.monotonic()
    assert ask(base).json()["total"] == 1
    assert time.monotonic() - began >= 1.5


def test_hang_never_answers_and_holds_nobody_else(base: str) -> None:
    switch(base, "bup", "hang")
    with pytest.raises(requests.ReadTimeout):
        ask(base, timeout=0.3)
    assert ask(base, "ppr").status_code == 200


def test_drip_promises_everything_and_gives_a_byte_at_a_time(base: str) -> None:
    switch(base, "bup", "drip")
    with ask(base, stream=True) as reply:
        first = next(reply.iter_content(1))
        assert first == b"{" and int(reply.headers["Content-Length"]) > 100
        began = time.monotonic()
        assert len(reply.raw.read(3)) == 3
        assert time.monotonic() - began >= 0.09


def test_reset_breaks_off(base: str) -> None:
    switch(base, "bup", "reset")
    with pytest.raises(requests.RequestException):
        _ = ask(base).content


def test_huge_is_more_than_60_megabytes(base: str) -> None:
    switch(base, "bup", "huge")
    with ask(base, stream=True) as reply:
        assert sum(len(c) for c in reply.iter_content(2**20)) > 60 * 2**20


def test_gzip_bomb_is_small_on_the_wire_and_large_unpacked(base: str) -> None:
    switch(base, "bup", "gzip-bomb")
    with ask(base, stream=True) as reply:
        packed = reply.raw.read(decode_content=False)
    opened, size = zlib.decompressobj(31), 0
    for at in range(0, len(packed), 4096):
        size += len(opened.decompress(packed[at : at + 4096]))
    assert len(packed) < 2**20 and size > 500 * 2**20


def test_deep_json_is_deep(base: str) -> None:
    switch(base, "bup", "deep-json")
    assert ask(base).text.startswith("[" * 100_000)


def test_empty_bundle_reads_as_if_there_were_nothing(base: str) -> None:
    switch(base, "bup", "empty-bundle")
    assert "entry" not in ask(base).json()
    switch(base, "en-plan", "empty-bundle")
    reply = requests.post(f"{base}/en-plan/planer", json={"cpr": EMIL}, timeout=5)
    assert reply.json()["planer"] == []
    switch(base, "skole-kalender", "empty-bundle")
    feed = requests.post(f"{base}/skole-kalender/kalender.ics", data={"borger": EMIL}, timeout=5)
    assert "VEVENT" not in feed.text


def test_outcome_stands_beside_the_right_answer(base: str) -> None:
    switch(base, "bup", "outcome")
    modes = [e["search"]["mode"] for e in ask(base).json()["entry"]]
    assert modes == ["match", "outcome"]


def test_wrong_person_is_somebody_else_everywhere(base: str) -> None:
    switch(base, "bup", "wrong-person")
    assert EMIL not in ask(base).text
    known = ask(base, "familieafd").json()["entry"][0]["resource"]["id"]
    switch(base, "familieafd", "wrong-person")
    teams = requests.post(
        f"{base}/familieafd/fhir/CareTeam/_search", data={"patient": f"Patient/{known}"}, timeout=5
    ).json()
    assert {e["resource"]["subject"]["reference"] for e in teams["entry"]} == {"Patient/en-anden"}
    switch(base, "en-plan", "wrong-person")
    reply = requests.post(f"{base}/en-plan/planer", json={"cpr": EMIL}, timeout=5)
    assert reply.json()["borger"]["cpr"] != EMIL


def test_markup_stands_in_every_text(base: str) -> None:
    switch(base, "skole-kalender", "markup")
    feed = requests.post(f"{base}/skole-kalender/kalender.ics", data={"borger": EMIL}, timeout=5)
    assert feed.text.count("SUMMARY:<script>") == feed.text.count("SUMMARY:")
    switch(base, "familieafd", "markup")
    goals = requests.get(f"{base}/familieafd/fhir/Goal", timeout=5).json()["entry"]
    assert all(e["resource"]["description"]["text"].endswith("alert(2)>") for e in goals)


def test_the_register_can_fail_too(base: str) -> None:
    switch(base, "register", "500")
    assert ask(base, "register").status_code == 500


def test_by_hand_without_scripts(base: str) -> None:
    page = requests.get(base, timeout=5)
    assert "<script" not in page.text and "Børneafdelingen" in page.text
    requests.post(f"{base}/fault", data={"system": "bup", "fault": "500"}, timeout=5)
    assert "<span class='fejl'>500</span>" in requests.get(base, timeout=5).text
    requests.post(f"{base}/fault/heal", timeout=5)
    assert "<span class='fejl'>" not in requests.get(base, timeout=5).text


def test_a_token_is_needed_where_the_system_asks_for_one(base: str) -> None:
    assert ask(base, "neuro").status_code == 401
    told = requests.get(f"{base}/neuro/fhir/.well-known/smart-configuration", timeout=5).json()
    refused = requests.post(told["token_endpoint"], data={"grant_type": "password"}, timeout=5)
    assert refused.status_code == 400


def test_a_fixed_delay_is_kept_for_many_at_once() -> None:
    """45 systems asked at once take about as long as one."""
    with run_in_thread(create_app(delay=0)) as base:
        took = asyncio.run(_bench(base, 45, 200))
    assert 0.2 <= took < 2


async def _bench(base: str, n: int, ms: int) -> float:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as client:

        async def one(i: int) -> None:
            url = f"{base}/bench/{i}/{ms}/sager"
            async with client.post(url, json={"CPR-nr": EMIL}) as reply:
                assert (await reply.json())["CPR-nr"] == EMIL

        began = time.monotonic()
        await asyncio.gather(*(one(i) for i in range(n)))
        return time.monotonic() - began
