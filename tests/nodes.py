"""Two nodes as an operator runs them: two `portal serve` in folders of their own, one PostgreSQL, one Valkey."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode, urlsplit

from werkzeug.wrappers import Response

from backend_stub.app import create_app as create_backends
from backend_stub.demo import write_config
from backend_stub.serving import run_in_thread
from mitid_stub import Client
from mitid_stub import serving as provider_serving
from mitid_stub.personas import personas
from mitid_stub.provider import Provider
from mitid_stub.rehearsal import answer_login
from portal import keys
from portal.config import load
from portal.settings import Settings
from tests import stores
from tests.conftest import BASE, Browser
from tests.serving_stage import Served, serving
from tests.valkey_fixtures import free_port

PATIENT = "timeout = 20.0"


@dataclass
class Nodes:
    """Both, the provider that logs people in, and the settings of the first."""

    served: list[Served]
    provider: Provider
    settings: Settings

    def browser(self, node: int = 0) -> Browser:
        """A browser whose requests the proxy sends to this node, until told otherwise."""
        return Browser(Wire([s.port for s in self.served], node))  # type: ignore[arg-type]

    def login(self, person: str, door: str = "/log-ind") -> Browser:
        """Away by the first node, back by the second."""
        browser = self.browser()
        away = browser.get(door)
        back = answer_login(away.headers["Location"], person)
        came = on(browser, 1).get(back.removeprefix(BASE))
        assert came.status_code == 302, came.get_data(as_text=True)
        return on(browser, 0)


@dataclass
class Wire:
    """What Browser holds in place of a test client: real HTTP to one of the nodes, cookies shared by both."""

    ports: list[int]
    node: int = 0
    cookies: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, **more: Any) -> Response:
        answer = self._ask("GET", path, **more)
        while more.get("follow_redirects") and answer.status_code in (302, 303):
            answer = self._ask("GET", answer.headers["Location"].removeprefix(BASE))
        return answer

    def post(self, path: str, **more: Any) -> Response:
        return self._ask("POST", path, **more)

    def _ask(
        self,
        method: str,
        path: str,
        data: Any = None,
        headers: dict[str, str] | None = None,
        **_: Any,
    ) -> Response:
        sent = {"Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items()), **(headers or {})}
        body = urlencode(data, doseq=True) if data is not None else None
        if body is not None:
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        connection = http.client.HTTPConnection("127.0.0.1", self.ports[self.node], timeout=120)
        try:
            connection.request(method, path, body, sent)
            got = connection.getresponse()
            answer = Response(got.read(), got.status, got.headers.items())
        finally:
            connection.close()
        for line in answer.headers.getlist("Set-Cookie"):
            name, _, value = line.split(";")[0].partition("=")
            self.cookies[name] = value
        answer.request = SimpleNamespace(path=path)  # type: ignore[attr-defined]
        return answer


def on(browser: Browser, node: int) -> Browser:
    """The same browser; from now on the proxy sends it to this node."""
    browser.client.node = node  # type: ignore[attr-defined]
    return browser


@contextmanager
def two_nodes(folder: Path) -> Iterator[Nodes]:
    """Both serve until the block ends; each has its own file, journal and one worker."""
    ports, first = [free_port(), free_port()], folder / "node-1"
    secrets = {
        "PORTAL_SECRET_KEYS": keys.new_secret(),
        "PORTAL_DATA_KEYS": keys.new_data_key(),
    }
    first.mkdir()
    config = write_config(first)
    client = Client(
        client_id="familieoverblik",
        redirect_uris=[f"{BASE}/log-ind/retur"],
        post_logout_uris=[f"{BASE}/"],
        jwks=json.loads(keys.public(load(config, secrets))),
        backchannel_uri=f"http://127.0.0.1:{ports[1]}/log-ind/bagkanal",
    )
    with (
        run_in_thread(create_backends(latency=0)) as backends,
        provider_serving([client], personas()) as provider,
    ):
        where = {
            "idp_port": urlsplit(provider.issuer).port or 0,
            "backend_port": urlsplit(backends).port or 0,
        }
        write_config(first, **where)
        environ = stores.place_on_postgresql(config, secrets)
        config.write_text(_unhurried(config.read_text()))
        second = _second(folder, config)
        with (
            serving(config, environ, "--workers", "1", "--bind", f"127.0.0.1:{ports[0]}") as one,
            serving(second, environ, "--workers", "1", "--bind", f"127.0.0.1:{ports[1]}") as two,
        ):
            yield Nodes([one, two], provider, load(config, environ))


def _second(folder: Path, config: Path) -> Path:
    """The same file on another machine; only one of two signs the log."""
    other = folder / "node-2"
    other.mkdir()
    (other / "keys").symlink_to(config.parent / "keys")
    file = other / config.name
    file.touch(mode=0o600)
    file.write_text(config.read_text().replace("[audit]\n", "[audit]\nsign = false\n"))
    return file


def _unhurried(text: str) -> str:
    """A busy machine is no outage of the register's."""
    return re.sub(r"(?m)^\[register\]$", f"[register]\n{PATIENT}", text)
