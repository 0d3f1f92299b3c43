"""From counters that only grow to how each source has been in the last quarter of an hour."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from prometheus_client.metrics_core import Metric

from portal.telemetry.metrics import GOOD

EVERY = 15.0
KEPT = 60
"""So many snapshots, `EVERY` seconds apart: a quarter of an hour."""

Buckets = dict[float, float]
"""Upper bound in seconds -> how many were at most that slow."""


@dataclass(frozen=True)
class Totals:
    """The counters of all sources at one moment."""

    at: float
    answers: dict[tuple[str, str], float] = field(default_factory=dict)
    buckets: dict[str, Buckets] = field(default_factory=dict)
    success: dict[str, float] = field(default_factory=dict)
    breakers: dict[str, float] = field(default_factory=dict)
    strangers: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Lately:
    """How one source has been. Seconds; None where nothing was asked."""

    asked: int
    failures: tuple[tuple[str, int], ...]
    """Kind and count, most first."""
    p50: float | None
    p95: float | None
    since_success: float | None
    breaker_open: bool
    strangers: int
    """Answers about somebody else since the server started."""

    @property
    def failed(self) -> int:
        return sum(count for _, count in self.failures)


def totals(families: Iterable[Metric], at: float) -> Totals:
    """The counters of sources among all that were collected."""
    found = Totals(at)
    for sample in (s for f in families for s in f.samples):
        source = sample.labels.get("source", "")
        match sample.name:
            case "portal_source_answers_total":
                found.answers[source, sample.labels["outcome"]] = sample.value
            case "portal_source_seconds_bucket":
                found.buckets.setdefault(source, {})[float(sample.labels["le"])] = sample.value
            case "portal_source_last_success_timestamp_seconds":
                found.success[source] = sample.value
            case "portal_source_breaker_open":
                found.breakers[source] = sample.value
            case "portal_source_wrong_person_total":
                found.strangers[source] = sample.value
    return found


class Recent:
    """The last snapshots. Used by one thread at a time."""

    def __init__(self) -> None:
        self._kept: deque[Totals] = deque([Totals(time.time())], KEPT + 1)

    def due(self, now: float) -> bool:
        return now - self._kept[-1].at >= EVERY

    def add(self, snapshot: Totals) -> None:
        self._kept.append(snapshot)

    def minutes(self, now: float) -> int:
        """How far back the oldest snapshot lies."""
        return max(1, round((now - self._kept[0].at) / 60))

    def lately(self, sources: Sequence[str], new: Totals) -> dict[str, Lately]:
        return {source: _between(source, self._kept[0], new) for source in sources}


def _between(source: str, old: Totals, new: Totals) -> Lately:
    outcomes = {
        outcome: round(count - old.answers.get((source, outcome), 0))
        for (named, outcome), count in new.answers.items()
        if named == source
    }
    failures = {o: n for o, n in outcomes.items() if o not in GOOD and n}
    before, after = old.buckets.get(source, {}), new.buckets.get(source, {})
    grown = {le: count - before.get(le, 0) for le, count in after.items()}
    last = new.success.get(source)
    return Lately(
        asked=sum(outcomes.values()),
        failures=tuple(sorted(failures.items(), key=lambda f: (-f[1], f[0]))),
        p50=quantile(grown, 0.5),
        p95=quantile(grown, 0.95),
        since_success=None if not last else max(0.0, new.at - last),
        breaker_open=bool(new.breakers.get(source)),
        strangers=round(new.strangers.get(source, 0)),
    )


def quantile(buckets: Mapping[float, float], share: float) -> float | None:
    """Seconds within which `share` of them lay, as Prometheus estimates it; None of nothing."""
    ordered = sorted(buckets.items())
    if not ordered or ordered[-1][1] <= 0:
        return None
    wanted, low, below = share * ordered[-1][1], 0.0, 0.0
    for bound, count in ordered:
        if count >= wanted and count > below:
            return (
                low
                if bound == float("inf")
                else low + (bound - low) * (wanted - below) / (count - below)
            )
        low, below = (low if bound == float("inf") else bound), count
    return low
