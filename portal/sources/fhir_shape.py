"""Reading FHIR JSON that may have any shape: a wrong type is as good as absent, never a crash.

FHIR R4 4.0.1, section 2.24 (datatypes). Texts lose control characters and are
capped; dates with only a year or a month have no day.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

Json = dict[str, Any]

COPENHAGEN = ZoneInfo("Europe/Copenhagen")
LONGEST = 4000
FIRST_YEAR, LAST_YEAR = 1900, 2200
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]")
"""Control signs, half characters, and what turns the direction of everything behind it."""
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_MONTHS = re.compile(r"\d{4}(-\d{2})?")
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})?")


def clean(value: object) -> str:
    """A text fit to be shown; "" for anything that is not a text."""
    if not isinstance(value, str):
        return ""
    if not value.isprintable():  # most are, and that is found out ten times as fast
        value = _CONTROL.sub("", value)
    return value.strip()[:LONGEST]


def text(holder: Json, key: str) -> str:
    return clean(holder.get(key))


def obj(holder: Json, key: str) -> Json:
    found = holder.get(key)
    return found if isinstance(found, dict) else {}


def objs(holder: Json, key: str) -> list[Json]:
    """A list of objects; a lone object counts as a list of one."""
    found = holder.get(key)
    if isinstance(found, dict):
        return [found]
    return [x for x in found if isinstance(x, dict)] if isinstance(found, list) else []


def texts(holder: Json, key: str) -> list[str]:
    found = holder.get(key)
    return [t for t in map(clean, found) if t] if isinstance(found, list) else []


def codings(concepts: list[Json]) -> Iterator[tuple[str, str]]:
    """(system, code) of each coding of each CodeableConcept."""
    for concept in concepts:
        for coding in objs(concept, "coding"):
            if code := text(coding, "code"):
                yield text(coding, "system"), code


def concept_text(concept: Json) -> str:
    """What the source calls it: its text, else the first display."""
    if found := text(concept, "text"):
        return found
    return next((d for c in objs(concept, "coding") if (d := text(c, "display"))), "")


def concept_words(concepts: list[Json]) -> list[str]:
    """Every text and display of the concepts."""
    words = []
    for concept in concepts:
        words.append(text(concept, "text"))
        words.extend(text(c, "display") for c in objs(concept, "coding"))
    return [w for w in words if w]


def first_text(concepts: list[Json]) -> str:
    return next((t for c in concepts if (t := concept_text(c))), "")


def day(value: object) -> date | None:
    """The day of a date or dateTime, in Copenhagen; None when it names no whole day."""
    if isinstance(value, str) and _DAY.fullmatch(value):
        try:
            found = date.fromisoformat(value)
        except ValueError:
            return None
        return found if FIRST_YEAR <= found.year <= LAST_YEAR else None
    when = instant(value)
    return when.astimezone(COPENHAGEN).date() if when else None


def days(value: object) -> tuple[date, date] | None:
    """The first and the last day of a date, which R4 lets be a year or a month alone.

    Beyond the years that we know all days are one: 9999-12-31 is how many systems say "no end".
    """
    if whole := day(value):
        return whole, whole
    if not isinstance(value, str):
        return None
    if any(p.fullmatch(value) for p in (_DAY, _TIME, _MONTHS)) and _far(int(value[:4])):
        return (date.max, date.max) if int(value[:4]) > LAST_YEAR else (date.min, date.min)
    if not _MONTHS.fullmatch(value):
        return None
    first = day(f"{value}-01-01"[:10])
    months = 1 if len(value) > len("2026") else 12
    return (first, _months_on(first, months) - timedelta(days=1)) if first else None


def _far(year: int) -> bool:
    return not FIRST_YEAR <= year <= LAST_YEAR


def _months_on(first: date, months: int) -> date:
    years, month = divmod(first.month - 1 + months, 12)
    return date(first.year + years, month + 1, 1)


def instant(value: object, zone: ZoneInfo = COPENHAGEN) -> datetime | None:
    """An aware time; one without an offset is local to `zone`."""
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        return None
    return found if found.tzinfo else found.replace(tzinfo=zone)


def runs(holder: Json) -> bool:
    """Whether its period, as far as it says, has begun and has not ended."""
    today = datetime.now(COPENHAGEN).date()
    start, end = (days(obj(holder, "period").get(key)) for key in ("start", "end"))
    return (start is None or start[0] <= today) and (end is None or today <= end[1])


def human_name(names: list[Json]) -> str:
    """The official name as written, else given names and family name; old ones never."""
    current = [n for n in names if text(n, "use") not in ("old", "maiden", "anonymous")]
    official = [n for n in current if text(n, "use") == "official"]
    for name in official or current:
        if found := text(name, "text") or " ".join([*texts(name, "given"), text(name, "family")]):
            return found.strip()
    return ""


def telecom(points: list[Json], system: str) -> str:
    """The first current contact point of a kind, never a private one."""
    for point in points:
        fits = text(point, "system") == system and text(point, "use") not in ("home", "old")
        if fits and (found := text(point, "value")):
            return found
    return ""


def web(url: object) -> str:
    """A link people may follow: https with a host, else ""."""
    found = clean(url)
    try:
        parts = urlsplit(found)
    except ValueError:
        return ""
    return found if parts.scheme == "https" and parts.hostname else ""
