"""Where a server listens, as operators write it: HOST:PORT or unix:FILE."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from pathlib import Path

EXAMPLE = "127.0.0.1:8000, or unix:/run/familieoverblik/portal.sock"


class NotAPlace(ValueError):
    """What was written is no place to listen; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Bind:
    """An address and port, or a socket file with its mode."""

    host: str = "127.0.0.1"
    port: int = 8000
    file: Path | None = None
    mode: int = 0o660

    @property
    def private(self) -> bool:
        """Whether nobody but this machine can reach it."""
        return self.file is not None or is_loopback(self.host)

    def taken(self) -> str:
        """Why nobody can listen there now; "" when somebody can.

        The server shares its port with its own workers, and would with another server's.
        """
        if self.file:
            return ""  # a socket file is put in the other's place
        try:
            found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
            with socket.socket(found[0][0], socket.SOCK_STREAM) as tried:
                tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                tried.bind(found[0][4])
                tried.listen(1)
        except OSError as e:
            return f"nobody can listen on port {self.port} of {self.host}: {e.strerror}"
        return ""


def bind_of(text: str, mode: int = 0o660) -> Bind:
    """The place that `text` names. Raises NotAPlace."""
    scheme, _, file = text.partition("unix:")
    if not scheme and file:
        return Bind(file=_socket_file(Path(file)), mode=mode)
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdigit() or int(port) > 65535:
        raise NotAPlace("is not HOST:PORT or unix:FILE")
    return Bind(host=host.strip("[]"), port=int(port))


def _socket_file(file: Path) -> Path:
    if not file.is_absolute():
        raise NotAPlace("unix: takes a whole path")
    if not file.parent.is_dir():
        raise NotAPlace(f"there is no folder {file.parent}")
    if file.exists() and not file.is_socket():
        raise NotAPlace(f"{file} is there and is no socket")
    return file


def is_loopback(host: str) -> bool:
    """127.0.0.0/8, ::1 or the name localhost."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
