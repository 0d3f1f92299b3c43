"""Appointment and planned Encounter -> meetings; cancelled ones stay, errors do not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import msgspec

from portal.records import Audience, Hole, Meeting
from portal.sources.fhir_answer import name_of
from portal.sources.fhir_graph import identifiers, kind_said
from portal.sources.fhir_modifiers import altered
from portal.sources.fhir_reading import Reading, address, display, restrictions
from portal.sources.fhir_shape import (
    COPENHAGEN,
    Json,
    day,
    first_text,
    instant,
    obj,
    objs,
    telecom,
    text,
    web,
)

UNNAMED = "Møde"
"""The one word of ours: what the source left nameless must still have a heading."""
A_WEEK = 7 * 24 * 60
"""Minutes."""
PLACES = ("Location", "HealthcareService")
CANCELLED = frozenset({"cancelled"})
TENTATIVE = frozenset({"proposed", "pending", "waitlist"})
_UID_SYSTEMS = ("urn:ietf:rfc:3986", "urn:ietf:rfc:5545")


def meetings(
    reading: Reading, found: dict[str, list[Json]], since: datetime
) -> Iterator[Meeting | Hole]:
    """A planned Encounter and the Appointment that it came from are one meeting."""
    planned = [e for e in found.get("Encounter", []) if text(e, "status") == "planned"]
    linked = {n for e in planned for n in _appointments(reading, e)}
    booked: dict[str, Meeting] = {}
    for resource in found.get("Appointment", []):
        if text(resource, "status") != "entered-in-error":
            for told in _recent(_appointment(reading, resource, linked), since):
                yield told
                if isinstance(told, Meeting) and not altered(resource):
                    booked[name_of(resource)] = told
    for resource in planned:
        same = [booked[n] for n in _appointments(reading, resource) if n in booked]
        for told in _recent(_encounter(reading, resource), since):
            yield from _besides(told, same)


def _appointments(reading: Reading, encounter: Json) -> list[str]:
    return [reading.graph.name(r, encounter) for r in objs(encounter, "appointment")]


def _besides(told: Meeting | Hole, booked: list[Meeting]) -> Iterator[Meeting | Hole]:
    """An Encounter, unless its Appointment tells it to all who would see it.

    Where some would see only one of them, who sees both has them joined by the UID.
    """
    if isinstance(told, Hole) or not booked:
        yield told
    elif not any(_tells(b, told) for b in booked):
        yield msgspec.structs.replace(told, uid=booked[0].uid)


def _tells(booked: Meeting, met: Meeting) -> bool:
    days = {m.start.astimezone(COPENHAGEN).date() for m in (booked, met)}
    owners = {(m.owner, m.by) for m in (booked, met)}
    open_ = booked.audience <= met.audience and booked.kinds <= met.kinds
    return len(days) == len(owners) == 1 and open_ and not booked.cancelled


def _recent(told: Meeting | Hole | None, since: datetime) -> Iterator[Meeting | Hole]:
    if isinstance(told, Hole) or (told and (told.end or told.start) >= since):
        yield told


def _appointment(reading: Reading, resource: Json, linked: set[str]) -> Meeting | Hole | None:
    """None when there is no time yet."""
    start = instant(resource.get("start"), reading.zone)
    status = text(resource, "status")
    if start is None:
        open_ = status in TENTATIVE | CANCELLED and "start" not in resource
        return None if open_ else Hole(**reading.entry(resource), of="meeting")
    kinds = (*objs(resource, "serviceType"), *objs(resource, "appointmentType"))
    ours = f"{reading.config.id}/{name_of(resource)}" if name_of(resource) in linked else ""
    title = text(resource, "description") or first_text([*kinds, *objs(resource, "reasonCode")])
    return Meeting(
        **reading.entry(resource),
        title=title or UNNAMED,
        start=start,
        end=_end(instant(resource.get("end"), reading.zone) or _after(resource, start), start),
        cancelled=status in CANCELLED,
        tentative=status in TENTATIVE,
        instruction=text(resource, "patientInstruction"),
        uid=_uid(resource) or ours,
        **_around(reading, resource, "actor"),
    )


def _encounter(reading: Reading, resource: Json) -> Meeting | Hole | None:
    period = obj(resource, "period")
    start = instant(period.get("start"), reading.zone)
    whole = day(period.get("start")) if start is None else None  # KLCore plans a day, not an hour
    if whole:
        start = datetime(whole.year, whole.month, whole.day, tzinfo=COPENHAGEN)
    if start is None:
        return Hole(**reading.entry(resource), of="meeting") if "start" in period else None
    kinds = (*objs(resource, "type"), *objs(resource, "serviceType"))
    around = _around(reading, resource, "individual")
    places = [obj(p, "location") for p in objs(resource, "location")]
    return Meeting(
        **reading.entry(resource),
        title=first_text([*kinds, *objs(resource, "reasonCode")]) or UNNAMED,
        start=start,
        end=_end(instant(period.get("end"), reading.zone), start),
        all_day=whole is not None,
        **around | _where(reading, places, resource),
    )


def _after(resource: Json, start: datetime) -> datetime | None:
    """R4 lets it say how long it takes instead."""
    minutes = resource.get("minutesDuration")
    if "end" in resource or not isinstance(minutes, int) or not 0 < minutes <= A_WEEK:
        return None
    return start + timedelta(minutes=minutes)


def _end(end: datetime | None, start: datetime) -> datetime | None:
    return end if end and end >= start else None


def _around(reading: Reading, resource: Json, key: str) -> dict[str, Any]:
    """Place, people and actors; who or what is restricted itself is left out."""
    coming = [p for p in objs(resource, "participant") if text(p, "status") != "declined"]
    references = [obj(p, key) for p in coming]
    named = [r for r in references if not reading.shut(r, resource)]
    people = (w.name for r in named if (w := reading.who(r, resource)))
    actors = (reading.marks.actor(o) for r in named for o in reading.taking_part(r, resource))
    return {
        **_where(reading, references, resource),
        "people": tuple(dict.fromkeys(people)),
        "actors": tuple(dict.fromkeys(a for a in actors if a)),
    }


def _where(reading: Reading, references: list[Json], holder: Json) -> dict[str, str]:
    """The first place, else the clinic, and the address of a meeting by video."""
    places = (_place(reading, r, holder, kind) for kind in PLACES for r in references)
    links = (
        web(telecom(objs(_location(reading, r, holder), "telecom"), "url")) for r in references
    )
    return {
        "place": next((p for p in places if p), ""),
        "url": next((link for link in links if link), ""),
    }


def _location(reading: Reading, reference: Json, holder: Json, kind: str = "Location") -> Json:
    """The place referred to, unless it is kept from somebody or not understood."""
    found = reading.graph.find(reference, holder) or {}
    shut = restrictions(found) - {Audience.NOT_FOR_CHILD} or altered(found)
    return found if found.get("resourceType") == kind and not shut else {}


def _place(reading: Reading, reference: Json, holder: Json, kind: str) -> str:
    """Name and address, and the number to ring where the meeting is a call."""
    if reading.graph.find(reference, holder) is None:
        return display(reference) if kind_said(reference) == kind else ""
    if not (found := _location(reading, reference, holder, kind)):
        return ""
    phone = telecom(objs(found, "telecom"), "phone")
    parts = (text(found, "name") or display(reference), address(obj(found, "address")), phone)
    return ", ".join(p for p in parts if p)


def _uid(resource: Json) -> str:
    for system in _UID_SYSTEMS:
        for found in identifiers(resource):
            if found.startswith(system + "|"):
                return found.partition("|")[2]
    return ""
