"""Appointment and planned Encounter -> meetings; cancelled ones stay, errors do not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from portal.records import Audience, Meeting
from portal.sources.fhir_graph import identifiers
from portal.sources.fhir_reading import Reading, address, display, restrictions
from portal.sources.fhir_shape import Json, first_text, instant, obj, objs, text

UNNAMED = "Møde"
"""The one word of ours: what the source left nameless must still have a heading."""
CANCELLED = frozenset({"cancelled", "noshow"})
TENTATIVE = frozenset({"proposed", "pending", "waitlist"})
_UID_SYSTEMS = ("urn:ietf:rfc:3986", "urn:ietf:rfc:5545")


def meetings(
    reading: Reading, found: dict[str, list[Json]], since: datetime
) -> Iterator[Meeting | None]:
    """None stands for a meeting whose time cannot be read: something is missing."""
    for resource in found.get("Appointment", []):
        if text(resource, "status") != "entered-in-error":
            for meeting in _recent(_appointment(reading, resource), since):
                yield from reading.told(resource, meeting)
    for resource in found.get("Encounter", []):
        if text(resource, "status") == "planned":
            for meeting in _recent(_encounter(reading, resource), since):
                yield from reading.told(resource, meeting)


def _recent(told: Meeting | str, since: datetime) -> Iterator[Meeting | None]:
    if isinstance(told, str):
        yield from [None] if told else []
    elif (told.end or told.start) >= since:
        yield told


def _appointment(reading: Reading, resource: Json) -> Meeting | str:
    """A meeting, or why not: "" when there is no time yet, "unreadable" else."""
    start = instant(resource.get("start"), reading.zone)
    status = text(resource, "status")
    if start is None:
        open_ = status in TENTATIVE | CANCELLED and "start" not in resource
        return "" if open_ else "unreadable"
    kinds = (*objs(resource, "serviceType"), *objs(resource, "appointmentType"))
    title = text(resource, "description") or first_text([*kinds, *objs(resource, "reasonCode")])
    return Meeting(
        **reading.entry(resource),
        title=title or UNNAMED,
        start=start,
        end=_end(instant(resource.get("end"), reading.zone), start),
        cancelled=status in CANCELLED,
        tentative=status in TENTATIVE,
        instruction=text(resource, "patientInstruction"),
        uid=_uid(resource),
        **_around(reading, resource, "actor"),
    )


def _encounter(reading: Reading, resource: Json) -> Meeting | str:
    period = obj(resource, "period")
    start = instant(period.get("start"), reading.zone)
    if start is None:
        return "unreadable" if "start" in period else ""
    kinds = (*objs(resource, "type"), *objs(resource, "serviceType"))
    around = _around(reading, resource, "individual")
    places = (_place(reading, obj(p, "location"), resource) for p in objs(resource, "location"))
    return Meeting(
        **reading.entry(resource),
        title=first_text([*kinds, *objs(resource, "reasonCode")]) or UNNAMED,
        start=start,
        end=_end(instant(period.get("end"), reading.zone), start),
        **around | {"place": next((p for p in places if p), "")},
    )


def _end(end: datetime | None, start: datetime) -> datetime | None:
    return end if end and end >= start else None


def _around(reading: Reading, resource: Json, key: str) -> dict[str, Any]:
    """Place, people and actors; who or what is restricted itself is left out."""
    places, people = [], []
    for participant in objs(resource, "participant"):
        reference = obj(participant, key)
        if text(participant, "status") == "declined":
            continue
        if place := _place(reading, reference, resource):
            places.append(place)
        elif (who := reading.who(reference, resource)) and not who.audience:
            people.append(who.name)
    actors = (reading.marks.actor(o) for o in reading.taking_part(resource))
    return {
        "place": next(iter(places), ""),
        "people": tuple(dict.fromkeys(people)),
        "actors": tuple(dict.fromkeys(a for a in actors if a)),
    }


def _place(reading: Reading, reference: Json, holder: Json) -> str:
    found = reading.graph.find(reference, holder)
    if found is None:
        target = reading.graph.local(text(reference, "reference"))
        said = text(reference, "type") or target.partition("/")[0]
        return display(reference) if said == "Location" else ""
    if found.get("resourceType") != "Location" or restrictions(found) - {Audience.NOT_FOR_CHILD}:
        return ""
    parts = (text(found, "name") or display(reference), address(obj(found, "address")))
    return ", ".join(p for p in parts if p)


def _uid(resource: Json) -> str:
    for system in _UID_SYSTEMS:
        for found in identifiers(resource):
            if found.startswith(system + "|"):
                return found.partition("|")[2]
    return ""
