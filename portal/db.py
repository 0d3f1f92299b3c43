"""The engine and its two ways in: `read` (no transaction kept) and `write` (one, immediate).

On PostgreSQL every transaction says which citizens it is about, or which one task it has; without
that the database shows no row of anybody (row-level security, migrations/), and
what only looks runs READ ONLY.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DataError, SQLAlchemyError

from portal import engines
from portal.engines import BUSY_SECONDS, About, open_engine


class Task(StrEnum):
    """Work that cannot name its citizens beforehand; each opens less than a whole table.

    FIND people by keyed hash, LINK a calendar link by its secret's hash, ACTORS
    the consents of these actors: only rows with one of the transaction's keys.
    SESSIONS the logged-in browsers. To look only: SETTLE consents, LOG the access
    log, CLOSED closed accesses, ROTATE people. TIDY what is past its time.
    """

    FIND = "find"
    LINK = "link"
    ACTORS = "actors"
    SESSIONS = "sessions"
    SETTLE = "settle"
    LOG = "log"
    CLOSED = "closed"
    TIDY = "tidy"
    ROTATE = "rotate"


PATIENT = frozenset({Task.SETTLE, Task.LOG, Task.CLOSED, Task.TIDY, Task.ROTATE})
"""What goes through whole tables, and no page waits for."""


def scope(
    connection: Connection,
    tenant: str,
    *citizens: str,
    task: Task | None = None,
    keys: Collection[str] = (),
) -> None:
    """Whom a transaction that goes through all there is is about, from here on. Raises Unfit."""
    if connection.dialect.name != "sqlite":
        about = _about(citizens, task, keys)._replace(patient=True)
        engines.scope(connection, tenant, about)


class StoreDown(Exception):
    """Our own database cannot be used right now."""


class Unfit(Exception):
    """Somebody sent a value that no row can hold: too long, too large, or with a sign no text has."""


class Store:
    """One database, shared by all threads of a worker."""

    def __init__(self, url: str, folder: Path, tenant: str = "", owner: str = "") -> None:
        self.engine = open_engine(url, folder, tenant)
        self.sqlite = self.engine.dialect.name == "sqlite"
        self.owning = (
            open_engine(owner, folder, tenant) if owner and not self.sqlite else self.engine
        )
        """By which the schema is changed: another role than the one that serves, if there is one."""
        options: dict[str, Any] = (
            {"reading": True} if self.sqlite else {"postgresql_readonly": True}
        )
        self._reader = self.engine.execution_options(**options)
        self._writing = threading.Lock()

    @contextmanager
    def read(
        self, *citizens: str, task: Task | None = None, keys: Collection[str] = ()
    ) -> Iterator[Connection]:
        """A connection for looking only, at these citizens' rows or for one task.

        Raises StoreDown, Unfit.
        """
        about = _about(citizens, task, keys)
        with _honest(), self._reader.connect() as connection:
            yield connection.execution_options(about=about)
            if not self.sqlite:
                connection.commit()  # after a rollback the driver forgets every statement it prepared

    @contextmanager
    def write(
        self, *citizens: str, task: Task | None = None, keys: Collection[str] = ()
    ) -> Iterator[Connection]:
        """One transaction about these citizens or for one task: whole, or nothing happened.

        Raises StoreDown, Unfit.
        """
        about = _about(citizens, task, keys)
        with _honest(), self._turn(), _begun(self.engine, about) as connection:
            yield connection

    @contextmanager
    def own(self, *citizens: str, task: Task | None = None) -> Iterator[Connection]:
        """The same by the tables' owner, for what the role that serves may not do. Raises StoreDown."""
        about = _about(citizens, task)._replace(patient=True)
        with _honest(), self._turn(), _begun(self.owning, about) as connection:
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """Everything as it is at one moment, to look at for as long as it takes. Raises StoreDown."""
        level = {} if self.sqlite else {"isolation_level": "REPEATABLE READ"}
        with _honest(), self._reader.execution_options(**level).connect() as connection:
            if self.sqlite:
                connection.exec_driver_sql("BEGIN")
            yield connection
            connection.rollback()

    def settle(self) -> None:
        """SQLite: what was overwritten is gone from the journal file too. Raises StoreDown."""
        if self.sqlite:
            with _honest(), self._reader.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """SQLite's writers of one process queue here: its own waiting is sleeping and trying again."""
        if not self.sqlite:
            yield
            return
        if not self._writing.acquire(timeout=BUSY_SECONDS):
            raise StoreDown("busy")
        try:
            yield
        finally:
            self._writing.release()


def _about(citizens: tuple[str, ...], task: Task | None, keys: Collection[str] = ()) -> About:
    """An id that would be read as several opens none of them. Raises Unfit."""
    if any("," in value for value in (*citizens, *keys)):
        raise Unfit("comma")
    return About(citizens, task or "", tuple(keys), task in PATIENT)


@contextmanager
def _begun(engine: Engine, about: About) -> Iterator[Connection]:
    with engine.connect() as connection, connection.execution_options(about=about).begin():
        yield connection


@contextmanager
def _honest() -> Iterator[None]:
    try:
        yield
    except (DataError, OverflowError) as e:
        raise Unfit(type(e).__name__) from e
    except (SQLAlchemyError, sqlite3.Error) as e:
        raise StoreDown(type(e).__name__) from e


def now() -> datetime:
    """This moment, aware, in UTC; the one clock of what we store."""
    return datetime.now(UTC)


def aware(moment: datetime) -> datetime:
    """In UTC: SQLite gives times back without their zone, PostgreSQL in the server's."""
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
