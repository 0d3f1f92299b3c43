"""A provider nobody here wrote: the portal logs in at npm's `oidc-provider` by its file alone.

PAR is required there, PKCE, private_key_jwt; it fetches our keys itself, and tells us itself
when a session is over. Everything is HTTP between two processes' ports.
"""

from __future__ import annotations

import json
import re
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
import requests

from backend_stub.demo import write_config
from mitid_stub.personas import personas
from mitid_stub.rehearsal import new_browser
from mitid_stub.server import threaded
from portal import create_app, schema
from portal.config import load
from tests.conftest import World
from tests.npm import free_port, node

HERE = Path(__file__).resolve().parent
LEVEL = "https://data.gov.dk/concept/core/nsis/{}"
SUBSTANTIAL, LOW = LEVEL.format("Substantial"), LEVEL.format("Low")
DOOR = """[identity.citizen]
profile = "oidc"
issuer = "http://127.0.0.1:{idp}"
client_id = "portalen"
client_key = "keys/portal.jwk.json"
scope = "openid ssn"
minimum_loa = "substantial"
person_claim = "cpr"
loa_claim = "acr"
loa_values = {{ low = ["{low}"], substantial = ["{substantial}"] }}
"""


@dataclass
class Served:
    """The portal at its own address, and the provider at its."""

    portal: str
    provider: str

    def arrive(self, browser: requests.Session, account: str, **how: str) -> requests.Response:
        """To the provider by our door, answer there, and what our callback says."""
        gone = browser.get(f"{self.portal}/log-ind", allow_redirects=False)
        assert gone.status_code == 302, gone.text
        assert set(re.findall(r"[?&](\w+)=", gone.headers["Location"])) == {
            "client_id",
            "request_uri",
        }
        asked = browser.get(gone.headers["Location"])
        assert asked.text == "who are you?", asked.text
        form = {"account": account, "acr": SUBSTANTIAL, "action": "approve", **how}
        answer = browser.post(asked.url, form, allow_redirects=False)
        while not answer.headers["Location"].startswith(self.portal):
            there = urljoin(self.provider, answer.headers["Location"])
            answer = browser.get(there, allow_redirects=False)
        return browser.get(answer.headers["Location"], allow_redirects=False)

    def inside(self, browser: requests.Session) -> bool:
        return browser.get(f"{self.portal}/konto", allow_redirects=False).status_code == 200


@pytest.fixture(scope="module")
def served(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("third-party")
    (folder / "keys").symlink_to(world.client_keys)
    server, idp = threaded("127.0.0.1", 0), free_port()
    file = write_config(
        folder,
        portal_port=server.port,
        idp_port=idp,
        backend_port=urlsplit(world.backends).port or 0,
    )
    text = re.sub(r"(?s)\[identity\.citizen\].*?(?=\[register\])", "DOOR\n", file.read_text())
    door = DOOR.format(idp=idp, low=LOW, substantial=SUBSTANTIAL)
    file.write_text(text.replace("DOOR", door))
    server.app = create_app(load(file, world.secrets))
    schema.upgrade(server.app.extensions["portal"].store)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    portal = f"http://127.0.0.1:{server.port}"
    with _provider(folder, idp, portal):
        yield Served(portal, f"http://127.0.0.1:{idp}")
    server.shutdown()
    server.server_close()
    thread.join()


class _provider:
    """The process of the provider; ready when it says so."""

    def __init__(self, folder: Path, port: int, portal: str) -> None:
        people = {p.key: {"cpr": p.cpr, "birthdate": f"{p.born}"} for p in personas() if p.cpr}
        told = {
            "port": port,
            "portal": portal,
            "client_id": "portalen",
            "people": people,
            "acr": [SUBSTANTIAL, LOW],
        }
        self._config = folder / "provider.json"
        self._config.write_text(json.dumps(told))

    def __enter__(self) -> None:
        command = [*node(), str(HERE / "third_party_provider.mjs"), str(self._config)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.strip() == "ready":
                break
        # it goes on talking; nobody has to listen
        self._drain = threading.Thread(target=self._process.stdout.read, daemon=True)
        self._drain.start()

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(20)
        self._drain.join(5)


def test_a_citizen_comes_in_by_the_file_alone(served: Served) -> None:
    browser = new_browser()
    back = served.arrive(browser, "mette")
    assert (back.status_code, back.headers["Location"]) == (302, "/overblik")
    family = browser.get(f"{served.portal}/overblik?vent=1")
    assert "Emil" in family.text and 'data-viewer="guardian"' in family.text


def test_cancelled_there_nobody_is_here(served: Served) -> None:
    browser = new_browser()
    back = served.arrive(browser, "mette", action="cancel")
    assert back.headers["Location"] == "/?login=afbrudt"
    assert "Du afbrød login" in browser.get(f"{served.portal}/?login=afbrudt").text
    assert not served.inside(browser)


def test_too_low_a_level_is_told_so(served: Served) -> None:
    browser = new_browser()
    back = served.arrive(browser, "mette", acr=LOW)
    assert back.status_code == 403 and "ikke sikkert nok" in back.text
    assert not served.inside(browser)


def test_logging_out_here_ends_it_there_and_everywhere_else_here(served: Served) -> None:
    """RP-initiated logout with its hint; the provider then calls our back channel itself."""
    browser, other = new_browser(), new_browser()
    served.arrive(browser, "mette")
    _same_at_the_provider(browser, other)
    served.arrive(other, "mette")
    _same_at_the_provider(other, browser)
    assert served.inside(browser) and served.inside(other)
    konto = browser.get(f"{served.portal}/konto").text
    token = re.search(r'name="csrf_token" value="([^"]+)"', konto)
    assert token
    form = {"csrf_token": token[1]}
    away = browser.post(f"{served.portal}/log-ud", form, allow_redirects=False)
    assert away.headers["Location"].startswith(f"{served.provider}/session/end?id_token_hint=")
    asked = browser.get(away.headers["Location"])
    xsrf = re.search(r'name="xsrf" value="([^"]+)"', asked.text)
    assert xsrf, asked.text
    confirm = f"{served.provider}/session/end/confirm"
    said = browser.post(confirm, {"xsrf": xsrf[1], "logout": "yes"}, allow_redirects=False)
    assert said.headers["Location"] == f"{served.portal}/"
    assert not served.inside(browser) and not served.inside(other)


def _same_at_the_provider(one: requests.Session, other: requests.Session) -> None:
    """One session there, two here: all cookies of the provider's begin with a line."""
    for cookie in one.cookies:
        if cookie.name.startswith("_"):
            other.cookies.set_cookie(cookie)


def test_a_new_key_there_is_found_without_a_restart_here(served: Served) -> None:
    served.arrive(new_browser(), "mette")
    assert requests.post(f"{served.provider}/rotate", timeout=10).status_code == 200
    browser = new_browser()
    assert served.arrive(browser, "mette").headers["Location"] == "/overblik"
    assert served.inside(browser)
