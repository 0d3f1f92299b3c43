"""The real nginx with the file we hand out, before two real servers: what it passes, what it keeps, what it never writes down."""

from __future__ import annotations

import json
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tests.serving_stage import PATIENCE, Reply, Served, Wire, serving, until, write_place

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
DEPLOY = Path(__file__).parent.parent / "docs" / "deploy"
HOST = "familieoverblik.kommune.example"
pytestmark = pytest.mark.skipif(not NGINX, reason="no nginx on this machine (apt install nginx)")


class Proxy(NamedTuple):
    """A proxy with two servers behind it."""

    port: int
    folder: Path
    servers: dict[str, Served]

    def wire(self) -> Wire:
        return _Secure(self.port, self.folder / "tls" / "fullchain.pem")

    def ask(self, path: str, method: str = "GET", body: str | None = None, **headers: str) -> Reply:
        wire = self.wire()
        try:
            return wire.ask(path, method, body, **{"Host": HOST, **headers})
        finally:
            wire.close()

    def log(self) -> str:
        return (self.folder / "log" / "familieoverblik.log").read_text()


class _Secure(Wire):
    def __init__(self, port: int, ca: Path) -> None:
        super().__init__(port)
        self._context = ssl.create_default_context(cafile=str(ca))

    def connect(self) -> None:
        super().connect()
        self.sock = self._context.wrap_socket(self.sock, server_hostname=HOST)


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    folder = tmp_path_factory.mktemp("nginx")
    more = '[log]\nrequest_id_header = "X-Request-Id"\n'
    config, environ = write_place(folder, more=more)
    config.write_text(config.read_text().replace("http://127.0.0.1:8000", f"https://{HOST}"))
    _certificate(folder / "tls")
    port = _configure(folder)
    with ExitStack() as stack:
        servers = {
            name: stack.enter_context(
                serving(config, environ, "--bind", f"unix:{folder}/{name}.sock")
            )
            for name in ("a", "b")
        }
        nginx = subprocess.Popen([str(NGINX), "-c", str(folder / "nginx.conf")])
        stack.callback(lambda: (nginx.terminate(), nginx.wait(PATIENCE)))
        until(lambda: _listens(port), "nginx does not answer")
        yield Proxy(port, folder, servers)


def _configure(folder: Path) -> int:
    """The handed-out files, with this machine's paths and ports in them."""
    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        socket.create_server(("127.0.0.1", 0)) as two,
    ):
        plain, secure = one.getsockname()[1], two.getsockname()[1]
    text = (DEPLOY / "nginx.conf").read_text()
    for name in ("a", "b"):
        text = text.replace(f"/run/familieoverblik/{name}/portal.sock", f"{folder}/{name}.sock")
    for old, new in {
        "    listen [::]:80;\n": "", "    listen [::]:443 ssl http2;\n": "",
        "listen 80;": f"listen 127.0.0.1:{plain};", "listen 443 ": f"listen 127.0.0.1:{secure} ",
        "/etc/familieoverblik/tls": f"{folder}/tls", "/var/log/nginx": f"{folder}/log",
        "/etc/nginx/familieoverblik_proxy.conf": f"{DEPLOY}/familieoverblik_proxy.conf",
    }.items():  # fmt: skip
        assert old in text, old
        text = text.replace(old, new)
    (folder / "log").mkdir()
    (folder / "site.conf").write_text(text)
    temporary = "".join(
        f"{what}_temp_path {folder}/{what};"
        for what in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"user root; daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;"
        f"events {{}} http {{ {temporary} include {folder}/site.conf; }}"
    )
    return secure


def _certificate(folder: Path) -> None:
    folder.mkdir()
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), False)
        .add_extension(x509.BasicConstraints(True, None), True)
        .sign(key, hashes.SHA256())
    )
    (folder / "fullchain.pem").write_bytes(made.public_bytes(Encoding.PEM))
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "key.pem").write_bytes(pem)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def test_pages_come_over_tls_and_http2(proxy: Proxy) -> None:
    page = proxy.ask("/", **{"Accept-Encoding": "br"})
    assert page.status == 200 and page.headers["content-encoding"] == "br"
    assert "max-age" in page.headers["strict-transport-security"]
    context = ssl.create_default_context(cafile=str(proxy.folder / "tls" / "fullchain.pem"))
    context.set_alpn_protocols(["h2"])
    with (
        socket.create_connection(("127.0.0.1", proxy.port), PATIENCE) as raw,
        context.wrap_socket(raw, server_hostname=HOST) as secure,
    ):
        assert secure.selected_alpn_protocol() == "h2"


