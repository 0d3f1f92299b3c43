"""From bytes to the single occurrences of a window; run in a process that can be killed.

A rule that never matches makes a recurrence library search until the year
9999, and a parser may be led anywhere: calendar_child.py stands around this.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import msgspec
import recurring_ical_events

from portal.sources.calendar_event import Occurrence, Unread, occurrence, shut_if_garbled, unread
from portal.sources.calendar_salvage import NotACalendar, ended, parsed
from portal.sources.calendar_series import admit_exceptions, complete_exceptions
from portal.sources.calendar_window import (
    EARLIEST,
    LONGEST,
    WHEN,
    broken_in,
    distance,
    length,
    outside,
    window,
)

MOST_OCCURRENCES = 500
MOST_EVENTS = 2000
LATEST = 9000
LONGEST_OF_SERIES = timedelta(days=366)
"""Of a series that lies over itself for years, thousands would go on at once."""
RULE_PARTS = frozenset(
    {"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "BYMONTHDAY", "BYMONTH", "BYSETPOS", "WKST"}
)
CLOCK = {"BYHOUR": 23, "BYMINUTE": 59, "BYSECOND": 59}
"""One of each is one time a day; more is finer than a day."""
TIMES = WHEN | {"STATUS", "CLASS"}
LEAP_YEAR = 2000
FREQUENCIES = frozenset({"DAILY", "WEEKLY", "MONTHLY", "YEARLY"})


class Task(msgspec.Struct, frozen=True):
    """What is asked of a child. `zone` is where times without one are meant."""

    body: bytes
    today: date
    zone: str


class Told(msgspec.Struct, frozen=True):
    """What was found, nearest first.

    `unread`: what cannot be read; `cut`: there were too many, or the calendar has no end.
    """

    occurrences: tuple[Occurrence, ...] = ()
    unread: tuple[Unread, ...] = ()
    cut: bool = False
    problem: str = ""


def told(task: Task) -> Told:
    """The occurrences from 30 days before to a year after `today`."""
    try:
        calendar, lost = parsed(task.body)
        _settle_days(calendar)
        for event in calendar.subcomponents:
            if event.name == "VEVENT":
                shut_if_garbled(event)
        complete_exceptions(calendar)
        zone = _zone(calendar, task.zone)
        lost |= _drop_what_cannot_be_told(calendar, task.today)
        _settle_floating(calendar, zone)
        admit_exceptions(calendar)
        _settle_ends(calendar)
        events, whole = _expanded(calendar, task.today)
    except NotACalendar:
        return Told(problem="not a calendar")
    events.sort(key=lambda e: _nearness(e, task.today))
    found = [(e, occurrence(e, zone)) for e in events[:MOST_OCCURRENCES]]
    lost |= {unread(e) for e, o in found if o is None}
    lost |= set() if whole else {Unread()}
    cut = len(events) > MOST_OCCURRENCES or not ended(task.body)
    return Told(tuple(o for _, o in found if o), tuple(lost), cut)


def _zone(calendar: icalendar.Calendar, name: str) -> ZoneInfo:
    """What the calendar says of itself (X-WR-TIMEZONE), else what the operator says."""
    try:
        return ZoneInfo(str(calendar.pop("X-WR-TIMEZONE", "")).strip() or name)
    except (KeyError, ValueError, OSError):
        return ZoneInfo(name)


def _expanded(calendar: icalendar.Calendar, today: date) -> tuple[list[Any], bool]:
    """The events of the window, and whether every series could be expanded."""
    start, end = window(today)

    def expand(forgiving: bool) -> list[Any]:
        query = recurring_ical_events.of(calendar, skip_bad_series=forgiving)
        return list(query.between(start, end))

    try:
        return expand(False), True
    except Exception:  # the library raises what the input leads it to
        try:
            return expand(True), False
        except Exception:  # as above
            raise NotACalendar from None


def _drop_what_cannot_be_told(calendar: icalendar.Calendar, today: date) -> set[Unread]:
    """Keep events with a time and rules we expand, the nearest of too many; what was dropped."""
    zones = [part for part in calendar.subcomponents if part.name == "VTIMEZONE"]
    events = [
        part
        for part in calendar.subcomponents
        if part.name == "VEVENT" and not _beyond(part) and not outside(part, today)
    ]
    if len(events) > MOST_EVENTS:
        events.sort(key=lambda e: distance(e, today))
    kept = [e for e in events[:MOST_EVENTS] if _tellable(e)]
    calendar.subcomponents = zones + kept
    left = {id(e) for e in kept}
    return {unread(e) for e in events if id(e) not in left}


def _beyond(event: Any) -> bool:
    """Whether it begins so late that nobody will see it: no hole, whatever else is wrong with it."""
    start = event.get("DTSTART")
    return isinstance(start, icalendar.vDDDTypes) and getattr(start.dt, "year", 0) > LATEST


def _tellable(event: Any) -> bool:
    """Broken properties are taken away; a broken time takes the event."""
    broken = broken_in(event)
    if broken & TIMES:
        return False
    for name in broken:
        event.pop(name, None)
    start = getattr(event.get("DTSTART"), "dt", None)
    if not isinstance(start, date) or start.year < EARLIEST or _strays(event):
        return False
    if "EXRULE" in event:  # of an older standard: which of its times do not take place is not known
        return False
    rules = event.get("RRULE", [])
    return all(_tame(rule) for rule in (rules if isinstance(rules, list) else [rules]))


def _strays(event: Any) -> bool:
    """Whether an exception lies where no time is: the library trips over it, and the series is not known."""
    replaced = event.get("RECURRENCE-ID")
    if replaced is not None and not isinstance(getattr(replaced, "dt", None), date):
        return True
    names = ("RECURRENCE-ID", "EXDATE", "RDATE")
    times = (_dated(holder) for name in names for holder in _held(event, name))
    return any(not EARLIEST <= t.year <= LATEST for t in times if t)


def _tame(rule: Any) -> bool:
    """Day-wise rules with the parts that calendars use; finer ones, and those that never come, hang us."""
    if not isinstance(rule, icalendar.vRecur):
        return False
    frequency = [str(f).upper() for f in rule.get("FREQ", [])]
    return (
        {k.upper() for k in rule} <= RULE_PARTS | CLOCK.keys() | {"BYWEEKNO"}
        and len(frequency) == 1
        and (frequency[0] in FREQUENCIES)
        and _comes(rule)
        and _once_a_day(rule)
        and ("BYWEEKNO" not in rule or _weeks(rule, frequency[0]))
    )


def _once_a_day(rule: Any) -> bool:
    said = {part: [int(n) for n in rule.get(part, [0])] for part in CLOCK}
    return all(len(said[p]) == 1 and 0 <= said[p][0] <= most for p, most in CLOCK.items())


def _weeks(rule: Any, frequency: str) -> bool:
    """Weeks that every year has, and weekdays in them: what else there may be needs years to come, or never does."""
    weeks = [abs(int(n)) for n in rule["BYWEEKNO"]]
    days = rule.get("BYDAY", [])
    return (
        frequency == "YEARLY"
        and all(1 <= n <= 52 for n in weeks)
        and bool(days)
        and not any(d.relative for d in days)
        and not {"BYMONTH", "BYMONTHDAY"} & rule.keys()
    )


def _comes(rule: Any) -> bool:
    """Whether any day there is has a number that the rule asks for: 30 February has none."""
    months = [int(m) for m in rule.get("BYMONTH", [])]
    days = [int(d) for d in rule.get("BYMONTHDAY", [])]
    within = (
        all(1 <= m <= 12 for m in months)
        and all(1 <= abs(d) <= 31 for d in days)
        and all(1 <= abs(int(p)) <= 366 for p in rule.get("BYSETPOS", []))
        and all(abs(d.relative or 0) <= 53 for d in rule.get("BYDAY", []))
        and all(int(n) > 0 for part in ("INTERVAL", "COUNT") for n in rule.get(part, []))
    )
    longest = max(monthrange(LEAP_YEAR, m)[1] for m in months) if months and within else 31
    return within and (not days or min(map(abs, days)) <= longest)


def _settle_days(calendar: icalendar.Calendar) -> None:
    """A day with a time zone beside it is a day: the library makes it a midnight."""
    for event in calendar.subcomponents:
        for name in ("DTSTART", "DTEND", "RECURRENCE-ID") if event.name == "VEVENT" else ():
            holder = event.get(name)
            if isinstance(holder, icalendar.vDDDTypes) and holder.params.get("VALUE") == "DATE":
                holder.dt = holder.dt.date() if isinstance(holder.dt, datetime) else holder.dt


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
        if event.name == "VEVENT":
            longest = LONGEST_OF_SERIES if "RRULE" in event else LONGEST
            for name in "DTEND", "DURATION":
                if name in event and not timedelta(0) <= length(event, name) <= longest:
                    del event[name]


def _times(event: Any) -> Iterator[Any]:
    for name in "DTSTART", "DTEND", "RECURRENCE-ID", "EXDATE", "RDATE":
        yield from _held(event, name)


def _held(event: Any, name: str) -> Iterator[Any]:
    """What holds the times of a property: it may stand several times, and lists hold several."""
    found = event.get(name, [])
    for one in found if isinstance(found, list) else [found]:
        yield from getattr(one, "dts", [one])


def _dated(holder: Any) -> date | None:
    """A period begins with its time."""
    value = getattr(holder, "dt", None)
    value = value[0] if isinstance(value, tuple) else value
    return value if isinstance(value, date) else None


def _nearness(event: Any, today: date) -> tuple[bool, int, str]:
    """What is ahead first, then what is just over."""
    start = event["DTSTART"].dt
    day = start.date() if isinstance(start, datetime) else start
    return day < today, abs((day - today).days), str(event.get("UID", ""))
