"""Observation -> points on a well-being line, with the words the source supplied.

Only numbers, and never laboratory, imaging, examination or vital-sign
observations: a scale of well-being is not a medical result. The phase stands
in the extension `urn:familieoverblik:phase` or as a category coding.
"""

from __future__ import annotations

from collections.abc import Iterator

from portal.records import Hole, Measurement
from portal.sources.fhir_reading import Reading
from portal.sources.fhir_shape import (
    Json,
    codings,
    concept_text,
    day,
    first_text,
    obj,
    objs,
    text,
)

CLINICAL = frozenset({"vital-signs", "laboratory", "imaging", "procedure", "exam"})
COUNTS = frozenset({"final", "amended", "corrected", "preliminary", "registered", ""})
PHASE = "urn:familieoverblik:phase"
PHASES = {
    "before": "before", "during": "during", "after": "after",
    "før": "before", "foer": "before", "under": "during", "efter": "after",
}  # fmt: skip


def measurements(reading: Reading, found: dict[str, list[Json]]) -> Iterator[Measurement | Hole]:
    for resource in found.get("Observation", []):
        category = {code for _, code in codings(objs(resource, "category"))}
        if text(resource, "status") not in COUNTS or (category and category <= CLINICAL):
            continue
        value, unit = _value(resource)
        if value is not None:
            yield _measurement(reading, resource, value, unit)


def _measurement(reading: Reading, resource: Json, value: float, unit: str) -> Measurement | Hole:
    when = resource.get("effectiveDateTime") or resource.get("effectiveInstant")
    taken = day(when or obj(resource, "effectivePeriod").get("start"))
    scale = concept_text(obj(resource, "code"))
    if taken is None or not scale or text(obj(resource, "valueQuantity"), "comparator"):
        return Hole(**reading.entry(resource), of="measurement")
    within = next(iter(objs(resource, "referenceRange")), {})
    return Measurement(
        **reading.entry(resource),
        scale=scale,
        day=taken,
        value=value,
        unit=unit,
        words=first_text(objs(resource, "interpretation")),
        phase=_phase(resource),
        low=_number(obj(within, "low").get("value")),
        high=_number(obj(within, "high").get("value")),
    )


def _value(resource: Json) -> tuple[float | None, str]:
    quantity = obj(resource, "valueQuantity")
    found = quantity.get("value") if quantity else resource.get("valueInteger")
    return _number(found), text(quantity, "unit")


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if abs(value) < 1e9 else None


def _phase(resource: Json) -> str:
    said = [text(e, "valueCode") for e in objs(resource, "extension") if e.get("url") == PHASE]
    said += [code for _, code in codings(objs(resource, "category"))]
    return next((PHASES[s.lower()] for s in said if s.lower() in PHASES), "")
