"""One keep-alive HTTP/1.1 connection on a bare socket: a client too small to disturb what it measures."""

from __future__ import annotations

import socket
import ssl
import time
from types import TracebackType
from typing import NamedTuple

LARGEST = 64 * 1024
PATIENCE = 60.0


class Reply(NamedTuple):
    """An answer; `first_byte` and `seconds` count from the sending of the request."""

    status: int
    headers: dict[str, str]
    body: bytes
    first_byte: float
    seconds: float


class Wire:
    """Asks one server, one request at a time, over one connection."""

    def __init__(
        self, port: int, cookie: str = "", encoding: str = "identity", certificate: str = ""
    ) -> None:
        self._port, self._socket = port, _connect(port, certificate)
        self._always = f"Host: 127.0.0.1:{port}\r\nAccept-Encoding: {encoding}\r\n"
        if cookie:
            self._always += f"Cookie: {cookie}\r\n"

    def __enter__(self) -> Wire:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, e: BaseException | None, t: TracebackType | None
    ) -> None:
        self._socket.close()

    def get(self, path: str, **headers: str) -> Reply:
        """GET; underscores in a header's name stand for dashes."""
        return self._ask("GET", path, headers, b"")

    def post(self, path: str, body: bytes, **headers: str) -> Reply:
        """POST a form."""
        headers.setdefault("Content_Type", "application/x-www-form-urlencoded")
        return self._ask("POST", path, headers | {"Content_Length": str(len(body))}, body)

    def _ask(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
        lines = "".join(f"{k.replace('_', '-')}: {v}\r\n" for k, v in headers.items())
        head = f"{method} {path} HTTP/1.1\r\n{self._always}{lines}\r\n"
        began = time.perf_counter()
        self._socket.sendall(head.encode() + body)
        received = self._some()
        first_byte = time.perf_counter() - began
        while b"\r\n\r\n" not in received:
            received += self._some()
        top, _, got = received.partition(b"\r\n\r\n")
        status, fields = _parsed(top)
        wanted = int(fields.get("content-length", "0"))
        parts, have = [got], len(got)
        while have < wanted:
            parts.append(self._some())
            have += len(parts[-1])
        return Reply(status, fields, b"".join(parts), first_byte, time.perf_counter() - began)

    def _some(self) -> bytes:
        found = self._socket.recv(LARGEST)
        if not found:
            raise ConnectionError("the server closed the connection")
        return found


def _connect(port: int, certificate: str) -> socket.socket:
    made = socket.create_connection(("127.0.0.1", port), PATIENCE)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if certificate:
        trust = ssl.create_default_context(cafile=certificate)
        return trust.wrap_socket(made, server_hostname="127.0.0.1")
    return made


def _parsed(top: bytes) -> tuple[int, dict[str, str]]:
    first, *lines = top.decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    return int(first.split(" ")[1]), {k.lower(): v.strip() for k, _, v in pairs}
