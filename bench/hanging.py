"""One of 45 sources never answers: what the other 44 cost then (P3)."""

from __future__ import annotations

import re
import statistics

from bench.cold import COLDS, DELAY, cold
from bench.figure import Figure
from bench.wire import Wire
from bench.world import Stage, World, equal

LIMIT = 2.0
LATE = re.compile(rb'hx-get="(/del/overblik/[^"]+)"')
OPENS_AFTER = 12
"""Pages within which the breaker must be open."""


def measure(stage: Stage) -> list[Figure]:
    """Every source takes 200 ms, nothing is remembered; in the second world one of them hangs."""
    with stage.world(equal(45, DELAY, remembered=False)) as world, world.wire() as wire:
        cold(wire, world.page)
        normal = statistics.median(cold(wire, world.page) for _ in range(COLDS))
    hung = equal(45, DELAY, timeout=LIMIT, remembered=False, hanging=1)
    with stage.world(hung) as world, world.wire() as wire:
        others = _others(wire, world)
        waited = _until_open(wire, world.page)
        after = statistics.median(cold(wire, world.page) for _ in range(COLDS))
    return [
        Figure("P3", "one of 45 hangs: until the other 44 are shown ÷ 200 ms", others / DELAY, 6.5, 1.5,
               note=f"{others * 1000:.0f} ms, by the page and its late part"),
        Figure("P3b", "... complete page once its breaker is open ÷ all well", after / normal, 1.1, 1.02,
               note=f"{after * 1000:.0f} and {normal * 1000:.0f} ms; {waited} pages waited for it"),
    ]  # fmt: skip


def _others(wire: Wire, world: World) -> float:
    """Seconds until all but one are shown, as a page with scripts asks for them."""
    page = wire.get(world.page)
    seconds, body = page.seconds, page.body
    while body.count(b'data-state="waiting"') > 1:
        late = LATE.search(body)
        if late is None:
            raise RuntimeError("the page neither shows its sources nor asks for them")
        part = wire.get(late[1].decode().replace("&amp;", "&"))
        seconds, body = seconds + part.seconds, part.body
    return seconds


def _until_open(wire: Wire, page: str) -> int:
    """How many pages waited for the one that hangs."""
    for waited in range(OPENS_AFTER):
        if cold(wire, page) < LIMIT:
            return waited
    raise RuntimeError("no breaker opened")
