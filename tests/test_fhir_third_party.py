"""A FHIR server nobody here wrote: the portal reads a family from it by its file alone.

npm's @medplum/fhir-router is filled with a department's journal and the register, refusing
what is not R4; it has no includes and no `total` it must not have. What the portal tells of it
must be what it tells of our own stub.
"""

from __future__ import annotations

import re
import subprocess
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest
import requests

from backend_stub.cast import CPR
from backend_stub.demo import write_config
from backend_stub.register import resources as register_resources
from backend_stub.world import build
from mitid_stub.personas import COPENHAGEN
from portal import create_app, schema
from portal.config import load
from portal.records import Answer, Entry, State
from portal.settings import Settings
from portal.sources import Subject
from portal.sources.gather import Gatherer
from portal.sources.register import Register
from tests.conftest import PORT, Login, World
from tests.npm import free_port, node

HERE = Path(__file__).resolve().parent
SYSTEM = "familieafd"


@dataclass
class Peer:
    """The third party's server, filled."""

    url: str
    cpr: Mapping[str, str]


@pytest.fixture(scope="module")
def peer() -> Iterator[Peer]:
    port = free_port()
    command = [*node(), str(HERE / "third_party_fhir.mjs"), str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "ready"
        drain = threading.Thread(target=process.stdout.read, daemon=True)
        drain.start()
        try:
            yield _filled(f"http://127.0.0.1:{port}")
        finally:
            process.terminate()


def _filled(url: str) -> Peer:
    world = build()
    today = datetime.now(COPENHAGEN).date()
    held = {"register": register_resources(today), "journal": world.fhir(SYSTEM).resources}
    with requests.Session() as session:
        for name, kinds in held.items():
            for resource in (r for some in kinds.values() for r in some.values()):
                address = f"{url}/{name}/{resource['resourceType']}/{resource['id']}"
                said = session.put(
                    address, json=resource, headers={"Content-Type": "application/fhir+json"}
                )
                assert said.status_code in (200, 201), (address, said.text)
    return Peer(url, {key: world.cpr(key) for key in ("emil", "sofie", "mette")})


@pytest.fixture
def pointed(peer: Peer, world: World, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The demo's file with two addresses changed, and only that source."""
    folder = tmp_path_factory.mktemp("pointed")
    (folder / "keys").symlink_to(world.client_keys)
    file = write_config(folder, portal_port=PORT, idp_port=world.idp_port)
    text = file.read_text().replace(
        f'"http://127.0.0.1:8002/{SYSTEM}/fhir"', f'"{peer.url}/journal"'
    )
    text = text.replace('"http://127.0.0.1:8002/register/fhir"', f'"{peer.url}/register"')
    head, *sources = re.split(r"(?m)^\[\[source\]\]$", text)
    rest = re.search(r"(?ms)^\[\[purpose\]\].*", sources[-1])
    mine = next(s for s in sources if f'id = "{SYSTEM}"\n' in s)
    assert rest
    file.write_text(f"{head}[[source]]{mine.replace('timeout = 3.0', 'timeout = 30.0')}\n{rest[0]}")
    return load(file, world.secrets)


def _ask(settings: Settings, cpr: str) -> Answer:
    subject = Subject(citizen="x", identifiers={CPR: cpr})
    return Gatherer(settings).ask([SYSTEM], subject, None)[SYSTEM]


@pytest.mark.parametrize("who", ["emil", "sofie"])
def test_a_strangers_server_tells_what_our_stub_tells(
    pointed: Settings, settings: Settings, peer: Peer, who: str
) -> None:
    theirs, ours = _ask(pointed, peer.cpr[who]), _ask(settings, peer.cpr[who])
    assert (theirs.state, theirs.partial) == (State.SHOWN, False), theirs.problem
    assert _sorted(theirs) == _sorted(ours)
    assert len({type(e) for e in theirs.entries}) >= 5


def _sorted(answer: Answer) -> list[Entry]:
    return sorted(answer.entries, key=lambda e: e.key)


def test_the_register_may_be_a_strangers_too(pointed: Settings, peer: Peer) -> None:
    register = Register(pointed)
    emil = register.person(CPR, peer.cpr["emil"])
    assert emil and emil.person.name
    children = {c.patient for c in register.in_custody_of(CPR, peer.cpr["mette"])}
    assert emil.patient in children
    custodians = register.custodians_of(emil.patient)
    assert custodians and peer.cpr["mette"] in {p.identifiers[CPR] for p in custodians}
    assert register.person(CPR, "0101019999") is None


def test_a_mother_reads_it_in_her_browser(pointed: Settings, login: Login) -> None:
    app = create_app(pointed)
    schema.upgrade(app.extensions["portal"].store)
    browser = login("mette", app=app)
    emil = next(number for name, number in browser.citizens().items() if name.startswith("Emil"))
    page = browser.get(f"/overblik/{emil}?vent=1").get_data(as_text=True)
    assert f'data-source="{SYSTEM}" data-state="shown"' in page
    for record in "contact", "meeting", "intervention", "plan", "goal":
        assert f'data-record="{record}"' in page, record
