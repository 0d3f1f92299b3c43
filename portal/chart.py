"""A well-being line as points of an SVG: a picture must not need a script or inline style."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import msgspec

from portal.handout import Shown
from portal.records import Measurement

WIDTH, HEIGHT, EDGE = 640, 180, 18


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """One measurement and where it stands in the picture."""

    x: float
    y: float
    shown: Shown


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """One scale over time, oldest first; `line` is what a polyline draws."""

    scale: str
    unit: str
    points: tuple[Point, ...]
    low: float
    high: float
    width: int = WIDTH
    height: int = HEIGHT

    @property
    def line(self) -> str:
        return " ".join(f"{p.x:g},{p.y:g}" for p in self.points)


def charts(measurements: Iterable[Shown]) -> list[Chart]:
    """One chart per scale, in the order the scales first appear."""
    scales: dict[str, list[Shown]] = {}
    for shown in measurements:
        scales.setdefault(cast(Measurement, shown.entry).scale, []).append(shown)
    return [_chart(scale, found) for scale, found in scales.items()]


def _chart(scale: str, found: list[Shown]) -> Chart:
    ordered = sorted(found, key=lambda s: cast(Measurement, s.entry).day)
    entries = [cast(Measurement, s.entry) for s in ordered]
    values = [e.value for e in entries]
    low = min([e.low for e in entries if e.low is not None] + values)
    high = max([e.high for e in entries if e.high is not None] + values)
    first, last = entries[0].day, entries[-1].day
    days, span = (last - first).days or 1, (high - low) or 1.0
    points = tuple(
        Point(
            x=round(EDGE + (WIDTH - 2 * EDGE) * (e.day - first).days / days, 1),
            y=round(HEIGHT - EDGE - (HEIGHT - 2 * EDGE) * (e.value - low) / span, 1),
            shown=s,
        )
        for s, e in zip(ordered, entries, strict=True)
    )
    return Chart(scale=scale, unit=entries[-1].unit, points=points, low=low, high=high)
