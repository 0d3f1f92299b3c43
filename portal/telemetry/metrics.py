"""The numbers of one worker, for Prometheus; `portal serve` adds up those of all (exporter.py)."""

from __future__ import annotations

import time

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from portal.telemetry import Listener
from portal.telemetry.layer import METHODS

PAGE_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
SOURCE_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 30)
COMMIT_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5)
GOOD = frozenset({"shown", "empty", "partial"})
"""What a source says when it has answered."""


class Metrics(Listener):
    """Counts. Labels are names out of the code and the configuration, so there are never many."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        r = registry or CollectorRegistry()
        self._requests = Counter(
            "portal_requests", "Requests answered.", ["endpoint", "method", "status"], registry=r
        )
        self._seconds = Histogram(
            "portal_request_seconds", "Seconds until a request was answered.", ["endpoint"],
            buckets=PAGE_BUCKETS, registry=r,
        )  # fmt: skip
        self._answers = Counter(
            "portal_source_answers", "What sources answered.", ["source", "outcome"], registry=r
        )
        self._source_seconds = Histogram(
            "portal_source_seconds", "Seconds until a source had answered or failed.", ["source"],
            buckets=SOURCE_BUCKETS, registry=r,
        )  # fmt: skip
        self._success = Gauge(
            "portal_source_last_success_timestamp_seconds", "When a source last answered.",
            ["source"], multiprocess_mode="max", registry=r,
        )  # fmt: skip
        self._breaker = Gauge(
            "portal_source_breaker_open", "1 while some worker leaves the source in peace.",
            ["source"], multiprocess_mode="livemax", registry=r,
        )  # fmt: skip
        self._strangers = Counter(
            "portal_source_wrong_person", "Answers about somebody else.", ["source"], registry=r
        )
        self._cache = Counter(
            "portal_cache_answers", "Answers that a page needed.", ["result"], registry=r
        )
        self._commit = Histogram(
            "portal_log_commit_seconds", "Seconds to commit lines of the access log.",
            buckets=COMMIT_BUCKETS, registry=r,
        )  # fmt: skip
        self._logins = Counter(
            "portal_logins", "Logins that ended.", ["door", "outcome"], registry=r
        )
        self._limited = Counter("portal_limited", "Asked too often (429).", ["what"], registry=r)
        self._shed = Counter("portal_shed", "Turned away under load (503).", ["why"], registry=r)

    def request(self, endpoint: str, method: str, status: int, seconds: float) -> None:
        known = method if method in METHODS else "other"
        self._requests.labels(endpoint, known, str(status)).inc()
        self._seconds.labels(endpoint).observe(seconds)

    def source(self, source: str, outcome: str, seconds: float) -> None:
        self._answers.labels(source, outcome).inc()
        self._source_seconds.labels(source).observe(seconds)
        if outcome in GOOD:
            self._success.labels(source).set(time.time())

    def breaker(self, source: str, is_open: bool) -> None:
        self._breaker.labels(source).set(int(is_open))

    def wrong_person(self, source: str) -> None:
        self._strangers.labels(source).inc()

    def cache(self, fresh: int, asked: int) -> None:
        self._cache.labels("fresh").inc(fresh)
        self._cache.labels("asked").inc(asked)

    def log_commit(self, seconds: float) -> None:
        self._commit.observe(seconds)

    def login(self, door: str, outcome: str) -> None:
        self._logins.labels(door, outcome).inc()

    def limited(self, what: str) -> None:
        self._limited.labels(what).inc()

    def shed(self, why: str) -> None:
        self._shed.labels(why).inc()
