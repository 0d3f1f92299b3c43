"""Values that live for a while under an unguessable key: all the state the provider has."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Value = TypeVar("Value")
Clock = Callable[[], float]


class Expiring(Generic[Value]):
    """A thread-safe shelf: `put` for some seconds, `get` as often as wanted, `take` only once."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock, self._seconds = clock, seconds
        self._lock = threading.Lock()
        self._shelf: dict[str, tuple[float, Value]] = {}

    def put(self, value: Value, key: str | None = None, seconds: float | None = None) -> str:
        """Store the value (under a fresh key if none is given) and return its key."""
        name = key if key is not None else secrets.token_urlsafe(24)
        until = self._clock() + (self._seconds if seconds is None else seconds)
        with self._lock:
            self._sweep()
            self._shelf[name] = (until, value)
        return name

    def get(self, key: str) -> Value | None:
        with self._lock:
            return self._living(key)

    def take(self, key: str) -> Value | None:
        """Like `get`, but nobody gets it a second time, however many ask at once."""
        with self._lock:
            value = self._living(key)
            self._shelf.pop(key, None)
            return value

    def claim(self, key: str, value: Value, seconds: float) -> bool:
        """Store under that key unless it is there already; tells whether it was stored."""
        with self._lock:
            self._sweep()
            if key in self._shelf:
                return False
            self._shelf[key] = (self._clock() + seconds, value)
            return True

    def _living(self, key: str) -> Value | None:
        until, value = self._shelf.get(key, (0.0, None))
        return value if until > self._clock() else None

    def _sweep(self) -> None:
        now = self._clock()
        for key in [key for key, (until, _) in self._shelf.items() if until <= now]:
            del self._shelf[key]
