"""One asyncio loop on one thread per process, with one HTTP session: the cheapest fan-out.

Made at first use and again after a fork, so that a server may fork its workers
before or after the application exists.
"""

from __future__ import annotations

import asyncio
import os
import select
import threading
import weakref
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

import aiohttp
from aiohttp.client_reqrep import ConnectionKey
from aiohttp.connector import Connection

T = TypeVar("T")
CONNECTIONS = 1000
KEEP_ALIVE = 30.0
READERS = 2


class Connector(aiohttp.TCPConnector):
    """Takes no kept connection on which something came unasked.

    aiohttp would give it as the answer to the next question, about another citizen, and
    perhaps to another system behind the same gateway. Its `_get` is private: the test that
    a second answer is nobody's fails should it change.
    """

    async def _get(
        self, key: ConnectionKey, traces: list[aiohttp.tracing.Trace]
    ) -> Connection | None:
        while (kept := await super()._get(key, traces)) is not None:
            if not _spoke_unasked(kept):
                return kept
            kept.close()
        return None


def _spoke_unasked(kept: Connection) -> bool:
    """Something was read and not asked for, or waits to be read (also the other side's end)."""
    if kept.transport is None or kept.protocol is None or kept.protocol.should_close:
        return True
    waits = select.poll()
    waits.register(kept.transport.get_extra_info("socket"), select.POLLIN)
    return bool(waits.poll(0))


class LoopThread:
    """Runs coroutines for threads that cannot."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a plain Lock deadlocked: the session is made under it
        self._loop: asyncio.AbstractEventLoop | None = None
        self._session: aiohttp.ClientSession | None = None
        self._readers: ThreadPoolExecutor | None = None
        self._laggards: ThreadPoolExecutor | None = None
        self._ghosts: list[object] = []
        self._forgetful: weakref.WeakSet[Any] = weakref.WeakSet()
        os.register_at_fork(after_in_child=self._forked)

    def submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Start `work` on the loop; the future may be waited for by any thread."""
        return asyncio.run_coroutine_threadsafe(work, self._running())

    def call_soon(self, function: Callable[..., object], *args: Any) -> None:
        """Have `function` called on the loop, without waiting."""
        self._running().call_soon_threadsafe(function, *args)

    def tell_after_fork(self, who: Any) -> None:
        """`who.after_fork()` is called in each child; `who` is held weakly."""
        self._forgetful.add(who)

    def session(self) -> aiohttp.ClientSession:
        """The process' only HTTP session. Call it on the loop."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=Connector(limit=CONNECTIONS, keepalive_timeout=KEEP_ALIVE),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None),
                headers={"User-Agent": "Familieoverblik", "Accept-Encoding": "gzip"},
            )
        return self._session

    def readers(self) -> ThreadPoolExecutor:
        """Threads for reading what is too slow to read on the loop. Call it on the loop."""
        if self._readers is None:
            self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="source-readers")
        return self._readers

    def laggards(self) -> ThreadPoolExecutor:
        """One thread for what was too slow to read last time. Call it on the loop."""
        if self._laggards is None:
            self._laggards = ThreadPoolExecutor(1, thread_name_prefix="source-laggards")
        return self._laggards

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, name="sources", daemon=True).start()
            return self._loop

    def _forked(self) -> None:
        # The parent's loop must not be collected here: closing its copies would take the
        # parent's sockets out of the epoll set that both processes share.
        self._ghosts.append((self._loop, self._session, self._readers, self._laggards))
        self._lock = threading.RLock()
        self._loop = self._session = self._readers = self._laggards = None
        for who in list(self._forgetful):
            who.after_fork()


LOOP = LoopThread()
