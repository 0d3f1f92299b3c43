"""The engine and its two ways in: `read` (no transaction kept) and `write` (one, immediate).

SQLite runs in WAL with synchronous=FULL and foreign keys on; a writer takes the
lock at BEGIN, so that check-then-write cannot fail half-way (security.md, finding 6).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

BUSY_SECONDS = 5


class StoreDown(Exception):
    """Our own database cannot be used right now."""


class Store:
    """One database, shared by all threads of a worker."""

    def __init__(self, url: str, folder: Path) -> None:
        self.engine = _engine(url, folder)
        self.sqlite = self.engine.dialect.name == "sqlite"
        options: dict[str, Any] = {"reading": True} if self.sqlite else {"isolation_level": "AUTOCOMMIT"}
        self._reader = self.engine.execution_options(**options)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection for looking only. Raises StoreDown."""
        with _honest(), self._reader.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction: committed at the end, or nothing happened. Raises StoreDown."""
        with _honest(), self.engine.begin() as connection:
            yield connection


@contextmanager
def _honest() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as e:
        raise StoreDown(type(e).__name__) from e


def now() -> datetime:
    """This moment, aware, in UTC; the one clock of what we store."""
    return datetime.now(UTC)


def aware(moment: datetime) -> datetime:
    """SQLite gives times back without their zone; they were stored in UTC."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _engine(url: str, folder: Path) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return create_engine(parsed, pool_size=8, max_overflow=8, pool_timeout=5, pool_pre_ping=True)
    if parsed.database and parsed.database != ":memory:":
        file = folder / parsed.database
        file.parent.mkdir(parents=True, exist_ok=True)
        parsed = parsed.set(database=str(file))
    engine = create_engine(parsed, pool_size=16, max_overflow=48, pool_timeout=5)
    event.listen(engine, "connect", _sqlite_connect)
    event.listen(engine, "begin", _sqlite_begin)
    return engine


def _sqlite_connect(connection: Any, _record: Any) -> None:
    connection.isolation_level = None
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"busy_timeout={BUSY_SECONDS * 1000}",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _sqlite_begin(connection: Connection) -> None:
    if not connection.get_execution_options().get("reading"):
        connection.exec_driver_sql("BEGIN IMMEDIATE")
