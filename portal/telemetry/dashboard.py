"""The sources' page for operators: one line each, the troubled first; read without scripts."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader

from portal.settings import Settings
from portal.telemetry import REGISTER
from portal.telemetry.recent import Lately

FOLDER = Path(__file__).parent
STYLE = (FOLDER / "dashboard.css").read_text(encoding="utf-8")
POLICY = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; style-src "
    f"'sha256-{base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'"
)
REFRESH_SECONDS = 30
FAILING, SHAKY = 0.5, 0.05
"""Of the answers lately: from so many failures on a source has this name."""

_page = Environment(loader=FileSystemLoader(FOLDER), autoescape=True).get_template("dashboard.html")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One source as the page shows it."""

    id: str
    name: str
    kind: str
    lately: Lately

    @property
    def state(self) -> str:
        """In words; the worst that holds."""
        late = self.lately
        if late.breaker_open:
            return "left in peace"
        if not late.asked:
            return "not asked"
        if late.failed == late.asked:
            return "down"
        if late.failed >= FAILING * late.asked:
            return "failing"
        return "shaky" if late.failed >= SHAKY * late.asked else "answers"


ORDER = ("left in peace", "down", "failing", "shaky", "answers", "not asked")


@dataclass(frozen=True, kw_only=True)
class Whole:
    """What the head of the page tells about the server."""

    workers: int
    checkpoint: float
    """Seconds since the log was last signed; infinite when never."""


def sources(settings: Settings) -> list[tuple[str, str, str]]:
    """(id, name, kind) of the register and of everything that is connected."""
    rest = [(s.id, s.name, s.kind) for s in settings.source if s.connected]
    return [(REGISTER, "Register of persons", settings.register.kind), *rest]


def render(
    settings: Settings, lately: dict[str, Lately], whole: Whole, minutes: int, refresh: bool
) -> str:
    """The page, as HTML."""
    rows = [Row(id=i, name=n, kind=k, lately=lately[i]) for i, n, k in sources(settings)]
    rows.sort(key=lambda r: (not r.lately.strangers, ORDER.index(r.state), r.name))
    return _page.render(
        rows=rows,
        tally=_tally(rows),
        whole=whole,
        minutes=minutes,
        refresh=refresh,
        seconds=REFRESH_SECONDS,
        title=settings.service_name,
        style=STYLE,
        ago=ago,
        milliseconds=milliseconds,
    )


def _tally(rows: Sequence[Row]) -> list[tuple[str, int]]:
    return [(s, n) for s in ORDER if (n := sum(r.state == s for r in rows))]


def ago(seconds: float | None) -> str:
    """How long ago, in one unit."""
    if seconds is None or seconds == float("inf"):
        return "never"
    for unit, size in (("days", 86400), ("hours", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit} ago"
    return f"{seconds:.0f} s ago"


def milliseconds(seconds: float | None) -> str:
    """Two figures are enough for a quantile."""
    return "–" if seconds is None else f"{float(f'{seconds * 1000:.2g}'):.0f} ms"
