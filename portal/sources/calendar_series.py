"""What an exception in a series takes from the series it belongs to (RFC 5545, 3.8.4.4 RECURRENCE-ID).

An exception repeats what it changes, and systems leave out the rest: when it was, when only
that it is cancelled is said; the hour, when a day is enough to name it; and who may see it.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import icalendar

SHUTTING = ("CLASS", "CATEGORIES")


def settle_exceptions(calendar: icalendar.Calendar) -> None:
    """Before anything is expanded or left out."""
    events = [part for part in calendar.subcomponents if part.name == "VEVENT"]
    series = {str(e["UID"]): e for e in reversed(events) if "UID" in e and "RECURRENCE-ID" not in e}
    for event in events:
        replaced = event.get("RECURRENCE-ID")
        if not isinstance(replaced, icalendar.vDDDTypes):
            continue
        if not isinstance(replaced.dt, date):
            continue
        if whole := series.get(str(event.get("UID"))):
            _name_the_hour(replaced, whole)
            _allow(replaced, whole)
            for name in SHUTTING:
                if name in whole and name not in event:
                    event[name] = whole[name]
        if "DTSTART" not in event:
            event["DTSTART"] = replaced


def _name_the_hour(replaced: icalendar.vDDDTypes, whole: Any) -> None:
    start, day = whole.get("DTSTART"), replaced.dt
    timed = isinstance(start, icalendar.vDDDTypes) and isinstance(start.dt, datetime)
    if timed and isinstance(day, date) and not isinstance(day, datetime):
        replaced.dt = datetime.combine(day, start.dt.timetz())


def _allow(replaced: icalendar.vDDDTypes, whole: Any) -> None:
    """What is left out of a series and then told itself takes place."""
    found = whole.pop("EXDATE", [])
    left = []
    for holder in found if isinstance(found, list) else [found]:
        if isinstance(holder, icalendar.vDDDLists):
            holder.dts = [one for one in holder.dts if one.dt != replaced.dt]
            if not holder.dts:
                continue
        left.append(holder)
    if left:
        whole["EXDATE"] = left
