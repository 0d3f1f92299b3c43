"""When a plan was and will be followed up, as KL's guides write it."""

from __future__ import annotations

from datetime import date, datetime

from portal.sources.fhir_modifiers import altered
from portal.sources.fhir_reading import Reading
from portal.sources.fhir_shape import COPENHAGEN, Json, day, obj, objs, text

FOLLOW_UP, FOLLOWING = "followupdate", "followupencounter"


def follow_up(reading: Reading, resource: Json) -> tuple[date | None, date | None]:
    """(last, next) follow-up: KL's FollowUpDate extensions, and planned FollowUpEncounters."""
    today = datetime.now(COPENHAGEN).date()
    days = sorted(d for e in objs(resource, "extension") if (d := _followed(reading, resource, e)))
    past, coming = [d for d in days if d < today], [d for d in days if d >= today]
    return (past[-1] if past else None), (coming[0] if coming else None)


def _followed(reading: Reading, resource: Json, extension: Json) -> date | None:
    url = text(extension, "url").lower()
    if FOLLOW_UP in url:
        return day(extension.get("valueDate") or extension.get("valueDateTime"))
    if FOLLOWING not in url:
        return None
    met = reading.graph.find(obj(extension, "valueReference"), resource) or {}
    shut = reading.restrictions(met) - reading.restrictions(resource) or reading.kinds(met)
    return None if shut or altered(met) else day(obj(met, "period").get("start"))
