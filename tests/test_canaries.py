"""Nobody sees a byte she may not see, and nobody entitled misses one: canaries against an oracle."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask

from backend_stub.demo import _write_key
from backend_stub.serving import run_in_thread
from mitid_stub import Client, serving
from mitid_stub.personas import Persona as Login
from portal import create_app, keys, schema
from portal.config import load
from tests.canary_crawl import BASE, Visitor, everywhere, log_in
from tests.canary_servers import application
from tests.canary_world import STAFF, UNIT, World, canaries, config, make
from tests.oracle import Oracle, Persona

PROVE = os.environ.get("PROVE") == "1"
SEED = int(os.environ.get("SEED", "1"))


@dataclass
class Stage:
    """A world with everything running, and one worker of the portal."""

    world: World
    app: Flask
    ids: dict[str, str]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    world = make(SEED, 1.0 if PROVE else 0.12)
    folder = tmp_path_factory.mktemp("kanarier")
    _write_key(folder / "keys" / "portal.jwk.json", "P-256", "ES256")
    with run_in_thread(application(world)) as backend:
        secrets = {
            "PORTAL_SECRET_KEYS": keys.new_secret(),
            "PORTAL_DATA_KEYS": keys.new_data_key(),
        }
        file = folder / "portal.toml"
        file.write_text(config(backend, "http://127.0.0.1:9/op"))
        client = Client(
            client_id="kanarie",
            redirect_uris=[f"{BASE}/log-ind/retur"],
            post_logout_uris=[f"{BASE}/"],
            jwks=json.loads(keys.public(load(file, secrets))),
        )
        with serving([client], logins(world)) as provider:
            file.write_text(config(backend, provider.issuer))
            app = create_app(load(file, secrets))
            services = app.extensions["portal"]
            schema.upgrade(services.store)
            ids = {
                k: services.family.identify("urn:oid:1.2.208.176.1.2", p.cpr).id
                for k, p in world.people.items()
            }
            yield Stage(world, app, ids)


def logins(world: World) -> list[Login]:
    """Everybody, as the provider knows them."""
    found = [
        _login(p.key, p.name, p.cpr, born=p.real_birth, kind="citizen")
        for p in world.people.values()
    ]
    for n, (key, unit) in enumerate(STAFF.items()):
        number = world.places[unit].identifier[1]
        found.append(
            _login(key, key, f"010180{9900 + n}", kind="employee", org=unit, cvr="29189420",
                   unit=unit, p_number=number, born=world.today.replace(year=1980, day=1))
        )  # fmt: skip
    return found


def _login(key: str, name: str, cpr: str, **more: object) -> Login:
    from uuid import NAMESPACE_URL, uuid5

    rest = {"gender": "female", "protected": False, "login": True, "blurb_da": "", "blurb_en": ""}
    return Login(key=key, name=name, cpr=cpr, uuid=str(uuid5(NAMESPACE_URL, key)), **rest, **more)  # type: ignore[arg-type]


CITIZENS = "mor far barn14 ung16 enlig hanne atten ung17 jobfar farfar lukket aaben udato".split()


def test_the_family(stage: Stage) -> None:
    oracle = Oracle(stage.world)
    wrong: list[str] = []
    for key in CITIZENS if PROVE else ("far", "mor", "ung16", "farfar"):
        visitor = log_in(stage.app, key)
        if visitor is None:
            wrong.append(f"{key} cannot log in")
            continue
        everywhere(visitor, stage.ids.values())
        wrong += differences(oracle, Persona(key), visitor, stage.world)
    assert not wrong, "\n".join(wrong[:400]) + f"\n{len(wrong)}"


def differences(oracle: Oracle, persona: Persona, visitor: Visitor, world: World) -> list[str]:
    """Every canary about which the portal and the oracle disagree."""
    found = []
    for word, e, name in canaries(world.entries):
        if name in NOT_SHOWN.get(e.record, ()):
            continue
        may, has = oracle.sees(persona, e, name), word in visitor.seen
        if may != has:
            where = sorted(visitor.seen.get(word, ()))[:2]
            what = "LEAK" if has else "MISSING"
            who = f"{persona.key}/{persona.purpose}"
            found.append(f"{what} {who} {e.id} {e.record}.{name} {e.variant} {where}")
    return found


NOT_SHOWN: dict[str, tuple[str, ...]] = {"contact": ("url",), "meeting": ("url",)}
"""Fields that no page shows to anybody."""
