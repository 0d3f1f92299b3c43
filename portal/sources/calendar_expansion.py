"""From bytes to the single occurrences of a window; run in a process that can be killed.

A rule that never matches makes a recurrence library search until the year
9999, and a parser may be led anywhere: calendar_child.py stands around this.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import msgspec
import recurring_ical_events

from portal.sources.calendar_event import Occurrence, occurrence, secret
from portal.sources.calendar_salvage import NotACalendar, parsed

DAYS_BACK, DAYS_AHEAD = 30, 365
MOST_OCCURRENCES = 500
MOST_EVENTS = 2000
EARLIEST, LATEST = 1970, 9000
LONGEST = timedelta(days=36_525)
"""A hundred years: what ends later has no end (9999-12-31 in many systems), and the library trips over it."""
RULE_PARTS = frozenset(
    {"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "BYMONTHDAY", "BYMONTH", "BYSETPOS", "WKST"}
)
TIMES = frozenset(
    {"DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID", "STATUS", "CLASS"}
)
FREQUENCIES = frozenset({"DAILY", "WEEKLY", "MONTHLY", "YEARLY"})


class Task(msgspec.Struct, frozen=True):
    """What is asked of a child. `zone` is where times without one are meant."""

    body: bytes
    today: date
    zone: str


class Told(msgspec.Struct, frozen=True):
    """What was found, nearest first.

    `partial`: some that all may know of cannot be read; `cut`: there were too many.
    """

    occurrences: tuple[Occurrence, ...] = ()
    partial: bool = False
    cut: bool = False
    problem: str = ""


def told(task: Task) -> Told:
    """The occurrences from 30 days before to a year after `today`."""
    try:
        calendar, partial = parsed(task.body)
        zone = _zone(calendar, task.zone)
        partial |= _drop_what_cannot_be_told(calendar)
        _settle_floating(calendar, zone)
        _settle_ends(calendar)
        events, holes = _expanded(calendar, task.today)
    except NotACalendar:
        return Told(problem="not a calendar")
    events.sort(key=lambda e: _nearness(e, task.today))
    found = [(e, occurrence(e, zone)) for e in events[:MOST_OCCURRENCES]]
    partial |= holes or any(o is None and not secret(e) for e, o in found)
    return Told(tuple(o for _, o in found if o), partial, len(events) > MOST_OCCURRENCES)


def _zone(calendar: icalendar.Calendar, name: str) -> ZoneInfo:
    """What the calendar says of itself (X-WR-TIMEZONE), else what the operator says."""
    try:
        return ZoneInfo(str(calendar.pop("X-WR-TIMEZONE", "")).strip() or name)
    except (KeyError, ValueError, OSError):
        return ZoneInfo(name)


def _expanded(calendar: icalendar.Calendar, today: date) -> tuple[list[Any], bool]:
    """The events of the window, and whether a series could not be expanded."""
    start, end = today - timedelta(days=DAYS_BACK), today + timedelta(days=DAYS_AHEAD)

    def expand(forgiving: bool) -> list[Any]:
        query = recurring_ical_events.of(calendar, skip_bad_series=forgiving)
        return list(query.between(start, end))

    try:
        return expand(False), False
    except Exception:  # the library raises what the input leads it to
        try:
            return expand(True), True
        except Exception:  # as above
            raise NotACalendar from None


def _drop_what_cannot_be_told(calendar: icalendar.Calendar) -> bool:
    """Keep events with a time and rules we expand; True when any that all may know of was dropped."""
    kept: list[Any] = []
    dropped = False
    events = 0
    for part in calendar.subcomponents:
        if part.name == "VTIMEZONE":
            kept.append(part)
        elif part.name == "VEVENT" and not _beyond(part):
            events += 1
            if events <= MOST_EVENTS and _tellable(part):
                kept.append(part)
            elif not secret(part):
                dropped = True
    calendar.subcomponents = kept
    return dropped


def _beyond(event: Any) -> bool:
    """Whether it begins so late that nobody will see it: no hole, whatever else is wrong with it."""
    start = event.get("DTSTART")
    return isinstance(start, icalendar.vDDDTypes) and getattr(start.dt, "year", 0) > LATEST


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
    """Times without a zone are local to the source, those of the exceptions too."""
    for event in calendar.subcomponents:
        for holder in _times(event):
            value = getattr(holder, "dt", None)
            if isinstance(value, datetime) and value.tzinfo is None:
                holder.dt = value.replace(tzinfo=zone)


def _settle_ends(calendar: icalendar.Calendar) -> None:
    """An end before the beginning would move the meeting there: then only the beginning is told."""
    for event in calendar.subcomponents:
        if event.name == "VEVENT" and not _ends_well(event):
            event.pop("DTEND", None)
            event.pop("DURATION", None)


def _ends_well(event: Any) -> bool:
    start, end, lasts = (event.get(name) for name in ("DTSTART", "DTEND", "DURATION"))
    try:
        length = lasts.dt if lasts else end.dt - start.dt if end else timedelta(0)
    except TypeError:  # one is a day, the other a time of day
        length = timedelta(days=(end.dt.toordinal() - start.dt.toordinal()))
    return bool(timedelta(0) <= length <= LONGEST)


def _times(event: Any) -> Iterator[Any]:
    for name in "DTSTART", "DTEND", "RECURRENCE-ID":
        yield event.get(name)
    for name in "EXDATE", "RDATE":
        found = event.get(name, [])
        for group in found if isinstance(found, list) else [found]:
            yield from getattr(group, "dts", [])


def _nearness(event: Any, today: date) -> tuple[bool, int, str]:
    """What is ahead first, then what is just over."""
    start = event["DTSTART"].dt
    day = start.date() if isinstance(start, datetime) else start
    return day < today, abs((day - today).days), str(event.get("UID", ""))
