"""What stands before the application: it takes in whole requests, and lets in as many as can be served.

granian hands a request over when its headers are there (RSGI). A body is waited for
here, on the loop, where five hundred that drip cost no thread; the application gets
it whole, on a thread, when one is free, and says what it has to say in one piece, so
that a slow reader holds no thread either.
"""

from __future__ import annotations

import asyncio
import io
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Request

from portal.bodies import Bodies, Cut, Exchange
from portal.lanes import lane_of, lanes
from portal.refusals import Refusals
from portal.telemetry import tell

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment
    from granian.rsgi import Scope

WITHOUT_BODY = frozenset({"GET", "HEAD", "OPTIONS"})
"""What comes with these is never read; the server closes such a connection."""
CONSTANT: dict[str, Any] = {
    "SCRIPT_NAME": "",
    "wsgi.version": (1, 0),
    "wsgi.errors": sys.stderr,
    "wsgi.multithread": True,
    "wsgi.multiprocess": True,
    "wsgi.run_once": False,
}


class Front:
    """An RSGI application around a WSGI one (PEP 3333)."""

    def __init__(self, app: WSGIApplication, refusals: Refusals) -> None:
        self._app, self._refusals = app, refusals
        self._lanes, self._bodies = lanes(), Bodies()
        seats = sum(lane.seats for lane in self._lanes.values())
        self._threads = ThreadPoolExecutor(seats, thread_name_prefix="request")

    async def __rsgi__(self, scope: Scope, proto: Exchange) -> None:
        """One request, from its headers to its answer."""
        environ = environment(scope)
        if scope.method not in WITHOUT_BODY:
            try:
                await self._bodies.take(environ, proto)
            except Cut:
                return self._refuse("slow", environ, proto)
        lane = self._lanes[lane_of(scope.method, environ["PATH_INFO"], scope.query_string)]
        if not await lane.enter():
            return self._refuse("busy", environ, proto)
        try:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._threads, self._answer, environ, proto)
        finally:
            lane.leave()

    def _answer(self, environ: WSGIEnvironment, proto: Exchange) -> None:
        said: list[tuple[int, list[tuple[str, str]]]] = []

        def start(status: str, headers: list[tuple[str, str]], *_: Any) -> Any:
            said.append((int(status[:3]), headers))

        parts = self._app(environ, start)
        try:
            body = b"".join(parts)
        finally:
            if hasattr(parts, "close"):
                parts.close()
        proto.response_bytes(*said[-1], body)

    def _refuse(self, why: str, environ: WSGIEnvironment, proto: Exchange) -> None:
        tell().shed(why)
        proto.response_bytes(*self._refusals.find(why, Request(environ)))


def environment(scope: Scope) -> WSGIEnvironment:
    """What a WSGI application is told.

    A header written with an underscore is left out: to the application it would look like the
    one with a hyphen, which a proxy may have watched over.
    """
    server, _, port = scope.server.rpartition(":")
    environ = CONSTANT | {
        "REQUEST_METHOD": scope.method,
        "PATH_INFO": scope.path.encode().decode("latin-1"),
        "QUERY_STRING": scope.query_string,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "SERVER_NAME": server,
        "SERVER_PORT": port if port.isdigit() else "0",  # a socket file has none
        "REMOTE_ADDR": scope.client.rpartition(":")[0].strip("[]"),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": io.BytesIO(),
    }
    for name, value in scope.headers.items():
        if "_" not in name:
            key = "HTTP_" + name.upper().replace("-", "_")
            between = "; " if key == "HTTP_COOKIE" else ","
            environ[key] = f"{environ[key]}{between}{value}" if key in environ else value
    for key in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if (told := environ.pop(f"HTTP_{key}", None)) is not None:
            environ[key] = told
    environ.setdefault("HTTP_HOST", scope.authority or "")
    return environ
