"""The bodies of requests under way: each comes whole and in time, or not at all."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

LARGEST_BODY = 64 * 1024
SECONDS = 10.0
"""From a request's headers to the last byte of its body."""
MOST = 1000
"""Bodies under way in one worker; when one more comes, the one that has dripped longest is cut off."""


class Exchange(Protocol):
    """One request under way, as the server hands it over (RSGI's HTTP protocol)."""

    def __aiter__(self) -> AsyncIterator[bytes]: ...

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None: ...


class Cut(Exception):
    """A body was too slow, or broke off."""


class Bodies:
    """What is on its way in to one worker."""

    def __init__(self, seconds: float = SECONDS, most: int = MOST) -> None:
        self._seconds, self._most = seconds, most
        self._under_way: dict[asyncio.Timeout, None] = {}

    async def take(self, environ: WSGIEnvironment, proto: Exchange) -> None:
        """Put the body where the application reads it.

        One that is too large is not read: the application sees its length and refuses it.
        Raises Cut.
        """
        told = environ.get("CONTENT_LENGTH", "")
        if told.isdigit() and int(told) > LARGEST_BODY:
            return
        body = await self._whole(proto)
        if told and str(len(body)) != told:
            raise Cut
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        environ["CONTENT_LENGTH"] = str(len(body))
        environ["wsgi.input"] = io.BytesIO(body if len(body) <= LARGEST_BODY else b"")

    async def _whole(self, proto: Exchange) -> bytes:
        """Everything, or a little more than the most that is allowed."""
        body = bytearray()
        try:
            async with asyncio.timeout(self._seconds) as limit:
                self._make_room()
                self._under_way[limit] = None
                try:
                    async for part in proto:
                        body += part
                        if len(body) > LARGEST_BODY:
                            break
                finally:
                    del self._under_way[limit]
        except TimeoutError:
            raise Cut from None
        return bytes(body)

    def _make_room(self) -> None:
        if len(self._under_way) >= self._most:
            oldest = next(iter(self._under_way))
            oldest.reschedule(asyncio.get_running_loop().time())
