"""A thousand families with time to think (`load`), and the same thousand on a cold morning (`storm`)."""

from __future__ import annotations

import asyncio
import random
import time

from bench.crowd import Family, Tally, browsers, nth, together
from bench.figure import Figure
from bench.options import Options
from bench.processes import cpu_seconds, proportional_mb, workers
from bench.record import keep
from bench.towns import SEED, Served, towns
from bench.world import Stage

CITIZENS = 10_000
THINK = (20.0, 30.0)
EVERY_PAGE = 100
"""So many families open the other pages too beforehand: what is used for the first time is no growth."""
FULL_LOAD = 300.0
"""From so many seconds on, what a worker's memory has grown means something."""
ARRIVE_OVER = 60.0
HEALTHY, CALM, LOOK_EVERY = 0.5, 8, 0.25
LONGEST_RECOVERY = 120.0


def load(stage: Stage) -> list[Figure]:
    """Warm: every family has seen all its pages before. The systems take 50 to 800 ms."""
    options, tally = stage.options, Tally()
    with (
        towns(options, 1, pace=1) as found,
        found.serve(CITIZENS, workers=options.workers, remembered=options.remembered) as served,
    ):
        together(lambda: _once_each(served, Tally(), options.families))
        before, spent = _memory(served), _cpu(served)
        seconds, own = together(lambda: _think(served, tally, options))
        after, busy = _memory(served), _cpu(served) - spent
        troubles = served.troubles()
    growth = (sum(after) / sum(before) - 1) * 100
    pages = tally.pages()
    rate = tally.answers / seconds
    keep(options, "load", _kept(tally, options) | {
        "seconds": seconds, "rate": rate, "pss_before": before, "pss_after": after,
        "cpu_ms_per_request": busy / max(1, tally.answers) * 1000, "generator_share": own,
    })  # fmt: skip
    note = f"{rate:.0f} answers/s for {seconds:.0f} s; asking took {own:.0%} of a core"
    figures = [
        Figure("L1", f"{options.families:,} families, 45 systems of 50-800 ms: page, 95th percentile",
               nth(pages, 0.95), 500, 250, unit="ms", note=f"median {nth(pages, 0.5):.0f}; {note}"),
        Figure("L2", "... 99th percentile", nth(pages, 0.99), 2600, 1000, unit="ms"),
        Figure("L3", "... what comes late, 95th percentile",
               nth(sorted(tally.times.get("late", [])), 0.95), 2000, 1000, unit="ms"),
        Figure("L4", "... errors", tally.wrong + tally.refused, 0, 0, note=_said(tally, troubles)),
        Figure("L5", "... answers that are not the asker's own", tally.mixed, 0, 0,
               note=f"of {tally.answers}; {tally.nameless} name nobody"),
    ]  # fmt: skip
    if seconds >= FULL_LOAD:
        figures.append(Figure("L6", "... memory growth of the workers", growth, 5, 0, unit="%",
                              note=f"{sum(before):.0f} to {sum(after):.0f} MB PSS"))  # fmt: skip
    return figures


def storm(stage: Stage) -> list[Figure]:
    """Cold: nothing is remembered, and everybody comes within a minute."""
    options, tally = stage.options, Tally()
    over = min(options.seconds, ARRIVE_OVER)
    people = round(options.families * over / ARRIVE_OVER)
    recovered: list[float] = []
    with (
        towns(options, 1, pace=1) as found,
        found.serve(CITIZENS, workers=options.workers, remembered=options.remembered) as served,
    ):
        seconds, own = together(lambda: _arrive(served, tally, people, over, recovered))
        troubles = served.troubles()
    asked = max(1, tally.answers)
    pages = tally.pages()
    keep(options, "storm", _kept(tally, options) | {
        "people": people, "seconds": seconds, "recovered": recovered[0], "generator_share": own,
    })  # fmt: skip
    return [
        Figure("S1", f"{people:,} people in {over:.0f} s, all cold: refused (503, Retry-After)",
               tally.refused / asked * 100, 5, 0, unit="%",
               note=f"page median {nth(pages, 0.5):.0f} ms, 95 % {nth(pages, 0.95):.0f} ms"),
        Figure("S2", "... other errors", tally.wrong, 0, 0, note=_said(tally, troubles)),
        Figure("S3", "... answers that are not the asker's own", tally.mixed, 0, 0,
               note=f"of {tally.answers}; {tally.nameless} name nobody"),
        Figure("S4", "... until pages are quick again", recovered[0], 60, 5, unit="s"),
    ]  # fmt: skip


