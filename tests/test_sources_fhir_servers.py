"""FHIR servers as they are: without includes or ids, deaf to parameters, with pages that go round."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

import pytest
from aiohttp import web
from recorded.backend import (
    CPR,
    OTHER_CPR,
    Backend,
    bundle,
    in_days,
    lost,
    outcome,
    patient,
    running_backend,
    serve_fhir,
    settings,
    source,
    subject,
)

from portal.merge import merge
from portal.records import (
    Answer,
    Assessment,
    Audience,
    Contact,
    Goal,
    Intervention,
    Meeting,
    Plan,
    State,
    Status,
)
from portal.sources.gather import Gatherer

HERS = {"subject": {"reference": "Patient/p1"}}
R = {"meta": {"security": [{"code": "R"}]}}
KARIN = {"resourceType": "Practitioner", "id": "karin", "name": [{"text": "Karin Thomsen"}]}
TEAM = HERS | {
    "resourceType": "CareTeam",
    "id": "t",
    "status": "active",
    "participant": [{"member": {"reference": "Practitioner/karin"}}],
}


@pytest.fixture
def backend() -> Iterator[Backend]:
    with running_backend() as running:
        yield running


def ask(backend: Backend, **more: Any) -> Answer:
    gatherer = Gatherer(settings(backend.url, source(backend, **more)))
    return gatherer.ask(["system"], subject(), None)["system"]


def goal(number: str, **more: Any) -> dict[str, Any]:
    return {"resourceType": "Goal", "id": number, "description": {"text": number}} | HERS | more


def names(answer: Answer) -> set[str]:
    return {e.name for e in answer.entries if isinstance(e, Contact)}


@pytest.mark.parametrize("answered", [400, 403, 405, 422, bundle(), outcome("not-supported")])
def test_people_are_read_one_by_one_where_ids_cannot_be_searched(
    backend: Backend, answered: Any
) -> None:
    serve_fhir(backend, patient(), TEAM)
    backend.answers["/fhir/Practitioner/_search"] = answered
    backend.answers["/fhir/Practitioner/karin"] = KARIN
    assert names(ask(backend)) == {"Karin Thomsen"}


def test_whom_we_may_not_read_is_shown_by_display(backend: Backend) -> None:
    serve_fhir(backend, patient(), TEAM)
    member = {"reference": "Practitioner/karin", "display": "Karin"}
    serve_fhir(backend, patient(), TEAM | {"participant": [{"member": member}]})
    backend.answers["/fhir/Practitioner/_search"] = 403
    backend.answers["/fhir/Practitioner/karin"] = 403
    found = ask(backend)
    assert names(found) == {"Karin"} and found.state is State.SHOWN


def test_a_server_deaf_to_ids_gives_everybody_and_we_take_ours(backend: Backend) -> None:
    serve_fhir(backend, patient(), TEAM)
    other = KARIN | {"id": "bo", "name": [{"text": "Bo Lund"}]}
    backend.answers["/fhir/Practitioner/_search"] = bundle(other, KARIN)
    assert names(ask(backend)) == {"Karin Thomsen"}


def test_a_server_deaf_to_the_identifier_gives_nobody(backend: Backend) -> None:
    serve_fhir(backend, patient(), goal("g"))
    backend.answers["/fhir/Patient/_search"] = bundle(patient(), patient("p2", OTHER_CPR))
    found = ask(backend)
    assert (found.state, found.entries) == (State.UNAVAILABLE, ())


def test_other_types_among_the_matches_are_not_matches(backend: Backend) -> None:
    serve_fhir(backend, patient())
    strange = {"resourceType": "Task", "id": "x", "description": "Andet"}
    backend.answers["/fhir/Goal/_search"] = bundle(goal("g"), strange, KARIN)
    assert [e.key for e in ask(backend).entries] == ["Goal/g"]


def test_appointments_and_encounters_not_asked_for_are_left_out(backend: Backend) -> None:
    """A server deaf to `date` and `status` gives years and journals."""
    old = {
        "resourceType": "Appointment",
        "id": "a",
        "status": "fulfilled",
        "start": in_days(-400),
        "end": in_days(-400),
        "participant": [{"actor": {"reference": "Patient/p1"}}],
    }
    over = {"resourceType": "Encounter", "id": "n", "status": "finished"} | HERS
    serve_fhir(backend, patient(), old, over | {"period": {"start": in_days(-1)}})
    assert ask(backend).state is State.EMPTY


def test_small_pages_without_a_total_are_read_to_the_end(backend: Backend) -> None:
    serve_fhir(backend, patient())

    async def page(request: web.Request) -> web.Response:
        n = int(request.query.get("n", "1"))
        more = [{"relation": "next", "url": f"{backend.url}/fhir/Goal?n={n + 1}"}] if n < 5 else []
        return web.json_response(bundle(goal(f"g{n}"), link=more))

    backend.answers |= {"/fhir/Goal/_search": page, "/fhir/Goal": page}
    found = ask(backend)
    assert [e.key for e in found.entries] == [f"Goal/g{n}" for n in range(1, 6)]
    assert not found.partial


def test_one_page_with_far_too_many_is_read_as_far_as_many_pages_are(backend: Backend) -> None:
    serve_fhir(backend, patient())
    backend.answers["/fhir/Goal/_search"] = bundle(*(goal(f"g{n}") for n in range(1001)))
    found = ask(backend)
    assert (len(found.entries), found.partial) == (1000, True)


def test_a_page_that_leads_to_itself_is_asked_once(backend: Backend) -> None:
    serve_fhir(backend, patient())
    again = bundle(goal("g"), link=[{"relation": "next", "url": "Goal/again"}])
    backend.answers |= {"/fhir/Goal/_search": again, "/fhir/Goal/again": again}
    found = ask(backend)
    assert [e.key for e in found.entries] == ["Goal/g"] and found.partial
    assert backend.count("/fhir/Goal/again") == 1


def test_a_next_page_whose_address_holds_the_cpr_is_asked_for_in_a_body(backend: Backend) -> None:
    serve_fhir(backend, patient())
    query = "identifier=urn%3Aoid%3A1.2.208.176.1.2%7C0108169995&page=2"
    forms: list[str] = []

    async def pages(request: web.Request) -> web.Response:
        forms.append((await request.read()).decode())
        link = [{"relation": "next", "url": f"{backend.url}/fhir/Patient?{query}"}]
        return web.json_response(bundle(patient(), link=link if len(forms) == 1 else []))

    backend.answers["/fhir/Patient/_search"] = pages
    found = ask(backend)
    assert (found.state, found.partial) == (State.EMPTY, False)
    assert forms[1:] == [query]
    assert "/fhir/Patient" not in backend.asked


@pytest.mark.parametrize(
    ("answer", "state", "problem"),
    [
        (outcome("exception", "fatal"), State.UNAVAILABLE, "outcome"),
        (outcome("not-supported"), State.EMPTY, ""),
    ],
)
def test_an_outcome_instead_of_a_bundle(
    backend: Backend, answer: Any, state: State, problem: str
) -> None:
    """Sent with 200, it still says what it says."""
    serve_fhir(backend, patient())
    backend.answers["/fhir/Goal/_search"] = answer
    found = ask(backend)
    assert (found.state, found.problem) == (state, problem)


@pytest.mark.parametrize(
    ("code", "severity", "partial"),
    [
        ("informational", "information", False),
        ("suppressed", "information", True),
        ("informational", "warning", True),
        ("incomplete", "error", True),
    ],
)
def test_what_an_outcome_among_the_answers_means(
    backend: Backend, code: str, severity: str, partial: bool
) -> None:
    serve_fhir(backend, patient())
    told = bundle(goal("g"))
    told["entry"].append({"resource": outcome(code, severity), "search": {"mode": "outcome"}})
    backend.answers["/fhir/Goal/_search"] = told
    found = ask(backend)
    assert (found.state, found.partial) == (State.SHOWN, partial)


def test_nothing_found_at_an_epic_server_is_nothing(backend: Backend) -> None:
    """It warns of it each time; and where something came, the same warning says that some did not."""
    said = outcome("processing", "warning")
    said["issue"][0]["details"] = {
        "coding": [{"system": "urn:oid:1.2.840.114350.1.13.0.1.7.2.657369", "code": "4101"}]
    }
    entry = {"resource": said, "search": {"mode": "outcome"}}
    for goals, state, partial in ((), State.EMPTY, False), ((goal("g"),), State.SHOWN, True):
        serve_fhir(backend, patient())
        told = bundle(*goals)
        told["entry"].append(entry)
        backend.answers["/fhir/Goal/_search"] = told
        found = ask(backend)
        assert (found.state, found.partial) == (state, partial)


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ({"status": "active", "intent": "proposal"}, Status.PROPOSED),
        ({"status": "draft", "intent": "order"}, Status.PROPOSED),
        ({"status": "active", "intent": "order"}, Status.RUNNING),
        ({"status": "completed", "intent": "proposal"}, Status.DONE),
    ],
)
def test_what_is_only_suggested_is_not_under_way(
    backend: Backend, said: dict[str, Any], status: Status
) -> None:
    request = {"resourceType": "ServiceRequest", "id": "s", "code": {"text": "Støtte"}} | HERS
    activity = {"detail": {"status": "in-progress", "code": {"text": "Samtaler"}}}
    plan = PLAN | {"goal": [], "activity": [activity]}
    serve_fhir(backend, patient(), request | said, plan | said)
    found = {e.key: getattr(e, "status", None) for e in ask(backend).entries}
    assert found["ServiceRequest/s"] is found["CarePlan/c"] is status
    proposed = said["intent"] == "proposal"
    assert found["CarePlan/c#activity-0"] is (Status.PROPOSED if proposed else Status.RUNNING)


@pytest.mark.parametrize(
    ("period", "here"),
    [
        ({"end": "2024"}, False), ({"end": "2024-02"}, False), ({"start": "2150"}, False),
        ({"start": "2024", "end": "2150-12"}, True), ({"start": in_days(0)[:7]}, True),
        ({"end": in_days(0)[:4]}, True),
    ],
)  # fmt: skip
def test_a_period_may_be_of_years_and_months(
    backend: Backend, period: dict[str, str], here: bool
) -> None:
    serve_fhir(backend, patient(), KARIN, TEAM | {"period": period})
    (found,) = ask(backend).entries
    assert isinstance(found, Contact) and found.running is here


def test_a_plan_and_a_course_need_no_name_and_a_meeting_no_end(backend: Backend) -> None:
    """R4 lets all three be left out."""
    plan = {"resourceType": "CarePlan", "id": "c", "status": "active", "description": "Ro"} | HERS
    episode = {"resourceType": "EpisodeOfCare", "id": "e", "status": "active"}
    episode |= {"patient": HERS["subject"]}
    booked = _appointment("m", "l") | {"start": "2150-12-01T10:00:00+01:00", "minutesDuration": 45}
    booked.pop("end", None)
    serve_fhir(backend, patient(), plan, episode, booked)
    found = {e.key: e for e in ask(backend).entries}
    told = found["CarePlan/c"], found["EpisodeOfCare/e"]
    assert [getattr(t, "title", None) for t in told] == ["Plan", "Forløb"]
    meeting = found["Appointment/m"]
    assert isinstance(meeting, Meeting) and meeting.end
    assert (meeting.end - meeting.start).seconds == 45 * 60


def test_a_total_that_counts_the_included_too_is_whole(backend: Backend) -> None:
    """Servers written by hand do; a total that is neither means that some did not come."""
    serve_fhir(backend, patient())
    told = bundle(goal("g"), {"resourceType": "Practitioner", "id": "x"})
    told["entry"][1]["search"] = {"mode": "include"}
    for total, partial in (1, False), (2, False), (3, True):
        backend.answers["/fhir/Goal/_search"] = told | {"total": total}
        assert ask(backend).partial is partial


def test_a_next_page_named_by_its_query_alone_is_the_same_search(backend: Backend) -> None:
    serve_fhir(backend, patient())
    more = [{"relation": "next", "url": "?off=2"}]
    backend.answers["/fhir/Goal/_search"] = bundle(goal("g1"), link=more)
    backend.answers["/fhir/Goal"] = bundle(goal("g2"))
    found = ask(backend)
    assert [e.key for e in found.entries] == ["Goal/g1", "Goal/g2"] and not found.partial


def test_entries_known_by_full_url_alone(backend: Backend) -> None:
    """`urn:uuid:` in a bundle names what has no id yet."""
    serve_fhir(backend, patient())
    kid, ppl = ("urn:uuid:00000000-0000-4000-8000-00000000000" + n for n in "ab")
    named = {"resourceType": "Patient", "identifier": patient()["identifier"]}
    team = TEAM | {"subject": {"reference": kid}, "participant": [{"member": {"reference": ppl}}]}
    del team["id"]
    entries = [(f"{backend.url}/fhir/CareTeam/t9", team), (kid, named)]
    entries.append((ppl, {k: v for k, v in KARIN.items() if k != "id"}))
    backend.answers["/fhir/CareTeam/_search"] = bundle() | {
        "entry": [{"fullUrl": url, "resource": r} for url, r in entries]
    }
    found = ask(backend)
    assert names(found) == {"Karin Thomsen"} and not found.partial
    assert found.entries[0].key.startswith("CareTeam/t9#")


PLAN = HERS | {
    "resourceType": "CarePlan",
    "id": "c",
    "status": "active",
    "title": "Plan",
    "goal": [{"reference": "#g"}],
    "activity": [
        {"detail": {"status": "in-progress", "code": {"text": "Støtte"}, "goal": [{"reference": "#g"}]}},
        {"reference": {"reference": "#s"}},
    ],
    "contained": [
        {"resourceType": "Goal", "id": "g", "description": {"text": "Sove godt"}},
        {"resourceType": "Goal", "id": "h", "description": {"text": "Andens mål"},
         "subject": {"reference": "Patient/sofie"}},
        {"resourceType": "ServiceRequest", "id": "s", "status": "active", "intent": "order",
         "code": {"text": "Aflastning § 32"}, "performer": [{"reference": "#k"}]},
        {"resourceType": "CareTeam", "id": "t", "status": "active",
         "participant": [{"member": {"reference": "#k"}}]},
        KARIN | {"id": "k"},
    ],
}  # fmt: skip


def test_what_stands_inside_a_plan_is_told_and_belongs_to_it(backend: Backend) -> None:
    serve_fhir(backend, patient(), PLAN)
    found = ask(backend)
    told = {e.key: e for e in found.entries}
    inner, helping, request = (
        told[k] for k in ("Goal/c#g", "CarePlan/c#activity-0", "ServiceRequest/c#s")
    )
    assert isinstance(inner, Goal) and inner.plan == "CarePlan/c"
    assert isinstance(helping, Intervention) and helping.goal == "Sove godt"
    assert isinstance(request, Intervention) and request.responsible == "Karin Thomsen"
    assert names(found) == {"Karin Thomsen"}
    assert "Andens" not in repr(found) and not found.partial


def test_what_restricts_a_plan_restricts_what_stands_inside_it(backend: Backend) -> None:
    kind = {"category": [{"coding": [{"system": "urn:art", "code": "tandpleje"}]}]}
    author = {"author": {"reference": "Organization/o"}}
    ppr = {
        "resourceType": "Organization",
        "id": "o",
        "name": "PPR",
        "identifier": [
            {
                "system": "https://kombit.dk/sts/organisation",
                "value": "urn:uuid:0000aaaa-0851-4000-8000-00000000aaaa",
            }
        ],
    }
    serve_fhir(backend, patient(), PLAN | R | kind | author, ppr)
    found = ask(backend)
    assert len(found.entries) == 5
    for entry in found.entries:
        assert entry.audience == {Audience.CITIZEN_FROM_15}, entry
        assert entry.owner == "ppr", entry
        assert "excluded:tandpleje" in entry.kinds, entry


def test_a_restricted_organisation_is_neither_named_nor_opened(backend: Backend) -> None:
    shelter = {"resourceType": "Organization", "id": "o", "name": "Krisecenter Ly"} | R
    role = {"resourceType": "PractitionerRole", "id": "r", "organization": {"reference": "Organization/o"}}  # fmt: skip
    plan = PLAN | {"contained": [], "author": {"reference": "Organization/o"}}
    team = TEAM | {"participant": [{"member": {"reference": "PractitionerRole/r", "display": "Eva"}}]}  # fmt: skip
    serve_fhir(backend, patient(), shelter, role, plan, team)
    found = ask(backend)
    contact = next(e for e in found.entries if isinstance(e, Contact))
    assert contact.audience == {Audience.CITIZEN_FROM_15}
    assert all("Krisecenter" not in repr(e) for e in found.entries if not e.audience)


def test_a_meeting_by_telephone_or_video(backend: Backend) -> None:
    where = {"resourceType": "Location", "name": "Telefon"}
    phone = where | {"id": "tlf", "telecom": [{"system": "phone", "value": "99990199"}]}
    link = "https://video.example/moede/7"
    video = {"resourceType": "Location", "id": "vid", "name": "Video", "telecom": [{"system": "url", "value": link}]}  # fmt: skip
    shut = video | R | {"id": "shut"}
    serve_fhir(
        backend,
        patient(),
        phone,
        video,
        shut,
        *(_appointment(n, n) for n in ("tlf", "vid", "shut")),
    )
    told = {e.key: e for e in ask(backend).entries if isinstance(e, Meeting)}
    assert told["Appointment/tlf"].place == "Telefon, 99990199"
    assert (told["Appointment/vid"].place, told["Appointment/vid"].url) == ("Video", link)
    assert (told["Appointment/shut"].place, told["Appointment/shut"].url) == ("", "")


def test_a_clinic_is_where_a_meeting_is_when_nothing_nearer_is_said(backend: Backend) -> None:
    clinic = {"resourceType": "HealthcareService", "id": "k", "name": "Børneambulatoriet"}
    room = {"resourceType": "Location", "id": "l", "name": "Lokale 2"}
    both = _appointment("both", "l")
    actor = {"actor": {"reference": "HealthcareService/k"}, "status": "accepted"}
    both["participant"].insert(1, actor)
    alone = _appointment("alone", "l")
    alone["participant"][1] = actor
    serve_fhir(backend, patient(), room, both, alone)
    backend.answers["/fhir/HealthcareService/_search"] = bundle(clinic)
    told = {e.key: e for e in ask(backend).entries if isinstance(e, Meeting)}
    assert told["Appointment/both"].place == "Lokale 2"
    assert told["Appointment/alone"].place == "Børneambulatoriet"
    assert told["Appointment/alone"].people == ()


def _appointment(number: str, location: str) -> dict[str, Any]:
    actors = ({"reference": "Patient/p1"}, {"reference": f"Location/{location}"})
    return {
        "resourceType": "Appointment",
        "id": number,
        "status": "booked",
        "start": in_days(3),
        "end": in_days(3, 11),
        "participant": [{"actor": a, "status": "accepted"} for a in actors],
    }


def test_klcore_as_its_guide_writes_it(backend: Backend) -> None:
    """Planned help by profile, a follow-up that is a planned day, a nameless evaluation, a team
    that is an organisation, an encounter's responsible one."""
    kl = "http://fhir.kl.dk/core/StructureDefinition/"
    helping = HERS | {
        "resourceType": "CarePlan",
        "id": "i",
        "status": "active",
        "meta": {"profile": [kl + "KLCommonCareSocialPlannedIntervention"]},
        "activity": [{"detail": {"status": "in-progress", "code": {"text": "Støtte i hjemmet"}}}],
    }
    plan = HERS | {
        "resourceType": "CarePlan",
        "id": "c",
        "status": "active",
        "category": [{"text": "Social indsats"}],
        "extension": [
            {"url": kl + "FollowUpEncounter", "valueReference": {"reference": "Encounter/n"}}
        ],
        "activity": [
            {
                "outcomeReference": [{"reference": "Observation/x"}],
                "detail": {"status": "completed", "code": {"coding": [{"code": "effe55c7"}]}},
            }
        ],
    }
    day = in_days(20)[:10]
    planned = HERS | {
        "resourceType": "Encounter",
        "id": "n",
        "status": "planned",
        "type": [{"text": "opfølgning"}],
        "period": {"start": day},
        "serviceProvider": {"reference": "Organization/o"},
    }
    house = {
        "resourceType": "Organization",
        "id": "o",
        "name": "PPR",
        "telecom": [{"system": "phone", "value": "99990102"}],
        "identifier": [
            {
                "system": "https://kombit.dk/sts/organisation",
                "value": "urn:uuid:0000aaaa-0851-4000-8000-00000000aaaa",
            }
        ],
    }
    team = HERS | {
        "resourceType": "CareTeam",
        "id": "t",
        "status": "active",
        "name": "Botilbuddet",
        "managingOrganization": [{"reference": "Organization/o"}],
    }
    serve_fhir(backend, patient(), helping, plan, planned, house, team)
    found = ask(backend)
    told: dict[str, Any] = {e.key: e for e in found.entries}
    assert not found.partial
    assert isinstance(told["CarePlan/i"], Intervention)
    assert str(told["CarePlan/c"].next_follow_up) == day
    assert (told["Encounter/n"].all_day, told["Encounter/n"].owner) == (True, "ppr")
    assert (told["CareTeam/t"].name, told["CareTeam/t"].phone) == ("PPR", "99990102")
    assert not [e for e in found.entries if isinstance(e, Assessment)]


