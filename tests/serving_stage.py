"""`portal serve` as a process of its own, for tests that reload, stop or wound it."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from backend_stub.demo import write_config
from portal import keys, schema
from portal.config import load
from portal.db import Store

THOUGHT = 0.3
"""Seconds between a connection and its question."""
PATIENCE = 60.0
"""Seconds a busy machine may take for what is nearly immediate on an idle one."""


class Reply(NamedTuple):
    status: int
    headers: dict[str, str]
    """By lower-case name."""
    raw: bytes

    @property
    def body(self) -> str:
        return self.raw.decode()


class Wire(http.client.HTTPConnection):
    """One connection, over a socket file or a port of this machine."""

    def __init__(self, where: Path | int) -> None:
        super().__init__("127.0.0.1", where if isinstance(where, int) else 80, timeout=PATIENCE)
        self._file = where

    def connect(self) -> None:
        if isinstance(self._file, int):
            super().connect()
            return
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PATIENCE)
        self.sock.connect(str(self._file))

    def ask(self, path: str, method: str = "GET", body: str | None = None, **headers: str) -> Reply:
        self.request(method, path, body, {"Host": "127.0.0.1", **headers})
        answer = self.getresponse()
        named = {name.lower(): value for name, value in answer.getheaders()}
        return Reply(answer.status, named, answer.read())


class Served:
    """One running server, asked as its proxy would ask."""

    def __init__(self, config: Path, environ: dict[str, str], *options: str) -> None:
        named = [o.removeprefix("unix:") for o in options if o.startswith("unix:")]
        self.config = config
        self.file = Path(named[0]) if named else config.parent / "portal.sock"
        self.secrets, self.host = environ, _host_of(config)
        self.environ = {**os.environ, **environ, "PORTAL_CONFIG": str(config)}
        self.said = config.parent / "said"
        self.port = _port_of(options)
        bind = () if self.port or named else ("--bind", f"unix:{self.file}")
        self._command = [sys.executable, "-m", "portal", "serve", "--workers", "2", *bind, *options]
        self.start()

    def start(self) -> None:
        """At first, and again after it was killed."""
        with self.said.open("ab") as out:
            self.process = subprocess.Popen(self._command, env=self.environ, stdout=out, stderr=out)

    def wire(self) -> Wire:
        """A connection to ask on more than once."""
        return Wire(self.port or self.file)

    def operators(self, path: str) -> Reply:
        """Asked on the operators' port, a socket file beside the public one."""
        wire = Wire(self.config.parent / "operators.sock")
        try:
            return wire.ask(path)
        finally:
            wire.close()

    def get(self, path: str, thought: float = 0.0, **headers: str) -> Reply:
        """Asked after so many seconds of silence on a connection of its own."""
        wire = self.wire()
        try:
            wire.connect()
            time.sleep(thought)
            return wire.ask(path, **{"Host": self.host, **headers})
        finally:
            wire.close()

    def workers(self) -> set[int]:
        """The processes that answer, by number."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return {int(c) for c in children.split()}

    def log(self) -> str:
        return self.said.read_text(errors="replace")

    def hup(self) -> None:
        self.process.send_signal(signal.SIGHUP)


def _host_of(config: Path) -> str:
    line = next(x for x in config.read_text().splitlines() if x.startswith("base_url"))
    return line.partition("://")[2].partition(":")[0].strip('"')


def _port_of(options: tuple[str, ...]) -> int:
    binds = [o for o in options if o.startswith("127.0.0.1:")]
    return int(binds[0].partition(":")[2]) if binds else 0


def until(holds: Callable[[], object], what: str = "") -> None:
    """Wait for something to become true, for as long as a busy machine needs."""
    late = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < late, what or holds
        time.sleep(0.05)


def write_place(
    folder: Path, idp_port: int = 9, upgraded: bool = True, more: str = ""
) -> tuple[Path, dict[str, str]]:
    """A configuration of the demo's world, where nobody answers, and its secrets."""
    config = write_config(folder, idp_port=idp_port, backend_port=9)
    config.write_text(config.read_text() + more)
    environ = {"PORTAL_SECRET_KEYS": keys.new_secret(), "PORTAL_DATA_KEYS": keys.new_data_key()}
    if upgraded:
        settings = load(config, environ)
        schema.upgrade(Store(settings.database, settings.path("."), settings.municipality))
    return config, environ


@contextmanager
def serving(config: Path, environ: dict[str, str], *options: str) -> Iterator[Served]:
    """A server that answers; stopped at the end, whatever happened."""
    served = Served(config, environ, *options)
    try:
        until(lambda: _answers(served), "it does not answer")
        yield served
    finally:
        if served.process.poll() is None:
            served.process.terminate()
            try:
                served.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                served.process.kill()


def _answers(served: Served) -> bool:
    assert served.process.poll() is None, served.log()
    try:
        return served.get("/readyz").status == 200
    except OSError:
        return False


class Load:
    """A few clients that ask all the time, each request on a connection of its own.

    On a port each thinks a while before it asks. On a socket file it is a proxy, which does not,
    and asks once more where a connection is closed without an answer (docs/deploy).
    """

    def __init__(self, served: Served, clients: int = 3) -> None:
        self.answers: list[int] = []
        self.errors: list[str] = []
        self._served, self._over = served, threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(clients)]

    def _ask(self) -> None:
        while not self._over.is_set():
            try:
                self.answers.append(self._one())
            except Exception as e:
                self.errors.append(repr(e))
            time.sleep(0.02)

    def _one(self) -> int:
        if self._served.port:
            return self._served.get("/hjaelp", THOUGHT).status
        try:
            return self._served.get("/hjaelp").status
        except ConnectionError:
            return self._served.get("/hjaelp").status

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()


@contextmanager
def slow_provider(seconds: float) -> Iterator[int]:
    """A login provider that takes its time: who asks for a login waits so long. Yields its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_dawdle, args=(listener, seconds), daemon=True).start()
        yield listener.getsockname()[1]


def _dawdle(listener: socket.socket, seconds: float) -> None:
    while True:
        try:
            caller, _ = listener.accept()
        except OSError:
            return
        threading.Timer(seconds, _refuse, [caller]).start()


def _refuse(caller: socket.socket) -> None:
    with caller:
        caller.recv(4096)
        caller.sendall(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
