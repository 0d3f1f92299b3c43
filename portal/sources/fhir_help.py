"""CarePlan, ServiceRequest, EpisodeOfCare and Goal -> plans, help, assessments, goals.

- A CarePlan is a plan; its `activity.detail` are the help in it. A CarePlan that
  is based on another CarePlan, or whose profile is an intervention (KLCore, and
  KL's guides built on it), is help itself.
- A ServiceRequest, EpisodeOfCare or activity is an *assessment* when a category,
  type or code says so: SNOMED CT evaluation or diagnostic procedure, or a text
  with udredning, undersøgelse, afdækning, vurdering, screening or their English words.
  Everything else is help. Of an assessment only that it runs is taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from portal.records import DECIDED, AnyEntry, Assessment, Hole, Intervention, Plan, Status
from portal.sources.fhir_follow_up import follow_up
from portal.sources.fhir_goals import Goals
from portal.sources.fhir_modifiers import altered, forbids
from portal.sources.fhir_reading import Reading, Who
from portal.sources.fhir_shape import (
    Json,
    codings,
    concept_words,
    day,
    first_text,
    obj,
    objs,
    text,
    texts,
)
from portal.sources.fhir_status import status_of, with_intent
from portal.sources.paragraph import paragraph

ASSESSING = frozenset({"386053000", "103693007", "165197003"})
"""SNOMED CT: evaluation procedure, diagnostic procedure, diagnostic assessment."""
_ASSESSING = re.compile(
    r"udredning|undersøgelse|afdækning|vurdering|screening|assessment|evaluation", re.IGNORECASE
)


UNNAMED_PLAN, UNNAMED_COURSE = "Plan", "Forløb"
"""R4 gives neither a name that must be there."""


def help_and_plans(reading: Reading, found: dict[str, list[Json]]) -> Iterator[AnyEntry | Hole]:
    """What has no name is a hole, but for plans and courses: R4 lets them have none."""
    goals = Goals(reading, found.get("Goal", []))
    for care_plan in found.get("CarePlan", []):
        yield from _care_plan(reading, care_plan, goals)
    for request in found.get("ServiceRequest", []):
        if not forbids(request):
            yield _request(reading, request)
    for episode in found.get("EpisodeOfCare", []):
        yield _episode(reading, episode)
    yield from goals.records()


def _care_plan(reading: Reading, resource: Json, goals: Goals) -> Iterator[AnyEntry | Hole]:
    activities = objs(resource, "activity")
    if _is_help(reading, resource):
        yield from _planned(reading, resource, activities, goals)
        return
    entry = reading.entry(resource)
    goals.belong(objs(resource, "goal"), entry, resource)
    for n, activity in enumerate(activities):
        detail = obj(activity, "detail")
        if forbids(detail):
            goals.belong(objs(detail, "goal"), entry, resource)
        elif detail and not _evaluates(activity, detail):
            told = _activity(reading, resource, detail, f"#activity-{n}", goals)
            yield Hole.instead_of(told) if altered(activity) else told
    yield _plan(reading, resource, entry)


def _is_help(reading: Reading, resource: Json) -> bool:
    profiles = (p.rpartition("/")[2].lower() for p in texts(obj(resource, "meta"), "profile"))
    if any("intervention" in p for p in profiles):
        return True
    based = (reading.graph.name(r, resource) for r in objs(resource, "basedOn"))
    return any(b.startswith("CarePlan/") for b in based)


def _evaluates(activity: Json, detail: Json) -> bool:
    """KLCore's nameless pointer to an evaluation: its content is never shown."""
    named = first_text(objs(detail, "code")) or text(detail, "description")
    return not named and "outcomeReference" in activity


def _plan(reading: Reading, resource: Json, entry: dict[str, Any]) -> Plan:
    author = _first(reading, resource, "author")
    followed, following = follow_up(reading, resource)
    return Plan(
        **entry,
        title=text(resource, "title") or first_text(objs(resource, "category")) or UNNAMED_PLAN,
        status=_status(resource),
        description=text(resource, "description"),
        responsible=author.name if author and not author.audience else "",
        followed_up=followed,
        next_follow_up=following,
        url=reading.config.journal_url,
        **_period(obj(resource, "period")),
    )


