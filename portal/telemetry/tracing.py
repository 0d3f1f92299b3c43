"""Traces for an OpenTelemetry collector: a span for each request, and in it one for each source and commit.

The instrumentations that exist for Flask and aiohttp put the address asked into every
span, and ours hold ids; so the spans are made here, of the same few words as the
numbers. A trace begins with us: nobody's `traceparent` is believed, and none is passed on.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from flask import Flask
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import TraceIdRatioBased
from opentelemetry.trace import SpanKind, Status, StatusCode

from portal.settings import TracingSettings
from portal.telemetry import Listener
from portal.telemetry.layer import METHODS, name
from portal.telemetry.metrics import GOOD

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

EVERY_MILLISECONDS = 1000
TIMEOUT_SECONDS = 5


class Tracing(Listener):
    """Sends a share of all traces to the collector of the file, on a thread nobody waits for."""

    def __init__(self, settings: TracingSettings, exporter: SpanExporter | None = None) -> None:
        sending = exporter or OTLPSpanExporter(settings.endpoint, timeout=TIMEOUT_SECONDS)
        self.provider = TracerProvider(
            TraceIdRatioBased(settings.sample),
            Resource({"service.name": "familieoverblik"}),
            shutdown_on_exit=False,
        )
        self.provider.add_span_processor(
            BatchSpanProcessor(sending, schedule_delay_millis=EVERY_MILLISECONDS)
        )
        self._tracer = self.provider.get_tracer("portal")

    def install(self, app: Flask) -> None:
        """Have every request of an application be a trace."""
        app.wsgi_app = _Layer(app.wsgi_app, self._tracer)  # type: ignore[assignment, method-assign]

    def source(self, source: str, outcome: str, seconds: float) -> None:
        attributes = {"portal.source": source, "portal.outcome": outcome}
        self._past(f"source {source}", seconds, attributes, outcome in GOOD)

    def log_commit(self, seconds: float) -> None:
        self._past("log commit", seconds, {}, True)

    def _past(self, what: str, seconds: float, attributes: dict[str, str], good: bool) -> None:
        """A span that is over, of the trace that is being worked for; alone it tells nothing."""
        if not trace.get_current_span().get_span_context().is_valid:
            return
        now = time.time_ns()
        span = self._tracer.start_span(
            what, None, SpanKind.CLIENT, attributes, start_time=now - int(seconds * 1e9)
        )
        if not good:
            span.set_status(Status(StatusCode.ERROR))
        span.end(now)


class _Layer:
    """A WSGI layer."""

    def __init__(self, inner: WSGIApplication, tracer: trace.Tracer) -> None:
        self._inner, self._tracer = inner, tracer

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        method = environ["REQUEST_METHOD"]
        method = method if method in METHODS else "other"
        span = self._tracer.start_span(method, Context(), SpanKind.SERVER)

        def noted(line: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            status = int(line[:3])
            span.set_attribute("http.response.status_code", status)
            if status >= 500:
                span.set_status(Status(StatusCode.ERROR))
            return start(line, headers, *more)

        quiet = {"record_exception": False, "set_status_on_exception": False}
        with trace.use_span(span, end_on_exit=True, **quiet):
            try:
                return self._inner(environ, noted)
            finally:
                span.set_attribute("http.request.method", method)
                span.set_attribute("portal.endpoint", name(environ))
                span.update_name(f"{method} {name(environ)}")
