"""Connections as the store needs them: what SQLite must be told, and how long PostgreSQL may take.

SQLite runs in WAL with synchronous=FULL and foreign keys on; a writer takes the
lock at BEGIN, so that check-then-write cannot fail half-way. On PostgreSQL nothing
is waited for longer than it is worth: not a free connection, another's lock, a
statement, nor a server that is gone. Whatever is set lasts a transaction (a pooler
in front may give each to another connection).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DisconnectionError

BUSY_SECONDS = 5
"""How long one waits for another's lock, or for a free connection, before the store counts as down."""
STATEMENT_SECONDS = 10
"""How long a page's statement may run; work through whole tables (a command, the owner's) may take longer."""
IDLE_SECONDS = 60
"""After which a server ends a transaction in which nobody says anything any more."""
CONNECTIONS, MORE_CONNECTIONS = 8, 8
"""How many a worker keeps open, and how many more in a rush."""
GONE = {
    "connect_timeout": BUSY_SECONDS,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
"""libpq's: a server whose machine vanished is given up after some ten seconds."""
SILENT_SECONDS = STATEMENT_SECONDS + 2
"""How long a server may take everything and say nothing (it hangs, or what stands before it does)."""
DRIVERS = ("sqlite", "sqlite+pysqlite", "postgresql", "postgresql+psycopg")
OURS = ("prepare_threshold",)
"""Words in the address that are not libpq's."""

SCOPE = (
    "SELECT set_config('app.tenant', %s, true), set_config('app.citizens', %s, true), "
    "set_config('app.task', %s, true), set_config('app.keys', %s, true), "
    f"set_config('lock_timeout', '{BUSY_SECONDS}s', true), "
    f"set_config('idle_in_transaction_session_timeout', '{IDLE_SECONDS}s', true), "
    "set_config('statement_timeout', %s, true)"
)


class About(NamedTuple):
    """Whom a transaction is about, by portal id; or which task it has, by which keys."""

    citizens: tuple[str, ...] = ()
    task: str = ""
    keys: tuple[str, ...] = ()
    patient: bool = False
    """It may go through whole tables."""


NOBODYS = About()


def scope(connection: Connection, tenant: str, about: About) -> None:
    """What a transaction is about, from here to its end or the next such word."""
    driver: Any = connection.connection.dbapi_connection
    if hasattr(driver, "seconds"):  # one of ours (portal/attentive.py)
        driver.seconds = None if about.patient else SILENT_SECONDS
    longest = "0" if about.patient else f"{STATEMENT_SECONDS}s"
    values = (tenant, ",".join(about.citizens), about.task, ",".join(about.keys), longest)
    connection.exec_driver_sql(SCOPE, values)


def problem(url: str) -> str:
    """Why this is no address of a database; empty when it is. It may hold a password."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        return "is not the address of a database"
    if parsed.drivername not in DRIVERS:
        return "is neither SQLite nor PostgreSQL (by psycopg)"
    if parsed.get_backend_name() == "sqlite" and (parsed.host or not parsed.database):
        return "names no file: three slashes, or four before an absolute path"
    return ""


def open_engine(url: str, folder: Path, tenant: str) -> Engine:
    """For a database's address; a SQLite file lies in `folder` unless the address is absolute."""
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
    from portal.attentive import Attentive, Opening  # the driver is megabytes SQLite does not need

    prepared = url.query.get("prepare_threshold")  # "none" behind a pooler that cannot have them
    given = {} if prepared is None else {"prepare_threshold": _whole(prepared)}
    engine = create_engine(
        url.difference_update_query(OURS),
        pool_size=CONNECTIONS,
        max_overflow=MORE_CONNECTIONS,
        pool_timeout=BUSY_SECONDS,
        connect_args={k: v for k, v in GONE.items() if k not in url.query} | given,
    )

    @event.listens_for(engine, "do_connect")
    def _connect(_dialect: Any, _record: Any, args: Any, more: Any) -> Attentive:
        found = Attentive.connect(*args, **more)
        found.seconds, found.cursor_factory = SILENT_SECONDS, Opening
        found.autocommit = True  # we say BEGIN ourselves, with whom it is about
        return found

    @event.listens_for(engine, "checkout")
    def _checkout(driver: Any, _record: Any, _fairy: Any) -> None:
        if driver.closed or not driver.quiet():  # it restarted, or ended this one: make it anew
            raise DisconnectionError

    @event.listens_for(engine, "checkin")
    def _checkin(driver: Any, _record: Any) -> None:
        if driver is not None:
            driver.seconds = SILENT_SECONDS

    @event.listens_for(engine, "begin")
    def _scope(connection: Connection) -> None:
        scope(connection, tenant, connection.get_execution_options().get("about", NOBODYS))

    return engine


def _whole(text: str | tuple[str, ...]) -> int | None:
    return int(text) if isinstance(text, str) and text.isdigit() else None


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
