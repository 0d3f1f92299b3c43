"""Hostile texts in every field of every system, in a real browser: none runs, none asks for anything."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Request

from e2e import world as world_module
from e2e.conftest import DESKTOP
from e2e.world import World, running_world

ENOUGH = 10_000 if os.environ.get("PROVE") else 300
"""Different payloads that were shown by the browser."""
PARTS = ("", "/kontakter", "/moeder", "/indsatser", "/planer", "/trivsel", "/tidslinje", "/netvaerk", "/oplysninger", "/samtykke", "/hvem-har-set", "/kommentarer")  # fmt: skip
ALIVE = """() => {
    const bad = [];
    for (const e of document.querySelectorAll('*')) {
        if (/^(base|iframe|object|embed|math|frame)$/i.test(e.localName)) bad.push(e.outerHTML.slice(0, 200));
        for (const a of e.attributes)
            if (/^on|^(data-)?hx-on/.test(a.name) || (/hit/.test(a.value) && /zqhit/.test(a.name + a.value)
                && !/^(value|title|aria-label|alt|placeholder|content)$/.test(a.name)
                && !/^(mailto|tel):/.test(a.value)))
                bad.push(a.name + '=' + a.value);
        for (const event of ['mouseover', 'focus', 'pointerenter'])
            e.dispatchEvent(new Event(event, {bubbles: false}));
    }
    return bad;
}"""


@pytest.fixture
def hostile_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """The demo's world, in which every backend and the register put payloads into every text, new ones each time."""
    commands, write_config = world_module._commands, world_module.write_config

    def poisoned(world: World, ports: tuple[int, int, int]) -> tuple[list[str], ...]:
        backends, *others = commands(world, ports)
        return (["tests.payloads", *backends[1:]], *others)

    def forgetful(folder: Path, **ports: int) -> Path:
        config = write_config(folder, **ports)
        nothing_kept = "[[source]]\ncache_seconds = 0\nstale_seconds = 0\n"
        text = config.read_text(encoding="utf-8").replace("[[source]]\n", nothing_kept)
        config.write_text(text, encoding="utf-8")
        return config

    monkeypatch.setattr(world_module, "_commands", poisoned)
    monkeypatch.setattr(world_module, "write_config", forgetful)
    with running_world(tmp_path) as found:
        yield found


def log_in(page: Page, world: World, person: str) -> None:
    page.goto(f"{world.portal}/log-ind")
    page.click(f'a[href*="person={person}"]')
    page.click("button[value=approve]")
    page.wait_for_url(re.compile(re.escape(world.portal)))


def test_no_payload_runs_and_none_asks_for_anything(
    browser: Browser, hostile_world: World, record_property: object
) -> None:
    context = browser.new_context(viewport=DESKTOP, locale="da-DK")
    page, asked, ran = context.new_page(), [], []
    seen: set[str] = set()

    def request(one: Request) -> None:
        ours = one.url.startswith((hostile_world.portal + "/", hostile_world.idp + "/"))
        if "zqhit" in one.url or not ours:
            asked.append(one.url)

    page.on("request", request)
    page.on("dialog", lambda d: (ran.append(d.message), d.dismiss()))
    page.on("popup", lambda p: ran.append(p.url))
    log_in(page, hostile_world, "mette")
    page.goto(f"{hostile_world.portal}/overblik?vent=1")
    family = page.eval_on_selector_all(
        "a[href*='/overblik/']", "all => all.map(a => a.getAttribute('href'))"
    )
    people = sorted({m[0] for h in family if (m := re.match(r"/overblik/[0-9a-f]{32}", h))})
    assert people
    pages = 0
    while len(seen) < ENOUGH:
        for person in people:
            for part in PARTS:
                answer = page.goto(f"{hostile_world.portal}{person}{part}?vent=1")
                assert answer and answer.status < 500, answer
                assert page.evaluate(ALIVE) == []
                seen |= set(re.findall(r"zqhit(\d+)", page.inner_text("body")))
                pages += 1
        if len(seen) < ENOUGH and not os.environ.get("PROVE"):
            break
        page.goto(f"{hostile_world.portal}{people[0]}")  # the same in parts, as they arrive
        page.wait_for_load_state("networkidle")
        assert page.evaluate(ALIVE) == []
    assert (asked, ran) == ([], [])
    assert page.evaluate("[localStorage.length, sessionStorage.length]") == [0, 0]
    assert len(seen) >= 100
    record_property("figure", f"{len(seen)} payloads on {pages} pages: 0 ran, 0 asked for anything")  # type: ignore[operator]
    context.close()
