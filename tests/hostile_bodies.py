"""One fault after another at a system of each kind: what the adapter made of it, and what it cost.

As a program it measures in a process of its own: `python tests/hostile_bodies.py CONFIG BACKENDS [FAULT ...]`
prints a JSON line for each fault and system. The switch is the stub's, the portal's part is real.
"""

from __future__ import annotations

import gc
import json
import os
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import requests

from backend_stub.calendar_days import Days
from backend_stub.cast import people
from backend_stub.faults import FAULTS
from portal.config import load
from portal.records import Answer, State
from portal.settings import CPR_SYSTEM, Settings
from portal.sources import Subject
from portal.sources.gather import Gatherer
from portal.sources.register import Register, RegisterDown

SYSTEMS = {
    "fhir": "familieafd",
    "icalendar": "familieafd-moeder",
    "hentsagsliste": "familieafd-sager",
    "planer": "en-plan",
}
LATE = frozenset(
    {
        "slow",
        "hang",
        "hang-midway",
        "drip",
        "slow-headers",
        "too-short",
        "bad-chunks",
        "too-long",
        "random",
    }
)
"""Faults that end with the source's own patience."""
DEEPER = ("CarePlan", "Appointment")
"""Where a FHIR server is ill only after it told who somebody is."""


class Met(NamedTuple):
    """What one fault at one system led to."""

    fault: str
    kind: str
    state: str
    problem: str
    cpu: float
    megabytes: float


def switch(backends: str, system: str, fault: str, only: str = "") -> None:
    said = {"system": system, "fault": fault, "only": only}
    assert requests.post(f"{backends}/fault", json=said, timeout=20).status_code == 200


def patient(settings: Settings, seconds: float, late: float) -> tuple[Settings, Settings]:
    """The same sources, one that waits long, and one that does not."""

    def waiting(timeout: float) -> Settings:
        sources = tuple(
            msgspec.structs.replace(s, timeout=timeout, cache_seconds=0.0, stale_seconds=0.0)
            for s in settings.source
        )
        register = msgspec.structs.replace(settings.register, timeout=timeout)
        return msgspec.structs.replace(
            settings, source=sources, register=register, page_seconds=30.0
        )

    return waiting(seconds), waiting(late)


def emil() -> Subject:
    cpr = people(Days().today)["emil"].cpr
    return Subject(citizen="emil", identifiers={CPR_SYSTEM: cpr})


def cases() -> Iterator[tuple[str, str, str]]:
    """(kind, fault, only)."""
    for fault in FAULTS:
        for kind in SYSTEMS:
            yield kind, fault, ""
        for only in DEEPER:
            yield "fhir", fault, only
        yield "register", fault, ""


class Lab:
    """The portal's side; a fresh breaker for each question."""

    def __init__(self, settings: Settings, backends: str, seconds: float, late: float) -> None:
        self._calm, self._hurried = patient(settings, seconds, late)
        self._backends = backends

    def ask(self, kind: str, fault: str, only: str = "") -> Answer:
        """The answer of the system of this kind while it has this fault."""
        system = SYSTEMS[kind]
        gatherer = Gatherer(self._hurried if fault in LATE else self._calm)
        switch(self._backends, system, fault, only)
        try:
            return gatherer.ask([system], emil(), None)[system]
        finally:
            switch(self._backends, system, "")

    def who(self, fault: str) -> Any:
        """Whom the register tells of, or the word for why not."""
        register = Register(self._hurried if fault in LATE else self._calm)
        switch(self._backends, "register", fault)
        try:
            return register.person(CPR_SYSTEM, emil().identifiers[CPR_SYSTEM])
        except RegisterDown as e:
            return str(e)
        finally:
            switch(self._backends, "register", "")


def measured(lab: Lab, faults: frozenset[str]) -> Iterator[Met]:
    """Every case of these faults, with CPU seconds and the peak of memory above what was there before."""
    for kind in SYSTEMS:
        assert lab.ask(kind, "").state is State.SHOWN, kind
    for kind, fault, only in (c for c in cases() if c[1] in faults):
        gc.collect()
        Path("/proc/self/clear_refs").write_text("5")
        rss, cpu = _kilobytes("VmRSS"), time.process_time()
        if kind == "register":
            told = lab.who(fault)
            state, problem = ("down", told) if isinstance(told, str) else ("told", "")
        else:
            answer = lab.ask(kind, fault, only)
            state, problem = answer.state.value, answer.problem
        cpu = time.process_time() - cpu
        peak = (_kilobytes("VmHWM") - rss) / 1024
        yield Met(fault, f"{kind} {only}".strip(), state, problem, round(cpu, 3), round(peak, 1))


def _kilobytes(name: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+) kB$", Path("/proc/self/status").read_text(), re.M)
    assert found
    return int(found[1])


def main(config: str, backends: str, *faults: str) -> None:
    lab = Lab(load(Path(config), os.environ), backends, seconds=20.0, late=0.6)
    for met in measured(lab, frozenset(faults or FAULTS)):
        sys.stdout.write(json.dumps(met) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
