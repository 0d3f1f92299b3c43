"""One VEVENT occurrence (RFC 5545, section 3.8) as plain words: what a calendar's child sends back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from portal.sources.fhir_shape import COPENHAGEN, clean, web

_GARBLED = re.compile(r"'(CLASS|CATEGORIES)\b(?!-)", re.IGNORECASE)
"""In the library's word about a line that is no line."""
NOT_PEOPLE = frozenset({"ROOM", "RESOURCE", "GROUP"})


class Occurrence(msgspec.Struct, frozen=True, kw_only=True):
    """`key` is unique in its calendar; `moved_from` is when it would have been, if this one was moved."""

    key: str
    start: datetime
    end: datetime | None = None
    all_day: bool = False
    moved_from: datetime | None = None
    status: str = ""
    uid: str = ""
    title: str = ""
    place: str = ""
    people: tuple[str, ...] = ()
    instruction: str = ""
    url: str = ""
    confidentiality: str = ""
    categories: tuple[str, ...] = ()
    lang: str = ""


class Unread(msgspec.Struct, frozen=True):
    """All that is told of an event whose time cannot be told: what decides who may know of it."""

    confidentiality: str = ""
    categories: tuple[str, ...] = ()


def occurrence(event: Any, zone: ZoneInfo) -> Occurrence | None:
    """None when its time cannot be told."""
    start, end = _when(event, "DTSTART", zone), _when(event, "DTEND", zone)
    if start is None:
        return None
    uid, title = _text(event, "UID"), _text(event, "SUMMARY")
    return Occurrence(
        key=f"{uid or title}/{start.isoformat()}",
        start=start,
        end=end if end and end >= start else None,
        all_day=not isinstance(event["DTSTART"].dt, datetime),
        moved_from=_moved(event, start, zone),
        status=_text(event, "STATUS").upper(),
        uid=uid,
        title=title,
        place=_text(event, "LOCATION") or _room(event),
        people=tuple(dict.fromkeys(_people(event))),
        instruction=_text(event, "DESCRIPTION"),
        url=web(_text(event, "URL")),
        confidentiality=_confidentiality(event),
        categories=tuple(_categories(event)),
        lang=_language(event),
    )


def shut_if_garbled(event: Any) -> None:
    """A line that would have said who may see the event, and cannot be read, keeps all out but the owner."""
    if any(name is None and _GARBLED.search(problem) for name, problem in event.errors):
        event["CLASS"] = "CONFIDENTIAL"


def unread(event: Any) -> Unread:
    return Unread(_confidentiality(event), tuple(sorted(set(_categories(event)))))


def strictest(classes: Iterable[str]) -> str:
    """Of one that says it twice (RFC 5545, 3.8.1.3 allows one), what keeps most people out."""
    said = {clean(c).upper() for c in classes} - {"", "PUBLIC"}
    return "CONFIDENTIAL" if "CONFIDENTIAL" in said else max(said, default="")


def _confidentiality(event: Any) -> str:
    found = event.get("CLASS", "")
    return strictest(str(c) for c in (found if isinstance(found, list) else [found]))


def _moved(event: Any, start: datetime, zone: ZoneInfo) -> datetime | None:
    """One that stands at another time than its series would have put it.

    What moves all that follow names the first of them only: of the others it is not known.
    """
    name = event.get("RECURRENCE-ID")
    before = _when(event, "RECURRENCE-ID", zone)
    alone = name is not None and "RANGE" not in getattr(name, "params", {})
    return before if alone and before and before != start else None


def _when(event: Any, name: str, zone: ZoneInfo) -> datetime | None:
    """A day begins at local midnight in Denmark, wherever the system stands."""
    value = getattr(event.get(name), "dt", None)
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=zone)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=COPENHAGEN)
    return None


def _text(event: Any, name: str) -> str:
    value = event.get(name)
    return clean(str(value[0] if isinstance(value, list) and value else value or ""))


def _language(event: Any) -> str:
    parameters = getattr(event.get("SUMMARY"), "params", {})
    return clean(str(parameters.get("LANGUAGE", "")))[:35]


def _categories(event: Any) -> Iterator[str]:
    found = event.get("CATEGORIES", [])
    for group in found if isinstance(found, list) else [found]:
        for category in getattr(group, "cats", []):
            yield clean(str(category))


def _attendees(event: Any) -> Iterator[dict[str, str]]:
    for name in "ORGANIZER", "ATTENDEE":
        found = event.get(name, [])
        for one in found if isinstance(found, list) else [found]:
            yield {k.upper(): str(v) for k, v in getattr(one, "params", {}).items()}


def _people(event: Any) -> Iterator[str]:
    for who in _attendees(event):
        here = who.get("PARTSTAT", "").upper() != "DECLINED"
        if here and who.get("CUTYPE", "").upper() not in NOT_PEOPLE and clean(who.get("CN")):
            yield clean(who["CN"])


def _room(event: Any) -> str:
    rooms = (clean(w.get("CN")) for w in _attendees(event) if w.get("CUTYPE", "").upper() == "ROOM")
    return next((r for r in rooms if r), "")
