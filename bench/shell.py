"""The first byte while no source has answered yet (P2)."""

from __future__ import annotations

import statistics

from bench.figure import Figure
from bench.world import Stage, equal

SLOW = 5.0
TRIES = 15


def measure(stage: Stage) -> list[Figure]:
    """45 sources of five seconds, none remembered; the page comes with every source waiting."""
    with (
        stage.world(equal(45, SLOW, timeout=8.0, remembered=False)) as world,
        world.wire() as wire,
    ):
        wire.get(world.page)
        replies = [wire.get(world.page) for _ in range(TRIES)]
        if not all(b'data-state="waiting"' in r.body for r in replies):
            raise RuntimeError("the sources were not slow")
    first = statistics.median(r.first_byte for r in replies) * 1000
    return [Figure("P2", "first byte, 45 sources of 5 s", first, 50, 15, unit="ms")]
