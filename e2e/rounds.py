"""A round through the tester's room: every stop of a scene, looked at by every engine.

Used by `test_room.py` (a sample in `make test`, all of it in `make prove`) and by
`make a11y`, which writes what it finds down for people.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.sync_api import Page

from backend_stub.room import SCENES, Stop
from e2e import checkers
from e2e.conftest import Visit
from e2e.visitor import WITHOUT_COLOURS, Visitor
from e2e.world import World

STATUS = {"/findes-ikke": 404, "/log-ind/retur": 400}
SMALL = 24.0
"""CSS pixels: WCAG 2.2 target size, level AA; links inside sentences are excepted."""


@dataclass
class Seen:
    """One page as it was met: its HTML, and what the engines said."""

    stop: Stop
    address: str
    html: str
    faults: list[str] = field(default_factory=list)
    page: Page | None = None


def of_sources(scene: str) -> str:
    """What a scene's portal says of each source: what was fetched before must be old when it is met."""
    return "cache_seconds = 0.5\n" if SCENES[scene].first else ""


def play(world: World, scene: str, visit: Visit, stops: Iterable[Stop]) -> None:
    """Let the systems behave as the scene says; what it needs fetched before is fetched first."""
    world.well()
    if SCENES[scene].first:
        for _ in walk(visit, stops, engines=False):
            pass
    world.ill(SCENES[scene].faults)


def walk(
    visit: Visit,
    stops: Iterable[Stop],
    *,
    wide: bool = False,
    language: str = "",
    dark: bool = False,
    engines: bool = True,
    contrast: bool = True,
) -> Iterator[Seen]:
    """Go to each stop as the person it names, and look; axe runs in every `look`.

    `contrast` False leaves that to the second engine.
    """
    visitors: dict[str, Visitor] = {}
    addresses: dict[tuple[str, str], str] = {}
    scheme = {"color_scheme": "dark"} if dark else {}
    for stop in stops:
        visitor = visitors.get(stop.person)
        if visitor is None:
            visitor = visitors[stop.person] = visit(stop.person, wide=wide, **scheme)
            if not contrast:
                visitor.axe_options = WITHOUT_COLOURS
            if language:
                _speak(visitor, language)
        key = (stop.person, stop.child)
        if stop.child and key not in addresses:
            addresses[key] = _overview(visitor, stop)
        address = addresses.get(key, "") + stop.path
        page = visitor.go(address, status=STATUS.get(stop.path, 200))
        yield _seen(stop, address, page, engines)


def _overview(visitor: Visitor, stop: Stop) -> str:
    """The address of somebody's overview: one's own, or a child's from the family page."""
    if stop.person == stop.child:
        visitor.go("/overblik")
        return urlsplit(visitor.page.url).path
    visitor.go("/overblik")
    name = visitor.world.people[stop.child].name.split()[0]
    card = visitor.main.locator("h3.name a", has_text=name)
    return str(card.get_attribute("href"))


def _speak(visitor: Visitor, language: str) -> None:
    """Choose a language as a person does."""
    visitor.go("/sprog")
    visitor.follow(visitor.main.locator(f'button[value="{language}"]'))


def _seen(stop: Stop, address: str, page: Page, engines: bool) -> Seen:
    seen = Seen(stop, address, page.content(), page=page)
    if engines:
        seen.faults += checkers.sniff(page, "WCAG2AAA")
        seen.faults += _small_targets(page)
    return seen


def _small_targets(page: Page) -> list[str]:
    """Buttons, fields and links that stand alone and are smaller than a fingertip."""
    found: list[str] = page.evaluate(TARGETS, SMALL)
    return found


TARGETS = """(least) => [...document.querySelectorAll(
        "a[href], button, summary, select, textarea, input:not([type=hidden])")]
    .filter((e) => e.checkVisibility({visibilityProperty: true, opacityProperty: true}))
    .filter((e) => !(e.tagName === "A" && getComputedStyle(e).display === "inline"))
    .filter((e) => !(e.matches("input") && e.closest("label")))
    .map((e) => [e, e.getBoundingClientRect()])
    .filter(([e, r]) => r.width > 1 && (r.width < least || r.height < least))
    .map(([e, r]) => `target ${Math.round(r.width)}x${Math.round(r.height)} px: `
        + e.outerHTML.slice(0, 120))"""
