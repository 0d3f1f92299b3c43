"""Growth curves as pictures: one SVG each, light and dark, readable 360 pixels wide."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from math import ceil, floor, log10

WIDTH, HEIGHT = 360, 250
LEFT, RIGHT, TOP, BOTTOM = 44, 12, 56, 44
DASHES = ("", "6 4", "2 4")
MARKS = ("circle", "square", "triangle")
STYLE = """
text { font: 12px system-ui, sans-serif; fill: #1a1a1a }
.title { font-weight: 600; font-size: 13px }
.ground { fill: #ffffff }
.grid { stroke: #d5d8dc; stroke-width: 1 }
.line { fill: none; stroke-width: 2 }
.a { stroke: #00539b; fill: #00539b } .b { stroke: #9c3d00; fill: #9c3d00 } .c { stroke: #1d6b34; fill: #1d6b34 }
.line.a, .line.b, .line.c { fill: none }
@media (prefers-color-scheme: dark) {
text { fill: #f2f2f2 } .ground { fill: #16191d } .grid { stroke: #3c4249 }
.a { stroke: #7db8f0; fill: #7db8f0 } .b { stroke: #ffb380; fill: #ffb380 } .c { stroke: #86d69c; fill: #86d69c }
}
"""

Series = Mapping[str, Mapping[float, float]]


def curves(title: str, across: str, up: str, series: Series, *, log: bool = False) -> str:
    """The curves of several things over the same x; from zero up, so that flat looks flat.

    `log`: x in powers of ten. Lines differ in colour, dashes and marks.
    """
    xs = sorted({x for points in series.values() for x in points})
    top = _round_up(max(y for points in series.values() for y in points.values()))
    place = _Scale(xs, top, log)
    parts = [*_frame(title, across, up, place, xs, top)]
    for number, (name, points) in enumerate(series.items()):
        parts += _curve(number, name, points, place)
    said = escape(f"{title}: {_told(series, up)}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{said}"><style>{STYLE}</style>\n'
        f'<rect class="ground" width="{WIDTH}" height="{HEIGHT}"/>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


class _Scale:
    """From values to places on the picture."""

    def __init__(self, xs: list[float], top: float, log: bool) -> None:
        self._log, self._top = log, top
        self._from, self._to = self._at(xs[0]), self._at(xs[-1])

    def x(self, value: float) -> float:
        span = (self._to - self._from) or 1
        return LEFT + (WIDTH - LEFT - RIGHT - 16) * (self._at(value) - self._from) / span + 8

    def y(self, value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / self._top

    def _at(self, value: float) -> float:
        return log10(value) if self._log else value


def _frame(
    title: str, across: str, up: str, place: _Scale, xs: list[float], top: float
) -> list[str]:
    parts = [_text(10, 18, title, "title"), _text(10, HEIGHT - 8, f"{across} · {up}")]
    for step in range(5):
        value = top * step / 4
        y = place.y(value)
        parts.append(f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>')
        parts.append(_text(LEFT - 4, y + 4, f"{value:g}", anchor="end"))
    parts += [_text(place.x(x), HEIGHT - BOTTOM + 16, _short(x), anchor="middle") for x in xs]
    return parts


def _curve(number: int, name: str, points: Mapping[float, float], place: _Scale) -> list[str]:
    kind, dash = "abc"[number], DASHES[number]
    places = [(place.x(x), place.y(y)) for x, y in sorted(points.items())]
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    parts = [f'<path class="line {kind}"{dashed} d="M{path}"/>']
    parts += [_mark(number, x, y) for x, y in places]
    at = LEFT + number * 106
    return [*parts, _mark(number, at, 36), _text(at + 9, 40, name)]


def _mark(number: int, x: float, y: float) -> str:
    kind = f'class="{"abc"[number]}"'
    if MARKS[number] == "circle":
        return f'<circle {kind} cx="{x:.1f}" cy="{y:.1f}" r="4"/>'
    if MARKS[number] == "square":
        return f'<rect {kind} x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8"/>'
    return f'<path {kind} d="M{x:.1f} {y - 5:.1f}l5 9h-10z"/>'


def _text(x: float, y: float, said: str, kind: str = "", anchor: str = "") -> str:
    more = (f' class="{kind}"' if kind else "") + (f' text-anchor="{anchor}"' if anchor else "")
    return f'<text x="{x:.1f}" y="{y:.1f}"{more}>{escape(said)}</text>'


def _round_up(value: float) -> float:
    """A round number a quarter of which is easy to read, and that nothing exceeds."""
    unit = 10.0 ** floor(log10(value)) if value > 0 else 1.0
    return next(unit * step for step in (1, 2, 4, 6, 8, 10, 12) if unit * step >= value)


def _short(value: float) -> str:
    for unit, name in ((1e6, "M"), (1e3, "k")):
        if value >= unit:
            return f"{value / unit:g}{name}"
    return f"{ceil(value)}"


def _told(series: Series, up: str) -> str:
    return "; ".join(
        f"{name} " + ", ".join(f"{_short(x)}: {y:.1f} {up}" for x, y in sorted(points.items()))
        for name, points in series.items()
    )