def _planned(
    reading: Reading, resource: Json, activities: list[Json], goals: Goals
) -> Iterator[Intervention | Assessment | Hole]:
    """KLCore: the CarePlan is the help, its one activity says which."""
    details = [obj(a, "detail") for a in activities]
    done = [d for d in details if not forbids(d)]
    codes = [c for d in done for c in objs(d, "code")]
    performers = [p for d in done for p in objs(d, "performer")]
    aims = [*objs(resource, "goal"), *(g for d in details for g in objs(d, "goal"))]
    who = next((w for p in performers if (w := reading.who(p, resource))), None)
    entry = reading.entry(resource, concepts=codes)
    goals.belong(aims, entry, resource)
    if details and not done:
        return
    told = _helping(
        entry,
        concepts=[*codes, *objs(resource, "category")],
        title=text(resource, "title") or first_text(codes),
        status=_status(resource),
        period=obj(resource, "period"),
        who=who or _first(reading, resource, "author"),
        goal=goals.title(aims, entry, resource),
        description=text(resource, "description"),
        url=reading.config.journal_url,
    )
    yield Hole.instead_of(told) if any(altered(a) for a in activities) else told


def _activity(
    reading: Reading, resource: Json, detail: Json, part: str, goals: Goals
) -> Intervention | Assessment | Hole:
    codes = objs(detail, "code")
    entry = reading.entry(resource, part, concepts=codes)
    if text(detail, "status") == "entered-in-error":
        entry["kinds"] |= {"application"}
    goals.belong(objs(detail, "goal"), entry, resource)
    who = next((w for p in objs(detail, "performer") if (w := reading.who(p, resource))), None)
    return _helping(
        entry,
        concepts=codes,
        title=first_text(codes) or text(detail, "description"),
        status=with_intent(status_of(text(detail, "status")), text(resource, "intent")),
        period=obj(detail, "scheduledPeriod"),
        who=who,
        goal=goals.title(objs(detail, "goal"), entry, resource),
        description=text(detail, "description"),
        url=reading.config.journal_url,
    )


def _request(reading: Reading, resource: Json) -> Intervention | Assessment | Hole:
    period = obj(resource, "occurrencePeriod")
    if not period:
        when = resource.get("occurrenceDateTime") or resource.get("authoredOn")
        period = {"start": when}
    return _helping(
        reading.entry(resource),
        concepts=[*objs(resource, "code"), *objs(resource, "category")],
        title=first_text([*objs(resource, "code"), *objs(resource, "category")]),
        status=_status(resource),
        period=period,
        who=_first(reading, resource, "performer"),
        description=text(resource, "patientInstruction"),
        url=reading.config.journal_url,
    )


def _episode(reading: Reading, resource: Json) -> Intervention | Assessment | Hole:
    return _helping(
        reading.entry(resource),
        concepts=objs(resource, "type"),
        title=first_text(objs(resource, "type")) or UNNAMED_COURSE,
        status=_status(resource),
        period=obj(resource, "period"),
        who=_first(reading, resource, "careManager"),
        url=reading.config.journal_url,
    )


def _helping(
    entry: dict[str, Any],
    *,
    concepts: list[Json],
    title: str,
    status: Status,
    period: Json,
    who: Who | None,
    url: str,
    goal: str = "",
    description: str = "",
) -> Intervention | Assessment | Hole:
    of = Assessment if is_assessment(concepts, title) else Intervention
    if not title:
        return Hole(**entry, of=of.__name__.lower(), running=status in DECIDED)
    shown = who if who and not who.audience else None
    common: dict[str, Any] = (
        entry
        | _period(period)
        | {
            "title": title,
            "status": status,
            "responsible": shown.name if shown else "",
            "phone": shown.phone if shown else "",
            "url": url,
        }
    )
    if of is Assessment:
        return Assessment(**common)
    return Intervention(
        **common,
        paragraph=paragraph([*concept_words(concepts), title]),
        codes=tuple(f"{system}|{code}" for system, code in codings(concepts)),
        goal=goal,
        description=description,
    )


def _status(resource: Json) -> Status:
    return with_intent(status_of(text(resource, "status")), text(resource, "intent"))


def is_assessment(concepts: list[Json], title: str) -> bool:
    """The rule of this module's first lines."""
    if {code for _, code in codings(concepts)} & ASSESSING:
        return True
    return any(_ASSESSING.search(w) for w in (*concept_words(concepts), title))


def _first(reading: Reading, resource: Json, key: str) -> Who | None:
    return next((w for r in objs(resource, key) if (w := reading.who(r, resource))), None)


def _period(period: Json) -> dict[str, Any]:
    return {"start": day(period.get("start")), "end": day(period.get("end"))}
