"""Rings when a source answered about somebody else: that is never only a failure.

The server's log says so each time; whoever listens (portal/alarms.py) hears it
at most once a minute from each source, on a thread that may write to a database.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from portal.telemetry import tell

log = logging.getLogger(__name__)
QUIET = 60.0


class Bell:
    """One per gatherer. Rung on the loop's thread only."""

    def __init__(self) -> None:
        self.listener: Callable[[str], None] = lambda source: None
        self._quiet_until: dict[str, float] = {}

    def ring(self, source: str) -> None:
        """Tell that this source gave somebody else's information."""
        log.error("ALARM source %s: it answered about somebody else; that part was dropped", source)
        tell().wrong_person(source)
        now = time.monotonic()
        if now >= self._quiet_until.get(source, 0.0):
            self._quiet_until[source] = now + QUIET
            asyncio.get_running_loop().run_in_executor(None, self.listener, source)
