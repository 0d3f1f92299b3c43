"""What so many families need, worked out from what one request costs; every assumption stands here and on the page."""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil
from typing import Any, NamedTuple

FAMILIES = 1500
"""In one municipality of average size: about one family with children in five."""
CITIZENS = 4
VISITS_A_WEEK = 3.0
"""Of one family, all its members together."""
PAGES, LATE_PARTS = 6, 2
LINES = 7
"""Log lines of one visit."""
STAFF = 1.25
"""What employees add."""
BUSY_HOUR, BURST = 0.12, 2.0
"""The busiest hour's share of a day, and its busiest minutes beside its average."""
USED = 0.5
"""Of a processor, at that moment."""
LEAST_WORKERS = 2
"""For each municipality: one file is one municipality, with processes of its own."""
SOURCES, CHILDREN, REMEMBERED = 45, 2, 900
DAYS, KEEP_YEARS = 365, 2
CHAINS_TOUCHED = 3
"""By a visit: parents' and children's own."""
SIZES = {"1 municipality": 1, "98 municipalities": 98, "10 times that": 980}

Row = tuple[str, tuple[str, ...]]


class Cost(NamedTuple):
    """What was measured of one visit, one worker and one row."""

    visit_ms: float
    worker_mb: float
    row: dict[str, float]
    cached: float
    chain: float

    @classmethod
    def read(cls, kept: dict[str, Any]) -> Cost:
        """From the kept figures. Raises KeyError when one was never measured."""
        found = kept["requests"]
        cpu = found["cpu_ms"]
        warm = (PAGES - 1 + LATE_PARTS) * cpu["overview"]
        return cls(
            visit_ms=cpu["login"] + cpu["cold overview"] + warm,
            worker_mb=max(kept["memory"]["pss"].values()),
            row=found["bytes_per_row"],
            cached=found["cached_bytes_per_child"],
            chain=found["checkpoint_bytes_per_chain"],
        )


class Need(NamedTuple):
    """What one size of country needs."""

    families: int
    visits: float
    requests: float
    questions: float
    cores: int
    workers: int
    memory: float
    lines: float
    begins: float
    grows: float
    cache: float
    checkpoints: float


def need(cost: Cost, municipalities: int) -> Need:
    """For so many municipalities of average size; bytes, and per second at the peak or per year."""
    families = FAMILIES * municipalities
    a_day = families * VISITS_A_WEEK / 7 * STAFF
    visits = a_day * BUSY_HOUR * BURST / 3600
    busy = visits * cost.visit_ms / 1000
    cores = max(1, ceil(busy / USED))
    workers = max(LEAST_WORKERS * municipalities, cores)
    lines = a_day * DAYS * LINES
    citizens = families * CITIZENS
    begins = citizens * (
        cost.row["person"] + 1.5 * (cost.row["consent_event"] + cost.row["comment"])
    )
    return Need(
        families=families,
        visits=visits,
        requests=visits * (PAGES + LATE_PARTS),
        questions=visits * SOURCES * CHILDREN,
        cores=cores,
        workers=workers,
        memory=workers * cost.worker_mb * 1e6,
        lines=lines,
        begins=begins,
        grows=lines * cost.row["access_entry"],
        cache=visits * REMEMBERED * CHILDREN * cost.cached,
        checkpoints=DAYS * cost.chain * (citizens + a_day * CHAINS_TOUCHED),
    )


def table(kept: dict[str, Any]) -> list[Row]:
    """The capacity table: what, and its value for each size."""
    cost = Cost.read(kept)
    needs = [need(cost, many) for many in SIZES.values()]

    def each(what: str, values: Iterable[str]) -> Row:
        return what, tuple(values)

    return [
        each("families", (f"{n.families:,}" for n in needs)),
        each("requests a second, at the peak", (_small(n.requests) for n in needs)),
        each("questions to sources a second, at the peak", (_small(n.questions) for n in needs)),
        each("cores the load asks for", (f"{n.cores}" for n in needs)),
        each("workers (two for each municipality at least)", (f"{n.workers:,}" for n in needs)),
        each("their memory", (_size(n.memory) for n in needs)),
        each("log lines a year", (_many(n.lines) for n in needs)),
        each("database when everybody has come once", (_size(n.begins) for n in needs)),
        each("... and more each year", (_size(n.grows) for n in needs)),
        each(f"... at rest, log kept {KEEP_YEARS} years",
             (_size(n.begins + KEEP_YEARS * n.grows) for n in needs)),
        each("Valkey, at the peak", (_size(n.cache) for n in needs)),
        each("checkpoints a year", (_size(n.checkpoints) for n in needs)),
    ]  # fmt: skip


def _small(value: float) -> str:
    return f"{value:.1f}" if value < 10 else f"{value:,.0f}"


def _many(value: float) -> str:
    return f"{value / 1e6:,.1f} million" if value < 1e9 else f"{value / 1e9:,.2f} billion"


def _size(value: float) -> str:
    for unit, name in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB")):
        if value >= unit:
            return f"{value / unit:.1f} {name}"
    return f"{value / 1e3:.0f} KB"
