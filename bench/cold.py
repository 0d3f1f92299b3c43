"""Cold overviews: every source is asked, none remembered (P1, P5, P19), and all of them failing."""

from __future__ import annotations

import statistics
from typing import NamedTuple

from bench.figure import Figure
from bench.wire import Wire
from bench.world import Stage, World, equal

DELAY = 0.2
COLDS = 12
DEADLINE = 2.0


class Cold(NamedTuple):
    """Medians of several complete cold overviews, in seconds."""

    wall: float
    cpu: float


def measure(stage: Stage) -> list[Figure]:
    """One call per source, so the longest chain is one call."""
    with stage.world(equal(45, DELAY, remembered=False)) as world:
        many = _colds(world)
    with stage.world(equal(5, DELAY, remembered=False)) as world:
        few = _colds(world)
    return [
        Figure("P1", "cold overview complete ÷ slowest of 45 x 200 ms", many.wall / DELAY,
               1.25, 1.10, note=f"{many.wall * 1000:.0f} ms"),
        Figure("P5", "CPU per cold overview, 45 calls", many.cpu * 1000, 40, 20, unit="ms"),
        Figure("P19", "cold wall, 45 sources minus 5", (many.wall - few.wall) * 1000,
               30, 10, unit="ms"),
    ]  # fmt: skip


def down(stage: Stage) -> list[Figure]:
    """All 45 sources accept the call and never answer."""
    with stage.world(equal(45, 60.0, timeout=DEADLINE)) as world, world.wire() as wire:
        reply = wire.get(world.page + "?vent=1")
        if reply.status != 200 or b'data-state="unavailable"' not in reply.body:
            raise RuntimeError("the page does not say that the sources did not answer")
        again = wire.get(world.page)
    return [
        Figure("down", "honest page, 45 of 45 sources hang (deadline 2 s)", reply.seconds,
               DEADLINE + 1, DEADLINE + 0.2, unit="s"),
        Figure("down2", "the page after that", again.seconds * 1000, 100, 50, unit="ms"),
    ]  # fmt: skip


def _colds(world: World) -> Cold:
    with world.wire() as wire:
        for _ in range(2):
            _cold(wire, world.page)
        walls, cpus = [], []
        for _ in range(COLDS):
            before = world.meter(wire)["cpu"]
            walls.append(_cold(wire, world.page))
            cpus.append(world.meter(wire)["cpu"] - before)
    return Cold(statistics.median(walls), statistics.median(cpus))


def _cold(wire: Wire, page: str) -> float:
    reply = wire.get(page + "?vent=1")
    if reply.status != 200 or b'data-state="waiting"' in reply.body:
        raise RuntimeError(f"not a complete overview: status {reply.status}")
    return reply.seconds
