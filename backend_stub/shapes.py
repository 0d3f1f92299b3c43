"""FHIR R4 shapes as dk-core and KLCore would write them: dictionaries, nothing else.

There is no published KL guide for the children's social area, so plans are
plain R4 after KLCore's planned intervention: `activity.detail.code` holds the
paragraph as a coding and the name of the help as text.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, NamedTuple

Json = dict[str, Any]

CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
AUDIENCE = "urn:familieoverblik:audience"
WHAT = "urn:familieoverblik-demo:art"
LAWS = {
    "Barnets Lov": "urn:familieoverblik-demo:barnets-lov",
    "Serviceloven": "urn:familieoverblik-demo:serviceloven",
    "Folkeskoleloven": "urn:familieoverblik-demo:folkeskoleloven",
    "Sundhedsloven": "urn:familieoverblik-demo:sundhedsloven",
}
TEAM_ROLES = {
    "coordinator": "Tovholder",
    "responsible": "Ansvarlig",
    "member": "Deltager",
    "relief": "Stedfortræder",
}
ROLE_SYSTEM = "urn:familieoverblik-demo:teamrolle"
CARE_MANAGER = "768820003"
"""SNOMED CT "Care coordinator", the code the wider world knows for a tovholder."""


class Who(NamedTuple):
    """Somebody at a system: reference to the role, and the name as written."""

    ref: str
    name: str


def code(text: str, *codings: tuple[str, str, str]) -> Json:
    """A CodeableConcept: its text, and (system, code, display) codings."""
    found: Json = {"text": text}
    if codings:
        found["coding"] = [{"system": s, "code": c, "display": d} for s, c, d in codings]
    return found


def law(paragraph: str) -> tuple[str, str, str]:
    """A coding for e.g. "Barnets Lov § 32, stk. 1, nr. 3"."""
    act, _, rest = paragraph.partition(" § ")
    short = rest.replace(", stk. ", "-").replace(", nr. ", "-").replace(" ", "")
    return (LAWS[act], short, paragraph)


def meta(only: Iterable[str] = (), what: str = "") -> Json:
    """Restrictions (R, V, or an audience tag) and what an entry is, as `meta`."""
    only = tuple(only)
    security = [{"system": CONFIDENTIALITY, "code": c} for c in only if c in ("R", "V")]
    tags = [{"system": AUDIENCE, "code": c} for c in only if c not in ("R", "V")]
    if what:
        tags.append({"system": WHAT, "code": what})
    found: Json = {}
    if security:
        found["security"] = security
    if tags:
        found["tag"] = tags
    return found


def period(start: date | datetime | None, end: date | datetime | None = None) -> Json:
    found: Json = {}
    if start:
        found["start"] = start.isoformat()
    if end:
        found["end"] = end.isoformat()
    return found


def ref(target: str, display: str = "") -> Json:
    return {"reference": target} | ({"display": display} if display else {})


def logical(system: str, value: str, display: str) -> Json:
    """A reference by identifier only, as many Danish guides write it."""
    return {"identifier": {"system": system, "value": value}, "display": display}


def telecom(phone: str = "", mail: str = "") -> list[Json]:
    found: list[Json] = []
    if phone:
        found.append({"system": "phone", "value": phone, "use": "work"})
    if mail:
        found.append({"system": "email", "value": mail, "use": "work"})
    return found


def human_name(name: str) -> Json:
    """Given names and the last word as family name."""
    *given, family = name.split()
    return {"use": "official", "text": name, "family": family, "given": given or [family]}


def activity(
    name: str,
    paragraph: str,
    *,
    status: str = "in-progress",
    start: date | None = None,
    end: date | None = None,
    by: Who | None = None,
    goal: str = "",
    what: str = "",
    note: str = "",
    codes: Iterable[tuple[str, str, str]] = (),
) -> Json:
    """One kind of help in a CarePlan: paragraph, name, who gives it, since when."""
    codings = [law(paragraph)] if paragraph else []
    if what:
        codings.append((WHAT, what, name))
    detail: Json = {"kind": "ServiceRequest", "status": status}
    detail["code"] = code(name, *codings, *codes)
    if start or end:
        detail["scheduledPeriod"] = period(start, end)
    if by:
        detail["performer"] = [ref(by.ref, by.name)]
    if goal:
        detail["goal"] = [ref(goal)]
    if note:
        detail["description"] = note
    return {"detail": detail}
