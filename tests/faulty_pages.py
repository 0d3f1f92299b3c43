"""Pages over systems that are ill: who is ill of what, and whether the page is honest about it."""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Mapping
from typing import NamedTuple

import msgspec
import requests
from conftest import BASE, Browser
from flask import Flask

from backend_stub.fault_edits import STRANGER
from backend_stub.systems import SYSTEM_OF, SYSTEMS
from mitid_stub.rehearsal import answer_login
from portal import create_app, schema
from portal.settings import Settings

LIMIT = 1.0
"""Seconds each source has; what hangs costs a page so much."""
SILENT = frozenset({"unavailable", "stale"})
NEVER = frozenset(
    {"hang", "hang-midway", "slow-headers", "closed", "reset", "not-http", "huge-headers", "500"}
    | {"too-short", "bad-chunks", "huge", "gzip-bomb", "gzip-twice", "brotli-bomb", "not-gzip"}
    | {"many-gzips", "401", "403", "404", "429", "redirect", "html", "xml", "nothing"}
    | {"deep-json", "wrong-charset", "too-many", "drip"}
)
"""Faults after which no system has said anything, whatever its kind."""
BREAKS_OFF = "cut"
"""A calendar that ends in the middle has said what stands before; of others nothing can be read."""
HOLE = "Men noget mangler i svaret"
SAYS_NOTHING = frozenset({"empty-bundle", "null", "random"})
"""Faults in which a system itself says that there is nothing (a calendar's `null` is an empty one)."""
SURE = "Vi har spurgt"
"""Only where everybody has answered with everything does a page say that there is nothing."""
EIGHT_WAYS = ("hang", "closed", "reset", "500", "html", "slow-headers", "gzip-bomb", "not-http")


class Page(NamedTuple):
    """What a page said of each source, by its state and in words, and how long it took."""

    text: str
    states: dict[str, str]
    lines: dict[str, str]
    seconds: float


def hurried(settings: Settings, **more: object) -> Settings:
    """The same portal with little patience, and an answer that is never fresh."""
    sources = tuple(
        msgspec.structs.replace(s, timeout=LIMIT, cache_seconds=0.0, **more)  # type: ignore[arg-type]
        for s in settings.source
    )
    return msgspec.structs.replace(settings, source=sources, page_seconds=LIMIT + 4)


class Visit:
    """One parent's look at one child, in a portal of her own."""

    def __init__(self, settings: Settings, person: str = "mette", child: str = "Emil") -> None:
        self.app: Flask = create_app(settings)
        schema.upgrade(self.app.extensions["portal"].store)
        self.gatherer = self.app.extensions["portal"].gatherer
        self.browser = Browser(self.app.test_client())
        away = self.browser.get("/log-ind")
        back = answer_login(away.headers["Location"], person)
        assert self.browser.get(back.removeprefix(BASE)).status_code == 302
        self.address = f"/overblik/{self.browser.citizens()[child]}"

    def page(self, query: str = "?vent=1") -> Page:
        began = time.monotonic()
        reply = self.browser.get(self.address + query)
        took = time.monotonic() - began
        text = reply.get_data(as_text=True)
        assert reply.status_code == 200, text[-600:]
        pairs = re.findall(r'data-source="([^"]+)" data-state="([a-z]+)"', text)
        states = dict(pairs)
        assert len(states) == len(pairs), "a source has one state"
        lines = dict(re.findall(r'data-source="([^"]+)"(.*?)</li>', text, re.DOTALL))
        return Page(text, states, lines, took)

    def forget(self, *sources: str) -> None:
        """Nothing that can be read is kept any more, of these sources or of any."""
        cache, citizen = self.gatherer._cache, self.address.rpartition("/")[2]
        keys = cache.keys(sources or list(self.gatherer._lines), citizen)
        cache.store.put(dict.fromkeys(keys, (b"?", 60.0)))

    def heal_breakers(self) -> None:
        for line in self.gatherer._lines.values():
            line.breaker.answered()


def switch_all(backends: str, faults: Mapping[str, str]) -> None:
    """These systems are ill, all others are well."""
    requests.delete(f"{backends}/fault", timeout=20)
    for system, fault in faults.items():
        said = {"system": system, "fault": fault}
        assert requests.post(f"{backends}/fault", json=said, timeout=20).ok


def check(page: Page, faults: Mapping[str, str], healthy: Page) -> None:
    """Every source in one honest state, no false "none", nothing of a stranger."""
    assert page.states.keys() == healthy.states.keys()
    assert set(page.states.values()) <= {"shown", "empty", *SILENT}
    for source, state in page.states.items():
        fault, well = faults.get(source, ""), healthy.states[source]
        case = f"{source} ({fault or 'well'}; well it is {well}): {state}"
        quiet = well == "empty" or fault in SAYS_NOTHING
        assert state != "empty" or quiet, case
        assert fault not in NEVER or state in SILENT, case
        if fault == BREAKS_OFF and state not in SILENT:
            assert kind(source) == "icalendar" and HOLE in page.lines[source], case
    if SILENT & set(page.states.values()) or HOLE in page.text:
        assert SURE not in page.text
    for word in "EN ANDENS", STRANGER, "NullPointer", "fagsystem')", "Traceback":
        assert word not in page.text, word


def connected() -> list[str]:
    return [s.id for s in SYSTEMS if s.connected]


def kind(source: str) -> str:
    return SYSTEM_OF[source].kind


def entries_of(page: Page, but: Collection[str] = ()) -> list[str]:
    """The entries of a page by kind and owner, without those of some owners."""
    found = re.findall(r'data-record="(\w+)" data-owner="([^"]*)"', page.text)
    return sorted(f"{record} {owner}" for record, owner in found if owner not in but)
