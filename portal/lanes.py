"""Who is let in first when more come than can be served, and who is told to come again.

Leaving, and taking a consent back, must work when nothing else does; whoever
waits for slow systems must not hold the seats of those who do not.
"""

from __future__ import annotations

import asyncio

ALWAYS = frozenset({"/healthz", "/readyz"})


class Lane:
    """One kind of request: how many at once, how long one waits (seconds), and how many may wait."""

    def __init__(self, seats: int, patience: float, line: int) -> None:
        self.seats, self.patience, self.line = seats, patience, line
        self._free, self._waiting = asyncio.Semaphore(seats), 0

    async def enter(self) -> bool:
        """Take a seat; False when the line is full or did not move in time."""
        if not self._free.locked():
            return await self._free.acquire()
        if self._waiting >= self.line:
            return False
        self._waiting += 1
        try:
            async with asyncio.timeout(self.patience):
                return await self._free.acquire()
        except TimeoutError:
            return False
        finally:
            self._waiting -= 1

    def leave(self) -> None:
        """Give the seat to the next in line."""
        self._free.release()


def lanes() -> dict[str, Lane]:
    """Those of one worker. Nobody waits a second, but for the ways in and out, which are refused last."""
    return {
        "health": Lane(2, 60.0, 10_000),
        "arriving": Lane(8, 5.0, 256),
        "leaving": Lane(8, 5.0, 256),
        "pages": Lane(16, 0.8, 64),
        "patient": Lane(24, 0.8, 64),
    }


def lane_of(method: str, path: str, query: str) -> str:
    """Which lane a request takes; `patient` is for what waits for sources by itself."""
    if path in ALWAYS:
        return "health"
    if path.startswith("/log-ind"):
        return "arriving"  # and may have to wait for the provider
    if path.startswith("/log-ud") or (method == "POST" and "/samtykke/" in path):
        return "leaving"
    looks_up = method == "POST" and path == "/medarbejder"  # and may have to seem to
    if path.startswith("/del/") or "vent=1" in query or looks_up:
        return "patient"
    return "pages"
