"""From bytes to the single occurrences of a window, within bounds that hold for any input.

A rule that never matches makes a recurrence library search until the year
9999, so expansion is bounded in time from inside: each Python call looks at the clock.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from types import FrameType
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import icalendar
import recurring_ical_events

from portal.sources import SourceFailure
from portal.sources.calendar_meeting import secret

T = TypeVar("T")
DAYS_BACK, DAYS_AHEAD = 30, 365
MOST_OCCURRENCES = 500
MOST_EVENTS = 2000
EARLIEST = 1970
RULE_PARTS = frozenset(
    {"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "BYMONTHDAY", "BYMONTH", "BYSETPOS", "WKST"}
)
TIMES = frozenset(
    {"DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID", "STATUS", "CLASS"}
)
FREQUENCIES = frozenset({"DAILY", "WEEKLY", "MONTHLY", "YEARLY"})


class TooSlow(BaseException):
    """Not an Exception: a library's `except Exception` must not swallow it."""


def bounded(work: Callable[[], T], seconds: float) -> T:
    """Run `work` on this thread; raises TooSlow when its time is over."""
    end = time.monotonic() + seconds

    def look(frame: FrameType, event: str, argument: object) -> None:
        if time.monotonic() > end:
            raise TooSlow

    before = sys.gettrace()
    sys.settrace(look)
    try:
        return work()
    finally:
        sys.settrace(before)


def occurrences(
    body: bytes, today: date, zone: str, seconds: float
) -> tuple[list[icalendar.Event], bool]:
    """The events from 30 days ago to a year ahead, nearest first, and whether some are missing.

    Raises SourceFailure when it is not a calendar, or takes longer than `seconds` to expand.
    """
    calendar = _parse(body)
    partial = _drop_what_cannot_be_told(calendar)
    _settle_floating(calendar, ZoneInfo(zone))
    start, end = today - timedelta(days=DAYS_BACK), today + timedelta(days=DAYS_AHEAD)
    try:
        found = _expanded(calendar, start, end, seconds)
    except TooSlow:
        raise SourceFailure("too slow to expand") from None
    except Exception:  # the library raises what the input leads it to
        found, partial = _those_that_can(calendar, start, end, seconds), True
    found.sort(key=lambda e: _nearness(e, today))
    return found[:MOST_OCCURRENCES], partial or len(found) > MOST_OCCURRENCES


def _expanded(calendar: icalendar.Calendar, start: date, end: date, seconds: float) -> list[Any]:
    """Only rules can run away; looking at the clock makes everything twice as dear."""

    def expand() -> list[Any]:
        return list(recurring_ical_events.of(calendar).between(start, end))

    recurring = any("RRULE" in part for part in calendar.subcomponents)
    return bounded(expand, seconds) if recurring else expand()


def _those_that_can(
    calendar: icalendar.Calendar, start: date, end: date, seconds: float
) -> list[Any]:
    try:
        query = recurring_ical_events.of(calendar, skip_bad_series=True)
        return bounded(lambda: list(query.between(start, end)), seconds)
    except TooSlow:
        raise SourceFailure("too slow to expand") from None
    except Exception:  # as above
        raise SourceFailure("not a calendar") from None


def _parse(body: bytes) -> icalendar.Calendar:
    if not re.match(rb"\s*BEGIN:VCALENDAR", body.removeprefix(b"\xef\xbb\xbf"), re.IGNORECASE):
        raise SourceFailure("not a calendar")
    try:
        return icalendar.Calendar.from_ical(body.decode("utf-8", "replace").removeprefix("\ufeff"))
    except Exception:  # ValueError mostly, but any input may come
        raise SourceFailure("not a calendar") from None


def _drop_what_cannot_be_told(calendar: icalendar.Calendar) -> bool:
    """Keep events with a time and rules we expand; True when any that all may know of was dropped."""
    kept: list[Any] = []
    dropped = False
    events = 0
    for part in calendar.subcomponents:
        if part.name == "VTIMEZONE":
            kept.append(part)
        elif part.name == "VEVENT":
            events += 1
            if events <= MOST_EVENTS and _tellable(part):
                kept.append(part)
            elif not secret(part):
                dropped = True
    calendar.subcomponents = kept
    return dropped


def _tellable(event: Any) -> bool:
    """Broken properties are taken away; a broken time takes the event."""
    broken = {str(name).upper() for name, _ in event.errors}
    broken |= {name for name, value in event.items() if isinstance(value, icalendar.vBroken)}
    if broken & TIMES:
        return False
    for name in broken:
        event.pop(name, None)
    start = getattr(event.get("DTSTART"), "dt", None)
    if not isinstance(start, date) or start.year < EARLIEST:
        return False
    rules = event.get("RRULE", [])
    return all(_tame(rule) for rule in (rules if isinstance(rules, list) else [rules]))


def _tame(rule: Any) -> bool:
    """Day-wise rules with the parts that calendars use; finer ones only exist to hang us."""
    if not isinstance(rule, icalendar.vRecur):
        return False
    frequency = [str(f).upper() for f in rule.get("FREQ", [])]
    return (
        {k.upper() for k in rule} <= RULE_PARTS
        and len(frequency) == 1
        and (frequency[0] in FREQUENCIES)
    )


def _settle_floating(calendar: icalendar.Calendar, zone: ZoneInfo) -> None:
    """Times without a zone are local to the source."""
    for event in calendar.subcomponents:
        for name in ("DTSTART", "DTEND", "RECURRENCE-ID"):
            found: Any = event.get(name)
            value = getattr(found, "dt", None)
            if isinstance(value, datetime) and value.tzinfo is None:
                found.dt = value.replace(tzinfo=zone)


def _nearness(event: Any, today: date) -> tuple[bool, int, str]:
    """What is ahead first, then what is just over."""
    start = event["DTSTART"].dt
    day = start.date() if isinstance(start, datetime) else start
    return day < today, abs((day - today).days), str(event.get("UID", ""))
