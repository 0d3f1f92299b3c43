"""Meetings as iCalendar: one at a time, with a neutral title and no place.

A calendar entry travels to phones, clouds and family calendars that others
read, so it says when, and nothing else. RFC 5545.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, timedelta
from urllib.parse import urlsplit

from flask_babel import gettext as _
from icalendar import Calendar, Event

from portal.access import today_in_copenhagen
from portal.dates import day_of, last_day
from portal.db import now
from portal.handout import Shown
from portal.records import Meeting


def one_meeting(shown: Shown, base_url: str) -> bytes:
    """A calendar file with this meeting."""
    return several_meetings((shown,), base_url)


def several_meetings(meetings: Iterable[Shown], base_url: str, whole: bool = True) -> bytes:
    """A calendar with these meetings; a cancelled one says so, and so does one that is not whole:
    a phone forgets what a feed no longer holds."""
    calendar = Calendar()
    calendar.add("prodid", "-//Familieoverblik//DA")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    for shown in meetings:
        calendar.add_component(event(shown, base_url))
    if not whole:
        calendar.add_component(_gap(base_url))
    return calendar.to_ical()


def _gap(base_url: str) -> Event:
    """Today's note that some meetings did not come."""
    found = Event()
    found.add("uid", f"mangler@{urlsplit(base_url).hostname}")
    found.add("dtstamp", now())
    found.add("summary", _("Der kan mangle møder i kalenderen lige nu"))
    found.add("dtstart", today_in_copenhagen(now()))
    found.add("transp", "TRANSPARENT")
    found.add("class", "PRIVATE")
    return found


def event(shown: Shown, base_url: str) -> Event:
    """One meeting, neutral."""
    meeting = shown.entry
    assert isinstance(meeting, Meeting)
    found = Event()
    found.add("uid", f"{shown.ref}@{urlsplit(base_url).hostname}")
    found.add("dtstamp", now())
    found.add("summary", _("Møde"))
    if meeting.all_day:  # days of Denmark; the moment may be written in any zone
        found.add("dtstart", day_of(meeting.start))
        found.add("dtend", last_day(meeting.start, meeting.end) + timedelta(1))
    else:  # a zone's name would need its rules beside it
        found.add("dtstart", meeting.start.astimezone(UTC))
        if meeting.end and meeting.end > meeting.start:
            found.add("dtend", meeting.end.astimezone(UTC))
    agreed = "TENTATIVE" if meeting.tentative else "CONFIRMED"
    found.add("status", "CANCELLED" if meeting.cancelled else agreed)
    found.add("class", "PRIVATE")
    return found
