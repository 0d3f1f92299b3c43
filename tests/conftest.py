"""The world the tests run in: real backends, a real provider, the app in process.

Nothing of the portal is replaced: a test client stands where the browser
would, everything behind it is HTTP and a database file.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from msgspec import structs

from backend_stub.app import create_app as create_backends
from backend_stub.demo import write_config
from backend_stub.serving import run_in_thread
from mitid_stub import Client, serving
from mitid_stub.personas import personas
from mitid_stub.rehearsal import answer_login
from portal import create_app, keys
from portal.config import load
from portal.settings import Settings
from tests import leaks, stores
from tests.proving import PROVE

PORT = 8000
BASE = f"http://127.0.0.1:{PORT}"
OWN = "Mig selv"
os.environ.setdefault("NO_PROXY", "127.0.0.1,localhost")


def pytest_unconfigure() -> None:
    """The servers that tests of this process started are gone with it."""
    stores.OPEN.close()


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """What would not be chosen below is not even read."""
    drawn = stores.POSTGRESQL and not PROVE and collection_path.stem in stores.DRAWN
    return True if drawn else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On the other store run only tests that keep something in it; all of them in `make prove`."""
    if stores.POSTGRESQL:
        chosen = [i for i in items if stores.concerned(i)]
        config.hook.pytest_deselected(items=[i for i in items if i not in chosen])
        items[:] = chosen


@dataclass(frozen=True)
class World:
    """Addresses of what runs, and the secrets of this run."""

    backends: str
    idp_port: int
    secrets: dict[str, str]
    client_keys: Path


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One provider and one set of backends for all tests of a process."""
    folder = tmp_path_factory.mktemp("world")
    config = write_config(folder, portal_port=PORT)
    secrets = {
        "PORTAL_SECRET_KEYS": keys.new_secret(),
        "PORTAL_DATA_KEYS": keys.new_data_key(),
    }
    client = Client(
        client_id="familieoverblik",
        redirect_uris=[f"{BASE}/log-ind/retur"],
        post_logout_uris=[f"{BASE}/"],
        jwks=_json(keys.public(load(config, secrets))),
    )
    with (
        run_in_thread(create_backends(latency=0)) as backends,
        serving([client], personas()) as provider,
    ):
        port = urlsplit(provider.issuer).port or 0
        yield World(backends, port, secrets, folder / "keys")


@pytest.fixture
def settings(world: World, tmp_path: Path) -> Iterator[Settings]:
    """A fresh portal of its own: the same world, an empty database."""
    (tmp_path / "keys").symlink_to(world.client_keys)
    file = write_config(
        tmp_path,
        portal_port=PORT,
        idp_port=world.idp_port,
        backend_port=urlsplit(world.backends).port or 0,
    )
    found = load(file, stores.place(file, world.secrets))
    patient = tuple(structs.replace(s, timeout=20.0) for s in found.source)
    with leaks.none_about_anybody(tmp_path):
        yield structs.replace(
            found, source=patient, page_seconds=25.0
        )  # a busy machine is no outage
    stores.clear(found.database)


@pytest.fixture
def app(settings: Settings) -> Flask:
    """One worker."""
    app = create_app(settings)
    stores.prepare(app.extensions["portal"].store)
    return app


@dataclass
class Browser:
    """A test client that speaks like a browser and knows who logged in."""

    client: FlaskClient

    def get(self, path: str, **more: object):
        return self.client.get(path, base_url=BASE, **more)  # type: ignore[arg-type]

    def post(self, path: str, data: dict[str, object] | None = None, **more: object):
        """Post a form with the token our own pages would carry."""
        values = {"csrf_token": self.token(), **(data or {})}
        return self.client.post(path, base_url=BASE, data=values, **more)  # type: ignore[arg-type]

    def token(self) -> str:
        page = self.get("/sprog").get_data(as_text=True)
        return (
            page.split('name="csrf_token" value="')[1].split('"')[0] if "csrf_token" in page else ""
        )

    def part(self, path: str):
        """Ask as htmx asks for a part."""
        return self.get(path, headers={"HX-Request": "true", "HX-Request-Type": "partial"})

    def citizens(self) -> dict[str, str]:
        """First name -> id of everybody on the family page, from the choices of her account: no system is asked."""
        text = self.get("/konto").get_data(as_text=True)
        people = re.findall(r'<option value="([0-9a-f]{32})"[^>]*>([^<]+)<', text)
        (_, own), *others = [(name, id) for id, name in people] or [("", self._alone())]
        return dict(others) | {OWN: own}

    def _alone(self) -> str:
        """Her own id, when there is nobody else: the one overview there is."""
        return self.get("/overblik").headers["Location"].rpartition("/")[2]

    def own(self) -> str:
        """Her own id: that of her card among the family's, or of the one overview there is."""
        return self.citizens()[OWN]


Login = Callable[..., Browser]


@pytest.fixture
def login(app: Flask) -> Login:
    """Log a persona in by way of the provider; returns her browser."""

    def _login(person: str, door: str = "/log-ind", app: Flask = app) -> Browser:
        browser = Browser(app.test_client())
        away = browser.get(door)
        back = answer_login(away.headers["Location"], person)
        came = browser.get(back.removeprefix(BASE))
        assert came.status_code == 302, came.get_data(as_text=True)
        return browser

    return _login


def staff(login: Login, person: str) -> Browser:
    """Log an employee in."""
    return login(person, "/log-ind/medarbejder")


def _json(text: str) -> dict[str, object]:
    return json.loads(text)  # type: ignore[no-any-return]
