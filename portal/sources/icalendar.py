"""The iCalendar source (RFC 5545): one calendar about one person -> meetings.

Calendars from outside may be hostile: they are read and expanded on a thread
with a limit in time, rules finer than a day are refused before expansion, and
500 occurrences are enough.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import date, datetime

from portal.settings import SourceConfig
from portal.sources import Delivery, SourceFailure
from portal.sources.calendar_expansion import occurrences
from portal.sources.calendar_meeting import meeting, secret
from portal.sources.fhir_shape import COPENHAGEN
from portal.sources.http import Http, expect_ok
from portal.sources.loop import LOOP
from portal.sources.marks import Marks
from portal.sources.question import Question

LARGEST = 600_000
SECONDS = 1.5


class CalendarSource:
    """One system that gives a calendar per person."""

    def __init__(
        self,
        config: SourceConfig,
        marks: Marks,
        today: Callable[[], date] = lambda: datetime.now(COPENHAGEN).date(),
    ) -> None:
        """Raises ConfigError."""
        self.config = config
        self._marks, self._today = marks, today
        self._question = Question(config)

    async def fetch(self, value: str, http: Http) -> Delivery:
        """Raises SourceFailure."""
        reply = await self._question.ask(value, http, "text/calendar")
        if reply.status == 204:
            return Delivery(entries=())
        body = expect_ok(reply)
        if len(body) > LARGEST:
            raise SourceFailure("too large")
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(LOOP.readers(), self.read, body)

    def read(self, body: bytes) -> Delivery:
        """The meetings of one calendar. Raises SourceFailure."""
        seconds = min(SECONDS, self.config.timeout)
        events, partial = occurrences(body, self._today(), self.config.timezone, seconds)
        told = [meeting(event, self.config, self._marks) for event in events]
        entries = tuple(m for m in told if m)
        shut = bool(self.config.audience)
        holes = any(not (m or shut or secret(e)) for m, e in zip(told, events, strict=True))
        return Delivery(entries=entries, partial=partial or holes)