PPR = {"identifier": {"system": "https://kombit.dk/sts/organisation", "value": "urn:uuid:0000AAAA-0851-4000-8000-00000000aaaa"}}  # fmt: skip
BUP = {"identifier": {"system": "urn:oid:1.2.208.176.1.1", "value": "410000000000103"}}
NOBODY = {"identifier": {"system": "http://p-nummer.dk", "value": "9"}, "display": "Fremmede"}
PERSON = {"identifier": {"system": "urn:aut", "value": "0B1C2"}, "display": "Eva Bang"}


@pytest.mark.parametrize(
    ("organization", "owner", "by"), [(BUP, "bup", ""), (PPR, "ppr", ""), (NOBODY, "familie", "Fremmede")]
)  # fmt: skip
def test_an_organisation_by_identifier_alone_owns_where_nothing_else_can_stand(
    backend: Backend, organization: dict[str, Any], owner: str, by: str
) -> None:
    """`managingOrganization`, `serviceProvider` and a role's organisation need no `type`."""
    episode = {"resourceType": "EpisodeOfCare", "id": "e", "status": "active", "type": [{"text": "Forløb"}]}  # fmt: skip
    episode |= {"patient": HERS["subject"], "managingOrganization": organization}
    role = {"resourceType": "PractitionerRole", "id": "r", "organization": organization}
    team = TEAM | {"participant": [{"member": {"reference": "PractitionerRole/r", "display": "Eva"}}]}  # fmt: skip
    met = {"resourceType": "Encounter", "id": "n", "status": "planned"} | HERS
    met |= {"period": {"start": in_days(2)}, "serviceProvider": organization}
    serve_fhir(backend, patient(), episode, role, team, met)
    found = ask(backend).entries
    assert len(found) == 3
    assert {(e.owner, e.by) for e in found} == {(owner, by)}


