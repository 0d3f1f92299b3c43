"""One of 45 sources falls silent: how long the other 44 take then (P3), and the page once that is known."""

from __future__ import annotations

import re
import statistics
import urllib.request

from bench.cold import COLDS, DELAY, cold
from bench.figure import Figure
from bench.wire import Wire
from bench.world import Stage, World, equal

LIMIT = 2.0
LATE = re.compile(rb'hx-get="(/del/overblik/[^"]+)"')
PART = {"HX_Request": "true", "HX_Request_Type": "partial"}
OPENS_WITHIN = 12
"""Pages after which the breaker must be open."""


def measure(stage: Stage) -> list[Figure]:
    """Every source takes 200 ms, nothing is remembered; then one of them says nothing any more."""
    sources = equal(45, DELAY, timeout=LIMIT, remembered=False)
    with stage.world(sources) as world, world.wire() as wire:
        cold(wire, world.page)
        normal = statistics.median(cold(wire, world.page) for _ in range(COLDS))
        _hang(stage, "POST")
        try:
            others = _others(wire, world)
            waited = _until_open(wire, world.page, 2 * normal)
            after = statistics.median(cold(wire, world.page) for _ in range(COLDS))
        finally:
            _hang(stage, "DELETE")
    return [
        Figure("P3", "one of 45 hangs: until the other 44 are shown", others, 1.5, 1.1, unit="s",
               note="by the page and its late part"),
        Figure("P3b", "... complete page once its breaker is open ÷ all well", after / normal, 1.1, 1.02,
               note=f"{after * 1000:.0f} and {normal * 1000:.0f} ms; {waited} pages waited for it"),
    ]  # fmt: skip


def _hang(stage: Stage, method: str) -> None:
    address = stage.systems(1, DELAY)[0].rpartition("/bench/0/")[0]
    asked = urllib.request.Request(f"{address}/bench/0/hang", method=method)
    urllib.request.urlopen(asked, timeout=5).close()


def _others(wire: Wire, world: World) -> float:
    """Seconds until all but one are shown, as a page with scripts asks for them."""
    page = wire.get(world.page)
    seconds, body = page.seconds, page.body
    while body.count(b'data-state="waiting"') > 1:
        late = LATE.search(body)
        if late is None:
            raise RuntimeError("the page neither shows its sources nor asks for them")
        part = wire.get(late[1].decode().replace("&amp;", "&"), **PART)
        seconds, body = seconds + part.seconds, part.body
    return seconds


def _until_open(wire: Wire, page: str, quick: float) -> int:
    """How many pages waited for the one that hangs, until one is quick again."""
    for waited in range(OPENS_WITHIN):
        if cold(wire, page) < quick:
            return waited
    raise RuntimeError("no breaker opened")
