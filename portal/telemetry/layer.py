"""Around everything a worker answers: how long each request took, by the name of its view."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from flask import Flask, request

from portal.telemetry import tell

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

STATIC = "/static/"
METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS"})
"""Those with a name of their own; anybody may invent one."""
NAME = "portal.endpoint"


def install(app: Flask) -> None:
    """Put the layer around an application, and have it leave the view's name where the layer finds it."""
    leave_names(app)
    app.wsgi_app = Layer(app.wsgi_app)  # type: ignore[assignment, method-assign]


def leave_names(app: Flask) -> None:
    """Have each request leave its view's name for what stands around the application."""
    app.teardown_request(_leave_name)


def _leave_name(_: BaseException | None) -> None:
    request.environ[NAME] = request.endpoint


class Layer:
    """A WSGI layer. The path is never kept: ids stand in it."""

    def __init__(self, inner: WSGIApplication) -> None:
        self._inner = inner

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        began, status = time.perf_counter(), [500]

        def noted(line: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            status[0] = int(line[:3])
            return start(line, headers, *more)

        try:
            return self._inner(environ, noted)
        finally:
            seconds = time.perf_counter() - began
            tell().request(name(environ), environ["REQUEST_METHOD"], status[0], seconds)


def name(environ: WSGIEnvironment) -> str:
    """The view that answered; "static" for files, "none" where no address fitted or none was asked."""
    if NAME in environ:
        return environ[NAME] or "none"
    return "static" if environ.get("PATH_INFO", "").startswith(STATIC) else "none"
