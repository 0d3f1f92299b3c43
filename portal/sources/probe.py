"""One source asked by hand: the adapter's own answer, and what went over the wire.

For operators and vendors (`portal sources check`, `conform`). Nothing is cached, no breaker
and no second question stand in between.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from concurrent.futures import Future

import msgspec

from portal.settings import Settings, SourceConfig
from portal.sources import Delivery, SourceFailure
from portal.sources.adapters import adapter
from portal.sources.http import Connection, Http, Reply
from portal.sources.icalendar import CHILDREN
from portal.sources.loop import LOOP, READERS
from portal.sources.organisation import Directory


class Exchange(msgspec.Struct, frozen=True):
    """One question and its answer. `problem` when there was none; `body` never leaves the process."""

    method: str
    url: str
    status: int
    problem: str
    seconds: float
    body: bytes = b""
    charset: str = ""


class Probed(msgspec.Struct, frozen=True):
    """What a source made of one person."""

    delivery: Delivery | None
    problem: str
    seconds: float
    exchanges: tuple[Exchange, ...]


class Recorded(Http):
    """Asks as any other, and writes down."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self.exchanges: list[Exchange] = []

    async def send(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Reply:
        start = time.monotonic()
        try:
            reply = await super().send(method, url, body, headers)
        except SourceFailure as e:
            self._write(Exchange(method, url, 0, e.problem, time.monotonic() - start))
            raise
        took = time.monotonic() - start
        self._write(Exchange(method, url, reply.status, "", took, reply.body, reply.charset))
        return reply

    def _write(self, exchange: Exchange) -> None:
        self.exchanges.append(exchange)


def probe(
    config: SourceConfig, settings: Settings, value: str, directory: Directory | None = None
) -> Future[Probed]:
    """Ask about the person whose identifier is `value`. Raises ConfigError."""
    source = adapter(config, settings, directory)
    http = recorded(config, settings)

    async def ask() -> Probed:
        if config.kind == "icalendar":
            await _warmed()
        start = time.monotonic()
        delivery, problem = None, ""
        try:
            async with asyncio.timeout(config.timeout):
                delivery = await source.fetch(value, http)
        except TimeoutError:
            problem = "timeout"
        except SourceFailure as e:
            problem = e.problem
        return Probed(delivery, problem, time.monotonic() - start, tuple(http.exchanges))

    return LOOP.submit(ask())


async def _warmed() -> None:
    """The children that read calendars start before the clock does: that is not the system's time."""
    readers, loop = LOOP.readers(), asyncio.get_running_loop()
    await asyncio.gather(*(loop.run_in_executor(readers, CHILDREN.warm) for _ in range(READERS)))


def recorded(config: SourceConfig, settings: Settings) -> Recorded:
    """A way to ask this source anything. Raises ConfigError."""
    return Recorded(Connection(f"source.{config.id}", config.url, config.auth, settings))
