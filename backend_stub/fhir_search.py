"""FHIR search over resources in memory: matching, includes and the Bundle.

Small on purpose, but right in what it does: tokens with and without system,
comma as "or", repeated parameters as "and", date prefixes, modes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from backend_stub.shapes import Json

Store = dict[str, dict[str, Json]]
Pairs = Sequence[tuple[str, str]]

DATES = {
    "Appointment": ("start", "end"), "CarePlan": ("period",), "EpisodeOfCare": ("period",),
    "Observation": ("effectiveDateTime",), "CareTeam": ("period",),
    "ServiceRequest": ("occurrencePeriod", "authoredOn"), "Goal": ("startDate",),
}
CONTROL = {"_count", "_include", "_include:iterate", "_include:recurse", "_sort", "_format",
           "_summary", "_total", "_elements"}


class BadSearch(ValueError):
    """A parameter that cannot be answered; the text is the diagnostics."""


def matching(store: Store, kind: str, params: Pairs, strict: bool = False) -> list[Json]:
    """The resources of one type that satisfy all parameters, in the order they were made.

    Unknown parameters are ignored, or BadSearch when `strict`.
    """
    found = list(store.get(kind, {}).values())
    for name, value in params:
        if name in CONTROL:
            continue
        test = TESTS.get(name)
        if test is None:
            if strict:
                raise BadSearch(f"unknown search parameter {name}")
            continue
        found = [r for r in found if any(test(r, v) for v in value.split(","))]
    if any(n == "_sort" and v.lstrip("-") == "date" for n, v in params):
        found.sort(key=lambda r: _span(r)[0])
    return found


def _identifier(resource: Json, wanted: str) -> bool:
    system, bar, value = wanted.rpartition("|")
    for i in resource.get("identifier", ()):
        if i["value"] == value and (not bar or i["system"] == system):
            return True
    return False


def _reference_to(*paths: str) -> Callable[[Json, str], bool]:
    def test(resource: Json, wanted: str) -> bool:
        refs = [r for p in paths for r in _walk(resource, p.split("."))]
        targets = [r.get("reference", "") for r in refs if isinstance(r, dict)]
        return any(t == wanted or t.rpartition("/")[2] == wanted for t in targets)
    return test


def _walk(node: Any, path: list[str]) -> Iterator[Any]:
    if isinstance(node, list):
        for item in node:
            yield from _walk(item, path)
    elif not path:
        yield node
    elif isinstance(node, dict) and path[0] in node:
        yield from _walk(node[path[0]], path[1:])


def _status(resource: Json, wanted: str) -> bool:
    return bool(resource.get("status") == wanted.rpartition("|")[2])


def _token(*paths: str) -> Callable[[Json, str], bool]:
    def test(resource: Json, wanted: str) -> bool:
        system, bar, value = wanted.rpartition("|")
        for concept in (c for p in paths for c in _walk(resource, p.split("."))):
            for coding in concept.get("coding", ()):
                if coding["code"] == value and (not bar or coding["system"] == system):
                    return True
        return False
    return test


def _span(resource: Json) -> tuple[str, str]:
    """First and last day of whatever time the resource has; open ends sort outside."""
    names = DATES.get(resource["resourceType"], ())
    values = [resource[n] for n in names if n in resource]
    if not values:
        return "", "9999"
    first, last = values[0], values[-1]
    start = first.get("start", "") if isinstance(first, dict) else first
    end = last.get("end", "9999") if isinstance(last, dict) else last
    return start[:10], end[:10]


def _date(resource: Json, wanted: str) -> bool:
    prefix, day = (wanted[:2], wanted[2:12]) if wanted[:1].isalpha() else ("eq", wanted[:10])
    start, end = _span(resource)
    tests = {"ge": end >= day, "gt": end > day, "le": start <= day, "lt": start < day,
             "eq": start <= day <= end, "sa": start > day, "eb": end < day}
    if prefix not in tests:
        raise BadSearch(f"date prefix {prefix} is not supported")
    return tests[prefix]


TESTS: dict[str, Callable[[Json, str], bool]] = {
    "_id": lambda r, v: bool(r["id"] == v),
    "identifier": _identifier,
    "patient": _reference_to("patient", "subject", "participant.actor"),
    "subject": _reference_to("subject", "patient"),
    "status": _status,
    "lifecycle-status": lambda r, v: bool(r.get("lifecycleStatus") == v),
    "active": lambda r, v: str(r.get("active", True)).lower() == v,
    "date": _date,
    "category": _token("category"),
    "code": _token("code"),
    "practitioner": _reference_to("practitioner"),
    "organization": _reference_to("organization", "managingOrganization"),
    "actor": _reference_to("participant.actor"),
    "participant": _reference_to("participant.member"),
    "intent": lambda r, v: bool(r.get("intent") == v),
}

INCLUDES: dict[tuple[str, str], tuple[str, ...]] = {
    ("CareTeam", "participant"): ("participant.member", "participant.onBehalfOf"),
    ("CareTeam", "organization"): ("managingOrganization",),
    ("Appointment", "actor"): ("participant.actor",),
    ("Appointment", "practitioner"): ("participant.actor",),
    ("Appointment", "location"): ("participant.actor",),
    ("PractitionerRole", "practitioner"): ("practitioner",),
    ("PractitionerRole", "organization"): ("organization",),
    ("PractitionerRole", "location"): ("location",),
    ("CarePlan", "goal"): ("goal", "activity.detail.goal"),
    ("CarePlan", "care-team"): ("careTeam",),
    ("CarePlan", "performer"): ("activity.detail.performer",),
    ("CarePlan", "author"): ("author",),
    ("EpisodeOfCare", "organization"): ("managingOrganization",),
    ("EpisodeOfCare", "care-manager"): ("careManager",),
    ("ServiceRequest", "performer"): ("performer",),
    ("ServiceRequest", "requester"): ("requester",),
    ("Observation", "performer"): ("performer",),
    ("RelatedPerson", "patient"): ("patient",),
}


def included(store: Store, matches: Iterable[Json], params: Pairs) -> list[Json]:
    """What `_include` and `_include:iterate` add: each once, never a match again."""
    once = [v for n, v in params if n == "_include"]
    again = [v for n, v in params if n in ("_include:iterate", "_include:recurse")]
    seen = {(r["resourceType"], r["id"]) for r in matches}
    added: list[Json] = []
    wave, wanted = list(matches), once + again
    while wave:
        targets = [t for r in wave for t in _targets(store, r, wanted)]
        wave = []
        for t in targets:
            if (key := (t["resourceType"], t["id"])) not in seen:
                seen.add(key)
                wave.append(t)
        added += wave
        wanted = again
    return added


def _targets(store: Store, resource: Json, wanted: Iterable[str]) -> Iterator[Json]:
    for text in wanted:
        kind, _, rest = text.partition(":")
        name, _, only = rest.partition(":")
        if kind != resource["resourceType"]:
            continue
        for path in INCLUDES.get((kind, name), ()):
            for reference in _walk(resource, path.split(".")):
                found = read(store, reference.get("reference", ""))
                if found and only in ("", found["resourceType"]):
                    yield found


def read(store: Store, reference: str) -> Json | None:
    """The resource behind "Type/id"."""
    kind, _, number = reference.partition("/")
    return store.get(kind, {}).get(number)


def outcome(text: str, issue: str = "processing", severity: str = "error") -> Json:
    """An OperationOutcome."""
    return {"resourceType": "OperationOutcome",
            "issue": [{"severity": severity, "code": issue, "diagnostics": text}]}


def bundle(base: str, matches: Iterable[Json], added: Iterable[Json], links: Pairs,
           total: int | None) -> Json:
    """A searchset."""
    entries = [_entry(base, r, "match") for r in matches]
    entries += [_entry(base, r, "include") for r in added]
    found: Json = {"resourceType": "Bundle", "type": "searchset",
                   "link": [{"relation": r, "url": u} for r, u in links]}
    if total is not None:
        found["total"] = total
    if entries:
        found["entry"] = entries
    return found


def _entry(base: str, resource: Json, mode: str) -> Json:
    url = f"{base}/{resource['resourceType']}/{resource['id']}"
    return {"fullUrl": url, "resource": resource, "search": {"mode": mode}}
