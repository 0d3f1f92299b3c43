"""What is measured: backends, provider and portal as processes of their own, and somebody logged in.

Everything runs over real HTTP with storage, consent and access log on. A world
is a configuration; the backends and the provider serve all worlds of one run.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from backend_stub.demo import bench_config, write_config
from bench.engines import Engines
from bench.options import DEFAULTS, Options
from bench.processes import free_ports
from bench.wire import Wire
from mitid_stub.rehearsal import answer_login, new_browser
from portal import keys

START_SECONDS = 30
GUARDIAN, CHILD = "camilla", "Noah"
"""Sole custody of the boy with 29 places in 45 systems."""


class Ports(NamedTuple):
    portal: int
    idp: int
    backend: int


class World(NamedTuple):
    """A portal that runs, its guardian's cookie and the address of her child's overview."""

    port: int
    cookie: str
    page: str
    workers: int
    certificate: str = ""
    pid: int = 0
    """Of the server, whose children serve."""

    def wire(self, encoding: str = "identity") -> Wire:
        """A new connection of the logged-in guardian."""
        return Wire(self.port, self.cookie, encoding, self.certificate)

    def meter(self, wire: Wire) -> dict[str, float]:
        """CPU seconds and SQL statements of the process behind this connection."""
        found: dict[str, float] = json.loads(wire.get("/-/meter").body)
        return found


Write = Callable[[Path, Ports], Path]


def noah(folder: Path, ports: Ports) -> Path:
    """The demo's own world: 29 actors in 45 systems."""
    return write_config(
        folder, portal_port=ports.portal, idp_port=ports.idp, backend_port=ports.backend
    )


def equal(n: int, delay: float, *, timeout: float = 0, remembered: bool = True) -> Write:
    """`n` equal sources of so many seconds; `remembered` False makes every overview a cold one."""

    def write(folder: Path, ports: Ports) -> Path:
        file = bench_config(
            folder, n, delay,
            portal_port=ports.portal, idp_port=ports.idp, backend_port=ports.backend,
        )  # fmt: skip
        text = file.read_text(encoding="utf-8")
        if timeout:
            text = re.sub(r"(?m)^timeout = .*$", f"timeout = {timeout}", text)
        if not remembered:
            text = text.replace("[[source]]", "[[source]]\ncache_seconds = 0\nstale_seconds = 0")
        file.write_text(text, encoding="utf-8")
        return file

    return write


class Stage:
    """Backends and provider, and one portal after another."""

    def __init__(
        self, folder: Path, ports: Ports, certificate: str = "", options: Options = DEFAULTS
    ) -> None:
        self._folder, self._ports, self._number = folder, ports, 0
        self.certificate, self.options = certificate, options

    @contextmanager
    def world(self, write: Write, workers: int = 1) -> Iterator[World]:
        """A portal with this configuration, and a fresh database and cache of the kind asked for."""
        self._number += 1
        folder = self._folder / str(self._number)
        folder.mkdir()
        config = write(folder, self._ports)
        with Engines.started(self.options) as engines:
            text = config.read_text(encoding="utf-8")
            if self.certificate:
                text = text.replace('base_url = "http:', 'base_url = "https:')
            lines = "\n".join(engines.lines(self._number))
            config.write_text(re.sub("(?m)^database = .*$", lines, text))
            config.chmod(0o600)  # the cache's address holds a password
            environ = os.environ | engines.environ(self._number) | _secrets(config)
            upgrade = [sys.executable, "-m", "portal", "db", "upgrade"]
            subprocess.run(upgrade, env=environ, check=True, stdout=subprocess.DEVNULL)
            serve = [sys.executable, "-m", "bench.served", str(self._ports.portal), str(workers)]
            serve += [self.certificate] if self.certificate else []
            with running(serve, self._ports.portal, environ) as server:
                cookie, page = _logged_in(self._ports.portal, self.certificate)
                yield World(self._ports.portal, cookie, page, workers, self.certificate, server.pid)

    def systems(self, n: int, delay: float) -> list[str]:
        """The addresses of so many of `equal`'s sources."""
        own = f"http://127.0.0.1:{self._ports.backend}/bench"
        return [f"{own}/{i}/{round(delay * 1000)}/sager" for i in range(n)]


def _secrets(config: Path) -> dict[str, str]:
    return {
        "PORTAL_CONFIG": str(config),
        "PORTAL_SECRET_KEYS": keys.new_secret(),
        "PORTAL_DATA_KEYS": keys.new_data_key(),
    }


@contextmanager
def stage(*, tls: bool = False, options: Options = DEFAULTS) -> Iterator[Stage]:
    """Start what every world needs; stops all at the end. With `tls` the portal speaks HTTPS."""
    ports = Ports(*free_ports(3))
    portal = f"http{'s' * tls}://127.0.0.1:{ports.portal}"
    idp = [sys.executable, "-m", "mitid_stub", "--port", str(ports.idp)]
    idp += ["--redirect-uri", f"{portal}/log-ind/retur", "--post-logout", f"{portal}/"]
    idp += ["--client-jwks-url", f"{portal}/.well-known/jwks.json"]
    backend = [sys.executable, "-m", "backend_stub", "--port", str(ports.backend)]
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        _certified(Path(folder), tls) as certificate,
        running(idp, ports.idp, {**os.environ, "SSL_CERT_FILE": certificate} if tls else None),
        running(backend, ports.backend),
    ):
        yield Stage(Path(folder), ports, certificate, options)


@contextmanager
def _certified(folder: Path, tls: bool) -> Iterator[str]:
    """The file of a certificate for loopback, its key in the same file; "" without TLS."""
    if not tls:
        yield ""
        return
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    file = folder / "tls.pem"
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    yield str(file)


@contextmanager
def running(
    command: list[str], port: int, environ: Any = None, said: Path | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A server on a port of its own, stopped at the end; what it logs goes into the file `said`."""
    with said.open("wb") if said else nullcontext() as errors:
        process = subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=errors)
    try:
        _wait_for(port, process)
        yield process
    finally:
        process.terminate()
        process.wait(20)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"{process.args!r} did not start")


def _logged_in(port: int, certificate: str) -> tuple[str, str]:
    """The session cookie and the address of the child's overview."""
    base, browser = f"http{'s' * bool(certificate)}://127.0.0.1:{port}", new_browser()
    browser.verify = certificate or True
    begun = browser.get(f"{base}/log-ind", allow_redirects=False)
    back = answer_login(begun.headers["Location"], GUARDIAN)
    browser.get(back, allow_redirects=False).raise_for_status()
    family = browser.get(f"{base}/overblik?vent=1")
    family.raise_for_status()
    child = re.search(rf'href="(/overblik/[0-9a-f]{{32}})">{CHILD}<', family.text)
    if child is None:
        raise RuntimeError(f"no child named {CHILD} on the family page")
    session = next(c for c in browser.cookies if c.name.endswith("session"))
    return f"{session.name}={session.value}", child[1]
