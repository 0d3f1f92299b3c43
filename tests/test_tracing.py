"""Traces: one span a request, one in it for each source; sent where the file says, and about nobody."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from flask import Flask
from msgspec import structs
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from portal import telemetry
from portal.settings import ConfigError, Settings, TracingSettings
from portal.telemetry import layer, switched
from portal.telemetry.tracing import Tracing
from tests.conftest import BASE, Login

ALL = TracingSettings(endpoint="http://127.0.0.1:9/v1/traces", sample=1.0)
ALLOWED = {
    "http.request.method", "http.response.status_code",
    "portal.endpoint", "portal.source", "portal.outcome",
}  # fmt: skip


class Traced:
    """An application whose traces end here."""

    def __init__(self, app: Flask, settings: TracingSettings) -> None:
        self._kept = InMemorySpanExporter()
        self._tracing = Tracing(settings, self._kept)
        telemetry.listen(self._tracing)
        layer.leave_names(app)
        self._tracing.install(app)

    def spans(self) -> tuple[ReadableSpan, ...]:
        self._tracing.provider.force_flush()
        return self._kept.get_finished_spans()


@pytest.fixture
def traced(app: Flask) -> Iterator[Traced]:
    yield Traced(app, ALL)
    telemetry.listen()


def test_a_request_is_a_trace_with_its_sources_in_it(traced: Traced, login: Login) -> None:
    mette = login("mette")
    ids = mette.citizens()
    assert mette.get("/overblik?vent=1").status_code == 200
    page = f"/overblik/{ids['Emil']}?vent=1"
    headers = {"traceparent": "00-" + "c" * 32 + "-" + "d" * 16 + "-01"}
    assert mette.get(page, headers=headers).status_code == 200
    assert mette.get("/findes/0101159995").status_code == 404
    spans = traced.spans()
    shown = [s for s in spans if s.name == "GET overview.show"]
    (root,) = shown
    assert root.parent is None and format(root.context.trace_id, "032x") != "c" * 32
    assert root.attributes and root.attributes["http.response.status_code"] == 200
    inside = [s for s in spans if s.parent and s.context.trace_id == root.context.trace_id]
    assert "log commit" in {s.name for s in inside}
    asked = [s for s in spans if s.name.startswith("source ")]
    roots = {s.context.trace_id for s in spans if s.parent is None}
    assert asked and {s.context.trace_id for s in asked} <= roots
    assert {k for s in spans for k in s.attributes or {}} <= ALLOWED
    told = "".join(s.to_json() for s in spans)
    for canary in (*ids, *ids.values(), "Holm", "0101159995", "overblik/", "http://", "findes"):
        assert canary not in told, canary


def test_an_exception_tells_nothing(traced: Traced, app: Flask) -> None:
    def broken(*_: object) -> None:
        raise ValueError("Emil")

    app.extensions["portal"].limiter.allows = broken
    app.test_client().get("/kalender/x.ics", base_url=BASE)
    (span,) = traced.spans()
    assert (span.name, span.status.is_ok) == ("GET calendar.feed", False)
    assert not span.events and "Emil" not in span.to_json()


def test_only_a_share_is_traced(app: Flask) -> None:
    none = Traced(app, structs.replace(ALL, sample=0.0))
    app.test_client().get("/hjaelp", base_url=BASE)
    telemetry.tell().source("ppr", "shown", 0.1)
    telemetry.listen()
    assert none.spans() == ()


def test_what_the_collector_of_the_file_gets(app: Flask, settings: Settings) -> None:
    got: list[bytes] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Collector) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        where = TracingSettings(
            endpoint=f"http://127.0.0.1:{server.server_port}/v1/traces", sample=1
        )
        switched.on(app, structs.replace(settings, tracing=where))
        app.test_client().get("/hjaelp?q=zqord", base_url=BASE)
        for listener in _listening():
            listener.provider.shutdown()
        telemetry.listen()
        server.shutdown()
    request = ExportTraceServiceRequest.FromString(got[0])
    (resource,) = request.resource_spans
    assert [s.name for scope in resource.scope_spans for s in scope.spans] == ["GET pages.help_"]
    assert {a.key for a in resource.resource.attributes} == {"service.name"}
    assert b"zqord" not in got[0]


def _listening() -> list[Tracing]:
    found = telemetry.tell().source.__self__  # type: ignore[attr-defined]
    return [found]


def test_without_the_packages_it_does_not_start(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(switched, "find_spec", lambda name: None)
    switched.check(settings)
    with pytest.raises(ConfigError, match=r"tracing\.endpoint: needs packages"):
        switched.check(structs.replace(settings, tracing=ALL))
