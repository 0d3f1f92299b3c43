"""The canary world's systems over real HTTP: FHIR R4, iCalendar, JSON and the register."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from aiohttp import web

from tests.canary_world import COPENHAGEN, CPR, KIND, KINDS, Entry, Person, System, World

Json = dict[str, Any]
RELATION = "http://hl7.dk/fhir/core/CodeSystem/dk-relatedperson-relationshipcodes"
WORDS = {is_: word for word, is_ in KINDS.items()}
FHIR_OVER = {"contact": "inactive", "assessment": "finished", "goal": "cancelled"}


def application(world: World) -> web.Application:
    """All systems of the world under one address."""
    app = web.Application()
    register = Fhir(lambda: _register(world))
    app.router.add_route("*", "/register/{kind}/_search", register.search)
    for system in world.systems.values():
        if system.kind == "fhir":
            server = Fhir(partial(_charts, world, system))
            app.router.add_route("*", f"/{system.id}/{{kind}}/_search", server.search)
        else:
            app.router.add_post(f"/{system.id}", _answers(world, system))
    return app


class Gate:
    """Holds the calendars' answers about some citizens back, and tells who waits for one."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._shut: set[str] = set()
        self._waiting: Counter[str] = Counter()

    def shut(self, citizen: str) -> None:
        with self._changed:
            self._shut.add(citizen)

    def open(self, citizen: str) -> None:
        with self._changed:
            self._shut.discard(citizen)

    def held(self, citizen: str, seconds: float = 10) -> bool:
        """Wait until an answer about her is held."""
        with self._changed:
            return self._changed.wait_for(lambda: self._waiting[citizen] > 0, seconds)

    async def passed(self, citizen: str) -> None:
        with self._changed:
            self._waiting[citizen] += 1
            self._changed.notify_all()
        while citizen in self._shut:
            await asyncio.sleep(0.002)
        with self._changed:
            self._waiting[citizen] -= 1


GATE = Gate()


class Fhir:
    """A server that knows `identifier`, `patient` and `_id`, and includes nothing."""

    def __init__(self, resources: Callable[[], list[Json]]) -> None:
        self.resources = resources

    async def search(self, request: web.Request) -> web.Response:
        asked = dict(await request.post())
        kind = request.match_info["kind"]
        found = [r for r in self.resources() if r["resourceType"] == kind and _matches(r, asked)]
        bundle = {
            "resourceType": "Bundle",
            "type": "searchset",
            "entry": [{"resource": r, "search": {"mode": "match"}} for r in found],
        }
        return web.json_response(bundle, content_type="application/fhir+json")


def _matches(resource: Json, asked: dict[str, Any]) -> bool:
    if "_id" in asked:
        return resource["id"] in str(asked["_id"]).split(",")
    if "identifier" in asked:
        own = [f"{i['system']}|{i['value']}" for i in resource.get("identifier", ())]
        return asked["identifier"] in own
    return any(asked.get("patient") == p for p in _patients(resource))


def _patients(resource: Json) -> list[str]:
    subjects = [resource.get("subject", {}), resource.get("patient", {})]
    subjects += [p.get("actor", {}) for p in resource.get("participant", ())]
    return [s.get("reference", "") for s in subjects]


def _register(world: World) -> list[Json]:
    found = [_patient(p) for p in world.people.values()]
    for child, adults in world.custody.items():
        for adult in adults:
            whose = _patient(world.people[adult])
            found.append(
                whose
                | {
                    "resourceType": "RelatedPerson",
                    "id": f"{adult}-{child}",
                    "patient": {"reference": f"Patient/p-{child}"},
                    "relationship": [{"coding": [{"system": RELATION, "code": "PARAUTH"}]}],
                }
            )
    return found


def _patient(person: Person) -> Json:
    found: Json = {
        "resourceType": "Patient",
        "id": f"p-{person.key}",
        "identifier": [{"system": CPR, "value": person.cpr}],
        "name": [{"text": person.name}],
        "gender": "other",
        "address": [{"line": [person.address], "postalCode": person.postcode, "city": person.city}],
    }
    if person.protected:
        found["meta"] = {"security": [{"code": "R"}]}
    if person.born:
        found["birthDate"] = person.born.isoformat()
    if person.deceased:
        found["deceasedBoolean"] = True
    return found


# --- FHIR ------------------------------------------------------------------------------


def _charts(world: World, system: System) -> list[Json]:
    """All that the server holds, made again when the world's list of entries is another one."""
    key = (id(world), system.id)
    kept = _KEPT.get(key)
    if kept is None or kept[0] != world.edition:
        made = [r for p in world.people.values() for r in _chart(world, system, p)]
        kept = _KEPT[key] = (world.edition, made)
    return kept[1]


_KEPT: dict[tuple[int, str], tuple[int, list[Json]]] = {}


def _chart(world: World, system: System, person: Person) -> list[Json]:
    entries = world.of(person.key, system.id)
    patient = _patient(person) | {"meta": {}}
    told = [r for e in entries for r in _resources(world, e)]
    told += world.extra.get((person.key, system.id), [])
    return [patient, *told] if told else []


