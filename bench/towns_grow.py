"""Citizens from a thousand on: what an overview, a login and a comment list take in each town (P17)."""

from __future__ import annotations

import statistics
from contextlib import ExitStack

from bench.figure import Figure
from bench.record import keep
from bench.towns import Served, Towns, towns
from bench.wire import Wire
from bench.world import Stage

SMALLEST = 1000
FAMILIES = 24
ROUNDS, LOGINS = 200, 50
KINDS = ("overview", "login", "comments")
Times = dict[str, dict[int, list[float]]]


def measure(stage: Stage) -> list[Figure]:
    """All towns stand at once and are asked in turn, so that they meet the same noise."""
    options = stage.options
    sizes = [n for n in _powers(SMALLEST) if n < options.citizens] + [options.citizens]
    with towns(options, len(sizes)) as found, ExitStack() as stack:
        served = {n: stack.enter_context(found.serve(n, metered=True)) for n in reversed(sizes)}
        times = _times(found, served)
        filled = served[options.citizens].filled
    medians = {
        what: {n: statistics.median(several) * 1000 for n, several in each.items()}
        for what, each in times.items()
    }
    keep(options, "citizens", {
        "ms": medians,
        "rows": filled.rows,
        "bytes": filled.bytes,
        "fill_seconds": filled.seconds,
    })  # fmt: skip
    return _figures(options.citizens, medians)


def _figures(largest: int, medians: dict[str, dict[int, float]]) -> list[Figure]:
    def ratio(what: str) -> float:
        return medians[what][largest] / medians[what][SMALLEST]

    def note(what: str) -> str:
        return f"{medians[what][SMALLEST]:.1f} and {medians[what][largest]:.1f} ms"

    return [
        Figure("P17", f"warm overview, {largest:,} citizens ÷ 1,000", ratio("overview"),
               1.15, 1.05, note=note("overview")),
        Figure("P17b", "... login", ratio("login"), 1.15, 1.05, note=note("login")),
        Figure("P17c", "... comment list", ratio("comments"), 1.15, 1.05, note=note("comments")),
    ]  # fmt: skip


def _times(found: Towns, served: dict[int, Served]) -> Times:
    times: Times = {what: {n: [] for n in served} for what in KINDS}
    for one in served.values():
        with one.wire() as wire:
            for family in range(FAMILIES):
                _ask(one, wire, family, "?vent=1")
    with ExitStack() as stack:  # one that waits in silence for ten seconds is closed
        wires = {n: stack.enter_context(one.wire()) for n, one in served.items()}
        for number in range(ROUNDS):
            family = number % FAMILIES
            for n in _turned(list(served), number):
                times["overview"][n].append(_ask(served[n], wires[n], family, ""))
                times["comments"][n].append(_ask(served[n], wires[n], family, "/kommentarer"))
                if number < LOGINS:
                    times["login"][n].append(sum(found.log_in(served[n], family)))
    return times


def _ask(served: Served, wire: Wire, family: int, rest: str) -> float:
    child = served.town.children(family)[0]
    reply = wire.get(f"/overblik/{child}{rest}", Cookie=served.cookie(family))
    mark = f"Hus{family:07d}".encode()
    if reply.status != 200 or mark not in reply.body or b'data-state="waiting"' in reply.body:
        raise RuntimeError(
            f"{rest or 'overview'}: status {reply.status}, or not hers, or not complete"
        )
    return reply.seconds


def _turned(sizes: list[int], number: int) -> list[int]:
    """Each town begins a round as often as any other."""
    start = number % len(sizes)
    return sizes[start:] + sizes[:start]


def _powers(start: int) -> list[int]:
    return [start * 10**n for n in range(6)]
