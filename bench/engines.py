"""Database and cache for the measurements of scale, by the names an operator would give them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from sqlalchemy.engine import make_url

from bench import town_fill
from bench.options import Options
from bench.town_fill import Into
from portal.settings import Settings


class Engines:
    """SQLite in the town's own folder, and a cache in each worker's memory."""

    def lines(self, number: int) -> list[str]:
        """The lines of a portal.toml for the town of this number."""
        return ['database = "sqlite:///portal.db"']

    def fill(self, settings: Settings) -> AbstractContextManager[Into]:
        """Open a town's new database for filling."""
        return town_fill.sqlite(settings.path(make_url(settings.database).database or ""))

    @staticmethod
    @contextmanager
    def started(options: Options, folder: Path) -> Iterator[Engines]:
        """Those asked for."""
        yield Engines()
