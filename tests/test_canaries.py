"""Nobody sees a byte she may not see, and nobody entitled misses one: canaries against an oracle."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from flask import Flask

from backend_stub.demo import _write_key
from backend_stub.serving import run_in_thread
from mitid_stub import Client, serving
from mitid_stub.personas import Persona as Login
from portal import create_app, keys, operators, schema
from portal.config import Settings, load
from tests import canary_story as story
from tests.canary_crawl import BASE, CANARY, Visitor, everywhere, log_in
from tests.canary_servers import application
from tests.canary_world import PURPOSES, STAFF, World, canaries, config, make
from tests.oracle import Oracle, Persona

PROVE = os.environ.get("PROVE") == "1"
SEED = int(os.environ.get("SEED", "1"))


@dataclass
class Stage:
    """A world with everything running, and one worker of the portal."""

    world: World
    settings: Settings
    app: Flask
    ids: dict[str, str]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    world = make(SEED, 1.0 if PROVE else 0.06)
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
            yield Stage(world, services.settings, app, ids)


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


CITIZENS = [
    "mor",
    "far",
    "barn14",
    "ung16",
    "enlig",
    "hanne",
    "atten",
    "ung17",
    "jobfar",
    "farfar",
    "lukket",
    "aaben",
    "udato",
]


@dataclass
class Told:
    """A stage on which everything has been said."""

    stage: Stage
    oracle: Oracle
    visitors: dict[str, Visitor]


@pytest.fixture(scope="module")
def told(stage: Stage) -> Told:
    world = stage.world
    said = story.words(world)
    for adult, child in world.closed:
        operators.close_access(stage.settings, world.people[adult].cpr, world.people[child].cpr)
    visitors = {k: v for k in CITIZENS if (v := log_in(stage.app, k))}
    oracle = Oracle(world, said)
    story.answer(stage.app, visitors, stage.ids, oracle)
    notes = story.comments(visitors, stage.ids, world)
    looked_up = frozenset(story.LOOKED_UP)
    return Told(stage, Oracle(world, said, notes, looked_up), visitors)


def test_the_family(told: Told) -> None:
    wrong: list[str] = []
    for key in CITIZENS:
        visitor = log_in(told.stage.app, key)
        if visitor is None:
            wrong.append(f"{key} cannot log in")
            continue
        everywhere(visitor, told.stage.ids.values(), PROVE)
        wrong += differences(told.oracle, Persona(key), visitor)
    assert not wrong, report(wrong)


def test_staff(told: Told) -> None:
    wrong: list[str] = []
    stage = told.stage
    for key, unit in STAFF.items():
        for purpose in PURPOSES:
            visitor = log_in(stage.app, key, "/log-ind/medarbejder")
            assert visitor
            story.staff(stage.app, visitor, stage.world, stage.ids, purpose)
            everywhere(visitor, stage.ids.values(), PROVE)
            wrong += differences(told.oracle, Persona(key, unit, purpose), visitor)
    assert not wrong, report(wrong)


def report(wrong: list[str]) -> str:
    if path := os.environ.get("CANARY_REPORT"):
        with open(path, "a") as file:
            file.write("\n".join(wrong) + "\n")
    return "\n".join(wrong[:40]) + f"\n{len(wrong)} disagreements"


def differences(oracle: Oracle, persona: Persona, visitor: Visitor) -> list[str]:
    """Every canary about which the portal and the oracle disagree."""
    found = []
    for word, e, name in canaries(oracle.world.entries):
        if name not in NOT_SHOWN.get(e.record, ()):
            what = f"{e.id} {e.record}.{name} {e.variant}"
            found += compared(persona, visitor, word, oracle.sees(persona, e, name), what)
    for citizen, who in oracle.world.people.items():
        word = CANARY.findall(who.address)[0]
        may = any(
            oracle.sees_address(persona, p.key)
            for p in oracle.world.people.values()
            if p.home == who.home
        )
        found += compared(persona, visitor, word, may, f"address of {citizen}")
    for note in oracle.notes:
        what = f"comment of {note.author} on {note.citizen}"
        found += compared(persona, visitor, note.canary, oracle.sees_note(persona, note), what)
    return found


def compared(persona: Persona, visitor: Visitor, word: str, may: bool, what: str) -> list[str]:
    """One decision."""
    DECISIONS[0] += 1
    if may == (word in visitor.seen):
        return []
    where = sorted(visitor.seen.get(word, ()))[:2]
    return [f"{'MISSING' if may else 'LEAK'} {persona.key}/{persona.purpose} {what} {where}"]


DECISIONS = [0]
NOT_SHOWN: dict[str, tuple[str, ...]] = {"contact": ("url",), "meeting": ("url",)}
"""Fields that no page shows to anybody."""
