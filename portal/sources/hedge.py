"""Puts a question a second time when the first answer is late: only where an operator says so.

Everything a source is asked is a read. A second question costs the source as
much as the first, and its log shows both; so at most one in twenty is asked twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
SHARE = 0.05
SAVED = 3.0
"""Second questions that may be saved up, for a bad moment."""


class Hedge:
    """One per source. Used on the loop's thread only."""

    def __init__(self, after: float) -> None:
        """`after` seconds; 0 never asks twice."""
        self._after, self._saved = after, 0.0

    async def first(self, ask: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The first answer of at most two. Raises what the last one left raises."""
        if not self._after:
            return await ask()
        self._saved = min(SAVED, self._saved + SHARE)
        asked = [asyncio.create_task(ask())]
        try:
            await asyncio.wait(asked, timeout=self._after)
            if not asked[0].done() and self._saved >= 1.0:
                self._saved -= 1.0
                asked.append(asyncio.create_task(ask()))
            return await _first_good(asked)
        finally:
            for task in asked:
                task.cancel()


async def _first_good(asked: list[asyncio.Task[T]]) -> T:
    left = set(asked)
    while True:
        done, left = await asyncio.wait(left, return_when=asyncio.FIRST_COMPLETED)
        good = next((t for t in done if not t.exception()), None)
        if good or not left:
            return (good or done.pop()).result()
