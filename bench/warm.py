"""Warm overviews: what the portal adds to its own template (P6, P8), per actor (P18), in SQL (P9)."""

from __future__ import annotations

import statistics
from collections.abc import Callable

from bench.figure import Figure
from bench.load import burst
from bench.wire import Reply, Wire
from bench.world import Stage, World, equal, noah

BARE = "/-/bare"
ROUNDS, SECONDS, CONNECTIONS = 5, 1.5, 8
LOOKS = 60


def ratios(stage: Stage) -> list[Figure]:
    """Two workers as in production; product and bare view take turns, so that both meet the same noise."""
    kept = stage.options
    with stage.world(noah, workers=2) as world:
        _warm(world)
        rates, tails = [], []
        for _ in range(ROUNDS):
            ours, bare = (
                burst([(world.wire, p)] * CONNECTIONS, SECONDS) for p in (world.page, BARE)
            )
            rates.append((ours.rate / bare.rate, ours.rate, bare.rate))
            tails.append((ours.p99 / bare.p99, ours.p99 * 1000, bare.p99 * 1000))
    rate, tail = statistics.median_low(rates), statistics.median_low(tails)
    return [
        Figure("P6", "warm overviews/s ÷ bare view of the same template", rate[0], 0.35, 0.60,
               best="high", note=f"{rate[1]:.0f}/s and {rate[2]:.0f}/s; {kept.database}, {kept.cache}"),
        Figure("P8", "p99 at 8 connections ÷ the bare view's", tail[0], 2, 1.3,
               note=f"{tail[1]:.0f} and {tail[2]:.0f} ms"),
    ]  # fmt: skip


def slopes(stage: Stage) -> list[Figure]:
    """One worker; the same overview with 5 and with 45 actors."""
    with stage.world(equal(5, 0)) as world:
        few = _looks(world)
    with stage.world(equal(45, 0)) as world:
        many = _looks(world)
    return [
        Figure("P9", "SQL statements per warm overview", many["statements"], 8, 5),
        Figure("P9s", "... more with 45 actors than with 5",
               many["statements"] - few["statements"], 0, 0),
        Figure("P18", "server CPU per extra actor (4 rows each), warm", (many["ms"] - few["ms"]) / 40,
               0.15, 0.05, unit="ms", note=f"{few['ms']:.1f} to {many['ms']:.1f} ms"),
    ]  # fmt: skip


def _looks(world: World) -> dict[str, float]:
    with world.wire() as wire:
        _complete(wire, world.page)
        spent, asked = [], []
        for _ in range(LOOKS):
            before = world.meter(wire)
            _ok(wire.get, world.page)
            after = world.meter(wire)
            spent.append((after["cpu"] - before["cpu"]) * 1000)
            asked.append(after["statements"] - before["statements"])
    quick = statistics.quantiles(spent, n=4)[0]  # a neighbour on the machine only ever adds
    return {"ms": quick, "statements": statistics.median(asked)}


def _warm(world: World) -> None:
    """Until every worker has opened the overview: the bare view shows what was opened last."""
    in_a_row = 0
    for _ in range(200):
        with world.wire() as wire:
            _complete(wire, world.page)
        with world.wire() as wire:
            in_a_row = in_a_row + 1 if wire.get(BARE).status == 200 else 0
        if in_a_row >= 12:
            return
    raise RuntimeError("the bare view is not ready in every worker")


def _complete(wire: Wire, page: str) -> None:
    _ok(wire.get, page + "?vent=1")


def _ok(ask: Callable[[str], Reply], path: str) -> Reply:
    reply = ask(path)
    if reply.status != 200 or b'data-state="waiting"' in reply.body:
        raise RuntimeError(f"{path}: status {reply.status}, or not complete")
    return reply
