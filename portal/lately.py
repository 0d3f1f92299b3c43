"""What was true a moment ago, kept in the worker for so many seconds and then let go.

A worker's memory follows those who are here now, not all who ever were.
"""

from __future__ import annotations

import threading
import time
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")
D = TypeVar("D")


class Lately(Generic[K, V]):
    """Values by key, for any thread; one that is older than `seconds` is not given out."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._kept: dict[K, tuple[float, V]] = {}
        self._swept = time.monotonic()
        self._lock = threading.Lock()

    def get(self, key: K, default: D) -> V | D:
        """What was put there lately, or the default."""
        with self._lock:
            found = self._kept.get(key)
        if found is None or time.monotonic() - found[0] >= self._seconds:
            return default
        return found[1]

    def put(self, key: K, value: V) -> None:
        """Keep it; now and then, let go of what is too old to be given out."""
        now = time.monotonic()
        with self._lock:
            self._kept[key] = (now, value)
            if now - self._swept >= self._seconds:
                self._swept = now
                oldest = now - self._seconds
                self._kept = {k: kept for k, kept in self._kept.items() if kept[0] > oldest}

    def clear(self) -> None:
        """As after a long time."""
        with self._lock:
            self._kept.clear()

    def __len__(self) -> int:
        with self._lock:
            return len(self._kept)
