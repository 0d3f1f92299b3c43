"""A calendar's remarks: each event is put to the adapter alone, and what it lacks is told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import icalendar

from portal.conform.remarks import Remark, code, counted
from portal.settings import SourceConfig
from portal.sources.calendar_expansion import FREQUENCIES, Task, told
from portal.sources.calendar_meeting import AUDIENCE
from portal.sources.calendar_salvage import NotACalendar, ended, parsed
from portal.sources.charset import in_utf8
from portal.sources.probe import Probed

MOST_EVENTS = 300
STATUSES = ("", "TENTATIVE", "CONFIRMED", "CANCELLED")


def of_calendar(config: SourceConfig, met: Probed, today: date) -> Iterator[Remark]:
    """What of the feed will not be understood, and why."""
    body = in_utf8(met.exchanges[-1].body, met.exchanges[-1].charset) if met.exchanges else b""
    try:
        calendar, mended = parsed(body)
    except NotACalendar:
        yield Remark("FAIL", "calendar: the feed cannot be parsed (RFC 5545)")
        return
    if mended:
        yield Remark(
            "FAIL", "calendar: parts of the feed cannot be parsed (RFC 5545) and are left out"
        )
    if not ended(body):
        yield Remark("FAIL", "calendar: no END:VCALENDAR; such a feed counts as cut off")
    zones = [part for part in calendar.subcomponents if part.name == "VTIMEZONE"]
    events = [part for part in calendar.subcomponents if part.name == "VEVENT"]
    others = {str(part.name) for part in calendar.subcomponents} - {"VEVENT", "VTIMEZONE"}
    yield Remark("ok" if events else "note", f"events: {len(events)} VEVENT")
    if others:
        yield Remark("note", f"not read: {', '.join(map(code, sorted(others)))}")
    found = [r for e in events[:MOST_EVENTS] for r in _remarks(e, zones, config, today)]
    for words in counted(w for lost, w in found if lost):
        yield Remark("FAIL", f"dropped: {words}")
    for words in counted(w for lost, w in found if not lost):
        yield Remark("note", f"events: {words}")


def _remarks(
    event: Any, zones: list[Any], config: SourceConfig, today: date
) -> Iterator[tuple[bool, str]]:
    """(whether the event is lost, why)."""
    alone = icalendar.Calendar()
    alone.add("version", "2.0")
    for part in (*zones, event):
        alone.add_component(part)
    answer = told(Task(alone.to_ical(), today, config.timezone))
    if answer.problem or (answer.unread and not answer.occurrences):
        yield True, _why(event)
    elif not answer.occurrences and "RECURRENCE-ID" not in event:
        yield False, "outside 30 days back and a year ahead: not shown"
    if not str(event.get("SUMMARY", "")).strip():
        yield False, "no SUMMARY: shown as 'Møde'"
    if not event.get("UID"):
        yield False, "no UID: the same meeting from another system is not recognised by it"
    if str(event.get("STATUS", "")).upper() not in STATUSES:
        yield False, f"STATUS {code(str(event['STATUS']))} is not known: taken as confirmed"
    if str(event.get("CLASS", "")).upper() not in AUDIENCE | {"PRIVATE": ()}:
        yield False, f"CLASS {code(str(event['CLASS']))} is not known: counts as PRIVATE"


def _why(event: Any) -> str:
    if "DTSTART" not in event:
        return "no DTSTART"
    start = event["DTSTART"]
    if not isinstance(start, icalendar.vDDDTypes) or not isinstance(start.dt, date):
        return "DTSTART is no time that can be read"
    rules = event.get("RRULE", [])
    for rule in rules if isinstance(rules, list) else [rules]:
        known = isinstance(rule, icalendar.vRecur)  # a broken property raises at any question
        frequency = [str(f).upper() for f in rule.get("FREQ", [])] if known else []
        if not set(frequency) <= FREQUENCIES:
            return f"RRULE finer than a day: FREQ {', '.join(map(code, frequency))}"
    broken = ", ".join(sorted({code(str(name)) for name, _ in event.errors}))
    return f"cannot be read or expanded{f' (broken: {broken})' if broken else ''}"