def _resources(world: World, e: Entry) -> list[Json]:
    """One entry as R4; the people it names beside it."""
    main, beside = getattr(_Fhir(world, e), e.record)()
    meta: Json = {}
    own = e.audience - set(world.systems[e.source].audience)
    if security := own & {"R", "V"}:
        meta["security"] = [{"code": s} for s in security]
    if tags := own - {"R", "V"}:
        meta["tag"] = [{"system": "urn:familieoverblik:audience", "code": t} for t in tags]
    return [main | {"id": e.number, "meta": meta}, *beside]


class _Fhir:
    def __init__(self, world: World, e: Entry) -> None:
        self.world, self.e, self.f = world, e, e.fields
        self.subject = {"subject": {"reference": f"Patient/p-{e.citizen}"}}
        kinds = [{"system": KIND, "code": WORDS[k]} for k in e.kinds if not e.draft]
        self.kind = [{"coding": kinds}] if kinds else []

    @property
    def owner(self) -> Json | None:
        """The owner's organisation by identifier; None is the source's own."""
        if self.e.unconfigured:
            return {"type": "Organization", "display": self.f["by"]}
        if not self.e.owner_named:
            return None
        system, value = self.world.places[self.e.owner].identifier
        return {
            "type": "Organization",
            "identifier": {"system": system, "value": value},
            "display": f"Sted {self.e.owner.upper()}",
        }

    def someone(self, name: str) -> Json:
        return {"type": "Practitioner", "display": self.f[name]}

    def status(self, running: str = "active", over: str = "completed") -> str:
        return "draft" if self.e.draft else running if self.e.running else over

    def contact(self) -> tuple[Json, list[Json]]:
        f, n = self.f, self.e.number
        role = {
            "resourceType": "PractitionerRole",
            "id": f"r-{n}",
            "practitioner": {"reference": f"Practitioner/a-{n}"},
            "organization": {"reference": f"Organization/o-{n}"},
            "availabilityExceptions": f["hours"],
            "telecom": [
                {"system": "phone", "value": f["phone"]},
                {"system": "email", "value": email(f["email"])},
                {"system": "url", "value": link(f["url"])},
            ],
        }
        person = {"resourceType": "Practitioner", "id": f"a-{n}", "name": [{"text": f["name"]}]}
        organisation: Json = {
            "resourceType": "Organization",
            "id": f"o-{n}",
            "address": [{"text": f["address"]}],
        }
        if self.e.unconfigured:
            organisation["name"] = f["by"]
        else:
            system, value = self.world.places[self.e.owner].identifier
            organisation["identifier"] = [{"system": system, "value": value}]
        team = {
            "resourceType": "CareTeam",
            "status": self.status(over="inactive"),
            **self.subject,
            "category": self.kind,
            "participant": [
                {
                    "member": {"reference": f"PractitionerRole/r-{n}"},
                    "role": [{"text": f["role"]}, {"text": f["responsible_for"]}],
                }
            ],
        }
        return team, [role, person, organisation]

    def meeting(self) -> tuple[Json, list[Json]]:
        f, n = self.f, self.e.number
        beside: list[Json] = []
        who: Json = self.someone("people")
        if self.owner:
            who = {"reference": f"PractitionerRole/m-{n}"}
            role = {"resourceType": "PractitionerRole", "id": f"m-{n}", "organization": self.owner}
            beside.append(role | {"practitioner": {"display": f["people"]}})
        appointment = {
            "resourceType": "Appointment",
            "status": "booked",
            "description": f["title"],
            "start": starts(self.e).isoformat(),
            "patientInstruction": f["instruction"],
            "serviceCategory": self.kind,
            "participant": [
                {"actor": self.subject["subject"], "status": "accepted"},
                {"actor": who, "status": "accepted"},
                {"actor": {"type": "Location", "display": f["place"]}, "status": "accepted"},
            ],
        }
        return appointment, beside

    def plan(self) -> tuple[Json, list[Json]]:
        plan = {
            "resourceType": "CarePlan",
            "status": self.status(),
            "intent": "plan",
            **self.subject,
            "title": self.f["title"],
            "description": self.f["description"],
            "category": self.kind,
            "author": self.owner or self.someone("responsible"),
        }
        return plan, []

    def activity(self) -> tuple[Json, list[Json]]:
        detail = {
            "status": "in-progress" if self.e.running else "completed",
            "code": {
                "text": self.f["title"],
                "coding": self.kind[0]["coding"] if self.kind else [],
            },
            "description": self.f["description"],
            "performer": [self.someone("responsible")],
        }
        plan = {
            "resourceType": "CarePlan",
            "status": self.status(),
            "intent": "plan",
            **self.subject,
            "activity": [{"detail": detail}],
            **({"author": self.owner} if self.owner else {}),
        }
        return plan | {"category": [{"text": "Plan"}]}, []

    def intervention(self) -> tuple[Json, list[Json]]:
        request = {
            "resourceType": "ServiceRequest",
            "status": self.status(),
            "intent": "order",
            **self.subject,
            "code": {"text": self.f["title"]},
            "category": self.kind,
            "patientInstruction": self.f["description"],
            "performer": [self.someone("responsible"), *([self.owner] if self.owner else [])],
        }
        return request, []

    def assessment(self) -> tuple[Json, list[Json]]:
        episode = {
            "resourceType": "EpisodeOfCare",
            "status": self.status(over="finished"),
            "patient": self.subject["subject"],
            "type": [{"text": f"Udredning {self.f['title']}"}, *self.kind],
            "careManager": self.someone("responsible"),
            **({"managingOrganization": self.owner} if self.owner else {}),
        }
        return episode, []

    def goal(self) -> tuple[Json, list[Json]]:
        goal = {
            "resourceType": "Goal",
            "lifecycleStatus": self.status(),
            **self.subject,
            "description": {"text": self.f["title"]},
            "achievementStatus": {"text": self.f["achievement"]},
            "category": self.kind,
        }
        return goal, []

    def measurement(self) -> tuple[Json, list[Json]]:
        observation = {
            "resourceType": "Observation",
            "status": "final",
            **self.subject,
            "code": {"text": self.f["scale"]},
            "category": self.kind,
            "effectiveDateTime": "2026-01-15",
            "valueQuantity": {"value": 7, "unit": self.f["unit"]},
            "interpretation": [{"text": self.f["words"]}],
            **({"performer": [self.owner]} if self.owner else {}),
        }
        return observation, []


