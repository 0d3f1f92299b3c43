"""What one FHIR system knows, and the small sentences it is told with.

The family files read like a case: `bup.patient("emil")`, `bup.worker(...)`,
`bup.team(...)`, `bup.plan(...)`. Everything ends as R4 resources by type and id.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from backend_stub.calendar_days import Days
from backend_stub.cast import CPR, people
from backend_stub.shapes import (
    CARE_MANAGER,
    ROLE_SYSTEM,
    TEAM_ROLES,
    Json,
    Who,
    code,
    human_name,
    logical,
    meta,
    period,
    ref,
    telecom,
)
from backend_stub.systems import PLACE_OF, System

SERVED = ("Patient", "CareTeam", "CarePlan", "Goal", "Appointment", "Observation", "Practitioner",
          "PractitionerRole", "Organization", "Location", "EpisodeOfCare", "ServiceRequest")


class FhirContent:
    """The resources of one system, filled by the family files."""

    def __init__(self, system: System, days: Days) -> None:
        self.system, self.days = system, days
        self.resources: dict[str, dict[str, Json]] = {t: {} for t in SERVED}
        self._patients: dict[str, str] = {}
        self._named: dict[str, str] = {}
        self._workers: dict[tuple[str, str], Who] = {}

    def add(self, kind: str, body: Mapping[str, Any], only: Iterable[str] = (),
            what: str = "") -> str:
        """Keep one resource; returns its reference."""
        number = f"{self.system.id}-{len(self.resources[kind]) + 101}"
        kept: Json = {"resourceType": kind, "id": number}
        if extra := meta(only, what):
            kept["meta"] = extra
        kept.update({k: v for k, v in body.items() if v not in (None, "", [], {})})
        self.resources[kind][number] = kept
        return f"{kind}/{number}"

    def patient(self, key: str) -> str:
        """The system's own record of a person, made on first use."""
        if key not in self._patients:
            person = people(self.days.today)[key]
            self._patients[key] = self.add("Patient", {
                "identifier": [{"use": "official", "system": CPR, "value": person.cpr}],
                "active": True, "name": [human_name(person.name)], "gender": person.gender,
                "birthDate": person.born.isoformat(),
            })
        return self._patients[key]

    def organization(self, place_id: str = "") -> str:
        """The system's own place, or another configured one."""
        place = PLACE_OF[place_id or self.system.place]
        if place.id not in self._named:
            self._named[place.id] = self.add("Organization", {
                "identifier": [{"system": s, "value": v} for s, v in place.identifiers],
                "active": True, "name": place.name, "telecom": telecom(place.phone),
            })
        return self._named[place.id]

    def _own(self) -> Json:
        """A reference to the system's own place; some write it by identifier only."""
        place = PLACE_OF[self.system.place]
        if self.system.logical:
            return logical(*place.identifiers[-1], place.name)
        return ref(self.organization(), place.name)

    def stranger(self, name: str, phone: str = "") -> str:
        """An organisation nobody configured: a name and perhaps a phone."""
        if name not in self._named:
            self._named[name] = self.add(
                "Organization", {"active": True, "name": name, "telecom": telecom(phone)})
        return self._named[name]

    def place(self, name: str, address: str = "") -> str:
        """A Location: where one meets."""
        if name not in self._named:
            self._named[name] = self.add("Location", {
                "status": "active", "name": name,
                "address": {"text": address} if address else None})
        return self._named[name]

    def worker(self, name: str, title: str, phone: str = "", *, mail: str = "",
               hours: str = "", at: str = "") -> Who:
        """A professional in a role at a place, known once; hours as availability text."""
        if known := self._workers.get((name, title)):
            return known
        person = self.add("Practitioner", {"active": True, "name": [human_name(name)]})
        role = self.add("PractitionerRole", {
            "active": True,
            "practitioner": ref(person, name),
            "organization": ref(at) if at else self._own(),
            "code": [code(title)],
            "telecom": telecom(phone, mail),
            "availabilityExceptions": hours,
        })
        who = self._workers[name, title] = Who(role, name)
        return who

    def team(self, key: str, name: str, members: Iterable[tuple[Who, str, str]], *,
             only: Iterable[str] = (), since: int = -300) -> str:
        """A CareTeam. Each member: who, team role, and what she answers for."""
        return self.add("CareTeam", {
            "status": "active", "name": name, "subject": ref(self.patient(key)),
            "period": period(self.days.day(since)),
            "participant": [self._member(*m) for m in members],
            "managingOrganization": [self._own()],
        }, only)

    def _member(self, who: Who, role: str, duty: str) -> Json:
        codings = [(ROLE_SYSTEM, role, TEAM_ROLES[role])]
        if role == "coordinator":
            codings.append((SNOMED, CARE_MANAGER, "Care coordinator"))
        roles = [code(TEAM_ROLES[role], *codings)]
        if duty:
            roles.append(code(duty))
        return {"role": roles, "member": ref(who.ref, who.name),
                "period": period(self.days.day(-200))}

    def goal(self, key: str, text: str, *, status: str = "active", reached: str = "in-progress",
             due: int | None = None, followed: int = -20, percent: int | None = None,
             only: Iterable[str] = ()) -> str:
        """A goal in the family's own words; `reached` is FHIR's achievement code."""
        target: Json = {}
        if percent is not None:
            target = {"measure": code("Fremdrift"),
                      "detailQuantity": {"value": percent, "unit": "%"}}
        if due is not None:
            target["dueDate"] = self.days.day(due).isoformat()
        return self.add("Goal", {
            "lifecycleStatus": status, "description": code(text),
            "achievementStatus": code(REACHED[reached], (
                "http://terminology.hl7.org/CodeSystem/goal-achievement", reached, reached)),
            "subject": ref(self.patient(key)),
            "statusDate": self.days.day(followed).isoformat(),
            "target": [target] if target else None,
        }, only)

    def plan(self, key: str, title: str, *, activities: Iterable[Json] = (),
             goals: Iterable[str] = (), author: Who | None = None, start: int = -120,
             end: int | None = None, status: str = "active", intent: str = "plan",
             category: Json | None = None, text: str = "", only: Iterable[str] = (),
             what: str = "", followed: int | None = None,
             follow_up: int | None = None) -> str:
        """A CarePlan: barnets plan, behandlingsplan, or one intervention of its own."""
        extension = [{"url": FOLLOW_UP, "valueDate": self.days.day(d).isoformat()}
                     for d in (followed, follow_up) if d is not None]
        return self.add("CarePlan", {
            "extension": extension, "status": status, "intent": intent,
            "category": [category] if category else None,
            "title": title, "description": text, "subject": ref(self.patient(key)),
            "period": period(self.days.day(start),
                             None if end is None else self.days.day(end)),
            "created": self.days.day(start).isoformat(),
            "author": ref(author.ref, author.name) if author else self._own(),
            "goal": [ref(g) for g in goals], "activity": list(activities),
        }, only, what)

    def meeting(self, key: str, title: str, start: datetime, minutes: int = 60, *,
                people_in: Iterable[Who] = (), where: str = "", address: str = "",
                bring: str = "", status: str = "booked", only: Iterable[str] = (),
                what: str = "", lang: str = "", uid: str = "") -> str:
        """An Appointment with the citizen, professionals and a place; `uid` when systems share it."""
        actors = [ref(self.patient(key)), *(ref(w.ref, w.name) for w in people_in)]
        if where:
            actors.append(ref(self.place(where, address), where))
        return self.add("Appointment", {
            "language": lang, "status": status, "description": title,
            "identifier": [{"system": "urn:ietf:rfc:5545", "value": uid}] if uid else None,
            "start": start.isoformat(), "end": (start + timedelta(minutes=minutes)).isoformat(),
            "minutesDuration": minutes, "patientInstruction": bring,
            "cancelationReason": code("Aflyst") if status == "cancelled" else None,
            "participant": [{"actor": a, "status": "accepted"} for a in actors],
        }, only, what)

    def episode(self, key: str, title: str, *, start: int, end: int | None = None,
                manager: Who | None = None, team: str = "", status: str = "active",
                only: Iterable[str] = ()) -> str:
        """An EpisodeOfCare: that a course runs; its manager, if any, is a tovholder."""
        return self.add("EpisodeOfCare", {
            "status": status, "type": [code(title)], "patient": ref(self.patient(key)),
            "managingOrganization": self._own(),
            "period": period(self.days.day(start), None if end is None else self.days.day(end)),
            "careManager": ref(manager.ref, manager.name) if manager else None,
            "team": [ref(team)] if team else None,
        }, only)

    def assessment(self, key: str, title: str, by: Who, *, start: int, end: int | None = None,
                   status: str = "active", only: Iterable[str] = ()) -> str:
        """A ServiceRequest for an examination: that it runs, who does it, since and until."""
        return self.add("ServiceRequest", {
            "status": status, "intent": "order",
            "category": [code("Udredning", (SNOMED, "386053000", "Evaluation procedure"))],
            "code": code(title), "subject": ref(self.patient(key)),
            "authoredOn": self.days.day(start).isoformat(),
            "occurrencePeriod": period(self.days.day(start),
                                       None if end is None else self.days.day(end)),
            "performer": [ref(by.ref, by.name)],
        }, only)

    def request(self, key: str, title: str, *, by: Who | None = None, on: int = -10,
                status: str = "active", intent: str = "order", category: str = "",
                paragraph: tuple[str, str, str] | None = None, only: Iterable[str] = (),
                what: str = "") -> str:
        """A ServiceRequest: a referral, an order, or (intent proposal) an application."""
        return self.add("ServiceRequest", {
            "status": status, "intent": intent,
            "category": [code(category)] if category else None,
            "code": code(title, *([paragraph] if paragraph else [])),
            "subject": ref(self.patient(key)), "authoredOn": self.days.day(on).isoformat(),
            "occurrencePeriod": period(self.days.day(on)),
            "performer": [ref(by.ref, by.name)] if by else [self._own()],
        }, only, what)

    def line(self, key: str, scale: str, points: Iterable[tuple[int, float, str, str]], *,
             unit: str = "trin", low: float = 1, high: float = 5, scale_code: str = "",
             only: Iterable[str] = ()) -> None:
        """A well-being line. Each point: day offset, value, the source's words, phase."""
        for offset, value, words, phase in points:
            self._point(key, code(scale, (SCALES, scale_code or "trivsel", scale)),
                        self.days.day(offset), value, words, phase, (unit, low, high), only)

    def _point(self, key: str, scale: Json, day: date, value: float, words: str, phase: str,
               within: tuple[str, float, float], only: Iterable[str]) -> None:
        unit, low, high = within
        self.add("Observation", {
            "status": "final",
            "category": [code("Trivsel", (OBSERVED, "survey", "Survey"))],
            "code": scale, "subject": ref(self.patient(key)),
            "effectiveDateTime": day.isoformat(),
            "performer": [self._own()],
            "valueQuantity": {"value": value, "unit": unit},
            "interpretation": [code(words)] if words else None,
            "extension": [{"url": PHASE, "valueCode": phase}] if phase else None,
            "referenceRange": [{"low": {"value": low}, "high": {"value": high},
                                "text": "Skalaens ender"}],
        }, only)


FOLLOW_UP = "http://fhir.kl.dk/ffbreporting/StructureDefinition/FollowUpDate"
PHASE = "urn:familieoverblik:phase"
SNOMED = "http://snomed.info/sct"
SCALES = "urn:familieoverblik-demo:maaling"
OBSERVED = "http://terminology.hl7.org/CodeSystem/observation-category"
REACHED = {
    "in-progress": "I gang", "improving": "Det går fremad", "no-change": "Uændret",
    "worsening": "Det er blevet sværere", "achieved": "Nået", "sustaining": "Nået og holder",
    "not-achieved": "Ikke nået", "no-progress": "Ikke i gang endnu",
}