def test_in_a_team_of_several_places_each_belongs_to_her_own(backend: Backend) -> None:
    """Else the first one's place decided who sees the others: a health contact was the school's."""
    roles = [
        {"resourceType": "PractitionerRole", "id": "s", "organization": PPR},
        {"resourceType": "PractitionerRole", "id": "h", "organization": BUP},
        {"resourceType": "PractitionerRole", "id": "x"},
    ]
    people = [
        {"member": {"reference": f"PractitionerRole/{r['id']}", "display": n}}
        for r, n in zip(roles, ("Signe", "Hanne", "Xenia"), strict=True)
    ]
    serve_fhir(backend, patient(), *roles, TEAM | {"participant": people})
    found = [e for e in ask(backend).entries if isinstance(e, Contact)]
    assert {(c.name, c.owner) for c in found} == {
        ("Signe", "ppr"), ("Hanne", "bup"), ("Xenia", "familie")
    }  # fmt: skip


@pytest.mark.parametrize(
    ("reference", "owner"),
    [
        (BUP, "bup"),
        (BUP | {"reference": "https://elsewhere.example/fhir/Organization/7"}, "bup"),
        (BUP | {"type": "Practitioner"}, "familie"),
        (BUP | {"reference": "Practitioner/7", "display": "Eva"}, "familie"),
        (PERSON, "familie"),
    ],
)
def test_an_author_or_performer_is_the_place_whose_identifier_it_has(
    backend: Backend, reference: dict[str, Any], owner: str
) -> None:
    plan = {"resourceType": "CarePlan", "id": "c", "status": "active", "title": "Plan"} | HERS
    request = {"resourceType": "ServiceRequest", "id": "s", "status": "active"} | HERS
    request |= {"code": {"text": "Støtte"}, "performer": [reference]}
    serve_fhir(backend, patient(), plan | {"author": reference}, request)
    found = ask(backend).entries
    assert [(e.owner, e.by) for e in found] == [(owner, "")] * 2


