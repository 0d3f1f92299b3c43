"""A FHIR server's remarks: each type it was asked for, and each resource that became nothing."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from portal.conform.remarks import Remark, code, counted
from portal.records import AnyEntry, Audience, Status
from portal.settings import SourceConfig
from portal.sources import SourceFailure
from portal.sources.fhir import DAYS_BACK, INCLUDES
from portal.sources.fhir_address import below
from portal.sources.fhir_answer import Found, collect, name_of
from portal.sources.fhir_client import REFUSED
from portal.sources.fhir_measurements import CLINICAL
from portal.sources.fhir_modifiers import altered, forbids
from portal.sources.fhir_reading import AUDIENCE_TAGS
from portal.sources.fhir_shape import (
    Json,
    codings,
    concept_text,
    day,
    instant,
    obj,
    objs,
    text,
)
from portal.sources.fhir_status import status_of
from portal.sources.in_words import in_words
from portal.sources.json_in import decode
from portal.sources.probe import Exchange, Probed

STATUSED = frozenset({"CarePlan", "EpisodeOfCare", "ServiceRequest"})
WHEN = {"Appointment": "start", "Encounter": "period"}
About = tuple[SourceConfig, str, str]
"""The service, and whom it was asked about: "Patient/<id>" and number."""
_NO_DAY = re.compile(r"\d{4}(-\d{2})?")
NAMED = ("Practitioner", "PractitionerRole", "Organization", "Location")


def of_fhir(config: SourceConfig, met: Probed, number: str) -> Iterator[Remark]:
    """What the server gave about `number` for each type, and what of it is lost."""
    asked = _by_type(config, met)
    yield _patient(asked, met)
    person = next(
        (name_of(p) for e in asked["Patient"] for p in _matches(e, "Patient", config)), ""
    )
    entries = met.delivery.entries if met.delivery else ()
    about = None if met.delivery and not met.delivery.strangers else (config, person, number)
    for kind in INCLUDES:
        if kind in asked:
            yield from _type(kind, asked[kind], entries, config, about)
    if idle := [e for e in asked[""] if 200 <= e.status < 300]:
        words = (
            f"{len(idle)} next pages held nothing of the type asked for; 10 are read, then no more"
        )
        yield Remark("note", f"paging: {words}")
    extra = sum(len(asked.get(kind, ())) for kind in NAMED)
    if extra:
        words = f"includes: {extra} more questions for people and places it did not include"
        yield Remark("note", f"{words}: _include would save them")
    elif entries:
        yield Remark("ok", "includes: no more questions were needed for people and places")
    if met.delivery and met.delivery.strangers:
        words = "it also gave resources of somebody else (is patient= honoured?): dropped"
        yield Remark("FAIL", f"person: {words}, and an alarm in operation")


def _by_type(config: SourceConfig, met: Probed) -> dict[str, list[Exchange]]:
    """The questions about each type; a next page counts to the type of what it holds."""
    found: dict[str, list[Exchange]] = defaultdict(list)
    base = config.url.rstrip("/")
    for exchange in (e for e in met.exchanges if e.url.startswith(base)):
        path = exchange.url.removeprefix(base).lstrip("/")
        kind = path.partition("/")[0].partition("?")[0]
        paged = exchange.method == "GET" and kind != ".well-known"
        if paged and (kind not in NAMED or "?" in path):
            kind = next((k for k in INCLUDES if _matches(exchange, k, config)), "")
        found[kind].append(exchange)
    return found


def _matches(exchange: Exchange, kind: str, config: SourceConfig) -> list[Json]:
    return _found(exchange, kind, config).matches


def _found(exchange: Exchange, kind: str, config: SourceConfig) -> Found:
    found = Found(matches=[], pool={}, severities=set())
    try:
        collect(found, decode(exchange.body), kind, config.url.rstrip("/"))
    except (SourceFailure, AttributeError):
        return Found(matches=[], pool={}, severities=set())
    return found


def _patient(asked: dict[str, list[Exchange]], met: Probed) -> Remark:
    if any(kind in asked for kind in INCLUDES):
        words = "person: POST Patient/_search finds one Patient with the identifier asked for"
        return Remark("ok", words)
    if met.delivery is None:
        return Remark("FAIL", "person: POST Patient/_search leads to nobody")
    return Remark("note", "person: POST Patient/_search knows nobody with this number")


def _type(
    kind: str,
    asked: list[Exchange],
    entries: tuple[AnyEntry, ...],
    config: SourceConfig,
    about: About | None,
) -> Iterator[Remark]:
    good = [e for e in asked if 200 <= e.status < 300]
    if not good:
        yield _refused(kind, asked[-1])
        return
    matches = {name_of(r): r for e in good for r in _matches(e, kind, config)}
    pages = f" on {len(good)} pages" if len(good) > 1 else ""
    again = ", asked again with less (_include, date, ...)" if asked[0].status in REFUSED else ""
    yield Remark("ok", f"{kind}: supported, {len(matches)} resources{pages}{again}")
    if any(_found(e, kind, config).severities for e in good):
        yield Remark("note", f"{kind}: an OperationOutcome says that not all of it came")
    used = {e.key for e in entries}
    lost = [r for name, r in matches.items() if not any(k.startswith(name) for k in used)]
    reasons = [_why(kind, r, config, about) for r in lost]
    for mark in ("FAIL", "note"):
        for words in counted(w for m, w in reasons if m == mark):
            yield Remark(mark, f"{kind}: not shown: {words}")
    for words in counted(w for r in matches.values() for w in _odd(kind, r)):
        yield Remark("note", f"{kind}: {words}")


def _refused(kind: str, last: Exchange) -> Remark:
    if last.status in (404, 501) or b"not-supported" in last.body:
        return Remark("note", f"{kind}: not delivered (the server does not know it)")
    said = last.problem or f"status {last.status}"
    return Remark("FAIL", f"{kind}: it {in_words(said)}: that fails the whole source")


def _why(kind: str, resource: Json, config: SourceConfig, about: About | None) -> Remark:
    """Why a resource became no entry; the adapter has decided, this names the likeliest reason.

    `about` is None when the adapter has found nobody else's among all that came.
    """
    status = text(resource, "status") or text(resource, "lifecycleStatus")
    if about and not any(_may_be(r, *about) for r in _references(resource)):
        return Remark(
            "FAIL", "it does not name the person asked about (subject, patient, participant)"
        )
    if status == "entered-in-error":
        return Remark("note", "status 'entered-in-error'")
    if forbids(resource):
        return Remark("note", "doNotPerform: it says that this help is not to be given")
    if altered(resource):
        return Remark("note", "a modifierExtension that is not known: told as missing")
    if kind in WHEN:
        return _about_time(kind, resource, config)
    if kind == "Goal" and not concept_text(obj(resource, "description")):
        return Remark("FAIL", "no description.text")
    if kind == "CareTeam" and not objs(resource, "participant"):
        return Remark("note", "no participant")
    if kind == "Observation":
        return _about_number(resource)
    return Remark("note", "it names nobody to contact, or has no title")


def _references(resource: Json) -> Iterator[Json]:
    """Whom it names."""
    named = [obj(resource, "subject"), obj(resource, "patient")]
    named += [obj(p, "actor") for p in objs(resource, "participant")]
    return filter(None, named)


def _may_be(reference: Json, config: SourceConfig, person: str, number: str) -> bool:
    """One that leads into its own resource or bundle counts as the person: only the adapter can follow it."""
    said = obj(reference, "identifier")
    numbered = text(said, "system") == config.subject
    if numbered and text(said, "value").replace("-", "") != number.replace("-", ""):
        return False
    target = below(text(reference, "reference"), config.url).partition("/_history/")[0]
    return target == person or target.startswith(("#", "urn:")) if target else numbered


def _about_number(resource: Json) -> Remark:
    quantity = obj(resource, "valueQuantity")
    value = quantity.get("value") if quantity else resource.get("valueInteger")
    category = {code for _, code in codings(objs(resource, "category"))}
    counts = isinstance(value, int | float) and not isinstance(value, bool)
    if not counts or (category and category <= CLINICAL):
        return Remark("note", "no number of well-being (laboratory, vital signs, ... are left out)")
    when = resource.get("effectiveDateTime") or resource.get("effectiveInstant")
    when = when or obj(resource, "effectivePeriod").get("start")
    if isinstance(when, str) and _NO_DAY.fullmatch(when):
        return Remark("note", "effective[x] names a month or a year and no day: told as missing")
    if day(when) is None:
        return Remark("FAIL", "effective[x] names no day that can be read")
    if text(quantity, "comparator") or not concept_text(obj(resource, "code")):
        return Remark("note", "a number with a comparator or without code.text: told as missing")
    return Remark("note", f"status {code(resource.get('status'))} is not one that is shown")


def _about_time(kind: str, resource: Json, config: SourceConfig) -> Remark:
    holder = obj(resource, "period") if kind == "Encounter" else resource
    if "start" not in holder:
        return Remark("note", f"no {WHEN[kind]}")
    start = instant(holder["start"], ZoneInfo(config.timezone))
    if start is None:
        return Remark("FAIL", f"{WHEN[kind]} is no time that can be read (ISO 8601 with an offset)")
    if start < datetime.now(UTC) - timedelta(days=DAYS_BACK):
        return Remark("note", f"older than {DAYS_BACK} days (is date= honoured?)")
    return Remark("note", "status is not one that is shown (is status= honoured?)")


def _odd(kind: str, resource: Json) -> Iterator[str]:
    status = text(resource, "status") or text(resource, "lifecycleStatus")
    if kind in STATUSED and status_of(status) is Status.UNKNOWN:
        yield f"status {code(status)} is not one of R4's: shown as unknown"
    meta = obj(resource, "meta")
    for tag in objs(meta, "tag"):
        if text(tag, "system") == AUDIENCE_TAGS and text(tag, "code") not in {*Audience}:
            yield f"audience tag {code(text(tag, 'code'))} is not understood: nobody is kept from it"
    for label in objs(meta, "security"):
        if text(label, "code") not in ("R", "V", "N", "L", "U", "M"):
            yield f"meta.security {code(text(label, 'code'))} is not understood: only R and V keep it from anybody"
