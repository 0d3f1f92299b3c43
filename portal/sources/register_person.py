"""From the register's Patient and RelatedPerson to Person and custody (dk-core codes)."""

from __future__ import annotations

import re
from datetime import date

from portal.records import Person
from portal.sources.fhir_address import below
from portal.sources.fhir_shape import (
    Json,
    codings,
    day,
    days,
    human_name,
    obj,
    objs,
    text,
    texts,
)

RELATIONSHIPS = "http://hl7.dk/fhir/core/CodeSystem/dk-relatedperson-relationshipcodes"
CUSTODY = (RELATIONSHIPS, "PARAUTH")
PROTECTING = frozenset({"R", "V"})
"""v3-Confidentiality restricted and very restricted: dk-core's name and address protection."""
_BIRTH_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def person(resource: Json, asked: tuple[str, str] | None = None) -> Person:
    """A Patient or RelatedPerson; `asked` is the identifier that found it."""
    home = _home(resource)
    born = text(resource, "birthDate")
    return Person(
        name=human_name(objs(resource, "name")),
        born=day(born) if _BIRTH_DATE.fullmatch(born) else None,
        gender=text(resource, "gender"),
        address=", ".join(texts(home, "line")) or text(home, "text"),
        postcode=text(home, "postalCode"),
        city=text(home, "city"),
        protected=_protected(resource),
        deceased=_deceased(resource),
        identifiers=_one_of_each(resource, asked),
    )


def identifiers(resource: Json) -> set[tuple[str, str]]:
    """(system, value) of every identifier in use."""
    return {
        (text(i, "system"), text(i, "value"))
        for i in objs(resource, "identifier")
        if text(i, "use") != "old" and text(i, "system") and text(i, "value")
    }


def holds_custody(related: Json, today: date) -> bool | None:
    """RelatedPerson: active is not false, PARAUTH, and the period covers today.

    None where active or the period cannot tell: she is let in nowhere by it, and nobody else decides as if she were not there.
    """
    active = related.get("active", True)
    if active is False or CUSTODY not in set(codings(objs(related, "relationship"))):
        return False
    return _covers(related, today) if active is True else None


def local_name(related: Json, base: str) -> str:
    """ "Patient/<id>" of whom the RelatedPerson belongs to; "" if not on this register."""
    reference = below(text(obj(related, "patient"), "reference"), base)
    kind, _, rest = reference.partition("/")
    number = rest.partition("/_history/")[0]
    return f"Patient/{number}" if kind == "Patient" and re.fullmatch(_ID, number) else ""


_ID = r"[A-Za-z0-9.\-]{1,64}"


def _covers(related: Json, today: date) -> bool | None:
    """None on a border that is a month or a year, or that cannot be read."""
    period = related.get("period", {})
    if not isinstance(period, dict):
        return None
    start, end = days(period.get("start")), days(period.get("end"))
    if (start and today < start[0]) or (end and end[1] < today):
        return False
    for border, said in (start, "start" in period), (end, "end" in period):
        if said and (border is None or (border[0] < border[1] and border[0] <= today <= border[1])):
            return None
    return True


def _one_of_each(resource: Json, asked: tuple[str, str] | None) -> dict[str, str]:
    """System -> value; a system with two values is left out unless one of them was asked for."""
    found: dict[str, set[str]] = {}
    for system, value in identifiers(resource):
        found.setdefault(system, set()).add(value)
    single = {s: next(iter(values)) for s, values in found.items() if len(values) == 1}
    return single | (dict([asked]) if asked else {})


def _protected(resource: Json) -> bool:
    meta = resource.get("meta", {})
    security = meta.get("security", []) if isinstance(meta, dict) else None
    if not isinstance(security, list):
        return True
    return any(not isinstance(s, dict) or text(s, "code") in PROTECTING for s in security)


def _deceased(resource: Json) -> bool:
    """Death ends access: anything but a clear "no" counts as dead."""
    said = resource.get("deceasedBoolean", False)
    return said is not False or resource.get("deceasedDateTime") is not None


def _home(resource: Json) -> Json:
    addresses = [a for a in objs(resource, "address") if text(a, "use") != "old"]
    homes = [a for a in addresses if text(a, "use") == "home"]
    return next(iter(homes or addresses), {})