def test_an_organisation_included_without_identifiers_is_known_by_its_reference(
    backend: Backend,
) -> None:
    place = {"resourceType": "Organization", "id": "o", "name": "Ambulatoriet"}
    plan = {"resourceType": "CarePlan", "id": "c", "status": "active", "title": "Plan"} | HERS
    serve_fhir(backend, patient(), place, plan | {"author": BUP | {"reference": "Organization/o"}})
    assert [e.owner for e in ask(backend).entries] == ["bup"]


def test_what_is_contained_refers_to_its_neighbours_in_the_container(backend: Backend) -> None:
    role = {"resourceType": "PractitionerRole", "id": "r"}
    role |= {"practitioner": {"reference": "#pr"}, "organization": {"reference": "#o"}}
    place = {"resourceType": "Organization", "id": "o", "name": "PPR"}
    place |= {
        "identifier": [PPR["identifier"]],
        "telecom": [{"system": "phone", "value": "99990102"}],
    }
    inside = {"contained": [role, KARIN | {"id": "pr"}, place]}
    plan = {"resourceType": "CarePlan", "id": "c", "status": "active", "title": "Plan"} | HERS
    serve_fhir(
        backend,
        patient(),
        TEAM | inside | {"participant": [{"member": {"reference": "#r"}}]},
        plan
        | {"author": {"reference": "#r"}, "contained": [role, KARIN | {"id": "pr"} | R, place]},
    )
    contact, told = ask(backend).entries
    assert isinstance(contact, Contact) and isinstance(told, Plan)
    assert (contact.name, contact.phone, contact.owner) == ("Karin Thomsen", "99990102", "ppr")
    assert (told.owner, told.responsible) == ("ppr", "")


