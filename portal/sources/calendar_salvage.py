"""Parses a calendar, and of one that does not hang together, the events that do."""

from __future__ import annotations

import re
from typing import Any

import icalendar

from portal.sources.calendar_event import Unread, strictest

_HEAD = re.compile(rb"\s*BEGIN:VCALENDAR", re.IGNORECASE)
_LIMIT = re.compile(rb"^(BEGIN|END):VCALENDAR[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_BLOCK = re.compile(
    r"^BEGIN:(VTIMEZONE|VEVENT)[ \t]*\r?\n(?:(?!BEGIN:\1).*\n)*?END:\1[ \t]*\r?$",
    re.IGNORECASE | re.MULTILINE,
)
_EVENT = re.compile(r"^BEGIN:VEVENT", re.IGNORECASE | re.MULTILINE)
_FOLD = re.compile(r"\r?\n[ \t]")
_SAYS = re.compile(r"^(?:CLASS|CATEGORIES)\b(?!-)", re.IGNORECASE | re.MULTILINE)
_SAID = re.compile(
    r"^(CLASS|CATEGORIES)(?:;[^:\n]*)?:[ \t]*(.*?)[ \t]*\r?$", re.IGNORECASE | re.MULTILINE
)


class NotACalendar(Exception):
    """Nothing of it can be read."""


def parsed(body: bytes) -> tuple[icalendar.Calendar, set[Unread]]:
    """The calendar, and what of it was lost. Raises NotACalendar."""
    body = body.removeprefix(b"\xef\xbb\xbf")
    if not _HEAD.match(body):
        raise NotACalendar
    text = body.decode("utf-8", "replace")
    try:
        return icalendar.Calendar.from_ical(text), set()
    except Exception:  # ValueError mostly, but any input may come
        return _salvaged(text)


def ended(body: bytes) -> bool:
    """Whether every calendar has its end: one that was cut off may lack anything."""
    marks = [m.upper() for m in _LIMIT.findall(body.removeprefix(b"\xef\xbb\xbf").strip())]
    return marks.count(b"END") >= max(1, marks.count(b"BEGIN"))


def _salvaged(text: str) -> tuple[icalendar.Calendar, set[Unread]]:
    """One broken event, or two calendars after one another, must not lose the others."""
    blocks = [(m[1].upper(), m[0]) for m in _BLOCK.finditer(text)]
    zones = "\n".join(b for kind, b in blocks if kind == "VTIMEZONE" and _read(b))
    events = [b for kind, b in blocks if kind == "VEVENT"]
    calendar = icalendar.Calendar()
    lost = {Unread()} if len(_EVENT.findall(text)) > len(events) else set()
    for event in events:
        if found := _read(f"{zones}\n{event}"):
            calendar.subcomponents += [p for p in found if p.name == "VEVENT"]
        else:
            lost.add(_unread(event))
    if not calendar.subcomponents:
        raise NotACalendar
    return calendar, lost


def _unread(block: str) -> Unread:
    """As much as can be told of text that is no event."""
    said = _SAID.findall(_FOLD.sub("", block))
    if len(said) < len(_SAYS.findall(_FOLD.sub("", block))):
        return Unread("CONFIDENTIAL")
    classes = (value for name, value in said if name.upper() == "CLASS")
    names = {n.strip() for name, v in said if name.upper() == "CATEGORIES" for n in v.split(",")}
    return Unread(strictest(classes), tuple(sorted(names)))


def _read(block: str) -> list[Any]:
    whole = f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{block.strip()}\r\nEND:VCALENDAR\r\n"
    try:
        return list(icalendar.Calendar.from_ical(whole).subcomponents)
    except Exception:  # as above
        return []
