"""Puts a canary world on the stage: its systems, the provider and a portal, all by a TOML file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch
from uuid import NAMESPACE_URL, uuid5

from flask import Flask
from limits import parse

from backend_stub.demo import _write_key
from backend_stub.serving import run_in_thread
from mitid_stub import Client, serving
from mitid_stub.personas import Persona as Login
from portal import create_app, keys, limits, schema
from portal.config import load
from portal.settings import Settings
from tests.canary_crawl import BASE
from tests.canary_servers import application
from tests.canary_world import CPR, World, config


@dataclass
class Stage:
    """A world with everything running, and one worker of the portal."""

    world: World
    settings: Settings
    app: Flask
    ids: dict[str, str]


@contextmanager
def open_stage(world: World, folder: Path) -> Iterator[Stage]:
    """Everything running until the block ends."""
    _write_key(folder / "keys" / "portal.jwk.json", "P-256", "ES256")
    secrets = {"PORTAL_SECRET_KEYS": keys.new_secret(), "PORTAL_DATA_KEYS": keys.new_data_key()}
    file = folder / "portal.toml"
    with run_in_thread(application(world)) as backend:
        file.write_text(config(world, backend, "http://127.0.0.1:9/op"))
        client = Client(
            client_id="kanarie",
            redirect_uris=[f"{BASE}/log-ind/retur"],
            post_logout_uris=[f"{BASE}/"],
            jwks=json.loads(keys.public(load(file, secrets))),
        )
        with serving([client], logins(world)) as provider:
            file.write_text(config(world, backend, provider.issuer))
            settings = load(file, secrets)
            app = create_app(settings)
            services = app.extensions["portal"]
            schema.upgrade(services.store)
            ids = {k: services.family.identify(CPR, p.cpr).id for k, p in world.people.items()}
            # a crawler asks more often than anybody may
            with patch.dict(
                limits.LIMITS, {what: parse("1000000/minute") for what in limits.LIMITS}
            ):
                yield Stage(world, settings, app, ids)


def logins(world: World) -> list[Login]:
    """Everybody, as the provider knows them."""
    found = [
        _login(p.key, p.name, p.cpr, born=p.real_birth, kind="citizen")
        for p in world.people.values()
    ]
    for n, (key, unit) in enumerate(world.staff.items()):
        number = world.places[unit].identifier[1]
        found.append(
            _login(key, key, f"010180{9900 + n}", kind="employee", org=unit, cvr="29189420",
                   unit=unit, p_number=number, born=world.today.replace(year=1980, day=1))
        )  # fmt: skip
    return found


def _login(key: str, name: str, cpr: str, **more: object) -> Login:
    rest = {"gender": "female", "protected": False, "login": True, "blurb_da": "", "blurb_en": ""}
    return Login(key=key, name=name, cpr=cpr, uuid=str(uuid5(NAMESPACE_URL, key)), **rest, **more)  # type: ignore[arg-type]
