"""A portal in a process of its own, and a wire to it that can be as slow as one wants."""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from backend_stub.demo import write_config
from portal import create_app, schema
from portal.config import load
from tests.conftest import PORT, World

LONG = 60.0


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: http.client.HTTPMessage
    text: str
    seconds: float


@dataclass(frozen=True)
class Served:
    """A portal that listens."""

    port: int

    def ask(self, path: str, method: str = "GET", body: str = "", **headers: str) -> Answer:
        """One whole request on a connection of its own."""
        named = {k.replace("_", "-"): v for k, v in headers.items()}
        if body:
            named["Content-Type"] = "application/x-www-form-urlencoded"
        began = time.monotonic()
        wire = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LONG)
        with contextlib.closing(wire):
            host = named.pop("Host", f"127.0.0.1:{PORT}")
            wire.request(method, path, body or None, {"Host": host, **named})
            reply = wire.getresponse()
            text = reply.read().decode()
            return Answer(reply.status, reply.headers, text, time.monotonic() - began)

    def open(self, start: bytes) -> socket.socket:
        """A connection on which only this has been said."""
        wire = socket.create_connection(("127.0.0.1", self.port), LONG)
        wire.sendall(start)
        return wire


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture(scope="module")
def served(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One worker, as in production."""
    folder = tmp_path_factory.mktemp("front")
    (folder / "keys").symlink_to(world.client_keys)
    backends = urlsplit(world.backends).port or 0
    file = write_config(folder, portal_port=PORT, idp_port=world.idp_port, backend_port=backends)
    schema.upgrade(create_app(load(file, world.secrets)).extensions["portal"].store)
    environ = {**os.environ, **world.secrets, "PORTAL_CONFIG": str(file)}
    port = free_port()
    command = [sys.executable, "-m", "tests.front_app", str(port)]
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(command, env=environ, stdout=log, stderr=log)
        try:
            yield _listening(Served(port), process, folder / "log")
        finally:
            process.terminate()
            process.wait(LONG)


def _listening(served: Served, process: subprocess.Popen[bytes], log: Path) -> Served:
    until = time.monotonic() + LONG
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError):
            if served.ask("/readyz").status == 200:
                return served
        time.sleep(0.05)
    raise RuntimeError(log.read_text())