@pytest.mark.parametrize("shut", ["PractitionerRole", "Practitioner", "Organization"])
def test_a_restricted_participant_is_told_neither_by_name_nor_by_place(
    backend: Backend, shut: str
) -> None:
    tag = {
        "meta": {"tag": [{"system": "urn:familieoverblik:audience", "code": "not-for-guardians"}]}
    }
    role = {"resourceType": "PractitionerRole", "id": "r", "organization": {"reference": "Organization/o"}}  # fmt: skip
    role |= {"practitioner": {"reference": "Practitioner/karin"}}
    place = {"resourceType": "Organization", "id": "o", "name": "PPR", "identifier": [PPR["identifier"]]}  # fmt: skip
    behind = [r | tag if r["resourceType"] == shut else r for r in (role, KARIN, place)]
    open_ = role | {"id": "open", "practitioner": {"display": "Bo"}, "organization": BUP}
    meeting = _appointment("m", "l")
    meeting["participant"] += [
        {"actor": {"reference": f"PractitionerRole/{n}"}} for n in ("r", "open")
    ]
    serve_fhir(backend, patient(), meeting, open_, *behind)
    (told,) = ask(backend).entries
    assert isinstance(told, Meeting)
    assert (told.people, told.actors) == (("Bo",), ("bup",))


