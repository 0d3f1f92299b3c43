"""Every fault of the lab at every adapter: a value, never a bug, never "nothing", at a bounded cost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from conftest import World
from hostile_bodies import Lab, Met, cases, switch
from proving import PROVE, dice
from recorded.backend import Backend, running_backend, source, subject
from recorded.backend import settings as small

from backend_stub import create_app, run_in_thread
from backend_stub.fault_edits import STRANGER
from backend_stub.fault_tls import DOORS, NOWHERE
from backend_stub.faults import FAULTS
from backend_stub.serving import DOORS as ADDRESSES
from portal.records import State
from portal.settings import Settings, SourceAuth
from portal.sources.gather import Gatherer

README = Path(__file__).parent.parent / "backend_stub" / "README.md"
SAYS_NOTHING = frozenset({"empty-bundle", "random"})
"""Faults in which the system itself says that there is nothing: nobody can know better."""
MEGABYTES, CPU_SECONDS = 64.0, 1.0


@pytest.fixture
def lab(settings: Settings, world: World) -> Iterator[Lab]:
    yield Lab(settings, world.backends, seconds=20.0, late=0.5)
    requests.delete(f"{world.backends}/fault", timeout=20)


def some() -> list[tuple[str, str, str]]:
    """All cases, or each fault once, at a system the dice choose."""
    everything = list(cases())
    if PROVE:
        return everything
    roll = dice("hostile")
    return [roll.choice([c for c in everything if c[1] == fault]) for fault in FAULTS]


@pytest.mark.proof
def test_no_hostile_answer_is_a_bug_of_ours_or_reads_as_nothing(
    lab: Lab, record_property: Callable[[str, object], None]
) -> None:
    healthy = lab.who("")
    for kind, fault, only in some():
        case = f"{fault} at {kind} {only}"
        if kind == "register":
            told = lab.who(fault)
            if told is None:
                assert fault in SAYS_NOTHING, case
            elif not isinstance(told, str):
                assert told.person.identifiers == healthy.person.identifiers, case
            continue
        answer = lab.ask(kind, fault, only)
        assert answer.problem != "broken answer", case
        assert answer.state in (State.SHOWN, State.UNAVAILABLE, State.EMPTY), case
        none = fault in SAYS_NOTHING or (fault, kind) == ("null", "icalendar")
        assert answer.state is not State.EMPTY or none, case
        assert "EN ANDENS" not in str(answer) and STRANGER not in str(answer), case
    record_property("figure", f"{len(some())} answers, 0 bugs of ours, 0 false nothings")


@pytest.mark.proof
def test_what_a_hostile_answer_costs(
    settings: Settings, world: World, record_property: Callable[[str, object], None]
) -> None:
    """Peak of memory and CPU seconds of one question, in a process of its own."""
    here = Path(__file__).parent
    faults = [] if PROVE else ["many-keys"]
    program = [sys.executable, str(here / "hostile_bodies.py"), settings.file, world.backends]
    paths = os.pathsep.join((str(here), str(here.parent)))
    environ = {**os.environ, **settings.environ, "PYTHONPATH": paths}
    done = subprocess.run([*program, *faults], env=environ, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    met = [Met(*json.loads(line)) for line in done.stdout.splitlines()]
    assert len(met) == (len(list(cases())) if PROVE else 7)
    dearest, largest = max(met, key=lambda m: m.cpu), max(met, key=lambda m: m.megabytes)
    assert largest.megabytes <= MEGABYTES, largest
    assert not PROVE or dearest.cpu <= CPU_SECONDS, dearest
    record_property(
        "figure",
        f"{len(met)} answers: at most {largest.megabytes:.0f} MB ({largest.fault}, {largest.kind}; "
        f"limit {MEGABYTES:.0f}) and {dearest.cpu:.2f} s CPU ({dearest.fault}, {dearest.kind}; "
        f"limit {CPU_SECONDS:.0f})",
    )


def test_a_second_answer_behind_the_first_is_nobodys() -> None:
    """What a server sends unasked must not become the answer to the next question.

    A server of its own: a connection that somebody else left there would be taken first.
    """
    mapping = {"meetings": {"items": "m[]", "title": "t", "start": "s"}}
    with run_in_thread(create_app(latency=0)) as backends:
        url = f"{backends}/familieafd-sager/hentsagsliste/v2.0.0"
        asks = Gatherer(small(backends, source(None, "rest", url=url, mapping=mapping)))
        switch(backends, "familieafd-sager", "too-long")
        first = asks.ask(["system"], subject("en"), None)["system"]
        assert first.state is State.EMPTY, "its rest comes later"

        time.sleep(0.3)
        second = asks.ask(["system"], subject("to"), None)["system"]
        assert second.state is State.EMPTY and "EN ANDENS" not in str(second)


def test_a_cut_emoji_takes_one_character_and_not_the_source() -> None:
    with running_backend() as backend:
        body = rb'{"m":[{"t":"Hej \ud83d\ude00 \\ud800 \ud83d","s":"2026-12-01"}]}'
        backend.answers["/svar"] = body
        assert told(backend) == ["Hej \U0001f600 \\ud800 \ufffd"]


def told(backend: Backend) -> list[str]:
    mapping = {"meetings": {"items": "m[]", "title": "t", "start": "s"}}
    asks = Gatherer(small(backend.url, source(backend, "rest", mapping=mapping)))
    entries = asks.ask(["system"], subject(), None)["system"].entries
    return [getattr(e, "title", "") for e in entries]


@pytest.mark.parametrize(
    ("door", "problem"),
    [
        ("good", "unexpected shape"),
        ("expired", "tls"),
        ("wrong-name", "tls"),
        ("stranger", "tls"),
        ("no such name", "no connection"),
        ("nobody listens", "no connection"),
    ],
)
def test_doors_that_fail_before_the_first_byte(
    doors: tuple[dict[str, str], Path], door: str, problem: str
) -> None:
    addresses, authority = doors
    url = f"{(addresses | NOWHERE)[door]}/en-plan/planer"
    mapping = {"meetings": {"items": "m[]", "title": "t", "start": "s"}}
    more = {"content_type": "application/json", "body": '{"cpr": "{subject}"}', "timeout": 20.0}
    auth = SourceAuth(ca=str(authority))
    config = source(None, "rest", url=url, mapping=mapping, auth=auth, **more)
    found = Gatherer(small("", config)).ask(["system"], subject(), None)["system"]
    assert (found.state, found.problem) == (State.UNAVAILABLE, problem)


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[dict[str, str], Path]]:
    folder, app = tmp_path_factory.mktemp("doors"), create_app(latency=0)
    with run_in_thread(app, doors=folder) as base:
        page = requests.get(base, timeout=20).text
        assert all(url in page for url in app[ADDRESSES].values()), "the page lists them"
        yield app[ADDRESSES], folder / "lab.pem"


def test_the_lab_is_listed() -> None:
    text = README.read_text(encoding="utf-8")
    for fault, words in FAULTS.items():
        assert f"| `{fault}` | {words} |" in text, fault
    assert all(f"| door `{door}` | {words} |" in text for door, words in DOORS.items())
