"""One entry about somebody else in a right answer: dropped, told to operators, never kept."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from click.testing import CliRunner
from conftest import Login, World
from flask import Flask
from recorded.backend import (
    CPR,
    OTHER_CPR,
    Backend,
    bundle,
    patient,
    running_backend,
    serve_fhir,
    settings,
    source,
    subject,
)

from portal.cli import main
from portal.records import Answer, State
from portal.settings import CPR_SYSTEM, Settings
from portal.sources.gather import Gatherer

MEETINGS = {"items": "m[]", "title": "t", "start": "s", "person": "cpr"}


@pytest.fixture
def backend() -> Iterator[Backend]:
    with running_backend() as running:
        yield running


def goal(name: str, whose: str) -> dict[str, Any]:
    return {
        "resourceType": "Goal",
        "id": name,
        "description": {"text": name},
        "subject": {"reference": whose},
    }


def asked(backend: Backend, kind: str, **more: Any) -> tuple[Gatherer, list[str]]:
    asks = Gatherer(settings(backend.url, source(backend, kind, **more)))
    heard: list[str] = []
    asks.bell.listener = heard.append
    return asks, heard


def until(heard: list[str]) -> list[str]:
    """The listener runs on a thread of its own."""
    end = time.monotonic() + 10
    while not heard and time.monotonic() < end:
        time.sleep(0.01)
    return heard


def test_fhir(backend: Backend, caplog: pytest.LogCaptureFixture) -> None:
    serve_fhir(backend, patient(), goal("hendes", "Patient/p1"), goal("andres", "Patient/p2"))
    asks, heard = asked(backend, "fhir")
    found = asks.ask(["system"], subject(), None)["system"]
    assert (found.state, found.partial) == (State.SHOWN, True)
    assert [e.key for e in found.entries] == ["Goal/hendes"]
    assert until(heard) == ["system"]
    assert [r.levelname for r in caplog.records if "ALARM" in r.message] == ["ERROR"]
    before = len(backend.asked)
    asks.ask(["system"], subject(), None)
    assert len(backend.asked) > before, "it was kept"
    assert heard == ["system"], "one row a minute is enough"


def test_somebody_elses_goal_is_not_reached_by_a_reference(backend: Backend) -> None:
    plan = {
        "resourceType": "CarePlan",
        "id": "plan",
        "status": "active",
        "intent": "plan",
        "title": "Plan",
        "subject": {"reference": "Patient/p1"},
        "goal": [{"reference": "Goal/andres"}],
    }
    serve_fhir(backend, patient(), plan, goal("andres", "Patient/p2"))
    asks, _ = asked(backend, "fhir")
    found = asks.ask(["system"], subject(), None)["system"]
    assert [e.key for e in found.entries] == ["CarePlan/plan"] and "andres" not in str(found)


def test_json(backend: Backend) -> None:
    hers = {"t": "Hendes", "s": "2026-12-01", "cpr": CPR}
    other = {"t": "Andres", "s": "2026-12-02", "cpr": OTHER_CPR}
    backend.answers["/svar"] = {"m": [hers, other]}
    asks, heard = asked(backend, "rest", mapping={"meetings": MEETINGS})
    found = asks.ask(["system"], subject(), None)["system"]
    assert (found.state, found.partial, len(found.entries)) == (State.SHOWN, True, 1)
    assert "Andres" not in str(found) and until(heard) == ["system"]
    backend.answers["/svar"] = 503
    assert asks.ask(["system"], subject(), None)["system"].state is State.UNAVAILABLE, "kept"


def test_json_inside_another_section(backend: Backend) -> None:
    goals = [{"t": "Hendes", "cpr": CPR}, {"t": "Søskendes", "cpr": OTHER_CPR}]
    backend.answers["/svar"] = {"p": [{"t": "Fælles plan", "g": goals}]}
    inside = {"items": "g[]", "title": "t", "person": "cpr"}
    mapping = {"plans": {"items": "p[]", "title": "t", "goals": inside}}
    asks, heard = asked(backend, "rest", mapping=mapping)
    found = asks.ask(["system"], subject(), None)["system"]
    assert [getattr(e, "title", "") for e in found.entries] == ["Fælles plan", "Hendes"]
    assert "Søskendes" not in str(found) and found.partial and until(heard) == ["system"]


def test_a_whole_answer_about_somebody_else_rings_too(backend: Backend) -> None:
    backend.answers["/fhir/Patient/_search"] = bundle(patient(cpr=OTHER_CPR))
    asks, heard = asked(backend, "fhir")
    found = asks.ask(["system"], subject(), None)["system"]
    assert (found.state, found.problem) == (State.UNAVAILABLE, "wrong person")
    assert until(heard) == ["system"]


def test_operators_find_it_written_down(
    app: Flask, login: Login, world: World, settings: Settings
) -> None:
    """As it goes: a system is mixed up, the family opens the page, the operator looks."""
    told = {"--config": settings.file}
    arguments = ["sources", "alarms", *next(iter(told.items()))]
    nothing = CliRunner().invoke(main, arguments, env=settings.environ)
    assert nothing.output == "No source has answered about somebody else.\n"
    url = f"{world.backends}/fault"
    requests.post(url, json={"system": "en-plan", "fault": "wrong-person"}, timeout=10)
    try:
        mette = login("mette")
        mette.get(f"/overblik/{mette.citizens()['Emil']}?vent=1")
    finally:
        requests.delete(f"{url}?system=en-plan", timeout=10)
    end = time.monotonic() + 20
    while (
        "en-plan" not in (said := CliRunner().invoke(main, arguments, env=settings.environ)).output
    ):
        assert time.monotonic() < end, said.output
        time.sleep(0.1)
    assert said.exit_code == 0 and said.output.count("answered about somebody else") == 1


INSIDE = "http://internal:8080/r4/Patient/"
ELSEWHERE = "https://elsewhere.example/fhir/Patient/9"
HERS = {"identifier": {"system": CPR_SYSTEM, "value": CPR}}
HYPHENED = {"system": CPR_SYSTEM, "value": f"{CPR[:6]}-{CPR[6:]}"}
OTHERS = {"identifier": {"system": CPR_SYSTEM, "value": OTHER_CPR}}


def behind_a_gateway(backend: Backend, whose: dict[str, Any], **more: Any) -> Answer:
    """The server calls itself by an address that nobody outside can reach."""
    told = goal("g", "") | {"subject": whose} | more
    serve_fhir(backend, patient(), told)
    found = bundle(patient())
    found["entry"][0]["fullUrl"] = INSIDE + "p1"
    backend.answers["/fhir/Patient/_search"] = found
    asks, _ = asked(backend, "fhir")
    return asks.ask(["system"], subject(), None)["system"]


@pytest.mark.parametrize(
    "whose",
    [
        {"reference": INSIDE + "p1"},
        {"reference": INSIDE + "p1/_history/4"},
        {"reference": INSIDE.upper().replace("/R4/PATIENT", "/r4/Patient") + "p1"},
        HERS | {"reference": ELSEWHERE},
        HERS | {"reference": "urn:uuid:00000000-0000-4000-8000-000000000001"},
        HERS | {"reference": "#gone", "type": "Patient"},
        HERS | {"reference": "Patient/p1"},
        {"identifier": HYPHENED, "reference": "Patient/p1"},
    ],
)
def test_what_names_her_as_her_server_does_is_hers(backend: Backend, whose: dict[str, Any]) -> None:
    found = behind_a_gateway(backend, whose)
    assert (found.state, found.partial, len(found.entries)) == (State.SHOWN, False, 1)


@pytest.mark.parametrize(
    ("whose", "inside"),
    [
        ({"reference": INSIDE + "p2"}, []),
        ({"reference": INSIDE.replace("8080", "8081") + "p1"}, []),
        ({"reference": INSIDE.replace("r4", "r5") + "p1"}, []),
        ({"reference": ELSEWHERE}, []),
        (OTHERS | {"reference": ELSEWHERE}, []),
        (OTHERS | {"reference": "Patient/p1"}, []),
        (HERS | {"reference": "Patient/p2"}, []),
        (HERS | {"reference": "#kid"}, [patient("kid", OTHER_CPR)]),
        ({"reference": "#p1"}, [patient("p1", OTHER_CPR)]),
        (HERS | {"reference": ELSEWHERE, "type": "Group"}, []),
        (HERS | {"reference": "https://elsewhere.example/fhir/RelatedPerson/9"}, []),
    ],
)
def test_what_names_somebody_else_in_any_way_is_not_hers(
    backend: Backend, whose: dict[str, Any], inside: list[Any]
) -> None:
    found = behind_a_gateway(backend, whose, contained=inside)
    assert (found.state, found.problem) == (State.UNAVAILABLE, "wrong person")


def test_what_a_urn_means_is_each_bundles_own(backend: Backend) -> None:
    """A server that numbers every bundle anew: another child's plan names the one of its own."""
    serve_fhir(backend, patient(), goal("g", "") | {"subject": {"reference": "urn:uuid:1"}})
    found = bundle(patient())
    found["entry"][0]["fullUrl"] = "urn:uuid:1"
    backend.answers["/fhir/Patient/_search"] = found
    asks, _ = asked(backend, "fhir")
    told = asks.ask(["system"], subject(), None)["system"]
    assert (told.state, told.problem) == (State.UNAVAILABLE, "wrong person")


def test_an_absolute_address_that_the_answer_knows_as_somebody_else_is_not_hers(
    backend: Backend,
) -> None:
    """Her number beside it does not help."""
    serve_fhir(backend, patient())
    told = goal("g", "") | {"subject": HERS | {"reference": ELSEWHERE}}
    found = bundle(told, included=(patient("9", OTHER_CPR),))
    found["entry"][1]["fullUrl"] = ELSEWHERE
    backend.answers["/fhir/Goal/_search"] = found
    asks, _ = asked(backend, "fhir")
    assert asks.ask(["system"], subject(), None)["system"].problem == "wrong person"


def test_a_linked_patient_with_her_number_is_not_the_one_who_was_found(backend: Backend) -> None:
    serve_fhir(backend, patient(), goal("g", "Patient/p7"))
    backend.answers["/fhir/Patient/_search"] = bundle(patient(), included=(patient("p7"),))
    asks, _ = asked(backend, "fhir")
    assert asks.ask(["system"], subject(), None)["system"].problem == "wrong person"
