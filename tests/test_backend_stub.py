"""The demo's backends over real HTTP: FHIR as R4 says, calendars and municipal JSON as promised."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from icalendar import Calendar

from backend_stub import run_in_thread
from backend_stub.calendar_days import Days
from backend_stub.cast import CPR, people

PEOPLE = people(Days().today)
EMIL, NOAH, METTE = (PEOPLE[k].cpr for k in ("emil", "noah", "mette"))
Json = dict[str, Any]


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    with run_in_thread() as url:
        yield url


def search(base: str, system: str, kind: str, **params: str) -> Json:
    form = {k.replace("__iterate", ":iterate"): v for k, v in params.items()}
    reply = requests.post(f"{base}/{system}/fhir/{kind}/_search", data=form, timeout=5)
    assert reply.status_code == 200, reply.text
    found: Json = reply.json()
    return found


def patient(base: str, system: str, cpr: str) -> str:
    found = search(base, system, "Patient", identifier=f"{CPR}|{cpr}")
    return f"Patient/{found['entry'][0]['resource']['id']}"


def of(bundle: Json, mode: str) -> list[Json]:
    return [e["resource"] for e in bundle.get("entry", []) if e["search"]["mode"] == mode]


class TestSearch:
    def test_a_person_is_found_by_identifier_and_never_named_in_the_links(self, base: str) -> None:
        found = search(base, "bup", "Patient", identifier=f"{CPR}|{EMIL}")
        assert [p["name"][0]["text"] for p in of(found, "match")] == ["Emil Holm Krogh"]
        assert EMIL not in str(found["link"])

    def test_somebody_unknown_is_an_empty_bundle(self, base: str) -> None:
        assert "entry" not in search(base, "bup", "Patient", identifier=f"{CPR}|1111119999")

    def test_another_identifier_system_does_not_match(self, base: str) -> None:
        assert "entry" not in search(base, "bup", "Patient", identifier=f"http://other|{EMIL}")

    def test_only_ones_own_resources(self, base: str) -> None:
        emil = patient(base, "familieafd", EMIL)
        for plan in of(search(base, "familieafd", "CarePlan", patient=emil), "match"):
            assert plan["subject"]["reference"] == emil

    def test_appointments_from_a_date_on(self, base: str) -> None:
        emil, days = patient(base, "familieafd", EMIL), Days()
        later = search(base, "familieafd", "Appointment", patient=emil, date=f"ge{days.day(5)}")
        assert {m["description"] for m in of(later, "match")} == {"Opfølgning på barnets plan"}

    def test_the_next_meeting_is_tomorrow_from_ten_to_eleven(self, base: str) -> None:
        emil, days = patient(base, "familieafd", EMIL), Days()
        on = search(base, "familieafd", "Appointment", patient=emil, date=str(days.day(1)))
        assert [(m["start"], m["end"]) for m in of(on, "match")] == [
            (days.at(1, 10).isoformat(), days.at(1, 11).isoformat())
        ]

    def test_status_and_read_by_id(self, base: str) -> None:
        emil = patient(base, "bup", EMIL)
        gone = of(search(base, "bup", "Appointment", patient=emil, status="cancelled"), "match")
        assert [m["status"] for m in gone] == ["cancelled"]
        read = requests.get(f"{base}/bup/fhir/Appointment/{gone[0]['id']}", timeout=5)
        assert read.json() == gone[0]

    def test_get_search_and_several_ids(self, base: str) -> None:
        team = of(
            search(base, "familieafd", "CareTeam", patient=patient(base, "familieafd", EMIL)),
            "match",
        )[0]
        ids = [p["member"]["reference"].partition("/")[2] for p in team["participant"]]
        reply = requests.get(
            f"{base}/familieafd/fhir/PractitionerRole", params={"_id": ",".join(ids)}, timeout=5
        )
        assert [r["id"] for r in of(reply.json(), "match")] == ids

    def test_errors_are_operation_outcomes(self, base: str) -> None:
        fhir = f"{base}/bup/fhir"
        for reply, status in (
            (requests.post(f"{fhir}/Medication/_search", timeout=5), 404),
            (requests.get(f"{fhir}/Patient/nobody", timeout=5), 404),
            (requests.get(f"{fhir}/Appointment?date=xx2026-01-01", timeout=5), 200),
            (requests.put(f"{fhir}/Patient/1", timeout=5), 405),
            (
                requests.get(
                    f"{fhir}/Goal?foo=1", headers={"Prefer": "handling=strict"}, timeout=5
                ),
                400,
            ),
            (requests.get(f"{fhir}?_page=old", timeout=5), 410),
        ):
            assert reply.status_code in (status, 400)
            assert reply.json()["resourceType"] == "OperationOutcome"

    def test_a_small_system_does_not_know_every_type(self, base: str) -> None:
        reply = requests.post(f"{base}/oejenlaege/fhir/CarePlan/_search", timeout=5)
        assert (reply.status_code, reply.json()["issue"][0]["code"]) == (404, "not-supported")
        told = requests.get(f"{base}/oejenlaege/fhir/metadata", timeout=5).json()
        assert "CarePlan" not in {r["type"] for r in told["rest"][0]["resource"]}


class TestPagingAndIncludes:
    def test_pages_follow_on_the_same_origin_until_all_is_told(self, base: str) -> None:
        noah = patient(base, "sygehus", NOAH)
        page, told = search(base, "sygehus", "Appointment", patient=noah), []
        while True:
            told += [m["description"] for m in of(page, "match")]
            following = [x["url"] for x in page["link"] if x["relation"] == "next"]
            if not following:
                break
            assert following[0].startswith(f"{base}/sygehus/fhir?") and NOAH not in following[0]
            page = requests.get(following[0], timeout=5).json()
        assert told == ["Blodprøve", "Samtale om medicin", "Kontrol"]

    def test_count_is_obeyed_up_to_the_servers_own_limit(self, base: str) -> None:
        emil = patient(base, "familieafd", EMIL)
        for asked, given in ("1", 1), ("100", 5):
            page = search(base, "familieafd", "Observation", patient=emil, _count=asked)
            assert len(of(page, "match")) <= given

    def test_includes_reach_people_and_their_organisations(self, base: str) -> None:
        found = search(
            base,
            "familieafd",
            "CareTeam",
            patient=patient(base, "familieafd", EMIL),
            _include="CareTeam:participant",
            _include__iterate="PractitionerRole:organization",
        )
        names = {r["name"] for r in of(found, "include") if r["resourceType"] == "Organization"}
        assert "Aflastningsfamilien på Engholm" in names

    def test_some_systems_have_no_includes(self, base: str) -> None:
        found = search(
            base,
            "ppr",
            "CareTeam",
            patient=patient(base, "ppr", EMIL),
            _include="CareTeam:participant",
        )
        assert of(found, "match") and not of(found, "include")


class TestRegister:
    def test_only_post_search_is_answered(self, base: str) -> None:
        for path in "metadata", "Patient", "Patient/person-emil", "RelatedPerson":
            assert requests.get(f"{base}/register/fhir/{path}", timeout=5).status_code == 405

    def test_protection_is_marked(self, base: str) -> None:
        found = search(base, "register", "Patient", identifier=f"{CPR}|{METTE}")
        assert of(found, "match")[0]["meta"]["security"][0]["code"] == "R"

    def test_joint_custody_is_told_from_both_ends(self, base: str) -> None:
        children = of(
            search(base, "register", "RelatedPerson", identifier=f"{CPR}|{METTE}"), "match"
        )
        assert {c["patient"]["reference"] for c in children} == {
            "Patient/person-sofie",
            "Patient/person-emil",
        }
        holders = of(
            search(base, "register", "RelatedPerson", patient="Patient/person-emil"), "match"
        )
        held = {r["name"][0]["text"] for r in holders if "PARAUTH" in str(r["relationship"])}
        assert held == {"Mette Holm", "Jonas Krogh"}
        assert "Viggo Krogh" in {r["name"][0]["text"] for r in holders}


class TestCalendars:
    def feed(self, base: str, system: str, cpr: str) -> Calendar:
        reply = requests.post(f"{base}/{system}/kalender.ics", data={"borger": cpr}, timeout=5)
        assert reply.headers["Content-Type"].startswith("text/calendar")
        assert all(len(line) <= 75 for line in reply.content.split(b"\r\n"))
        return Calendar.from_ical(reply.content)

    def test_a_series_with_a_skipped_a_moved_and_a_cancelled_day(self, base: str) -> None:
        events = self.feed(base, "skole-kalender", EMIL).walk("VEVENT")
        swimming = [e for e in events if "Svømning" in str(e["SUMMARY"])]
        assert len({str(e["UID"]) for e in swimming}) == 1
        assert "EXDATE" in swimming[0] and "RRULE" in swimming[0]
        assert [str(e["STATUS"]) for e in swimming[1:]] == ["CONFIRMED", "CANCELLED"]
        assert all("RECURRENCE-ID" in e for e in swimming[1:])

    def test_an_all_day_and_a_private_event(self, base: str) -> None:
        school = self.feed(base, "skole-kalender", EMIL).walk("VEVENT")
        assert any(e["DTSTART"].params.get("VALUE") == "DATE" for e in school)
        club = self.feed(base, "sfo-kalender", EMIL).walk("VEVENT")
        assert [str(e["CLASS"]) for e in club if "CLASS" in e] == ["PRIVATE"]

    def test_an_unknown_person_has_an_empty_calendar_and_get_is_refused(self, base: str) -> None:
        assert not self.feed(base, "skole-kalender", "1111119999").walk("VEVENT")
        assert requests.get(f"{base}/skole-kalender/kalender.ics", timeout=5).status_code == 405


class TestMunicipal:
    def test_the_case_list_names_whom_it_is_about(self, base: str) -> None:
        reply = requests.post(
            f"{base}/ydelse-sager/hentsagsliste/v2.0.0", json={"CPR-nr": NOAH}, timeout=5
        ).json()
        assert reply["CPR-nr"] == NOAH
        assert {s["Sagstitel"] for s in reply["BorgervendtSag"]} >= {"Merudgifter"}

    def test_plans_come_with_goals_and_a_line(self, base: str) -> None:
        reply = requests.post(f"{base}/en-plan/planer", json={"cpr": NOAH}, timeout=5).json()
        assert reply["borger"] == {"cpr": NOAH}
        assert reply["planer"][0]["maal"] and len(reply["maalinger"]) == 3

    def test_nothing_is_an_empty_list_and_nonsense_is_400(self, base: str) -> None:
        url = f"{base}/en-plan/planer"
        assert requests.post(url, json={"cpr": METTE}, timeout=5).json()["planer"] == []
        assert requests.post(url, data=b"{", timeout=5).status_code == 400
