"""The same overview month by month: what has been, and what comes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from itertools import chain
from typing import cast

import msgspec

from portal.dates import local
from portal.handout import Overview, Shown
from portal.records import Assessment, Intervention, Meeting, Plan


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened or will: `what` is meeting, start, end or follow-up."""

    day: date
    what: str
    shown: Shown


def by_month(overview: Overview) -> list[tuple[date, list[Moment]]]:
    """What has been and what comes, oldest month first; the key is the month's first day."""
    months: dict[date, list[Moment]] = {}
    for moment in sorted(_moments(overview), key=lambda m: m.day):
        months.setdefault(moment.day.replace(day=1), []).append(moment)
    return list(months.items())


def meeting_months(meetings: Iterable[Shown]) -> list[tuple[date, list[Shown]]]:
    """Meetings in their given order, under the first day of their month."""
    months: dict[date, list[Shown]] = {}
    for shown in meetings:
        day = local(cast(Meeting, shown.entry).start).date()
        months.setdefault(day.replace(day=1), []).append(shown)
    return list(months.items())


def _moments(overview: Overview) -> Iterable[Moment]:
    for shown in chain(overview.meetings, overview.past_meetings):
        meeting = cast(Meeting, shown.entry)
        yield Moment(day=local(meeting.start).date(), what="meeting", shown=shown)
    for shown in chain(overview.interventions, overview.plans):
        entry = cast(Intervention | Assessment | Plan, shown.entry)
        if entry.start:
            yield Moment(day=entry.start, what="start", shown=shown)
        if entry.end:
            yield Moment(day=entry.end, what="end", shown=shown)
        if isinstance(entry, Plan) and entry.next_follow_up:
            yield Moment(day=entry.next_follow_up, what="follow-up", shown=shown)
