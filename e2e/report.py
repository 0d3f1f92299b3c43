"""`make a11y`: a report an accessibility tester can read, written to `var/a11y/`.

Every page of the tester's room in every state: what three engines say (axe,
HTML_CodeSniffer at AAA, html-validate), the order of focus with each thing's name,
and what a screen reader's user hears. Options: `--language ar`, `--wide`, `--dark`,
`--scene rask`; by default Danish on a phone, all scenes.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from backend_stub.room import SCENES, stops
from e2e import checkers
from e2e.browser import find
from e2e.conftest import visits
from e2e.rounds import Seen, of_sources, play, walk
from e2e.visitor import Visitor
from e2e.world import running_world

REPORT = Path("var/a11y")
FOCUSED = """() => [...document.querySelectorAll(
        "a[href], button, summary, select, textarea, input:not([type=hidden]), [tabindex='0']")]
    .filter((e) => !e.disabled && e.tabIndex >= 0 && e.checkVisibility({visibilityProperty: true}))
    .map((e) => `${e.tagName.toLowerCase()} ${(e.getAttribute("aria-label")
        ?? e.labels?.[0]?.innerText ?? e.innerText ?? e.value ?? "").trim().replace(/\\s+/g, " ")}`)"""
STYLE = """body{font:17px/1.6 system-ui,sans-serif;max-width:60rem;margin:0 auto;padding:1rem}
table{border-collapse:collapse;width:100%}td,th{text-align:left;border-bottom:1px solid #767676;
padding:.4rem .8rem .4rem 0;vertical-align:top}pre{white-space:pre-wrap}li{margin:.2rem 0}"""


@dataclass
class Line:
    """One page of the report's table."""

    scene: str
    shows: str
    address: str
    file: str
    faults: list[str]


def main() -> int:
    """Walk, write, and answer 1 when an engine found anything."""
    said = _arguments()
    REPORT.mkdir(parents=True, exist_ok=True)
    lines: list[Line] = []
    for scene in [said.scene] if said.scene else list(SCENES):
        print(f"{scene}: {SCENES[scene].title}", flush=True)
        lines += _scene(scene, said)
    (REPORT / "index.html").write_text(_index(lines, said), encoding="utf-8")
    count = sum(len(line.faults) for line in lines)
    print(f"{len(lines)} pages, {count} faults: {REPORT / 'index.html'}")
    return 1 if count else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m e2e.report", description=__doc__)
    parser.add_argument("--scene", choices=sorted(SCENES), default="")
    parser.add_argument("--language", default="", help="the code of a language, as on /sprog")
    parser.add_argument("--wide", action="store_true", help="1280 px instead of 360")
    parser.add_argument("--dark", action="store_true")
    return parser.parse_args()


def _scene(scene: str, said: argparse.Namespace) -> Iterator[Line]:
    """One scene, in a world of its own."""
    path = find()
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        world = stack.enter_context(running_world(Path(folder), of_sources=of_sources(scene)))
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        met: list[Visitor] = []
        visit = visits(browser, world, {}, met)
        play(world, scene, visit, list(stops(scene)))
        look = {"wide": said.wide, "dark": said.dark, "language": said.language}
        for number, seen in enumerate(walk(visit, stops(scene), **look), 1):
            yield _line(scene, number, seen)
        for visitor in met:
            for trouble in visitor.troubles:
                yield Line(scene, "axe, console or network", "", "", [trouble])
            visitor.context.close()


def _line(scene: str, number: int, seen: Seen) -> Line:
    assert seen.page is not None
    faults = seen.faults + checkers.validate({"html": seen.html})
    file = f"{scene}-{number:03}.html"
    picture = file.replace(".html", ".png")
    seen.page.screenshot(full_page=True, path=REPORT / picture)
    (REPORT / file).write_text(_page(seen, seen.page, faults, picture), encoding="utf-8")
    address = re.sub(r"[0-9a-f]{32}", "…", seen.address)
    return Line(scene, seen.stop.shows, address, file, faults)


def _page(seen: Seen, page: Page, faults: list[str], picture: str) -> str:
    focus: list[str] = page.evaluate(FOCUSED)
    return _document(
        seen.stop.shows,
        [
            f'<p><a href="index.html">Alle sider</a> · <code>{escape(seen.address)}</code></p>',
            "<h2>Fejl</h2>",
            _listed(faults) or "<p>Ingen.</p>",
            "<h2>Fokus, i rækkefølge</h2>",
            _listed(focus, "ol"),
            "<h2>Det, en skærmlæser siger</h2>",
            f"<pre>{escape(chr(10).join(checkers.speak(page)))}</pre>",
            f'<h2>Siden</h2><img src="{picture}" alt="Billede af hele siden">',
        ],
    )


def _index(lines: Iterable[Line], said: argparse.Namespace) -> str:
    rows = "".join(
        f"<tr><td>{escape(line.scene)}<td>"
        + (f'<a href="{line.file}">{escape(line.shows)}</a>' if line.file else escape(line.shows))
        + f"<td><code>{escape(line.address)}</code><td>{len(line.faults) or 'ingen'}"
        + (_listed(line.faults) if not line.file else "")
        for line in lines
    )
    look = f"{said.language or 'da'}, {'1280' if said.wide else '360'} px" + ", mørk" * said.dark
    when = datetime.now(UTC).strftime("%Y-%m-%d")
    columns = ("Tilstand", "Side", "Adresse", "Fejl")
    head = "<tr>" + "".join(f'<th scope="col">{name}' for name in columns)
    intro = (
        f"<p>{when} · {look}. Motorer: axe, HTML_CodeSniffer (WCAG 2.2 AAA), html-validate. "
        "Det, maskiner ikke kan se, skal et menneske se: begynd i demoens prøverum.</p>"
    )
    return _document("Tilgængelighed, side for side", [intro, f"<table>{head}{rows}</table>"])


def _listed(items: Iterable[str], kind: str = "ul") -> str:
    found = "".join(f"<li>{escape(item)}</li>" for item in items)
    return f"<{kind}>{found}</{kind}>" if found else ""


def _document(title: str, parts: Iterable[str]) -> str:
    return (
        f'<!doctype html><html lang="da"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{STYLE}</style></head><body><main><h1>{escape(title)}</h1>{''.join(parts)}"
        "</main></body></html>"
    )


if __name__ == "__main__":
    sys.exit(main())