@pytest.mark.parametrize("refused", [403, 404])
def test_a_contact_whose_name_may_not_be_read_is_missed(backend: Backend, refused: int) -> None:
    episode = {"resourceType": "EpisodeOfCare", "id": "e", "status": "active", "type": [{"text": "Forløb"}]}  # fmt: skip
    episode |= {"patient": HERS["subject"], "careManager": {"reference": "Practitioner/karin"}}
    place = {"managingOrganization": [{"reference": "Organization/o"}], "participant": []} | R
    serve_fhir(backend, patient(), TEAM, TEAM | place | {"id": "u"}, episode)
    for kind in "Practitioner", "Organization":
        backend.answers[f"/fhir/{kind}/_search"] = refused
    backend.answers["/fhir/Practitioner/karin"] = refused
    found = ask(backend)
    assert (names(found), lost(found)) == (set(), ["contact", "contact R"])


@pytest.mark.parametrize(
    "member",
    [
        {},
        {"reference": "RelatedPerson/mor"},
        {"reference": "https://elsewhere.example/fhir/Patient/9"},
        {"type": "Device", "identifier": {"value": "7"}},
    ],
)
def test_family_and_things_without_a_name_are_not_missed(
    backend: Backend, member: dict[str, Any]
) -> None:
    serve_fhir(backend, patient(), TEAM | {"participant": [{"member": member}]})
    assert ask(backend).state is State.EMPTY


def test_more_people_than_are_read_one_by_one_are_missed(backend: Backend) -> None:
    people = [{"reference": f"Practitioner/{n}", "display": f"P{n}"} for n in range(22)]
    serve_fhir(backend, patient(), TEAM | {"participant": [{"member": p} for p in people]})
    backend.answers["/fhir/Practitioner/_search"] = 400
    found = ask(backend)
    assert (len(names(found)), found.partial) == (22, True)


def strict(
    backend: Backend, kind: str, refuses: str, said: Any, status: int = 400
) -> list[list[str]]:
    """A server that refuses every search with one parameter; returns what it was asked with."""
    plain = backend.answers[f"/fhir/{kind}/_search"]
    forms: list[list[str]] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        forms.append(sorted(parse_qs((await request.read()).decode())))
        if refuses in forms[-1]:
            return web.json_response(said, status=status)
        found: web.StreamResponse = await plain(request)
        return found

    backend.answers[f"/fhir/{kind}/_search"] = answer
    return forms


@pytest.mark.parametrize("kind", ["Appointment", "Encounter"])
@pytest.mark.parametrize("refuses", ["date", "status", "_count"])
@pytest.mark.parametrize(
    ("code", "status"),
    [("not-supported", 400), ("invalid", 400), ("value", 422), ("not-supported", 200), ("not-supported", 501)],
)  # fmt: skip
def test_a_server_that_refuses_a_parameter_is_asked_without(
    backend: Backend, kind: str, refuses: str, code: str, status: int
) -> None:
    met = HERS | {"resourceType": "Encounter", "id": "x", "status": "planned", "period": {"start": in_days(3)}}  # fmt: skip
    serve_fhir(backend, patient(), met, _appointment("x", "l"))
    forms = strict(backend, kind, refuses, outcome(code), status)
    found = ask(backend)
    assert {e.key for e in found.entries} == {"Appointment/x", "Encounter/x"}, found.problem
    assert forms[-1] == ["patient"] or refuses not in forms[0]
    assert not found.partial


@pytest.mark.parametrize(
    ("code", "state"), [("not-supported", State.EMPTY), ("invalid", State.UNAVAILABLE)]
)
def test_what_is_refused_bare_is_refused(backend: Backend, code: str, state: State) -> None:
    serve_fhir(backend, patient())
    forms = strict(backend, "Appointment", "patient", outcome(code))
    assert ask(backend).state is state
    assert len(forms) == 3


UNKNOWN = {"modifierExtension": [{"url": "urn:ukendt", "valueBoolean": True}]}
REQUEST = HERS | {"resourceType": "ServiceRequest", "id": "s", "status": "active", "code": {"text": "Støtte"}}  # fmt: skip


def doing(text: str, **more: Any) -> dict[str, Any]:
    return {"detail": {"status": "in-progress", "code": {"text": text}} | more}


def test_what_shall_not_be_done_is_no_help(backend: Backend) -> None:
    plan = HERS | {"resourceType": "CarePlan", "id": "c", "status": "active", "title": "Plan"}
    hidden = {"goal": [{"reference": "Goal/g"}], "doNotPerform": True}
    plan |= R | {"activity": [doing("Ikke", **hidden), doing("Støtte", doNotPerform=False)]}
    based = {"basedOn": [{"reference": "CarePlan/c"}]}
    alone = plan | based | {"id": "i", "activity": [doing("Heller ikke", doNotPerform=True)]}
    never = REQUEST | {"doNotPerform": True}
    serve_fhir(backend, patient(), plan, alone, never, goal("g"))
    found = ask(backend)
    told = {e.key: e for e in found.entries}
    assert set(told) == {"CarePlan/c", "CarePlan/c#activity-1", "Goal/g"}
    assert told["Goal/g"].audience == {Audience.CITIZEN_FROM_15}
    assert not found.holes and not found.partial


