"""Leaves a system in peace that does not answer, and asks it again carefully.

Only failures of the system count; one person's bad data opens nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable

FAILURES = 5
PROBE_EVERY = 10.0


class Breaker:
    """One per source. Used on the loop's thread only."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failed = 0
        self._probe_at = 0.0

    @property
    def is_open(self) -> bool:
        return self._failed >= FAILURES

    def lets_through(self) -> bool:
        """Whether to ask now; while open, one caller in each 10 seconds."""
        if not self.is_open:
            return True
        if self._clock() < self._probe_at:
            return False
        self._probe_at = self._clock() + PROBE_EVERY
        return True

    def answered(self) -> None:
        self._failed = 0

    def failed(self) -> None:
        self._failed += 1
        if self.is_open:
            self._probe_at = self._clock() + PROBE_EVERY
