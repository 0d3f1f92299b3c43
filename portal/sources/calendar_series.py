"""What an exception in a series takes from the series it belongs to (RFC 5545, 3.8.4.4 RECURRENCE-ID).

An exception repeats what it changes, and systems leave out the rest: when it was, when only
that it is cancelled is said; the hour, when a day is enough to name it; its name; and who may see it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import icalendar

SHUTTING = ("CLASS", "CATEGORIES")


def complete_exceptions(calendar: icalendar.Calendar) -> None:
    """Before anything is left out: who may know of what is lost is known by it too."""
    series: dict[str, list[Any]] = defaultdict(list)
    for event in _events(calendar):
        if "RECURRENCE-ID" not in event:
            series[_uid(event)].append(event)
    for event in _events(calendar):
        replaced = _replaced(event)
        if replaced is None:
            continue
        whole = series.get(_uid(event), [])
        for name in SHUTTING:
            said = [value for one in whole for value in _values(one, name)]
            if said and name not in event:
                event[name] = said  # of several versions all: the strictest counts
        for one in whole:
            _name_the_hour(replaced, one)
            if "SUMMARY" in one and "SUMMARY" not in event:
                event["SUMMARY"] = one["SUMMARY"]
        if "DTSTART" not in event:
            event["DTSTART"] = replaced


def admit_exceptions(calendar: icalendar.Calendar) -> None:
    """What is left out of a series and then told itself takes place. After what cannot be told is gone."""
    told: dict[str, set[date]] = defaultdict(set)
    for event in _events(calendar):
        if replaced := _replaced(event):
            told[_uid(event)].add(_day_or_moment(replaced))
    for event in _events(calendar):
        if "EXDATE" in event and "RECURRENCE-ID" not in event and _uid(event) in told:
            _admit(event, told[_uid(event)])


def _admit(event: Any, told: set[date]) -> None:
    left = []
    for holder in _values(event, "EXDATE"):
        if isinstance(holder, icalendar.vDDDLists):
            holder.dts = [one for one in holder.dts if one.dt not in told]
            if not holder.dts:
                continue
        left.append(holder)
    event.pop("EXDATE")
    if left:
        event["EXDATE"] = left


def _name_the_hour(replaced: icalendar.vDDDTypes, whole: Any) -> None:
    start, day = whole.get("DTSTART"), replaced.dt
    timed = isinstance(start, icalendar.vDDDTypes) and isinstance(start.dt, datetime)
    if timed and isinstance(day, date) and not isinstance(day, datetime):
        replaced.dt = datetime.combine(day, start.dt.timetz())


def _day_or_moment(replaced: icalendar.vDDDTypes) -> date:
    assert isinstance(replaced.dt, date)
    return replaced.dt


def _replaced(event: Any) -> icalendar.vDDDTypes | None:
    found = event.get("RECURRENCE-ID")
    return found if isinstance(found, icalendar.vDDDTypes) and isinstance(found.dt, date) else None


def _events(calendar: icalendar.Calendar) -> Iterator[Any]:
    return (part for part in calendar.subcomponents if part.name == "VEVENT")


def _uid(event: Any) -> str:
    return str(event.get("UID", ""))


def _values(event: Any, name: str) -> list[Any]:
    found = event.get(name, [])
    return found if isinstance(found, list) else [found]
