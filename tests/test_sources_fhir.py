"""The FHIR source against a real server: who it is, what is delivered, and what is not believed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from aiohttp import web
from recorded.backend import (
    OTHER_CPR,
    Backend,
    bundle,
    in_days,
    lost,
    outcome,
    patient,
    recorded,
    running_backend,
    serve_fhir,
    settings,
    source,
    subject,
)

from portal.records import (
    Answer,
    Assessment,
    Audience,
    Contact,
    Entry,
    Goal,
    Intervention,
    Measurement,
    Meeting,
    Plan,
    State,
    Status,
)
from portal.sources.gather import Gatherer


@pytest.fixture
def backend() -> Iterator[Backend]:
    with running_backend() as running:
        yield running


def ask(backend: Backend, **more: Any) -> Answer:
    gatherer = Gatherer(settings(backend.url, source(backend, **more)))
    return gatherer.ask(["system"], subject(), None)["system"]


def everything() -> list[dict[str, Any]]:
    """The recorded server, its times moved to days from now ("@+5")."""

    def moved(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: moved(v) for k, v in value.items()}
        if isinstance(value, list):
            return [moved(v) for v in value]
        return in_days(int(value[1:])) if isinstance(value, str) and value[:1] == "@" else value

    found: list[dict[str, Any]] = moved(recorded("fhir_everything.json"))["resources"]
    return found


@pytest.fixture
def answer(backend: Backend) -> Answer:
    serve_fhir(backend, *everything())
    return ask(backend, journal_url="https://familieafdelingen.example/")


def by_key(answer: Answer) -> dict[str, Any]:
    return {e.key: e for e in answer.entries}


def of(answer: Answer, kind: type[Entry]) -> list[Any]:
    return [e for e in answer.entries if isinstance(e, kind)]


def test_everything_is_delivered_and_whole(answer: Answer) -> None:
    assert (answer.state, answer.partial, answer.problem) == (State.SHOWN, False, "")
    assert len({e.key for e in answer.entries}) == len(answer.entries)


def test_contacts_are_professionals_with_their_ways_in(answer: Answer) -> None:
    karin = by_key(answer)["CareTeam/t1#PractitionerRole/r-karin"]
    assert karin == Contact(
        key="CareTeam/t1#PractitionerRole/r-karin",
        source="system",
        owner="familie",
        name="Karin Thomsen",
        role="Tovholder, Socialrådgiver",
        responsible_for="Barnets plan",
        coordinator=True,
        phone="99990102",
        email="karin@kommune.example",
        hours="man-tor 9.00-14.00, fre 9.00-12.00",
        address="Rådhuset 1, 9000 Aalborg",
    )


def test_family_members_are_never_contacts_or_named_in_meetings(answer: Answer) -> None:
    assert "Mette" not in repr(answer) and "Emil Holm" not in repr(answer)


def test_a_care_manager_coordinates(answer: Answer) -> None:
    ane = by_key(answer)["EpisodeOfCare/e1#careManager"]
    assert (ane.name, ane.coordinator, ane.owner) == ("Ane Friis", True, "ppr")


def test_a_participation_that_is_over_does_not_run(answer: Answer) -> None:
    assert not by_key(answer)["CareTeam/t1#PractitionerRole/r-poul"].running


def test_a_logical_reference_is_shown_by_its_display(answer: Answer) -> None:
    assert "Lægehuset ved Åen" in {c.name for c in of(answer, Contact)}


def test_meetings(answer: Answer) -> None:
    meetings = {m.key: m for m in of(answer, Meeting)}
    assert set(meetings) == {"Appointment/a1", "Appointment/a2", "Encounter/n1"}
    first = meetings["Appointment/a1"]
    assert (first.title, first.place) == (
        "Netværksmøde",
        "Rådhuset, lokale 2, Boulevarden 13, 9000 Aalborg",
    )
    assert (first.people, first.actors, first.owner) == (("Poul Riis",), ("ppr",), "ppr")
    assert first.instruction == "Tag din plan med"
    assert (meetings["Appointment/a2"].cancelled, meetings["Appointment/a2"].title) == (
        True,
        "Samtale",
    )


def test_a_plan_with_its_follow_ups(answer: Answer) -> None:
    plan = by_key(answer)["CarePlan/c1"]
    assert isinstance(plan, Plan)
    assert (plan.owner, plan.responsible, plan.lang) == ("familie", "Karin Thomsen", "da")
    assert (plan.followed_up, plan.next_follow_up) == (date(2020, 3, 1), date(2099, 3, 1))
    assert plan.url == "https://familieafdelingen.example/"


def test_help_with_paragraph_name_and_goal(answer: Answer) -> None:
    helping = by_key(answer)["CarePlan/c1#activity-0"]
    assert isinstance(helping, Intervention)
    assert (helping.title, helping.paragraph) == (
        "Fast kontaktperson",
        "Barnets Lov § 32, stk. 1, nr. 3",
    )
    assert (helping.goal, helping.responsible) == ("Gå i skole hver dag", "Poul Riis")
    assert helping.start == date(2026, 2, 15)


def test_a_restricted_goals_words_do_not_stand_beside_the_help(answer: Answer) -> None:
    assert by_key(answer)["CarePlan/c1#activity-1"].goal == ""
    assert by_key(answer)["Goal/g2"].audience == {Audience.CITIZEN_FROM_15}


def test_the_kind_table_is_applied_part_by_part(answer: Answer) -> None:
    entries = by_key(answer)
    assert entries["CarePlan/c1#activity-1"].kinds == {"excluded:tandpleje"}
    assert entries["CarePlan/c1"].kinds == frozenset()
    assert entries["ServiceRequest/s2"].kinds == {"application", "concern"}
    assert entries["CarePlan/c3"].kinds == {"application"}


def test_klcore_planned_intervention_is_help(answer: Answer) -> None:
    helping = by_key(answer)["CarePlan/c2"]
    assert isinstance(helping, Intervention)
    assert (helping.title, helping.owner, helping.paragraph) == (
        "Familiebehandling § 32",
        "ppr",
        "§ 32",
    )


def test_assessments_by_words_and_by_code(answer: Answer) -> None:
    found = {a.key: a for a in of(answer, Assessment)}
    assert set(found) == {"ServiceRequest/s1", "EpisodeOfCare/e1"}
    assert found["EpisodeOfCare/e1"].status is Status.WAITING
    assert found["EpisodeOfCare/e1"].start is None


def test_an_organisation_nobody_configured_is_shown_by_name(answer: Answer) -> None:
    plan = by_key(answer)["CarePlan/c3"]
    assert (plan.owner, plan.by) == ("familie", "De Frivillige")
    assert plan.audience == {Audience.OWNER_ONLY, Audience.NOT_FOR_CHILD}


def test_goals(answer: Answer) -> None:
    goal = by_key(answer)["Goal/g1"]
    assert isinstance(goal, Goal)
    assert (goal.progress, goal.due, goal.achievement) == (60, date(2026, 12, 31), "Det går fremad")
    assert goal.plan == "CarePlan/c1"


def test_measurements_are_wellbeing_only_and_keep_the_danish_day(answer: Answer) -> None:
    (one,) = of(answer, Measurement)
    assert (one.scale, one.day, one.value) == ("Trivselslineal", date(2026, 10, 1), 3.0)
    assert (one.words, one.phase, one.low, one.high) == ("på vej", "during", 1.0, 5.0)


def test_nobody_by_that_number_is_empty(backend: Backend) -> None:
    serve_fhir(backend, patient(cpr=OTHER_CPR))
    assert ask(backend).state is State.EMPTY


def test_a_silent_outage_is_not_empty(backend: Backend) -> None:
    backend.answers["/fhir/Patient/_search"] = bundle() | {
        "entry": [{"resource": outcome("transient"), "search": {"mode": "outcome"}}]
    }
    assert (ask(backend).state, ask(backend).problem) == (State.UNAVAILABLE, "outcome")


def test_two_persons_fail(backend: Backend) -> None:
    serve_fhir(backend, patient("p1"), patient("p2"))
    assert ask(backend).problem == "several persons"


def test_a_patient_without_the_number_asked_for_is_somebody_else(backend: Backend) -> None:
    backend.answers["/fhir/Patient/_search"] = bundle(patient(cpr=OTHER_CPR))
    assert ask(backend).problem == "wrong person"


def test_a_number_that_stands_twice_in_the_answer_is_not_believed(backend: Backend) -> None:
    twice = json.dumps(bundle(patient())).replace('"value":', '"value": "1", "value":')
    backend.answers["/fhir/Patient/_search"] = twice.encode()
    assert ask(backend).problem == "not json"


@pytest.mark.parametrize(
    "whose",
    [
        {"subject": {"reference": "Patient/p2"}},
        {"subject": {"reference": "https://elsewhere.example/fhir/Patient/p1"}},
        {"subject": {"identifier": {"system": "urn:oid:1.2.208.176.1.2", "value": OTHER_CPR}}},
        {"subject": {"display": "Emil"}},
        {"subject": {"reference": "#barn"}, "contained": [patient("barn", OTHER_CPR)]},
        {},
    ],
)
def test_somebody_elses_goal_fails_the_source(backend: Backend, whose: dict[str, Any]) -> None:
    goal = {"resourceType": "Goal", "id": "g", "description": {"text": "Andres mål"}} | whose
    serve_fhir(backend, patient(), goal)
    found = ask(backend)
    assert (found.state, found.problem) == (State.UNAVAILABLE, "wrong person")
    assert found.entries == ()


@pytest.mark.parametrize(
    "whose",
    [
        {"subject": {"reference": "{base}/Patient/p1"}},
        {"subject": {"reference": "Patient/p1/_history/3"}},
        {"subject": {"identifier": {"system": "urn:oid:1.2.208.176.1.2", "value": "0108169995"}}},
        {"subject": {"reference": "#barn"}, "contained": [patient("barn")]},
    ],
)
def test_the_person_may_be_referred_to_in_many_ways(
    backend: Backend, whose: dict[str, Any]
) -> None:
    said = json.loads(json.dumps(whose).replace("{base}", f"{backend.url}/fhir"))
    goal = {"resourceType": "Goal", "id": "g", "description": {"text": "Mål"}} | said
    serve_fhir(backend, patient(), goal)
    assert [e.key for e in ask(backend).entries] == ["Goal/g"]


def test_a_type_the_server_does_not_know_is_not_a_failure(backend: Backend) -> None:
    serve_fhir(backend, *everything(), lacks=("CareTeam", "Encounter"))

    async def not_supported(request: web.Request) -> web.Response:
        return web.json_response(outcome("not-supported"), status=400)

    backend.answers["/fhir/EpisodeOfCare/_search"] = not_supported
    found = ask(backend)
    assert found.state is State.SHOWN and not found.partial
    assert not of(found, Contact)


@pytest.mark.parametrize("status", [500, 403, 429, 400])
def test_any_other_failure_of_a_type_fails_the_source(backend: Backend, status: int) -> None:
    serve_fhir(backend, *everything())
    backend.answers["/fhir/CarePlan/_search"] = status
    found = ask(backend)
    assert (found.state, found.problem) == (State.UNAVAILABLE, f"status {status}")


def test_a_server_that_knows_no_type_at_all_is_not_empty(backend: Backend) -> None:
    backend.answers["/fhir/Patient/_search"] = bundle(patient())
    assert ask(backend).problem == "nothing supported"


def test_a_server_that_dislikes_includes_is_asked_without(backend: Backend) -> None:
    serve_fhir(backend, *everything())
    plain = backend.answers["/fhir/CareTeam/_search"]

    async def strict(request: web.Request) -> web.StreamResponse:
        if b"_include" in await request.read():
            return web.json_response(outcome("invalid"), status=400)
        found: web.StreamResponse = await plain(request)
        return found

    backend.answers["/fhir/CareTeam/_search"] = strict
    assert "Karin Thomsen" in {c.name for c in of(ask(backend), Contact)}


def test_a_server_without_search_for_people_is_read_from(backend: Backend) -> None:
    serve_fhir(backend, *everything(), lacks=("Practitioner", "PractitionerRole"))
    for one in everything():
        if one["resourceType"] in ("Practitioner", "PractitionerRole"):
            backend.answers[f"/fhir/{one['resourceType']}/{one['id']}"] = one
    assert "Karin Thomsen" in {c.name for c in of(ask(backend), Contact)}


def test_an_outcome_among_the_answers_is_partial(backend: Backend) -> None:
    serve_fhir(backend, patient())
    backend.answers["/fhir/Goal/_search"] = bundle() | {
        "entry": [{"resource": outcome("incomplete", "warning"), "search": {"mode": "outcome"}}]
    }
    found = ask(backend)
    assert (found.state, found.partial) == (State.SHOWN, True)


def test_all_pages_are_read(backend: Backend) -> None:
    serve_fhir(backend, patient())
    goals = [
        {
            "resourceType": "Goal",
            "id": f"g{n}",
            "description": {"text": f"Mål {n}"},
            "subject": {"reference": "Patient/p1"},
        }
        for n in range(2)
    ]
    following = {"link": [{"relation": "next", "url": "Goal/next"}]}
    backend.answers["/fhir/Goal/_search"] = bundle(goals[0], **following)
    backend.answers["/fhir/Goal/next"] = bundle(goals[1])
    assert [e.key for e in ask(backend).entries] == ["Goal/g0", "Goal/g1"]


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/fhir/Goal",
        "https://evil.example/fhir?page=2",
        "//evil.example/fhir",
        "/admin",
        "/fhir/../admin",
        "/fhir/%2e%2e/admin",
        "/fhirelse",
        "file:///etc/passwd",
        "http://[",
    ],
)
def test_paging_never_leaves_the_base(backend: Backend, url: str) -> None:
    serve_fhir(backend, patient())
    backend.answers["/fhir/Goal/_search"] = bundle(link=[{"relation": "next", "url": url}])
    found = ask(backend)
    assert (found.state, found.problem) == (State.UNAVAILABLE, "paging off origin")
    assert "/admin" not in backend.asked


def test_endless_paging_ends_and_says_so(backend: Backend) -> None:
    serve_fhir(backend, patient())
    again = bundle(link=[{"relation": "next", "url": "Goal/again"}])
    backend.answers |= {"/fhir/Goal/_search": again, "/fhir/Goal/again": again}
    found = ask(backend)
    assert (found.state, found.partial) == (State.SHOWN, True)
    assert backend.count("/fhir/Goal/again") < 20


def test_a_meeting_without_a_readable_time_makes_the_answer_partial(backend: Backend) -> None:
    broken = {
        "resourceType": "Appointment",
        "id": "a",
        "status": "booked",
        "start": "i morgen",
        "participant": [{"actor": {"reference": "Patient/p1"}}],
    }
    serve_fhir(backend, patient(), broken)
    found = ask(backend)
    assert (found.state, lost(found), found.entries) == (State.SHOWN, ["meeting"], ())


@pytest.mark.parametrize("junk", [None, 3, "x", [], {}, [[]], [None], {"reference": 3}, True])
def test_any_shape_inside_is_survived(backend: Backend, junk: Any) -> None:
    resources = everything()
    for resource in resources:
        for key in list(resource):
            if key not in ("resourceType", "id", "identifier", "subject", "patient"):
                resource[key] = junk
        if resource["resourceType"] == "Appointment":
            resource["participant"] = [{"actor": {"reference": "Patient/p1"}}, junk]
    serve_fhir(backend, *resources)
    found = ask(backend)
    assert found.state is State.SHOWN, found.problem


def test_the_cpr_stands_in_no_address(backend: Backend) -> None:
    serve_fhir(backend, *everything())
    ask(backend)
    assert all("0108169995" not in path for path in backend.asked)
    assert "/fhir/Patient/_search" in backend.asked


def test_a_goal_belongs_to_whom_its_plan_belongs(backend: Backend) -> None:
    """Consenting to one place must not open the goals of another place's restricted plan."""
    mine = {"subject": {"reference": "Patient/p1"}}
    author = {"identifier": {"system": "http://p-nummer.dk", "value": "1"}, "display": "Fremmede"}
    plan = {
        "resourceType": "CarePlan",
        "id": "c",
        "status": "draft",
        "title": "Plan",
        "author": {"reference": "Organization/o"},
        "goal": [{"reference": "Goal/g"}],
        "meta": {"security": [{"code": "V"}]},
    } | mine
    ppr = next(r for r in everything() if r["id"] == "o-ppr") | {"id": "o"}
    goal = {"resourceType": "Goal", "id": "g", "description": {"text": "Mål"}} | mine
    other = plan | {"id": "d", "author": author | {"type": "Organization"}, "goal": []}
    serve_fhir(backend, patient(), ppr, plan, goal, other)
    entries = by_key(ask(backend))
    found = entries["Goal/g"]
    assert (found.owner, found.plan) == ("ppr", "CarePlan/c")
    assert found.audience == {Audience.OWNER_ONLY}
    assert found.kinds == {"application"}
    assert (entries["CarePlan/d"].owner, entries["CarePlan/d"].by) == ("familie", "Fremmede")


def test_a_server_that_counts_more_than_it_gives_is_partial(backend: Backend) -> None:
    serve_fhir(backend, patient())
    backend.answers["/fhir/Goal/_search"] = bundle(total=3)
    found = ask(backend)
    assert (found.state, found.partial) == (State.SHOWN, True)


def test_a_citizen_named_by_cpr_is_no_contact(backend: Backend) -> None:
    member = {"identifier": {"system": "urn:oid:1.2.208.176.1.2", "value": OTHER_CPR}}
    team = {
        "resourceType": "CareTeam",
        "id": "t",
        "status": "active",
        "subject": {"reference": "Patient/p1"},
        "participant": [{"member": member | {"display": "Jonas Krogh"}}],
    }
    serve_fhir(backend, patient(), team)
    assert ask(backend).state is State.EMPTY
