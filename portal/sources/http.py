"""HTTP towards backends, with everything that a hostile or broken one needs around it.

No redirects, no cookies, a cap on decoded bytes for everything asked of one
source for one page, at most `AT_ONCE` requests to one source; the total
deadline stands around the whole fetch (gather.py). Nothing here logs a URL, a
body or an identifier.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping

import aiohttp
import msgspec
import yarl

from portal.settings import Settings, SourceAuth
from portal.sources import SourceFailure
from portal.sources.auth import Credentials, credentials, tls
from portal.sources.charset import declared
from portal.sources.hedge import Hedge
from portal.sources.loop import LOOP

MAX_BYTES = 5_000_000
AT_ONCE = 16
BUSY = 429
FORM = "application/x-www-form-urlencoded"


class Reply(msgspec.Struct, frozen=True):
    """A whole answer; the status is not a redirect. `charset` as it was declared, or ""."""

    status: int
    body: bytes
    charset: str = ""


class Connection:
    """The way to one source or register: its credentials, trust and bulkhead. Lives long."""

    def __init__(
        self, key: str, url: str, auth: SourceAuth, settings: Settings, hedge_after: float = 0.0
    ) -> None:
        self.hedge = Hedge(hedge_after)
        self.credentials: Credentials = credentials(key, url, auth, settings)
        self.tls: ssl.SSLContext | bool = tls(key, auth, settings)
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._loop: asyncio.AbstractEventLoop | None = None

    def http(self) -> Http:
        """For one fetch, with a byte budget of its own."""
        return Http(self)

    def gate(self) -> asyncio.Semaphore:
        """The bulkhead of this loop (a fork gets its own)."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop, self._gate = loop, asyncio.Semaphore(AT_ONCE)
        return self._gate


class Http:
    """What an adapter asks with during one fetch."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._budget = MAX_BYTES

    async def ask(
        self,
        method: str,
        url: str,
        *,
        body: bytes | None = None,
        content_type: str = FORM,
        accept: str = "*/*",
        more: Mapping[str, str] | None = None,
    ) -> Reply:
        """One answer with a status below 300 or from 400 on.

        A rejected token is renewed once. Raises SourceFailure.
        """
        headers = {"Accept": accept} | ({} if body is None else {"Content-Type": content_type})
        headers |= more or {}
        who = self._connection.credentials
        proof = await who.headers(self)
        reply = await self._connection.hedge.first(
            lambda: self.send(method, url, body, headers | proof)
        )
        if reply.status == 401 and who.renew(proof):
            reply = await self.send(method, url, body, headers | await who.headers(self))
        return reply

    async def send(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Reply:
        """As `ask`, without credentials. Raises SourceFailure."""
        async with self._connection.gate():
            try:
                return await self._exchange(method, url, body, headers)
            except aiohttp.ServerDisconnectedError:
                # An idle connection was closed under us; everything we send is a question.
                return await self._again(method, url, body, headers)
            except (aiohttp.ClientError, OSError, ValueError) as e:
                raise _failure(e) from None

    async def _again(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Reply:
        try:
            return await self._exchange(method, url, body, headers)
        except (aiohttp.ClientError, OSError, ValueError) as e:
            raise _failure(e) from None

    async def _exchange(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Reply:
        async with LOOP.session().request(
            method,
            yarl.URL(url, encoded=True),
            data=body,
            headers=headers,
            allow_redirects=False,
            ssl=self._connection.tls,
        ) as response:
            if 300 <= response.status < 400:
                raise SourceFailure("redirect")
            charset = declared(response.headers.get("Content-Type", ""))
            return Reply(response.status, await self._read(response), charset)

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        parts = []
        async for part in response.content.iter_any():
            self._budget -= len(part)
            if self._budget < 0:
                raise SourceFailure("too large")
            parts.append(part)
        return b"".join(parts)


def expect_ok(reply: Reply) -> bytes:
    """The body of a 2xx. Raises SourceFailure."""
    if 200 <= reply.status < 300:
        return reply.body
    raise status_failure(reply.status)


def status_failure(status: int) -> SourceFailure:
    """5xx and "too many" say something about the system, other 4xx about one question."""
    return SourceFailure(f"status {status}", down=status >= 500 or status == BUSY)


def _failure(error: Exception) -> SourceFailure:
    if isinstance(error, (aiohttp.ClientSSLError, ssl.SSLError)):
        return SourceFailure("tls", down=True)
    if isinstance(error, aiohttp.ClientPayloadError):
        return SourceFailure("broken off", down=True)
    if isinstance(error, (aiohttp.ClientConnectionError, OSError)):
        return SourceFailure("no connection", down=True)
    return SourceFailure("not http", down=True)
