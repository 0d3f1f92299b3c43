"""The iCalendar source (RFC 5545): one calendar about one person -> meetings.

Calendars from outside may be hostile: they are read and expanded in a process
that is killed when its time is over, rules finer than a day are refused before
expansion, and 500 occurrences are enough. A system whose calendar was killed reads its next ones in a
lane of its own, until one is read or some time has passed: several made to hang keep no other waiting.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime

import msgspec

from portal.settings import SourceConfig
from portal.sources import Delivery, SourceFailure
from portal.sources.calendar_expansion import Task, Told
from portal.sources.calendar_meeting import hole, meeting
from portal.sources.charset import in_utf8
from portal.sources.fhir_shape import COPENHAGEN
from portal.sources.http import Http, expect_ok
from portal.sources.killable import Died, Killable, Overdue
from portal.sources.loop import LOOP, READERS
from portal.sources.marks import Marks
from portal.sources.question import Question

LARGEST = 600_000
SECONDS = 1.5
APART = 120.0
"""Seconds until a system is tried among the others again: a busy moment is not its fault."""
CHILDREN = Killable("portal.sources.calendar_child")


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
        self._warmed: ThreadPoolExecutor | None = None
        self._apart_until = 0.0

    async def fetch(self, value: str, http: Http) -> Delivery:
        """Raises SourceFailure."""
        readers = self._readers()
        reply = await self._question.ask(value, http, "text/calendar")
        if reply.status == 204:
            return Delivery(entries=())
        body = in_utf8(expect_ok(reply), reply.charset)
        if len(body) > LARGEST:
            raise SourceFailure("too large")
        apart = time.monotonic() < self._apart_until
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(LOOP.laggards() if apart else readers, self.read, body)

    def _readers(self) -> ThreadPoolExecutor:
        """The threads that ask; the first time their children start while the system answers."""
        readers = LOOP.readers()
        if readers is not self._warmed:
            self._warmed = readers
            for _ in range(READERS):
                readers.submit(CHILDREN.warm)
        return readers

    def read(self, body: bytes) -> Delivery:
        """The meetings of one calendar. Raises SourceFailure."""
        task = Task(body, self._today(), self.config.timezone)
        seconds = min(SECONDS, self.config.timeout)
        try:
            answer = CHILDREN.ask(msgspec.msgpack.encode(task), seconds)
        except (Overdue, Died) as e:
            self._apart_until = time.monotonic() + APART
            how = "slow" if isinstance(e, Overdue) else "much"
            raise SourceFailure(f"too {how} to expand") from None
        self._apart_until = 0.0
        told = msgspec.msgpack.decode(answer, type=Told)
        if told.problem:
            raise SourceFailure(told.problem)
        entries = (meeting(o, self.config, self._marks) for o in told.occurrences)
        holes = (hole(u, self._marks) for u in told.unread)
        return Delivery.of((*entries, *holes), partial=told.cut)
