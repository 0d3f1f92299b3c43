"""PractitionerRole's opening hours as one short Danish line, as the source's language is."""

from __future__ import annotations

import re

from portal.sources.fhir_shape import Json, objs, text, texts

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DANISH = ("man", "tir", "ons", "tor", "fre", "lør", "søn")
_CLOCK = re.compile(r"([01]\d|2[0-4]):([0-5]\d)(:[0-5]\d)?")


def hours(role: Json) -> str:
    """E.g. "man-tor 9.00-14.00, fre 9.00-12.00"; "" when the role says nothing."""
    spans = []
    for part in objs(role, "availableTime"):
        days = _days(texts(part, "daysOfWeek"))
        times = _times(part)
        if days and times:
            spans.append(f"{days} {times}")
    line = ", ".join(spans)
    exceptions = text(role, "availabilityExceptions")
    return f"{line}. {exceptions}" if line and exceptions else line or exceptions


def _times(part: Json) -> str:
    if part.get("allDay") is True:
        return "hele dagen"
    start, end = (_clock(text(part, f"available{x}Time")) for x in ("Start", "End"))
    return f"{start}-{end}" if start and end else ""


def _clock(value: str) -> str:
    found = _CLOCK.fullmatch(value)
    return f"{int(found[1])}.{found[2]}" if found else ""


def _days(codes: list[str]) -> str:
    """Neighbours as a range."""
    numbers = sorted({DAYS.index(c) for c in codes if c in DAYS})
    runs: list[list[int]] = []
    for n in numbers:
        if runs and n == runs[-1][-1] + 1:
            runs[-1].append(n)
        else:
            runs.append([n])
    ends = ([DANISH[r[0]]] if len(r) == 1 else [DANISH[r[0]], DANISH[r[-1]]] for r in runs)
    return ", ".join("-".join(e) for e in ends)
