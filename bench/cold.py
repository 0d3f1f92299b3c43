"""Cold overviews: every source is asked, none remembered (P1, P5, P19, C1), and all of them failing."""

from __future__ import annotations

import statistics
from functools import partial
from typing import NamedTuple
from urllib.parse import urlsplit

from backend_stub.country import CHILDREN, SYSTEMS
from bench.asking import asked_by_nobody
from bench.figure import Figure
from bench.load import Client, burst
from bench.processes import cpu_seconds, workers
from bench.towns import towns
from bench.wire import Wire
from bench.world import Stage, World, equal

DELAY = 0.2
COLDS = 12
DEADLINE = 2.0
BODY = '{"CPR-nr": "0101010000"}'
AT_ONCE, ROUNDS, SECONDS, CITIZENS = 20, 3, 6.0, 1000


class Cold(NamedTuple):
    """Medians of several complete cold overviews, in seconds."""

    wall: float
    cpu: float


def measure(stage: Stage) -> list[Figure]:
    """One call per source, so the longest chain is one call.

    A source that means to take 200 ms takes longer on a machine whose timers are late: the
    slowest source is as slow as somebody finds it who asks nothing else.
    """
    slowest = _alone(stage.systems(1, DELAY)[0])
    with stage.world(equal(45, DELAY, remembered=False)) as world:
        many = _colds(world)
    with stage.world(equal(5, DELAY, remembered=False)) as world:
        few = _colds(world)
    return [
        Figure("P1", "cold overview complete ÷ slowest of 45 x 200 ms", many.wall / slowest,
               1.25, 1.10, note=f"{many.wall * 1000:.0f} ms; one source alone {slowest * 1000:.0f} ms"),
        Figure("P5", "CPU per cold overview, 45 calls", many.cpu * 1000, 40, 20, unit="ms"),
        Figure("P19", "cold wall, 45 sources minus 5", (many.wall - few.wall) * 1000,
               30, 10, unit="ms"),
    ]  # fmt: skip


def crowd(stage: Stage) -> list[Figure]:
    """Two workers and twenty families, each its own child; a bare loop that asks the same takes turns.

    What the machine can do is in both, so that a slow one does not hide what the portal adds.
    Twenty who look at one child would share their questions, and measure that.
    """
    with (
        towns(stage.options, 1, alike=DELAY) as found,
        found.serve(CITIZENS, workers=2, remembered=0) as served,
    ):
        serving, town = workers(served.pid), served.town
        addresses = [f"http://127.0.0.1:{found.backend}/land/{i}/sager" for i in range(SYSTEMS)]
        children = [found.country.household(n).citizens[CHILDREN[0]] for n in range(AT_ONCE)]
        families: list[Client] = [
            (partial(served.wire, served.cookie(n)), f"/overblik/{town.children(n)[0]}?vent=1")
            for n in range(AT_ONCE)
        ]
        body = BODY.replace("0101010000", children[0].cpr).encode()
        burst(families, SECONDS / 3)
        rates, costs = [], []
        for _ in range(ROUNDS):
            before = cpu_seconds(serving)
            ours = burst(families, SECONDS)
            cpu = (cpu_seconds(serving) - before) / ours.answers
            bare = asked_by_nobody(addresses, body, "application/json")
            rates.append((ours.rate / bare.rate, ours.rate, bare.rate))
            costs.append((cpu / bare.cpu, cpu * 1000, bare.cpu * 1000))
    rate, cost = statistics.median_low(rates), statistics.median_low(costs)
    return [
        Figure("C1", "cold overviews/s, 20 families at once ÷ a bare loop asking the same", rate[0], 0.65, 0.82,
               best="high", note=f"{rate[1]:.0f}/s and {rate[2]:.0f}/s"),
        Figure("C2", "... CPU of each ÷ the bare loop's", cost[0], 3.1, 1.9,
               note=f"{cost[1]:.1f} and {cost[2]:.1f} ms"),
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


def _alone(address: str) -> float:
    """Median seconds of one source, asked by a client that does nothing else."""
    parts = urlsplit(address)
    with Wire(parts.port or 80) as wire:
        replies = [
            wire.post(parts.path, BODY.encode(), Content_Type="application/json")
            for _ in range(COLDS)
        ]
    return statistics.median(r.seconds for r in replies)


def _colds(world: World) -> Cold:
    with world.wire() as wire:
        for _ in range(2):
            cold(wire, world.page)
        walls, cpus = [], []
        for _ in range(COLDS):
            before = world.meter(wire)["cpu"]
            walls.append(cold(wire, world.page))
            cpus.append(world.meter(wire)["cpu"] - before)
    return Cold(statistics.median(walls), statistics.median(cpus))


def cold(wire: Wire, page: str) -> float:
    """Seconds of one complete page."""
    reply = wire.get(page + "?vent=1")
    if reply.status != 200 or b'data-state="waiting"' in reply.body:
        raise RuntimeError(f"not a complete overview: status {reply.status}")
    return reply.seconds
