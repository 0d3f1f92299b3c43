"""The engine and its two ways in: `read` (no transaction kept) and `write` (one, immediate).

SQLite runs in WAL with synchronous=FULL and foreign keys on; a writer takes the
lock at BEGIN, so that check-then-write cannot fail half-way. On PostgreSQL every
transaction says which citizens it is about, or which one task it has; without
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
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError

BUSY_SECONDS = 5
"""How long one waits for another's lock before the store counts as down."""

SCOPE = (
    "SELECT set_config('app.tenant', %s, true), set_config('app.citizens', %s, true), "
    "set_config('app.task', %s, true), set_config('app.keys', %s, true), "
    f"set_config('lock_timeout', '{BUSY_SECONDS}s', true)"
)


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


class About(NamedTuple):
    """Whom a transaction is about, by portal id; or which task it has, by which keys."""

    citizens: tuple[str, ...] = ()
    task: str = ""
    keys: tuple[str, ...] = ()


NOBODYS = About()


def scope(
    connection: Connection,
    tenant: str,
    *citizens: str,
    task: Task | None = None,
    keys: Collection[str] = (),
) -> None:
    """Whom a transaction that goes through all there is is about, from here on."""
    if connection.dialect.name != "sqlite":
        values = (tenant, ",".join(citizens), task or "", ",".join(keys))
        connection.exec_driver_sql(SCOPE, values)


class StoreDown(Exception):
    """Our own database cannot be used right now."""


class Store:
    """One database, shared by all threads of a worker."""

    def __init__(self, url: str, folder: Path, tenant: str = "", owner: str = "") -> None:
        self.engine = _engine(url, folder, tenant)
        self.sqlite = self.engine.dialect.name == "sqlite"
        self.owning = _engine(owner, folder, tenant) if owner and not self.sqlite else self.engine
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

        Raises StoreDown.
        """
        about = About(citizens, task or "", tuple(keys))
        with _honest(), self._reader.connect() as connection:
            yield connection.execution_options(about=about)

    @contextmanager
    def write(
        self, *citizens: str, task: Task | None = None, keys: Collection[str] = ()
    ) -> Iterator[Connection]:
        """One transaction about these citizens or for one task: whole, or nothing happened.

        Raises StoreDown.
        """
        about = About(citizens, task or "", tuple(keys))
        with _honest(), self._turn(), _begun(self.engine, about) as connection:
            yield connection

    @contextmanager
    def own(self, *citizens: str, task: Task | None = None) -> Iterator[Connection]:
        """The same by the tables' owner, for what the role that serves may not do. Raises StoreDown."""
        about = About(citizens, task or "")
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


@contextmanager
def _begun(engine: Engine, about: About) -> Iterator[Connection]:
    with engine.connect() as connection, connection.execution_options(about=about).begin():
        yield connection


@contextmanager
def _honest() -> Iterator[None]:
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error) as e:
        raise StoreDown(type(e).__name__) from e


def now() -> datetime:
    """This moment, aware, in UTC; the one clock of what we store."""
    return datetime.now(UTC)


def aware(moment: datetime) -> datetime:
    """In UTC: SQLite gives times back without their zone, PostgreSQL in the server's."""
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _engine(url: str, folder: Path, tenant: str) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return _postgresql(parsed, tenant)
    if parsed.database and parsed.database != ":memory:":
        file = folder / parsed.database
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        parsed = parsed.set(database=str(file))
    engine = create_engine(parsed, pool_size=16, max_overflow=48, pool_timeout=5)
    event.listen(engine, "connect", _sqlite_connect)
    event.listen(engine, "begin", _sqlite_begin)
    return engine


def _postgresql(url: URL, tenant: str) -> Engine:
    engine = create_engine(
        url,
        pool_size=8,
        max_overflow=8,
        pool_timeout=BUSY_SECONDS,
        pool_pre_ping=True,
        connect_args={} if "connect_timeout" in url.query else {"connect_timeout": BUSY_SECONDS},
    )

    @event.listens_for(engine, "begin")
    def _scope(connection: Connection) -> None:
        about: About = connection.get_execution_options().get("about", NOBODYS)
        values = (tenant, ",".join(about.citizens), about.task, ",".join(about.keys))
        connection.exec_driver_sql(SCOPE, values)

    return engine


def _sqlite_connect(connection: Any, _record: Any) -> None:
    connection.isolation_level = None
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "secure_delete=ON",  # an erased key is overwritten, not only let go
        f"busy_timeout={BUSY_SECONDS * 1000}",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _sqlite_begin(connection: Connection) -> None:
    if not connection.get_execution_options().get("reading"):
        connection.exec_driver_sql("BEGIN IMMEDIATE")
