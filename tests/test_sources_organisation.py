"""A unit that a source names by UUID alone: who knows its name, who is asked, and who never waits."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from aiohttp import web
from recorded.backend import (
    CPR,
    Backend,
    Gate,
    in_days,
    lost,
    patient,
    running_backend,
    serve_fhir,
    settings,
    source,
    subject,
)

from backend_stub import run_in_thread
from backend_stub.app import create_app
from backend_stub.organisation import PATH, UNITS
from portal.records import Answer, Contact, Meeting, Plan, State
from portal.settings import ConfigError, Organisation, SourceAuth
from portal.sources import organisation
from portal.sources.adapters import directory_of
from portal.sources.gather import Gatherer
from portal.sources.probe import probe
from tests.test_config import GOOD, read

SYSTEM = "https://kombit.dk/sts/organisation"
TEAM_UUID, (TEAM, PHONE) = next(iter(UNITS.items()))
NOBODY = "00000000-0000-4000-8000-00000000aaaa"


@pytest.fixture
def backend() -> Iterator[Backend]:
    with running_backend() as running:
        serve_fhir(running, patient(), *resources(TEAM_UUID))
        yield running


@pytest.fixture(scope="module")
def fk_org() -> Iterator[str]:
    """The stub that answers as KOMBIT publishes it."""
    with run_in_thread(create_app(latency=0)) as url:
        yield url + PATH


def logical(number: str) -> dict[str, Any]:
    return {"identifier": {"system": SYSTEM, "value": f"urn:uuid:{number}"}}


def resources(number: str) -> list[dict[str, Any]]:
    hers = {"subject": {"reference": "Patient/p1"}}
    unit = logical(number)
    coming = [{"actor": {"reference": "Patient/p1"}}, {"actor": unit, "status": "accepted"}]
    return [
        {"resourceType": "CareTeam", "id": "t", "status": "active", "participant": [{"member": unit}]} | hers,
        {"resourceType": "CarePlan", "id": "c", "status": "active", "title": "Plan", "author": unit} | hers,
        {"resourceType": "Appointment", "id": "a", "status": "booked", "start": in_days(3), "participant": coming},
    ]  # fmt: skip


def gatherer(backend: Backend, url: str = "", **more: Any) -> Gatherer:
    found = Organisation(url=url, **({"timeout": 20.0} | more)) if url else None
    chosen = settings(backend.url, source(backend, timeout=20.0), organisation=found)
    return Gatherer(chosen)


def ask(asks: Gatherer, citizen: str = "borger-1") -> Answer:
    return asks.ask(["system"], subject(citizen), None)["system"]


def one(answer: Answer, kind: type[Any]) -> Any:
    (found,) = (e for e in answer.entries if isinstance(e, kind))
    return found


def test_a_unit_gets_its_name_and_telephone(backend: Backend, fk_org: str) -> None:
    found = ask(gatherer(backend, fk_org))
    contact = one(found, Contact)
    assert (contact.name, contact.phone) == (TEAM, PHONE)
    assert (one(found, Plan).by, one(found, Plan).responsible) == (TEAM, TEAM)
    assert one(found, Meeting).people == (TEAM,)
    assert not found.partial


def test_in_json_too(backend: Backend, fk_org: str) -> None:
    backend.answers["/svar"] = {"p": [{"t": "Plan", "e": f"{SYSTEM}|urn:uuid:{TEAM_UUID.upper()}"}]}
    mapping = {"plans": {"items": "p", "title": "t", "owner": "e"}}
    chosen = settings(
        backend.url, source(backend, "rest", mapping=mapping), organisation=Organisation(url=fk_org)
    )
    assert one(ask(Gatherer(chosen)), Plan).by == TEAM


def test_a_configured_place_needs_nobody_to_name_it(backend: Backend) -> None:
    serve_fhir(backend, patient(), *resources("0000AAAA-0851-4000-8000-00000000AAAA"))
    found = ask(gatherer(backend))
    assert (one(found, Contact).name, one(found, Plan).owner, one(found, Plan).by) == (
        "PPR",
        "ppr",
        "",
    )


@pytest.mark.parametrize("configured", [False, True])
def test_what_nobody_knows_stays_unnamed(backend: Backend, fk_org: str, configured: bool) -> None:
    serve_fhir(backend, patient(), *resources(NOBODY))
    found = ask(gatherer(backend, fk_org if configured else ""))
    assert not [e for e in found.entries if isinstance(e, Contact)]
    assert (one(found, Plan).by, one(found, Plan).responsible) == ("", "")
    assert one(found, Meeting).people == ()
    assert "urn:uuid" not in repr(found.entries) and not found.partial


@pytest.mark.parametrize(
    "answered", [500, 401, b"<html>", {"errors": []}, {"data": None}, {"data": []}, []]
)
def test_a_system_in_trouble_is_left_alone_and_the_page_goes_on(
    backend: Backend, answered: Any
) -> None:
    backend.answers["/org"] = answered
    asks = gatherer(backend, f"{backend.url}/org")
    for citizen in "borger-1", "borger-2":
        found = ask(asks, citizen)
        assert (found.state, one(found, Plan).title) == (State.SHOWN, "Plan")
        assert lost(found) == ["contact"], "the team's only member has no name"
        assert "urn:uuid" not in repr(found.entries)
    assert backend.count("/org") == 1


def trouble(kind: str, severity: str = "ERROR") -> dict[str, Any]:
    """As KOMBIT publishes it: without a path."""
    return {"message": "x", "extensions": {"type": severity, "classification": kind}}


@pytest.mark.parametrize(
    "errors",
    [
        [trouble("ServerError")],
        [trouble("Unauthorized"), trouble("NotFound")],
        [trouble("ServerError") | {"path": ["u0", "enhedsnavn"]}],
        [{"message": "x"}],
        ["x"],
        {"message": "x"},
        "x",
    ],
)
def test_a_unit_that_met_an_error_is_not_an_unknown_one(
    backend: Backend, errors: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend.answers["/org"] = {"data": {"u0": None}, "errors": errors}
    asks = gatherer(backend, f"{backend.url}/org")
    for citizen in "borger-1", "borger-2":
        assert lost(ask(asks, citizen)) == ["contact"]
    assert backend.count("/org") == 1, "it is left alone for a while"
    monkeypatch.setattr(organisation, "PAUSE", 0.0)
    asks = gatherer(backend, f"{backend.url}/org")
    assert lost(ask(asks)) == ["contact"]
    unit = {"uuid": TEAM_UUID, "enhedsnavn": TEAM, "adresser": []}
    backend.answers["/org"] = {"data": {"u0": unit}, "errors": errors}
    assert one(ask(asks, "borger-2"), Contact).name == TEAM, "the trouble was remembered"


@pytest.mark.parametrize(
    "errors",
    [
        [trouble("NotFound")],
        [trouble("NotFound"), trouble("Malformed", "WARNING")],
        [trouble("ServerError") | {"path": ["u7"]}],
        None,
    ],
)
def test_a_unit_that_is_not_found_is_unknown(backend: Backend, errors: Any) -> None:
    backend.answers["/org"] = {"data": {"u0": None}, "errors": errors}
    asks = gatherer(backend, f"{backend.url}/org")
    for citizen in "borger-1", "borger-2":
        found = ask(asks, citizen)
        assert lost(found) == ["contact"], "somebody is there, whoever it is"
        assert not found.partial
    assert backend.count("/org") == 1


def test_nobody_waits_for_a_slow_one_and_the_next_page_has_the_name(backend: Backend) -> None:
    gate = Gate(backend, {"data": {"u0": {"uuid": TEAM_UUID, "enhedsnavn": TEAM, "adresser": []}}})
    backend.answers["/org"] = gate
    asks = gatherer(backend, f"{backend.url}/org", timeout=0.1)
    assert one(ask(asks), Plan).by == ""
    gate.open()
    for n in range(200):
        found = ask(asks, f"borger-{n + 2}")
        if one(found, Plan).by:
            break
    assert (one(found, Plan).by, one(found, Contact).name) == (TEAM, TEAM)
    assert backend.count("/org") == 1


def test_it_is_asked_once_for_uuids_and_nothing_else(backend: Backend) -> None:
    bodies: list[dict[str, Any]] = []

    async def listen(request: web.Request) -> web.Response:
        bodies.append(json.loads(await request.read()))
        assert request.headers["x-TransaktionsId"] and request.headers["x-TransaktionsTid"]
        unit = {
            "enhedsnavn": TEAM,
            "adresser": [{"adresseRolleTitel": "E-mail", "adresseTekst": "x"}],
        }
        return web.json_response({"data": {"u0": unit}})

    backend.answers["/org"] = listen
    forged = f"{SYSTEM}|urn:uuid:{CPR}"
    entry = {"identifier": {"system": SYSTEM, "value": f"urn:uuid:{CPR}"}, "display": forged}
    team = resources(TEAM_UUID)[0] | {"id": "u", "participant": [{"member": entry}]}
    serve_fhir(backend, patient(), team, *resources(TEAM_UUID))
    asks = gatherer(backend, f"{backend.url}/org")
    for citizen in "borger-1", "borger-2":
        assert one(ask(asks, citizen), Plan).by == TEAM
    (asked,) = bodies
    assert asked["variables"] == {"u0": TEAM_UUID}
    assert CPR not in json.dumps(asked)


def test_it_proves_itself_as_a_source_does(backend: Backend) -> None:
    backend.answers["/org"] = {"data": {}}
    auth = SourceAuth(kind="bearer", token_env="SECRET")
    ask(gatherer(backend, f"{backend.url}/org", auth=auth))
    assert "Bearer hemmeligt-ord" in {h.get("Authorization") for h in backend.headers}
    with pytest.raises(ConfigError, match=r"organisation\.auth\.token_env"):
        gatherer(backend, f"{backend.url}/org", auth=SourceAuth(kind="bearer", token_env="NONE"))


def test_the_operator_is_told_whether_it_answers(backend: Backend, fk_org: str) -> None:
    well, ill = gatherer(backend, fk_org), gatherer(backend, f"{backend.url}/nowhere")
    assert well.directory and ill.directory
    assert (well.directory.check(), ill.directory.check()) == ("", "status 404")


def test_the_operators_check_counts_what_the_page_shows(backend: Backend, fk_org: str) -> None:
    config = source(backend, timeout=20.0)
    chosen = settings(backend.url, config, organisation=Organisation(url=fk_org, timeout=20.0))
    found = probe(config, chosen, CPR, directory_of(chosen)).result()
    assert found.delivery and TEAM in {getattr(e, "name", "") for e in found.delivery.entries}


def test_the_stub_refuses_as_the_real_one_does(fk_org: str) -> None:
    assert requests.post(fk_org, json={"query": ""}, timeout=10).status_code == 400
    headers = {"x-TransaktionsId": "a" * 32, "x-TransaktionsTid": "2026-01-01T00:00:00Z"}
    query = {
        "query": "query ($a: UUID!) { x: organisationEnhed(uuid: $a) { uuid } }",
        "variables": {"a": NOBODY},
    }
    said = requests.post(fk_org, json=query, headers=headers, timeout=10).json()
    assert said["data"] == {"x": None}
    assert said["errors"][0]["extensions"]["classification"] == "NotFound"


def test_its_address_is_held_to_the_same_rules(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"organisation\.url"):
        read(tmp_path, GOOD + '\n[organisation]\nurl = "http://org.example/graphql"\n')
