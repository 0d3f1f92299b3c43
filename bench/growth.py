"""What one actor more costs, drawn from 5 to 45, and what each kind of request costs: the ground of docs/scale.md."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Mapping
from typing import NamedTuple

from bench.figure import Figure
from bench.options import Options
from bench.record import keep
from bench.towns import Served, Towns, towns
from bench.wire import Reply, Wire
from bench.world import Stage, equal

ACTORS = (5, 15, 29, 45)
LOOKS, COLDS = 30, 10
DELAY = 0.2
CITIZENS, FAMILIES = 4000, 40


class Line(NamedTuple):
    """The straight line through several points, and how far the farthest is from it."""

    slope: float
    start: float
    bend: float


def measure(stage: Stage) -> list[Figure]:
    """The server's CPU time; one worker."""
    warm = {n: _warm(stage, n) for n in ACTORS}
    cold = {n: _cold(stage, n) for n in ACTORS}
    keep(stage.options, "actors", {"warm_cpu_ms": warm, "cold_cpu_ms": cold})
    shared = stage.options._replace(cache="valkey")
    keep(shared, "requests", _requests(shared))
    per, per_cold = line(warm), line(cold)
    return [
        Figure("G1", "one actor more (4 rows), warm, server CPU", per.slope, 0.15, 0.05, unit="ms",
               note=f"{per.start:.1f} ms + {per.slope:.3f} ms for each; 5 to 45 actors"),
        Figure("G2", "... farthest from a straight line", per.bend * 100, 15, 5, unit="%"),
        Figure("G3", "one source more, cold, server CPU", per_cold.slope, 0.8, 0.4, unit="ms",
               note=f"{per_cold.start:.1f} ms + {per_cold.slope:.2f} ms for each"),
        Figure("G4", "... farthest from a straight line", per_cold.bend * 100, 15, 5, unit="%"),
    ]  # fmt: skip


def line(points: Mapping[int, float] | Mapping[float, float]) -> Line:
    """Least squares; `bend` is a share of the largest value."""
    found = statistics.linear_regression(list(points), list(points.values()))
    far = (abs(y - found.intercept - found.slope * x) for x, y in points.items())
    return Line(found.slope, found.intercept, max(far) / max(points.values()))


def _warm(stage: Stage, actors: int) -> float:
    with stage.world(equal(actors, 0)) as world, world.wire() as wire:
        _right(wire.get(world.page + "?vent=1"))
        return _spent(wire, lambda _: wire.get(world.page), LOOKS)


def _cold(stage: Stage, actors: int) -> float:
    with stage.world(equal(actors, DELAY, remembered=False)) as world, world.wire() as wire:
        _right(wire.get(world.page + "?vent=1"))
        return _spent(wire, lambda _: wire.get(world.page + "?vent=1"), COLDS)


def _requests(options: Options) -> dict[str, object]:
    """CPU of each kind of request, and what a family leaves in a shared cache."""
    with towns(options, 1) as found, found.serve(CITIZENS, metered=True) as served:
        empty = found.cached_bytes()
        cpu = _each(found, served)
        cached = (found.cached_bytes() - empty) / FAMILIES
        return {
            "cpu_ms": cpu,
            "cached_bytes_per_child": cached,
            "checkpoint_bytes_per_chain": found.signed_bytes(served) / CITIZENS,
            "bytes_per_row": {
                t: served.filled.bytes[t] / rows for t, rows in served.filled.rows.items()
            },
        }


def _each(found: Towns, served: Served) -> dict[str, float]:
    """Forty families, each its own pages: first cold, then warm."""

    def page(rest: str) -> Callable[[int], Reply]:
        def ask(family: int) -> Reply:
            child = served.town.children(family)[0]
            return wire.get(f"/overblik/{child}{rest}", Cookie=served.cookie(family))

        return ask

    with served.wire() as wire:
        kinds: dict[str, Callable[[int], object]] = {
            "cold overview": page("?vent=1"),
            "overview": page(""),
            "comments": page("/kommentarer"),
            "log": page("/hvem-har-set"),
            "consents": page("/samtykke"),
            "login": lambda family: found.log_in(served, family),
        }
        return {kind: _spent(wire, ask, FAMILIES) for kind, ask in kinds.items()}


def _spent(wire: Wire, ask: Callable[[int], object], times: int) -> float:
    """Median CPU milliseconds of the process behind this connection."""
    found = []
    for number in range(times):
        before = _cpu(wire)
        _right(ask(number))
        found.append((_cpu(wire) - before) * 1000)
    return statistics.median(found)


def _cpu(wire: Wire) -> float:
    return float(json.loads(wire.get("/-/meter").body)["cpu"])


def _right(reply: object) -> None:
    if isinstance(reply, Reply) and reply.status != 200:
        raise RuntimeError(f"status {reply.status}")
