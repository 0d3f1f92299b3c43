"""Help, examinations and plans as bars on one line of time, with today marked.

Places along the line are percentages of its length, so that the same picture
fits a phone and a desk. A day nobody told is never guessed at: its end of the
bar is open, and the words beside say so.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from itertools import chain
from typing import cast

import msgspec

from portal.dates import kort_dato, local, maaned
from portal.handout import Overview, Shown
from portal.records import RUNNING, Assessment, Intervention, Plan, Status
from portal.speech import gettext as _
from portal.speech import right_to_left

BACK, AHEAD = timedelta(days=3 * 365), timedelta(days=2 * 365)
"""How far the line reaches at most; what began before is drawn to the edge, and told in words."""
LEAST = timedelta(days=120)
MARGIN = timedelta(days=20)
APART = 13
"""How near words under the line may stand, in percent: a phone is narrow."""
THIN = 1.2
"""The least length of a bar, so that a single day can be seen."""


class Tick(msgspec.Struct, frozen=True, kw_only=True):
    """A word under the line: a year, or a month where the line is short."""

    x: float
    label: str


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """One thing with a time. `been` and `coming` are (x, length); `follow_up` is a point.

    `open_start`, `open_end`: nobody has said when. `untold`: no day at all.
    """

    shown: Shown
    words: str
    been: tuple[float, float] | None = None
    coming: tuple[float, float] | None = None
    open_start: bool = False
    open_end: bool = False
    untold: bool = False
    follow_up: float | None = None


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """Bars on one line of time."""

    today: float
    ticks: tuple[Tick, ...]
    bars: tuple[Bar, ...]


class Timeline(msgspec.Struct, frozen=True, kw_only=True):
    """What runs or comes, and what is over; each on a line as long as it needs."""

    now: Span
    over: Span


Timed = Intervention | Assessment | Plan


def timeline(overview: Overview) -> Timeline:
    """Every intervention, assessment and plan this viewer sees, first begun first."""
    today = local(overview.at).date()
    found = sorted(chain(overview.interventions, overview.plans), key=_begun)
    return Timeline(
        now=_span([s for s in found if _timed(s).status in RUNNING], today),
        over=_span([s for s in found if _timed(s).status not in RUNNING], today),
    )


def _span(found: list[Shown], today: date) -> Span:
    line = Line.around((_timed(s) for s in found), today)
    bars = tuple(_bar(s, line) for s in found)
    return Span(today=line.at(today), ticks=line.ticks(), bars=bars)


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """From one day to another, and today between them."""

    first: date
    last: date
    today: date
    mirrored: bool = False

    @classmethod
    def around(cls, things: Iterable[Timed], today: date) -> Line:
        days = [d for t in things for d in (t.start, t.end, _next(t)) if d]
        first = max(min([*days, today - LEAST]), today - BACK)
        last = min(max([*days, today + LEAST]), today + AHEAD)
        return cls(first=first - MARGIN, last=last + MARGIN, today=today, mirrored=right_to_left())

    def at(self, day: date) -> float:
        """Where a day stands, in percent from the left; at the edge when it is outside."""
        share = (day - self.first) / (self.last - self.first)
        x = 100 * min(1.0, max(0.0, share))
        return round(100 - x if self.mirrored else x, 2)

    def between(self, start: date, end: date) -> tuple[float, float] | None:
        """Where a span stands: its left and its length."""
        if end <= start:
            return None
        a, b = sorted((self.at(start), self.at(end)))
        length = round(max(b - a, THIN), 2)
        return round(min(a, 100 - length), 2), length

    def ticks(self) -> tuple[Tick, ...]:
        """Years, and quarters where there is room: no word stands near another, or near today's."""
        years = [date(y, 1, 1) for y in range(self.first.year, self.last.year + 1)]
        quarters = [d.replace(month=m) for m in (7, 4, 10) for d in years]
        taken, found = [self.at(self.today)], []
        for day in (d for d in (*years, *quarters) if self.first < d < self.last):
            x = self.at(day)
            if 6 < x < 94 and all(abs(x - other) > APART for other in taken):
                taken.append(x)
                found.append(Tick(x=x, label=str(day.year) if day.month == 1 else maaned(day)))
        return tuple(found)


def _bar(shown: Shown, line: Line) -> Bar:
    entry, today = _timed(shown), line.today
    start, end = entry.start, entry.end
    over = entry.status not in RUNNING
    told_end = end or (today if over else None)
    first = start or min(line.first, end or line.last)
    last = told_end or line.last
    ahead = entry.status in (Status.PLANNED, Status.WAITING) and not start
    follow_up = _next(entry)
    return Bar(
        shown=shown,
        words=period(start, end, running=not over and not (start and start > today)),
        been=line.between(max(first, line.first), min(last, today)) if start or end else None,
        coming=line.between(max(first, today), last) if (start or end) and not ahead else None,
        open_start=not start and bool(end),
        open_end=not end and bool(start),
        untold=not start and not end,
        follow_up=line.at(follow_up) if follow_up else None,
    )


def period(start: date | None, end: date | None, running: bool) -> str:
    """From when until when, in words; what nobody told is said to be unknown."""
    if start and end:
        return _("Fra %(start)s til %(end)s.", start=kort_dato(start), end=kort_dato(end))
    if start and running:
        return _("Siden %(start)s. Vi ved ikke, hvornår det slutter.", start=kort_dato(start))
    if start:
        return _("Fra %(start)s. Vi kender ikke slutdatoen.", start=kort_dato(start))
    if end:
        return _("Til %(end)s. Vi kender ikke startdatoen.", end=kort_dato(end))
    return _("Vi ved ikke, hvornår det begynder og slutter.")


def _next(entry: Timed) -> date | None:
    return entry.next_follow_up if isinstance(entry, Plan) else None


def _begun(shown: Shown) -> tuple[object, ...]:
    entry = _timed(shown)
    start = entry.start or entry.end or date.max
    return (start, entry.title)


def _timed(shown: Shown) -> Timed:
    return cast(Timed, shown.entry)
