"""Which events of a calendar can be seen at all, told from their own lines before anything is expanded."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import icalendar

DAYS_BACK, DAYS_AHEAD = 30, 365
EARLIEST = 1970
LONGEST = timedelta(days=36_525)
"""What ends later has no end (9999-12-31 in many systems), and the library trips over it."""
WHEN = frozenset({"DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID"})
AGAIN = frozenset({"RRULE", "RDATE", "RECURRENCE-ID"})
SLACK = 2
"""Days: wherever on earth it is that day."""


def window(today: date) -> tuple[date, date]:
    """The first and the last day that are shown."""
    return today - timedelta(days=DAYS_BACK), today + timedelta(days=DAYS_AHEAD)


def broken_in(event: Any) -> set[str]:
    """The properties that cannot be read."""
    named = {str(name).upper() for name, _ in event.errors}
    return named | {n for n, value in event.items() if isinstance(value, icalendar.vBroken)}


def outside(event: Any, today: date) -> bool:
    """Whether it happens once, and not in the window: no hole, whatever else is wrong with it."""
    start, broken = _start(event), broken_in(event)
    if start is None or start.year < EARLIEST or broken & WHEN or AGAIN & event.keys():
        return False
    first, last = (day.toordinal() for day in window(today))
    begun = start.toordinal()
    return begun + _days(event) + SLACK < first or begun - SLACK > last


def distance(event: Any, today: date) -> int:
    """Days from today; what comes again is as near as can be until it has ended."""
    if AGAIN & event.keys():
        ends = [_until(rule) for rule in _listed(event.get("RRULE"))]
        if not ends or None in ends or "RDATE" in event:
            return 0
        return max(0, today.toordinal() - max(end.toordinal() for end in ends if end))
    start = _start(event)
    return abs(start.toordinal() - today.toordinal()) if start else 0


def length(event: Any, name: str) -> timedelta:
    """Of one that says it twice, none that could be."""
    start, said = event["DTSTART"].dt, getattr(event[name], "dt", timedelta(-1))
    if isinstance(said, timedelta):
        return said
    try:
        return timedelta(seconds=(said - start).total_seconds())
    except TypeError:  # one is a day, the other a time of day
        pass
    try:
        return timedelta(days=said.toordinal() - start.toordinal())
    except AttributeError:  # a period, or an hour without a day
        return timedelta(-1)


def _start(event: Any) -> date | None:
    """A broken property raises at any question."""
    found = event.get("DTSTART")
    value = found.dt if isinstance(found, icalendar.vDDDTypes) else None
    return value if isinstance(value, date) else None


def _days(event: Any) -> int:
    lengths = (length(event, name) for name in ("DTEND", "DURATION") if name in event)
    return max((n.days for n in lengths if timedelta(0) <= n <= LONGEST), default=0)


def _until(rule: Any) -> date | None:
    found = rule.get("UNTIL") if isinstance(rule, icalendar.vRecur) else None
    return next((u for u in _listed(found) if isinstance(u, date)), None)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
