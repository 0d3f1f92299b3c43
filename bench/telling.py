"""What a request costs more with numbers and traces on: `python -m bench.telling`. Not a figure with a limit of its own.

A page tells of one request, one cache, one commit; a cold one of each source besides.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from typing import Any

ROUNDS, EACH = 7, 20_000
FOLDER = "PROMETHEUS_MULTIPROC_DIR"


def _page(told: Any) -> None:
    told.cache(45, 45)
    told.log_commit(0.002)
    told.request("overview.show", "GET", 200, 0.01)


def _source(told: Any) -> None:
    told.source("ppr", "shown", 0.1)
    told.breaker("ppr", False)


def microseconds(call: Callable[[Any], None], listener: Any) -> float:
    """The median of several rounds, each of many calls."""
    found = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        for _ in range(EACH):
            call(listener())
        found.append((time.perf_counter() - began) / EACH * 1e6)
    return statistics.median(found)


def main() -> None:
    """Print microseconds, off and on."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ[FOLDER] = folder  # as `portal serve` does, before the client is imported
        from portal.telemetry import listen, tell
        from portal.telemetry.metrics import Metrics

        for words, listeners in (("off", ()), ("numbers on", (Metrics(),))):
            listen(*listeners)
            page, source = microseconds(_page, tell), microseconds(_source, tell)
            print(f"{words:12} a page {page:6.2f} us   a source asked {source:6.2f} us")


if __name__ == "__main__":
    main()