def link(text: str) -> str:
    """A word as an address of the web."""
    return text if text.startswith("https:") else f"https://x.example/{text}"


def email(text: str) -> str:
    """A word as an address of mail."""
    return text if "@" in text else f"{text}@x.example"


def starts(e: Entry) -> datetime:
    """No two meetings of one citizen begin together; those that are over were last week."""
    days = timedelta(days=30 if e.running else -20)
    return (
        datetime.now(COPENHAGEN).replace(hour=8, minute=0, second=0, microsecond=0)
        + days
        + timedelta(minutes=e.minute)
    )


# --- calendars and JSON ------------------------------------------------------------------


def _answers(world: World, system: System) -> Any:
    people = {p.cpr: p.key for p in world.people.values()}

    async def calendar(request: web.Request) -> web.Response:
        asked = await request.post()
        citizen = people.get(str(asked.get("borger")), "")
        await GATE.passed(citizen)
        entries = world.of(citizen, system.id)
        return web.Response(text=ics(entries), content_type="text/calendar", charset="utf-8")

    async def document(request: web.Request) -> web.Response:
        asked = await request.json()
        entries = world.of(people.get(asked["cpr"], ""), system.id)
        return web.json_response(_document(world, entries))

    return calendar if system.kind == "icalendar" else document


def ics(entries: list[Entry]) -> str:
    """RFC 5545, unfolded: no line here is long."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//kanarie//DA"]
    for e in entries:
        f, secret = e.fields, {"R": "PRIVATE", "V": "CONFIDENTIAL"}
        shut = next((secret[a] for a in sorted(e.audience) if a in secret), "")
        lines += [
            "BEGIN:VEVENT",
            f"UID:{e.number}@x.example",
            f"DTSTAMP:{starts(e):%Y%m%dT%H%M%S}Z",
            f"DTSTART;TZID=Europe/Copenhagen:{starts(e):%Y%m%dT%H%M%S}",
            f"SUMMARY:{f['title']}",
            f"LOCATION:{f['place']}",
            f"DESCRIPTION:{f['instruction']}",
            f"ATTENDEE;CN={f['people']}:mailto:a@x.example",
            f"URL:{link(f['url'])}",
            *([f"CLASS:{shut}"] if shut else []),
            *(f"CATEGORIES:{WORDS[k]}" for k in sorted(e.kinds)),
            "END:VEVENT",
        ]
    return "\r\n".join([*lines, "END:VCALENDAR", ""])


def _document(world: World, entries: list[Entry]) -> Json:
    records = ("contact", "meeting", "intervention", "assessment", "plan", "goal", "measurement")
    return {f"{r}s": [_item(world, e) for e in entries if e.record == r] for r in records}


def _item(world: World, e: Entry) -> Json:
    found: Json = dict(e.fields) | {"id": e.number, "start": starts(e).isoformat()}
    found.pop("by", None)
    if "url" in found:
        found["url"] = link(e.fields["url"])
    if "email" in found:
        found["email"] = email(e.fields["email"])
    if e.unconfigured:
        found["ejernavn"] = e.fields["by"]
    elif e.owner != world.systems[e.source].actor:
        found["ejer"] = "|".join(world.places[e.owner].identifier)
    own = e.audience - set(world.systems[e.source].audience)
    return found | {
        "art": [f"{KIND}|{WORDS[k]}" for k in e.kinds],
        "laeses_af": sorted(own),
        "status": "running" if e.running else "done",
        "loeber": e.running,
        "dag": "2026-01-15",
        "tal": 7,
    }
