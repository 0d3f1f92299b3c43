"""A well-being line as parts of an SVG: a picture must not need a script or inline style.

Nothing here says better or worse: a scale does not tell which way is good, so only
the words of the place that measured do. Places are percentages of the picture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, timedelta
from itertools import chain, pairwise
from typing import cast

import msgspec

from portal.dates import local
from portal.handout import Overview, Shown
from portal.records import Goal, Measurement
from portal.speech import right_to_left

EDGE = 4.0
TOP = 9.0
PHASES = ("before", "during", "after")


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """One measurement and where it stands in the picture."""

    x: float
    y: float
    shown: Shown

    @property
    def phase(self) -> str:
        return cast(Measurement, self.shown.entry).phase


class Flag(msgspec.Struct, frozen=True, kw_only=True):
    """A goal of the place that measured; `x` is its day, where that is within the picture."""

    number: int
    shown: Shown
    x: float | None = None


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """One scale over time, oldest first, from `first` to `last`; `low` and `high` are its ends."""

    scale: str
    unit: str
    points: tuple[Point, ...]
    flags: tuple[Flag, ...]
    turns: tuple[float, ...]
    """Where help began or ended: between the last measurement before and the first after."""
    first: date
    last: date
    today: float
    low: float
    high: float

    @property
    def lines(self) -> tuple[tuple[Point, Point], ...]:
        return tuple(pairwise(self.points))

    @property
    def told(self) -> bool:
        """Whether the place put any of it in words."""
        return any(_measured(p.shown).words for p in self.points)

    @property
    def phases(self) -> tuple[str, ...]:
        told = {p.phase for p in self.points}
        return tuple(p for p in PHASES if p in told)


def charts(overview: Overview) -> list[Chart]:
    """One chart per place and scale, in the order they first appear."""
    scales: dict[tuple[str, str, str], list[Shown]] = {}
    for shown in overview.measurements:
        key = (shown.owner.id, shown.owner.name, _measured(shown).scale)
        scales.setdefault(key, []).append(shown)
    today = local(overview.at).date()
    goals = all_goals(overview)
    return [
        _chart(found, [g for g in goals if (g.owner.id, g.owner.name) == key[:2]], today)
        for key, found in scales.items()
    ]


def all_goals(overview: Overview) -> tuple[Shown, ...]:
    """Every goal this viewer sees, under plans and help or on its own."""
    nested = (s.goals for s in chain(overview.plans, overview.interventions))
    return (*chain.from_iterable(nested), *overview.loose_goals)


def _chart(found: list[Shown], goals: Iterable[Shown], today: date) -> Chart:
    ordered = sorted(found, key=lambda s: _measured(s).day)
    entries = [_measured(s) for s in ordered]
    values = [e.value for e in entries]
    low = min([e.low for e in entries if e.low is not None] + values)
    high = max([e.high for e in entries if e.high is not None] + values)
    goals = list(goals)
    first, last = _ends([e.day for e in entries], [_due(g) for g in goals], today)
    across, up = (last - first).days or 1, (high - low) or 1.0

    def x(day: date) -> float:
        at = EDGE + (100 - 2 * EDGE) * (day - first).days / across
        return round(100 - at if right_to_left() else at, 1)

    points = tuple(
        Point(x=x(e.day), y=round(100 - TOP - (100 - 2 * TOP) * (e.value - low) / up, 1), shown=s)
        for s, e in zip(ordered, entries, strict=True)
    )
    return Chart(
        scale=entries[-1].scale, unit=entries[-1].unit, points=points,
        flags=tuple(_flags(goals, first, last, x)), turns=tuple(_turns(points)),
        first=first, last=last, today=x(today), low=low, high=high,
    )  # fmt: skip


def _ends(days: list[date], dues: list[date | None], today: date) -> tuple[date, date]:
    """From the first measurement to today; further for a goal that is near enough."""
    first, last = min(days), max(*days, today)
    reach = last + max((last - first) / 3, timedelta(days=30))
    return first, max([last, *(d for d in dues if d and d <= reach)])


def _turns(points: tuple[Point, ...]) -> Iterable[float]:
    for a, b in pairwise(points):
        if a.phase and b.phase and a.phase != b.phase:
            yield round((a.x + b.x) / 2, 1)


def _flags(
    goals: Iterable[Shown], first: date, last: date, x: Callable[[date], float]
) -> Iterable[Flag]:
    for number, goal in enumerate(goals, 1):
        due = _due(goal)
        within = x(due) if due and first <= due <= last else None
        yield Flag(number=number, shown=goal, x=within)


def _due(goal: Shown) -> date | None:
    return cast(Goal, goal.entry).due


def _measured(shown: Shown) -> Measurement:
    return cast(Measurement, shown.entry)
