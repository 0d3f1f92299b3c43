"""The operators' port: numbers for Prometheus and the sources' page, never on the public address.

It runs in the server's own process, beside the workers, so that it answers when they
do not. Each worker keeps its numbers in files of a private folder; here they
are added up, those of workers that ended included.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from portal import drill
from portal.binding import Bind, is_loopback
from portal.db import Store
from portal.second_place import SecondPlace
from portal.settings import Settings
from portal.telemetry import dashboard
from portal.telemetry.recent import Recent, totals
from portal.telemetry.switched import FOLDER

TEXT = "text/plain; version=0.0.4; charset=utf-8"
PATIENCE = 10


class Exporter:
    """Adds up, and answers on the operators' port until the process ends."""

    def __init__(self, settings: Settings, bind: Bind, workers: Callable[[], int]) -> None:
        self._settings, self._workers = settings, workers
        self._folder = Path(os.environ[FOLDER])
        self._place = SecondPlace(settings.path(settings.audit.checkpoints), settings.municipality)
        self._store = Store(settings.database, settings.path("."), settings.municipality)
        """Never asked, only named: ages are read from folders."""
        self._recent, self._lock = Recent(), threading.Lock()
        self._server = _listen(bind, self)

    def start(self) -> None:
        os.register_at_fork(after_in_child=self._server.socket.close)
        threading.Thread(target=self._server.serve_forever, name="operators", daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def numbers(self) -> bytes:
        """Everything, in Prometheus' own text."""
        return generate_latest(self._registry())

    def page(self, refresh: bool) -> str:
        """The sources' page."""
        now = time.time()
        new = totals(self._registry().collect(), now)
        with self._lock:
            lately = self._recent.lately([s[0] for s in dashboard.sources(self._settings)], new)
            minutes = self._recent.minutes(now)
        whole = dashboard.Whole(workers=self._workers(), checkpoint=self._place.age())
        return dashboard.render(self._settings, lately, whole, minutes, refresh)

    def remember(self) -> None:
        """Keep a snapshot when it is time."""
        now = time.time()
        if self._recent.due(now):
            snapshot = totals(self._registry().collect(), now)
            with self._lock:
                self._recent.add(snapshot)

    def collect(self) -> Iterator[Metric]:
        """What only the server knows, not a worker."""
        yield GaugeMetricFamily("portal_workers", "Workers alive.", self._workers())
        yield _age("checkpoint", "the access log was last signed", self._place.age())
        known = drill.status(self._settings, self._store)
        drilled = known.drill.at if known.drill else None
        yield _age("backup", "the newest backup", _since(known.at, known.backup))
        yield _age("drill", "a restore was last drilled", _since(known.at, drilled))

    def _registry(self) -> CollectorRegistry:
        """One for each question: nothing is added twice."""
        for file in self._folder.glob("gauge_live*_*.db"):
            pid = int(re.sub(r"\D", "", file.stem.rpartition("_")[2]))
            if not Path(f"/proc/{pid}").exists():
                mark_process_dead(pid, str(self._folder))  # type: ignore[no-untyped-call]
        registry = CollectorRegistry()
        MultiProcessCollector(registry, str(self._folder))  # type: ignore[no-untyped-call]
        registry.register(self)
        return registry


def _age(what: str, words: str, seconds: float) -> Metric:
    told = f"Seconds since {words}; +Inf when never."
    return GaugeMetricFamily(f"portal_{what}_age_seconds", told, seconds)


def _since(at: datetime, then: datetime | None) -> float:
    return (at - then).total_seconds() if then else float("inf")


class _Answers(BaseHTTPRequestHandler):
    """GET / and GET /metrics, to whoever came by a name of this machine."""

    timeout = PATIENCE
    server_version, sys_version = "portal", ""
    exporter: Exporter
    anybody = False
    """On a socket file the name does not matter: only who may open the file gets here."""

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        host = urlsplit(f"//{self.headers.get('Host', '')}").hostname or ""
        if not self.anybody and not is_loopback(host):  # a page elsewhere that renamed itself
            self._say(400, "text/plain", b"not by this name\n")
        elif parts.path == "/metrics":
            self._say(200, TEXT, self.exporter.numbers())
        elif parts.path == "/":
            refresh = parse_qs(parts.query).get("refresh") != ["0"]
            page = self.exporter.page(refresh).encode()
            self._say(200, "text/html; charset=utf-8", page, refresh)
        else:
            self._say(404, "text/plain", b"no such page\n")

    def _say(self, status: int, kind: str, body: bytes, refresh: bool = False) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Security-Policy", dashboard.POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        if refresh:
            self.send_header("Refresh", str(dashboard.REFRESH_SECONDS))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing: the portal keeps no log of requests."""

    def address_string(self) -> str:
        return ""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    exporter: Exporter

    def service_actions(self) -> None:
        self.exporter.remember()

    def server_bind(self) -> None:
        """Without the name look-up of the one it extends."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)


def _listen(bind: Bind, exporter: Exporter) -> _Server:
    """Raises OSError."""
    answers = type("Answers", (_Answers,), {"exporter": exporter, "anybody": bool(bind.file)})
    kind = type("Server", (_Server,), {"exporter": exporter, "address_family": _family(bind)})
    if bind.file:
        bind.file.unlink(missing_ok=True)
    server: _Server = kind(str(bind.file) if bind.file else (bind.host, bind.port), answers)
    if bind.file:
        bind.file.chmod(bind.mode)
    return server


def _family(bind: Bind) -> int:
    if bind.file:
        return socket.AF_UNIX
    return socket.AF_INET6 if ":" in bind.host else socket.AF_INET