def test_what_an_unknown_extension_may_turn_around_is_missed(backend: Backend) -> None:
    """R4 2.4.0.1: it must not be shown as if it were understood; it stays kept from whom it was."""
    plan = HERS | {"resourceType": "CarePlan", "id": "c", "status": "active", "title": "Plan"}
    plan |= {"activity": [doing("Støtte", goal=[{"reference": "Goal/g"}]), doing("Ikke") | UNKNOWN]}
    helping = plan | {"id": "i", "basedOn": [{"reference": "CarePlan/c"}]}
    inside = plan | UNKNOWN | {"id": "d", "activity": [], "contained": [goal("h")]}
    score = HERS | {"resourceType": "Observation", "id": "o", "status": "final"} | UNKNOWN
    score |= {"code": {"text": "Trivsel"}, "effectiveDateTime": "2026-10-01", "valueInteger": 4}
    meeting = _appointment("m", "l")
    meeting["participant"][1] |= UNKNOWN
    serve_fhir(
        backend,
        patient(),
        *(plan, helping, inside, score, meeting),
        REQUEST | UNKNOWN | R,
        goal("g") | {"target": [{"dueDate": "2027-01-01"} | UNKNOWN]},
        _appointment("n", "l"),
    )
    found = ask(backend)
    told = {e.key: e for e in found.entries}
    assert set(told) == {"CarePlan/c", "CarePlan/c#activity-0", "Appointment/n"}
    helped = told["CarePlan/c#activity-0"]
    assert isinstance(helped, Intervention) and helped.goal == ""
    assert lost(found) == [
        "goal",
        "intervention",
        "intervention R",
        "measurement",
        "meeting",
        "plan",
    ]


@pytest.mark.parametrize("kind", ["PractitionerRole", "Practitioner", "participant", "CareTeam"])
def test_who_is_not_understood_is_missed(backend: Backend, kind: str) -> None:
    role = {"resourceType": "PractitionerRole", "id": "r"}
    role |= {"practitioner": {"reference": "Practitioner/karin"}, "organization": PPR}
    member: dict[str, Any] = {"member": {"reference": "PractitionerRole/r", "display": "Karin"}}
    team = TEAM | {"participant": [member | UNKNOWN if kind == "participant" else member]}
    behind = [r | UNKNOWN if r["resourceType"] == kind else r for r in (team, role, KARIN)]
    meeting = _appointment("m", "l")
    meeting["participant"].append({"actor": member["member"]})
    request = REQUEST | {"performer": [member["member"]]}
    serve_fhir(backend, patient(), meeting, request, *behind)
    found = ask(backend)
    told: dict[str, Any] = {e.key: e for e in found.entries}
    assert lost(found) == ["contact"]
    assert not names(found) and len(told) == 2
    named = kind in ("participant", "CareTeam")
    assert told["Appointment/m"].people == (("Karin Thomsen",) if named else ())
    assert told["ServiceRequest/s"].responsible == ("Karin Thomsen" if named else "")


def test_a_number_that_is_only_a_bound_is_no_number(backend: Backend) -> None:
    score = HERS | {"resourceType": "Observation", "id": "o", "status": "final", "code": {"text": "Trivsel"}}  # fmt: skip
    score |= {"effectiveDateTime": "2026-10-01", "valueQuantity": {"value": 5, "comparator": "<"}}
    bound = {"detailQuantity": {"value": 60, "unit": "%", "comparator": ">"}}
    serve_fhir(backend, patient(), score, goal("g", target=[bound]))
    found = ask(backend)
    assert lost(found) == ["measurement"]
    (told,) = found.entries
    assert isinstance(told, Goal) and told.progress is None


OVER, COMING = {"period": {"end": in_days(-3)[:10]}}, {"period": {"start": in_days(3)[:10]}}
HERE = {"period": {"start": in_days(-3)[:10], "end": in_days(3)[:10]}}


@pytest.mark.parametrize(
    ("kind", "change", "running"),
    [
        ("PractitionerRole", {"active": False}, False),
        ("PractitionerRole", OVER, False),
        ("PractitionerRole", COMING, False),
        ("PractitionerRole", HERE | {"active": True}, True),
        ("Practitioner", {"active": False}, False),
        ("participant", COMING, False),
        ("participant", OVER, False),
        ("participant", HERE, True),
        ("CareTeam", COMING, False),
        ("CareTeam", {"status": "proposed"}, False),
        ("CareTeam", {"status": "suspended"}, True),
        ("EpisodeOfCare", OVER, False),
        ("EpisodeOfCare", HERE, True),
    ],
)
def test_who_has_left_or_has_not_begun_is_no_contact_of_today(
    backend: Backend, kind: str, change: dict[str, Any], running: bool
) -> None:
    role = {"resourceType": "PractitionerRole", "id": "r"}
    role |= {"practitioner": {"reference": "Practitioner/karin"}, "organization": PPR}
    member: dict[str, Any] = {"member": {"reference": "PractitionerRole/r"}}
    team = TEAM | {"participant": [member | change if kind == "participant" else member]}
    episode = {"resourceType": "EpisodeOfCare", "id": "e", "status": "active", "patient": HERS["subject"]}  # fmt: skip
    episode |= {"type": [{"text": "Forløb"}], "careManager": member["member"]}
    behind = [r | change if r["resourceType"] == kind else r for r in (team, role, KARIN, episode)]
    serve_fhir(backend, patient(), *behind)
    told = {
        c.key.partition("/")[0]: c.running for c in ask(backend).entries if isinstance(c, Contact)
    }
    changed = {"participant": ["CareTeam"], "CareTeam": ["CareTeam"], "EpisodeOfCare": ["EpisodeOfCare"]}  # fmt: skip
    assert told == {k: running or k not in changed.get(kind, told) for k in told}
    assert set(told) == {"CareTeam", "EpisodeOfCare"}


def test_who_led_what_is_over_does_not_lead_the_team(backend: Backend) -> None:
    episode = {"resourceType": "EpisodeOfCare", "id": "e", "status": "active", "patient": HERS["subject"]}  # fmt: skip
    episode |= {"type": [{"text": "Forløb"}], "careManager": {"reference": "Practitioner/karin"}}
    serve_fhir(backend, patient(), KARIN, TEAM, episode | OVER)
    told = [c for c in ask(backend).entries if isinstance(c, Contact)]
    assert [(c.running, c.coordinator) for c in told] == [(True, False), (False, True)]


