"""Asks many sources at once about one citizen; each ends as one Answer, never as an exception.

Every source has a total deadline of its own. What is under way when the caller
stops waiting goes on and fills the cache; who asks meanwhile joins it.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Collection
from datetime import UTC, datetime

import msgspec

from portal.records import Answer, State
from portal.settings import Settings, SourceConfig
from portal.sources import Delivery, Source, SourceFailure, Subject
from portal.sources.adapters import adapter, directory_of
from portal.sources.bell import Bell
from portal.sources.breaker import Breaker
from portal.sources.cache import Cache
from portal.sources.http import Connection
from portal.sources.loop import LOOP
from portal.sources.organisation import Directory
from portal.telemetry import tell, where

log = logging.getLogger(__name__)
MOST_UNDER_WAY = 200
"""Persons one source may be asked about at once by one worker; who comes then is told at once."""
WRONG_PERSON = "wrong person"


class _Line(msgspec.Struct):
    """One source with what lives as long as the process."""

    source: Source
    connection: Connection
    breaker: Breaker
    under_way: int = 0

    @property
    def config(self) -> SourceConfig:
        return self.source.config


class _Guest:
    """Who waits for several flights. One lock for all of them: a Future for each costs a page 3 ms."""

    def __init__(self) -> None:
        self.missing = 0
        self.served = threading.Event()


class _Flight(msgspec.Struct):
    """A question under way, since when (monotonic seconds), and who waits for it."""

    source: str
    citizen: str
    since: float
    guests: list[_Guest]
    answer: Answer | None = None


class Gatherer:
    """One per application; its loop and session are the process' own, made at first use."""

    def __init__(
        self, settings: Settings, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        """Raises ConfigError when a source's keys, mapping or secrets are wrong."""
        self._page_seconds = settings.page_seconds
        self._now = now
        self._cache = Cache(settings)
        self.directory = directory_of(settings)
        connected = (c for c in settings.source if c.connected)
        self._lines = {c.id: _line(c, settings, self.directory) for c in connected}
        self.bell = Bell()
        self._tasks: set[asyncio.Task[None]] = set()
        self.after_fork()
        LOOP.tell_after_fork(self)

    def after_fork(self) -> None:
        """What is under way in the parent is not under way here."""
        self._cache.after_fork()
        self._lock = threading.Lock()
        self._flights: dict[tuple[str, str], _Flight] = {}

    def ask(
        self, source_ids: Collection[str], subject: Subject, wait: float | None
    ) -> dict[str, Answer]:
        """One Answer per source, in the order asked.

        Blocks at most `wait` seconds, then the rest is WAITING. None waits
        for every source's own limit, at most until `page_seconds` after the last
        question was put, and leaves none WAITING. A source for whose identifier system the subject has no value,
        or that is not connected, is left out.
        """
        asked = [i for i in source_ids if i in self._lines and self._value(i, subject)]
        kept = self._cache.read(asked, subject.citizen)
        fresh = {
            i: a for i, a in kept.items() if self._age(a) < self._lines[i].config.cache_seconds
        }
        tell().cache(len(fresh), len(asked))
        guest = _Guest()
        flights = self._take_off([i for i in asked if i not in fresh], subject, guest)
        if flights:
            guest.served.wait(self._patience(flights.values()) if wait is None else wait)
        landed = {i: f.answer for i, f in flights.items() if f.answer}
        late = {i: self._late(i, wait, kept.get(i)) for i in flights if i not in landed}
        answers = fresh | landed | late
        return {i: answers[i] for i in asked}

    def _value(self, source: str, subject: Subject) -> str:
        return subject.identifiers.get(self._lines[source].config.subject, "")

    def _age(self, answer: Answer) -> float:
        """Seconds; an answer from the future is as old as can be."""
        age = (self._now() - answer.fetched).total_seconds() if answer.fetched else -1.0
        return age if age >= 0 else float("inf")

    def _patience(self, flights: Collection[_Flight]) -> float:
        """Seconds: a page about several people does not wait for each of them anew."""
        since = max(f.since for f in flights)
        return max(0.0, since + self._page_seconds - time.monotonic())

    def _late(self, source: str, wait: float | None, last: Answer | None) -> Answer:
        if wait is not None:
            return Answer(source=source, state=State.WAITING)
        return self._without(source, "timeout", last)

    def _take_off(self, sources: list[str], subject: Subject, guest: _Guest) -> dict[str, _Flight]:
        """Join what is under way, start the rest with one call into the loop."""
        flights, new = {}, []
        with self._lock:
            for source in sources:
                flight = self._flights.get((source, subject.citizen))
                if flight is None:
                    flight = _Flight(source, subject.citizen, time.monotonic(), [])
                    self._flights[source, subject.citizen] = flight
                    new.append(flight)
                flight.guests.append(guest)
                flights[source] = flight
            guest.missing = len(flights)
        if new:
            LOOP.call_soon(self._launch, new, subject)
        return flights

    def _launch(self, new: list[_Flight], subject: Subject) -> None:
        for flight in new:
            task = asyncio.get_running_loop().create_task(self._fly(flight, subject))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _fly(self, flight: _Flight, subject: Subject) -> None:
        source = flight.source
        try:
            answer = await self._answer(source, subject)
        except Exception as e:  # a bug of ours must not leave a page waiting
            log.error("source %s: %s", source, where(e))
            answer = self._without(source, "broken answer", None)
        with self._lock:
            self._flights.pop((source, flight.citizen), None)
            flight.answer = answer
            for guest in flight.guests:
                guest.missing -= 1
                if not guest.missing:
                    guest.served.set()

    async def _answer(self, source: str, subject: Subject) -> Answer:
        line, citizen = self._lines[source], subject.citizen
        problem = "busy" if line.under_way >= MOST_UNDER_WAY else "breaker"
        if problem != "busy" and line.breaker.lets_through():
            try:
                delivery = await self._fetch(line, self._value(source, subject))
            except SourceFailure as e:
                problem = e.problem
            else:
                answer = self._shown(source, delivery)
                if delivery.strangers:
                    self.bell.ring(source)
                else:
                    await self._keep(citizen, answer, line.config)
                return answer
            told = {"source": source, "problem": problem}
            log.warning("source %s: %s", source, problem, extra=told)
            if problem == WRONG_PERSON:
                self.bell.ring(source)
        kept = await self._cache.read_on_loop([source], citizen)
        return self._without(source, problem, kept.get(source))

    async def _fetch(self, line: _Line, value: str) -> Delivery:
        """Raises SourceFailure."""
        began, outcome = time.perf_counter(), "broken answer"
        try:
            delivery = await self._fetched(line, value)
            outcome = _outcome(delivery)
        except SourceFailure as e:
            outcome = e.problem
            raise
        finally:
            tell().source(line.config.id, outcome, time.perf_counter() - began)
            tell().breaker(line.config.id, line.breaker.is_open)
        return delivery

    async def _fetched(self, line: _Line, value: str) -> Delivery:
        """Raises SourceFailure."""
        line.under_way += 1
        try:
            async with asyncio.timeout(line.config.timeout):
                delivery = await line.source.fetch(value, line.connection.http())
        except TimeoutError:
            line.breaker.failed()
            raise SourceFailure("timeout", down=True) from None
        except SourceFailure as e:
            (line.breaker.failed if e.down else line.breaker.answered)()
            raise
        except Exception as e:  # what a stranger sent met a bug of ours: this answer is lost
            line.breaker.answered()
            log.error("source %s: %s", line.config.id, where(e))
            raise SourceFailure("broken answer") from None
        finally:
            line.under_way -= 1
        line.breaker.answered()
        return delivery

    def _shown(self, source: str, delivery: Delivery) -> Answer:
        """Nothing, but not all of it, is not EMPTY."""
        something = bool(delivery.entries or delivery.holes) or delivery.partial
        return Answer(
            source=source,
            state=State.SHOWN if something else State.EMPTY,
            entries=delivery.entries,
            fetched=self._now(),
            partial=delivery.partial,
            holes=delivery.holes,
        )

    async def _keep(self, citizen: str, answer: Answer, config: SourceConfig) -> None:
        seconds = max(config.cache_seconds, config.stale_seconds)
        if seconds > 0:
            await self._cache.keep_on_loop(citizen, answer, seconds)

    def _without(self, source: str, problem: str, last: Answer | None) -> Answer:
        """The last good answer if it is young enough, else none."""
        if last and self._age(last) <= self._lines[source].config.stale_seconds:
            return msgspec.structs.replace(last, state=State.STALE, problem=problem)
        return Answer(source=source, state=State.UNAVAILABLE, problem=problem)


def _outcome(delivery: Delivery) -> str:
    if delivery.partial or delivery.holes:
        return "partial"
    return "shown" if delivery.entries else "empty"


def _line(config: SourceConfig, settings: Settings, directory: Directory | None) -> _Line:
    key = f"source.{config.id}"
    connection = Connection(key, config.url, config.auth, settings, config.hedge_after)
    return _Line(adapter(config, settings, directory), connection, Breaker())
