"""One VEVENT occurrence -> one meeting (RFC 5545, section 3.8)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from portal.records import Audience, Meeting
from portal.settings import SourceConfig
from portal.sources.fhir_meetings import UNNAMED
from portal.sources.fhir_shape import COPENHAGEN, clean, web
from portal.sources.marks import Marks

AUDIENCE = {
    "PUBLIC": frozenset[Audience](),
    "CONFIDENTIAL": frozenset({Audience.OWNER_ONLY}),
}
PRIVATE = frozenset({Audience.CITIZEN_FROM_15})
"""RFC 5545, 3.8.1.3: a class that is not understood counts as PRIVATE."""
NOT_PEOPLE = frozenset({"ROOM", "RESOURCE", "GROUP"})


def meeting(event: Any, config: SourceConfig, marks: Marks) -> Meeting | None:
    """None when its time cannot be told."""
    zone = ZoneInfo(config.timezone)
    start, end = _when(event, "DTSTART", zone), _when(event, "DTEND", zone)
    if start is None:
        return None
    uid, status = _text(event, "UID"), _text(event, "STATUS").upper()
    people = tuple(dict.fromkeys(_people(event)))
    return Meeting(
        **marks.entry(
            f"{uid or _text(event, 'SUMMARY')}/{start.isoformat()}",
            kinds=marks.kinds(("", c) for c in _categories(event)),
            audience=AUDIENCE.get(_text(event, "CLASS").upper() or "PUBLIC", PRIVATE),
            lang=_language(event),
        ),
        title=_text(event, "SUMMARY") or UNNAMED,
        start=start,
        end=end if end and end >= start else None,
        all_day=not isinstance(event["DTSTART"].dt, datetime),
        cancelled=status == "CANCELLED",
        tentative=status == "TENTATIVE",
        place=_text(event, "LOCATION") or _room(event),
        people=people,
        instruction=_text(event, "DESCRIPTION"),
        uid=uid,
        url=web(_text(event, "URL")),
    )


def secret(event: Any) -> bool:
    """Whether an event may be kept from anybody; then not even a hole where it was is told."""
    return _text(event, "CLASS").upper() not in ("", "PUBLIC")


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
            yield str(category).strip()


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
