"""HTTP towards the provider: a total deadline, a size cap, no redirects, no cookies, strict JSON.

`timeout=` of requests is per read: a provider that sends a byte now and then
holds a thread for ever. Here a timer cuts the connection when time is up.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.cookiejar import DefaultCookiePolicy
from typing import Any

from authlib.integrations.requests_client import OAuth2Session
from requests import PreparedRequest, RequestException, Response
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError

SECONDS = 5.0
MARGIN = 0.1
MAX_BYTES = 512_000
CHUNK = 16_384


class Unreachable(Exception):
    """No whole, readable answer in time."""


class Silent(Unreachable):
    """The time ran out."""


class Wire(OAuth2Session):
    """One conversation with a provider; made for one call, closed after it."""

    def __init__(self, *, ca: str | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.trust_env = False
        self.verify = ca or True
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self.headers["Accept-Encoding"] = "identity"
        self._sockets: list[socket.socket] = []
        for scheme in ("http://", "https://"):
            self.mount(scheme, _Adapter(self._sockets))

    def send(self, request: PreparedRequest, **options: Any) -> Response:
        """As requests does it, but whole, within SECONDS and MAX_BYTES, and never elsewhere."""
        options.update(stream=True, allow_redirects=False, timeout=SECONDS)
        with self._deadline(SECONDS) as end:
            try:
                response = super().send(request, **options)
                response._content = _body(response, end)
            except (RequestException, HTTPError, OSError, ValueError) as e:
                late = time.monotonic() >= end - MARGIN
                raise (Silent if late else Unreachable)(type(e).__name__) from None
        response._content_consumed = True  # type: ignore[attr-defined]
        return response

    @contextmanager
    def _deadline(self, seconds: float) -> Iterator[float]:
        end = time.monotonic() + seconds
        timer = threading.Timer(seconds, self._cut)
        timer.daemon = True
        timer.start()
        try:
            yield end
        finally:
            timer.cancel()

    def _cut(self) -> None:
        for each in self._sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


def _body(response: Response, end: float) -> bytes:
    if response.is_redirect:
        raise ValueError("redirect")
    parts, size = [], 0
    for part in response.iter_content(CHUNK):
        size += len(part)
        if size > MAX_BYTES or time.monotonic() > end:
            raise ValueError("too large or too slow")
        parts.append(part)
    return b"".join(parts)


def strict_json(text: bytes | str) -> dict[str, Any]:
    """One JSON object without NaN, doubled names, half characters or bottomless nesting.

    Raises ValueError.
    """
    try:
        found = json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
        json.dumps(found, ensure_ascii=False).encode()  # no lone surrogate, which nothing can write
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if isinstance(found, dict):
        return found
    raise ValueError("not an object")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


class _Adapter(HTTPAdapter):
    """Remembers the sockets it opens, so that they can be cut."""

    def __init__(self, sockets: list[socket.socket]) -> None:
        super().__init__(max_retries=0)
        self.poolmanager.pool_classes_by_scheme = _pools(sockets)


def _pools(sockets: list[socket.socket]) -> dict[str, type[HTTPConnectionPool]]:
    class Plain(HTTPConnection):
        def connect(self) -> None:
            super().connect()
            sockets.append(self.sock)

    class Secure(HTTPSConnection):
        def connect(self) -> None:
            super().connect()
            sockets.append(self.sock)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}