async def _once_each(served: Served, tally: Tally, families: int) -> None:
    """Everybody opens all she has, a few at a time: what a system has not answered is not remembered."""
    gate = asyncio.Semaphore(8)
    async with browsers(passing=True) as http:

        async def one(number: int) -> None:
            async with gate:
                family = Family(http, served, number, tally)
                await family.look("overview")
                await family.look("overview", 1)
                await family.look("family")
                for page in ("comments", "log", "consents") if number < EVERY_PAGE else ():
                    await family.look(page)

        await asyncio.gather(*(one(n) for n in range(families)))


async def _think(served: Served, tally: Tally, options: Options) -> None:
    dice, until = random.Random(SEED), time.monotonic() + options.seconds
    async with browsers() as http:

        async def one(number: int) -> None:
            family, own = Family(http, served, number, tally), random.Random(dice.random())
            await asyncio.sleep(own.uniform(0, THINK[1]))
            while time.monotonic() < until:
                await family.anything(own)
                await asyncio.sleep(min(own.uniform(*THINK), max(0, until - time.monotonic())))

        await asyncio.gather(*(one(n) for n in range(options.families)))


async def _arrive(
    served: Served, tally: Tally, people: int, over: float, recovered: list[float]
) -> None:
    dice = random.Random(SEED)
    async with browsers() as http:

        async def one(number: int) -> None:
            await asyncio.sleep(dice.uniform(0, over))
            await Family(http, served, number, tally).look("overview")

        crowd = asyncio.gather(*(one(n) for n in range(people)))
        await asyncio.sleep(over)
        recovered.append(await _recovery(Family(http, served, 0, tally)))
        await crowd


async def _recovery(family: Family) -> float:
    """Seconds until a page is quick several times in a row."""
    began, calm = time.monotonic(), 0
    while calm < CALM and time.monotonic() - began < LONGEST_RECOVERY:
        asked = time.monotonic()
        await family.look("comments")
        calm = calm + 1 if time.monotonic() - asked < HEALTHY else 0
        await asyncio.sleep(LOOK_EVERY)
    return time.monotonic() - began - CALM * LOOK_EVERY


def _memory(served: Served) -> list[float]:
    return [proportional_mb(pid) for pid in workers(served.pid)]


def _cpu(served: Served) -> float:
    return cpu_seconds(workers(served.pid))


def _kept(tally: Tally, options: Options) -> dict[str, object]:
    pages = tally.pages()
    return {
        "workers": options.workers, "families": options.families, "answers": tally.answers, "refused": tally.refused,
        "errors": dict(tally.errors), "mixed": tally.mixed, "nameless": tally.nameless,
        "ms": {"p50": nth(pages, 0.5), "p95": nth(pages, 0.95), "p99": nth(pages, 0.99)},
        "late_ms": {"p95": nth(sorted(tally.times.get("late", [])), 0.95)},
    }  # fmt: skip


def _said(tally: Tally, troubles: str) -> str:
    """What the answers were, and what the portal's own log says of it."""
    said = [f"{many} {what}" for what, many in tally.errors.items()]
    said += [f"{tally.refused} refused"] if tally.refused else []
    return "; ".join(x for x in (", ".join(said), troubles) if x)