@pytest.mark.parametrize(
    "link",
    [
        f"Goal?patient=Patient/{CPR}&page=2",
        f"Goal?patient=Patient%2F{CPR[:6]}%2D{CPR[6:]}&page=2",
        f"Goal?patient.identifier=urn:oid:1.2.208.176.1.2%7C{CPR}&page=2",
    ],
)
def test_a_patient_whose_id_is_her_number_stands_in_no_address(backend: Backend, link: str) -> None:
    hers = {"subject": {"reference": f"Patient/{CPR}"}}
    serve_fhir(backend, patient(CPR))
    forms: list[str] = []

    async def pages(request: web.Request) -> web.Response:
        forms.append((await request.read()).decode())
        more = [{"relation": "next", "url": link}] if len(forms) == 1 else []
        return web.json_response(bundle(goal(f"g{len(forms)}", **hers), link=more))

    backend.answers["/fhir/Goal/_search"] = pages
    found = ask(backend)
    assert [e.key for e in found.entries] == ["Goal/g1", "Goal/g2"] and not found.partial
    assert forms[1:] == [link.partition("?")[2]]
    assert "/fhir/Goal" not in backend.asked


@pytest.mark.parametrize("link", [f"Patient/{CPR}/Goal?page=2", f"pages/cpr{CPR}"])
def test_a_page_whose_path_holds_her_number_is_not_asked_for(backend: Backend, link: str) -> None:
    serve_fhir(backend, patient())
    more = bundle(goal("g"), link=[{"relation": "next", "url": link}])
    backend.answers["/fhir/Goal/_search"] = more
    found = ask(backend)
    assert ([e.key for e in found.entries], found.partial) == (["Goal/g"], True)
    assert all(CPR not in path for path in backend.asked)


def test_nobody_is_read_by_a_cpr_number(backend: Backend) -> None:
    members = [{"member": {"reference": f"Practitioner/{n}"}} for n in (OTHER_CPR, "karin")]
    serve_fhir(backend, patient(), TEAM | {"participant": members})
    backend.answers["/fhir/Practitioner/_search"] = 400
    backend.answers["/fhir/Practitioner/karin"] = KARIN
    found = ask(backend)
    assert (names(found), lost(found)) == ({"Karin Thomsen"}, ["contact"])
    assert all(OTHER_CPR not in path for path in backend.asked)


@pytest.mark.parametrize(
    ("words", "severity", "given", "partial"),
    [
        ("_include is ignored", "warning", 0, False),
        ("Unknown search parameter 'date'", "information", 0, False),
        ("Something is ignored", "warning", 1, False),
        ("Something is ignored", "warning", 0, True),
        ("patient is ignored", "warning", 0, True),
        ("Parameter patient ignored, see the status page", "warning", 0, True),
        ("_include is ignored", "error", 1, True),
    ],
)
def test_what_a_server_passed_over_and_nobody_misses_is_nothing_missing(
    backend: Backend, words: str, severity: str, given: int, partial: bool
) -> None:
    serve_fhir(backend, patient(), goal("h"))
    said = outcome("not-supported", severity)
    said["issue"][0]["diagnostics"] = words
    told = bundle(*[_appointment("m", "l")] * given)
    told["entry"].insert(0, {"resource": said, "search": {"mode": "outcome"}})
    backend.answers["/fhir/Appointment/_search"] = told
    found = ask(backend)
    assert (found.state, len(found.entries), found.partial) == (State.SHOWN, 1 + given, partial)


def planned(start: str, **more: Any) -> dict[str, Any]:
    met = {"resourceType": "Encounter", "id": "e", "status": "planned", "period": {"start": start}}
    return HERS | met | {"appointment": [{"reference": "Appointment/m"}]} | more


@pytest.mark.parametrize(
    ("booked", "met", "told"),
    [
        ({}, planned(in_days(3)), {"Appointment/m"}),
        ({}, planned(in_days(3)[:10]), {"Appointment/m"}),
        (R, planned(in_days(3)) | R, {"Appointment/m"}),
        ({"id": "n"}, planned(in_days(3)), {"Appointment/n", "Encounter/e"}),
        (R, planned(in_days(3)), {"Appointment/m", "Encounter/e"}),
        ({}, planned(in_days(3), serviceProvider=BUP), {"Appointment/m", "Encounter/e"}),
        ({}, planned(in_days(9)), {"Appointment/m", "Encounter/e"}),
        ({"status": "cancelled"}, planned(in_days(3)), {"Appointment/m", "Encounter/e"}),
        ({"status": "noshow"}, planned(in_days(3)), {"Appointment/m"}),
        ({"status": "entered-in-error"}, planned(in_days(3)), {"Encounter/e"}),
        ({"start": "snart"}, planned(in_days(3)), {"Encounter/e"}),
        (UNKNOWN, planned(in_days(3)), {"Encounter/e"}),
    ],
)
def test_a_planned_encounter_and_its_appointment_are_one_meeting(
    backend: Backend, booked: dict[str, Any], met: dict[str, Any], told: set[str]
) -> None:
    """Unless somebody who may see the one may not see the other, or they contradict each other."""
    serve_fhir(backend, patient(), _appointment("m", "l") | booked, met)
    found = ask(backend).entries
    assert {e.key for e in found} == told


def test_where_two_may_see_different_halves_they_are_joined_for_who_sees_both(
    backend: Backend,
) -> None:
    serve_fhir(backend, patient(), _appointment("m", "l") | R, planned(in_days(3)))
    (one,) = merge(ask(backend).entries, ())
    assert one.key == "Appointment/m"