def test_static_files_are_compressed_and_never_change(proxy: Proxy) -> None:
    page = proxy.ask("/").body
    sheet = next(p for p in page.split('"') if p.startswith("/static/built/") and ".css" in p)
    for way in ("br", "gzip"):
        packed = proxy.ask(sheet, **{"Accept-Encoding": way})
        assert packed.headers["content-encoding"] == way
        assert "immutable" in packed.headers["cache-control"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": f"https://{HOST}"}, 302),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": f"https://{HOST}", "Sec-Fetch-Site": "cross-site"}, 403),
        ({"Origin": f"https://{HOST}", "Sec-Fetch-Site": "same-origin"}, 302),
        ({"Host": "evil.example"}, 400),
    ],
)
def test_what_the_portal_must_know_is_passed(
    proxy: Proxy, headers: dict[str, str], status: int
) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert proxy.ask("/sprog", "POST", "sprog=en", **form, **headers).status == status


def test_cookies_are_for_this_host_over_tls(proxy: Proxy) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded", "Origin": f"https://{HOST}"}
    cookie = proxy.ask("/sprog", "POST", "sprog=en", **form).headers["set-cookie"]
    assert cookie.startswith("__Host-sprog=en;") and "Secure" in cookie and "HttpOnly" in cookie


def test_too_much_is_refused_before_the_portal(proxy: Proxy) -> None:
    assert proxy.ask("/sprog", "POST", "x" * 200_000).status == 413


def test_secrets_and_searches_are_never_written_down(proxy: Proxy) -> None:
    link = "/kalender/zqhemmeligt.ics"
    assert proxy.ask(link).status == 404
    proxy.ask("/log-ind/retur?code=zqkode&state=zqstate")
    proxy.ask("/findes/zqikke?q=zqord")
    until(lambda: len(proxy.log().splitlines()) >= 2)
    time.sleep(0.2)
    everything = proxy.log() + (proxy.folder / "error.log").read_text()
    everything += (proxy.folder / "log" / "familieoverblik.error.log").read_text()
    assert "zq" not in everything and "kalender" not in everything
    assert "zq" not in proxy.servers["a"].log() + proxy.servers["b"].log()


def test_one_number_in_the_proxys_log_and_in_the_portals(proxy: Proxy) -> None:
    """A number that the browser sends is not believed."""
    proxy.ask("/findes-ikke", **{"X-Request-Id": "deadbeef" * 4})
    until(lambda: " 404 " in proxy.log())
    lines = [json.loads(x) for x in proxy.servers["a"].log().splitlines()]
    numbers = {x["request"] for x in lines if x.get("status") == 404}
    assert numbers and numbers <= {line.split()[1] for line in proxy.log().splitlines()} | numbers
    logged = {line.split()[1] for line in proxy.log().splitlines() if " 404 " in line}
    assert numbers & logged
    assert "deadbeef" not in proxy.log() + proxy.servers["a"].log()


def test_servers_restarted_in_turn_lose_nobody(proxy: Proxy) -> None:
    """A new version, or new secrets: stop one, start it, then the other, while people ask."""
    answers: list[int] = []
    errors: list[str] = []
    over = threading.Event()

    def visitor() -> None:
        while not over.is_set():
            try:
                answers.append(proxy.ask("/hjaelp").status)
            except Exception as e:
                errors.append(repr(e))
            time.sleep(0.02)

    threads = [threading.Thread(target=visitor) for _ in range(3)]
    for thread in threads:
        thread.start()
    with ExitStack() as stack:
        for name, served in proxy.servers.items():
            served.process.terminate()
            served.process.wait(PATIENCE)
            bind = f"unix:{proxy.folder}/{name}.sock"
            stack.enter_context(serving(served.config, served.secrets, "--bind", bind))
        over.set()
        for thread in threads:
            thread.join()
    assert errors == []
    assert set(answers) == {200}
