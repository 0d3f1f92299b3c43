"""What a worker holds after a thousand overviews and after ten thousand (P16)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import count

from bench.crowd import Family, Tally, browsers, together
from bench.figure import Figure
from bench.processes import proportional_mb, workers
from bench.record import keep
from bench.towns import Served, towns
from bench.world import Stage

CITIZENS, FAMILIES, AT_ONCE = 4000, 250, 4
FIRST = 1000
WORKERS = 2


def measure(stage: Stage) -> list[Figure]:
    """Two workers, the default; 250 families in turn, both their children, from one tenth of the count on.

    Of the two the larger; what they have in common with each other and the server counts in parts.
    """
    options = stage.options
    many = options.overviews
    first = min(FIRST, max(1, many // 10))
    with towns(options, 1) as found, found.serve(CITIZENS, workers=WORKERS) as served:
        start = _largest(served)
        numbers = count()
        _ask(served, numbers, first)
        few = _largest(served)
        _ask(served, numbers, many - first)
        end = _largest(served)
    keep(options, "memory", {"pss": {"0": start, str(first): few, str(many): end}})
    return [
        Figure("P16", f"memory of a worker after {many:,} overviews (PSS)", end, 120, 90, unit="MB",
               note=f"{start:.0f} MB at its start; {options.database}, {options.cache}"),
        Figure("P16b", f"... growth since {first:,}", (end / few - 1) * 100, 5, 0, unit="%"),
    ]  # fmt: skip


def _largest(served: Served) -> float:
    return max(map(proportional_mb, workers(served.pid)))


def _ask(served: Served, numbers: Iterator[int], many: int) -> None:
    tally = Tally()

    async def crowd() -> None:
        left = iter(range(many))
        async with browsers() as http:

            async def one() -> None:
                for _ in left:
                    number = next(numbers)
                    family = Family(http, served, number % FAMILIES, tally)
                    await family.look("overview", number // FAMILIES % 2)

            await asyncio.gather(*(one() for _ in range(AT_ONCE)))

    together(crowd)
    if tally.wrong or tally.mixed or tally.refused:
        failed = f"overviews failed: {dict(tally.errors)}, {tally.mixed} not her own"
        raise RuntimeError(f"{failed}; {served.troubles()}")
