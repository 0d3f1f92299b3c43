"""One month of meetings as a calendar: weeks of seven days, and what stands on each.

Made of the meetings the viewer's overview already holds. A meeting over several
days stands on all of them; a cancelled one stays, marked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, timedelta
from typing import cast

import msgspec
from babel.dates import format_date

from portal.dates import last_day, local
from portal.handout import Overview, Shown
from portal.records import Meeting
from portal.speech import language

YEARS = 5
"""How far from now a month may be asked for: sources tell no further."""
WRITTEN = re.compile(r"(\d{4})-(\d{2})", re.ASCII)
LONGEST = timedelta(days=60)
"""A "meeting" of years would fill every page: beyond this it stands on its first days only."""


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """One cell. `inside`: it belongs to the month, and not to the one before or after."""

    day: date
    inside: bool
    today: bool
    meetings: tuple[Shown, ...] = ()


class Month(msgspec.Struct, frozen=True, kw_only=True):
    """A month in weeks from Monday; `before` and `after` as `?maaned=` takes them, or empty."""

    first: date
    weeks: tuple[tuple[int, tuple[Day, ...]], ...]
    before: str
    after: str

    @property
    def meetings(self) -> tuple[Shown, ...]:
        """What stands in the month, each once, by its first day here."""
        days = (d for _, week in self.weeks for d in week if d.inside)
        return tuple({s.ref: s for d in days for s in d.meetings}.values())

    @property
    def weekdays(self) -> tuple[tuple[str, str], ...]:
        """Heads of the columns, as short as the column is narrow, and whole."""
        return tuple((_short(d.day), _named(d.day, "cccc")) for d in self.weeks[0][1])


def this_month(overview: Overview) -> date:
    """The first day of the month it is."""
    return local(overview.at).date().replace(day=1)


def asked_month(written: str, now: date) -> date | None:
    """The month of `?maaned=2026-12`; None when it is none, or further away than YEARS."""
    found = WRITTEN.fullmatch(written)
    if not found or not 1 <= int(found[2]) <= 12 or abs(int(found[1]) - now.year) > YEARS:
        return None
    return date(int(found[1]), int(found[2]), 1)


def month(overview: Overview, first: date) -> Month:
    """The month that begins on `first`, with the meetings this viewer sees."""
    today = local(overview.at).date()
    on = _by_day([*reversed(overview.past_meetings), *overview.meetings])
    after = (first + timedelta(days=31)).replace(day=1)
    monday = first - timedelta(days=first.weekday())
    weeks = []
    while monday < after:
        days = [monday + timedelta(days=n) for n in range(7)]
        cells = (
            Day(day=d, inside=d.month == first.month, today=d == today, meetings=on.get(d, ()))
            for d in days
        )
        weeks.append((monday.isocalendar().week, tuple(cells)))
        monday += timedelta(days=7)
    before = (first - timedelta(days=1)).replace(day=1)
    return Month(
        first=first, weeks=tuple(weeks), before=_link(before, today), after=_link(after, today)
    )


def _by_day(meetings: Iterable[Shown]) -> dict[date, tuple[Shown, ...]]:
    found: dict[date, tuple[Shown, ...]] = {}
    for shown in meetings:
        meeting = cast(Meeting, shown.entry)
        first = local(meeting.start).date()
        last = last_day(meeting.start, meeting.end)
        for n in range((min(last, first + LONGEST) - first).days + 1):
            day = first + timedelta(days=n)
            found[day] = (*found.get(day, ()), shown)
    return found


def written_month(first: date) -> str:
    """As `?maaned=` takes it."""
    return f"{first:%Y-%m}"


def _link(first: date, today: date) -> str:
    written = written_month(first)
    return written if asked_month(written, today) else ""


def _short(day: date) -> str:
    short = _named(day, "ccc").strip(".")
    return short if len(short) <= 4 else _named(day, "ccccc")


def _named(day: date, pattern: str) -> str:
    return format_date(day, pattern, locale=language())
