"""The register: who is who and who holds custody, the most protective answer where it is unclear."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from aiohttp import web
from recorded.backend import (
    CPR,
    OTHER_CPR,
    Backend,
    Gate,
    bundle,
    outcome,
    patient,
    running_backend,
    settings,
)

from portal.settings import CPR_SYSTEM
from portal.settings import Register as RegisterTable
from portal.sources.register import Register, RegisterDown

CODES = "http://hl7.dk/fhir/core/CodeSystem/dk-relatedperson-relationshipcodes"
NOON = datetime(2026, 11, 21, 12, tzinfo=ZoneInfo("Europe/Copenhagen"))
PATIENTS, RELATED = "/register/fhir/Patient/_search", "/register/fhir/RelatedPerson/_search"


@pytest.fixture
def backend() -> Iterator[Backend]:
    with running_backend() as running:
        yield running


def register(backend: Backend, now: datetime = NOON, timeout: float = 3.0) -> Register:
    table = RegisterTable(url=f"{backend.url}/register/fhir", timeout=timeout)
    return Register(settings(backend.url, register=table), now=lambda: now)


def related(number: str = "r1", child: str = "barn", cpr: str = CPR, **more: Any) -> dict[str, Any]:
    """A custody holder as dk-core writes one; None takes a field away."""
    found: dict[str, Any] = {
        "resourceType": "RelatedPerson",
        "id": number,
        "active": True,
        "identifier": [{"system": CPR_SYSTEM, "value": cpr}],
        "patient": {"reference": f"Patient/{child}"},
        "relationship": [{"coding": [{"system": CODES, "code": "PARAUTH"}]}],
        "name": [{"text": "Mette Holm"}],
        "birthDate": "1988-01-02",
    }
    return {k: v for k, v in (found | more).items() if v is not None}


def custody(backend: Backend, now: datetime = NOON, **more: Any) -> bool:
    """Whether one RelatedPerson with these fields gives custody."""
    child = patient("barn", OTHER_CPR)
    backend.answers |= {
        PATIENTS: bundle(child),
        RELATED: bundle(related(**more), included=(child,)),
    }
    return [c.patient for c in register(backend, now).in_custody_of(CPR_SYSTEM, CPR)] == [
        "Patient/barn"
    ]


def test_a_person_with_everything(backend: Backend) -> None:
    backend.answers[PATIENTS] = bundle(
        patient(
            "p1",
            name=[
                {"use": "old", "text": "Emil Holm"},
                {"use": "official", "given": ["Emil"], "family": "Krogh"},
            ],
            birthDate="2017-03-04",
            gender="male",
            address=[
                {"use": "old", "line": ["Gamle Vej 1"]},
                {
                    "use": "home",
                    "line": ["Nye Vej 2", "st."],
                    "postalCode": "9000",
                    "city": "Aalborg",
                },
            ],
            deceasedBoolean=False,
        )
    )
    found = register(backend).person(CPR_SYSTEM, CPR)
    assert found and found.patient == "Patient/p1"
    person = found.person
    assert (person.name, person.born, person.gender) == ("Emil Krogh", date(2017, 3, 4), "male")
    assert (person.address, person.postcode, person.city) == ("Nye Vej 2, st.", "9000", "Aalborg")
    assert (person.protected, person.deceased, person.identifiers) == (
        False,
        False,
        {CPR_SYSTEM: CPR},
    )


def test_nobody_and_two(backend: Backend) -> None:
    backend.answers[PATIENTS] = bundle()
    assert register(backend).person(CPR_SYSTEM, CPR) is None
    backend.answers[PATIENTS] = bundle(patient("p1"), patient("p2"))
    with pytest.raises(RegisterDown, match="contradiction"):
        register(backend).person(CPR_SYSTEM, CPR)


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (500, "status 500"),
        (404, "status 404"),
        (b"<html>", "not json"),
        ({"resourceType": "OperationOutcome"}, "outcome"),
        (bundle(patient(cpr=OTHER_CPR)), "wrong person"),
        (bundle() | {"entry": [{"resource": outcome("timeout")}]}, "incomplete"),
        (bundle() | {"entry": [{"resource": {"resourceType": "Patient"}}]}, "incomplete"),
    ],
)
def test_no_answer_to_build_on(backend: Backend, answer: Any, problem: str) -> None:
    backend.answers[PATIENTS] = answer
    with pytest.raises(RegisterDown, match=problem):
        register(backend).person(CPR_SYSTEM, CPR)


def test_a_silent_register_is_down_in_time(backend: Backend) -> None:
    backend.answers[PATIENTS] = gate = Gate(backend, bundle())
    with pytest.raises(RegisterDown, match="timeout"):
        register(backend, timeout=0.1).person(CPR_SYSTEM, CPR)
    gate.open()


@pytest.mark.parametrize("born", ["2017", "2017-03", "2017-02-30", "", 2017, None, "0001-01-01"])
def test_an_unclear_birth_date_is_unknown(backend: Backend, born: Any) -> None:
    backend.answers[PATIENTS] = bundle(patient(birthDate=born))
    found = register(backend).person(CPR_SYSTEM, CPR)
    assert found and found.person.born is None


@pytest.mark.parametrize(
    ("meta", "protected"),
    [
        ({"security": [{"code": "R"}]}, True),
        ({"security": [{"code": "N"}, {"code": "V"}]}, True),
        ({"security": [{"code": "N"}]}, False),
        ({}, False),
        ({"security": "R"}, True),
        ("R", True),
        ({"security": ["R"]}, True),
    ],
)
def test_name_and_address_protection(backend: Backend, meta: Any, protected: bool) -> None:
    backend.answers[PATIENTS] = bundle(patient(meta=meta))
    found = register(backend).person(CPR_SYSTEM, CPR)
    assert found and found.person.protected is protected


@pytest.mark.parametrize(
    ("said", "deceased"),
    [
        ({"deceasedBoolean": True}, True),
        ({"deceasedDateTime": "2026-01-01"}, True),
        ({"deceasedBoolean": False}, False),
        ({"deceasedBoolean": "true"}, True),
        ({"deceasedBoolean": False, "deceasedDateTime": "2026"}, True),
    ],
)
def test_death(backend: Backend, said: dict[str, Any], deceased: bool) -> None:
    backend.answers[PATIENTS] = bundle(patient(**said))
    found = register(backend).person(CPR_SYSTEM, CPR)
    assert found and found.person.deceased is deceased


def test_custody_when_all_is_well(backend: Backend) -> None:
    assert custody(backend)
    assert custody(backend, active=None)
    assert custody(backend, period={"start": "2017-03-04"})
    assert custody(backend, period={"end": "2026-11-21"})
    assert custody(backend, period={"start": "2026-11-21T00:00:00+01:00"})
    assert custody(backend, period={"start": "2012", "end": "2027-06"})
    assert custody(backend, period={"start": "0001-01-01", "end": "9999-12-31"})
    assert custody(backend, period={"end": "9999-12-31T23:59:59Z"})


@pytest.mark.parametrize(
    "more",
    [
        {"active": False},
        {"active": "false"},
        {"period": {"end": "2026-11-20"}},
        {"period": {"start": "2026-11-22"}},
        {"period": {"end": "2026-11"}},
        {"period": {"start": "i går"}},
        {"period": {"start": "2026"}},
        {"period": {"end": "2026-10"}},
        {"period": {"start": "2026-12"}},
        {"period": {"end": "2025"}},
        {"period": {"end": "1800-01-01"}},
        {"period": {"start": "9999"}},
        {"period": "altid"},
        {"relationship": [{"coding": [{"system": CODES, "code": "PRICARE"}]}]},
        {"relationship": [{"coding": [{"system": "urn:andet", "code": "PARAUTH"}]}]},
        {"relationship": [{"text": "PARAUTH"}]},
        {"relationship": None},
        {"patient": {"reference": "https://elsewhere.example/Patient/barn"}},
        {"patient": {"reference": "Patient/barn/../andet"}},
        {"patient": None},
    ],
)
def test_no_custody_when_it_is_not_clear(backend: Backend, more: dict[str, Any]) -> None:
    assert not custody(backend, **more)


def test_custody_ends_at_midnight_in_copenhagen(backend: Backend) -> None:
    utc = ZoneInfo("UTC")
    last = {"end": "2026-11-21"}
    assert custody(backend, datetime(2026, 11, 21, 22, 59, tzinfo=utc), period=last)
    assert not custody(backend, datetime(2026, 11, 21, 23, 1, tzinfo=utc), period=last)


def test_a_relation_of_somebody_else_fails(backend: Backend) -> None:
    with pytest.raises(RegisterDown, match="wrong person"):
        custody(backend, cpr=OTHER_CPR)


def test_children_are_fetched_when_not_included(backend: Backend) -> None:
    backend.answers |= {
        RELATED: bundle(related("r1", "a"), related("r2", "b"), related("r3", "borte")),
        PATIENTS: bundle(patient("a", "1"), patient("b", "2"), patient("fremmed", "3")),
    }
    found = register(backend).in_custody_of(CPR_SYSTEM, CPR)
    assert [c.patient for c in found] == ["Patient/a", "Patient/b"]


def test_all_custody_holders(backend: Backend) -> None:
    backend.answers[RELATED] = bundle(
        related("r1"),
        related("r2", cpr=OTHER_CPR),
        related("r3", cpr=OTHER_CPR),
        related("r4", cpr="0303039990", active=False),
    )
    found = register(backend).custodians_of("Patient/barn")
    assert found and [p.identifiers[CPR_SYSTEM] for p in found] == [CPR, OTHER_CPR]


def test_nobody_holds_custody(backend: Backend) -> None:
    backend.answers[RELATED] = bundle(related(active=False))
    assert register(backend).custodians_of("Patient/barn") == ()


def test_custody_that_cannot_be_told_is_unknown(backend: Backend) -> None:
    backend.answers[RELATED] = bundle(related("r1"), related("r2", identifier=[]))
    assert register(backend).custodians_of("Patient/barn") is None
    three = [related(f"r{n}", cpr=f"010101999{n}") for n in range(3)]
    backend.answers[RELATED] = bundle(*three)
    assert register(backend).custodians_of("Patient/barn") is None


@pytest.mark.parametrize(
    "unclear",
    [
        {"period": {"end": "2026-11"}},
        {"period": {"start": "2026"}},
        {"period": {"start": "i går"}},
        {"period": {"start": "2012", "end": 2027}},
        {"period": "altid"},
        {"period": None},
        {"active": "false"},
    ],
)
def test_nobody_decides_alone_because_the_others_custody_is_unclear(
    backend: Backend, unclear: dict[str, Any]
) -> None:
    """She does not get in by it; and as if she were not there, the other alone would open everything."""
    other = related("r2", cpr=OTHER_CPR) | unclear
    backend.answers[RELATED] = bundle(related("r1"), other)
    assert register(backend).custodians_of("Patient/barn") is None


@pytest.mark.parametrize("over", [{"end": "2025"}, {"end": "2026-10"}, {"start": "2026-12"}])
def test_a_custody_that_is_surely_over_or_to_come_is_nobodys(
    backend: Backend, over: dict[str, str]
) -> None:
    backend.answers[RELATED] = bundle(related("r1"), related("r2", cpr=OTHER_CPR, period=over))
    found = register(backend).custodians_of("Patient/barn")
    assert found and [p.identifiers[CPR_SYSTEM] for p in found] == [CPR]


def test_another_childs_custody_is_not_believed(backend: Backend) -> None:
    backend.answers[RELATED] = bundle(related(child="en-anden"))
    with pytest.raises(RegisterDown, match="wrong person"):
        register(backend).custodians_of("Patient/barn")


def test_two_numbers_of_one_kind_contradict(backend: Backend) -> None:
    two = [{"system": "urn:x", "value": "1"}, {"system": "urn:x", "value": "2"}]
    mine = [
        {"system": CPR_SYSTEM, "value": CPR},
        {"system": CPR_SYSTEM, "value": "1", "use": "old"},
    ]
    backend.answers[PATIENTS] = bundle(patient(identifier=[*two, *mine]))
    found = register(backend).person(CPR_SYSTEM, CPR)
    assert found and found.person.identifiers == {CPR_SYSTEM: CPR}


def test_a_child_whose_id_is_its_number_stands_in_no_address(backend: Backend) -> None:
    """No page of an answer about it is asked for by an address that holds the number."""
    asked: list[str] = []

    async def pages(request: web.Request) -> web.Response:
        asked.append((await request.read()).decode())
        url = f"RelatedPerson?patient=Patient/{OTHER_CPR}&page=2"
        link = [{"relation": "next", "url": url}] if len(asked) == 1 else []
        return web.json_response(bundle(related(f"r{len(asked)}", child=OTHER_CPR), link=link))

    backend.answers[RELATED] = pages
    found = register(backend).custodians_of(f"Patient/{OTHER_CPR}")
    assert found and len(found) == 1 and len(asked) == 2
    assert set(backend.asked) == {RELATED}
