"""What a first visit costs in bytes and requests (P10-P12), on the family with 45 sources."""

from __future__ import annotations

import gzip
import re

from bench.figure import Figure
from bench.world import Stage, noah

KB = 1024
ASSET = re.compile(rb'(?<!<noscript>)<(?:link rel="stylesheet" href|script src)="([^"]+)"')


def measure(stage: Stage) -> list[Figure]:
    """As a browser asks, once with gzip (the limits) and once with brotli (what most get)."""
    with stage.world(noah) as world, world.wire("gzip") as wire, world.wire("br") as modern:
        wire.get(world.page + "?vent=1")
        page, small = wire.get(world.page), modern.get(world.page)
        paths = [p.decode() for p in ASSET.findall(gzip.decompress(page.body))]
        sizes = {p: len(wire.get(p).body) for p in paths}
    html, scripts = len(page.body), sum(n for p, n in sizes.items() if p.endswith(".js"))
    return [
        Figure("P10", "first load, HTML + CSS + JS", (html + sum(sizes.values())) / KB,
               45, 35, unit="KB gz"),
        Figure("P10r", "... requests", 1 + len(sizes), 5, 3),
        Figure("P11", "HTML, 29 actors in 45 systems", html / KB, 13.5, 11, unit="KB gz",
               note=f"{len(small.body) / KB:.1f} KB br"),
        Figure("P12", "JavaScript; the page is readable without", scripts / KB, 20, 17,
               unit="KB gz"),
    ]  # fmt: skip
