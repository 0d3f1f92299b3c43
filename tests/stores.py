"""What the portal under test keeps things in: SQLite and memory, or a real PostgreSQL and a real Valkey.

    PORTAL_TEST_STORE=postgresql pytest tests

then gives every portal of the tests a database of its own on one server, and all of
them one cache. Tests that are about one kind of file say so (`only_sqlite`).
"""

from __future__ import annotations

import os
import re
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path

import pytest
from sqlalchemy import Connection, NullPool, create_engine, inspect
from sqlalchemy.engine import make_url

from portal import schema
from portal.db import Store
from tests.proving import PROVE
from tests.store_server import Server, running
from tests.store_world import OWNER
from tests.valkey_fixtures import Valkey

POSTGRESQL = os.environ.get("PORTAL_TEST_STORE") == "postgresql"
only_sqlite = pytest.mark.skipif(POSTGRESQL, reason="about SQLite's file")
OPEN = ExitStack()
"""What runs until the last test of this process."""


DRAWN = {
    "test_conform", "test_faulty_pages", "test_fhir_third_party", "test_forms", "test_glossary", "test_languages",
    "test_languages_consent", "test_look", "test_partial_is_not_none", "test_pictures_pages", "test_proposal", "test_room",
    "test_sources_strangers", "test_sources_calendars", "test_surface", "test_surface_source", "test_tracing", "test_vcard",
}  # fmt: skip
"""Tests of how pages look, what forms say and what systems answer: whatever they keep, others keep too."""


def concerned(item: pytest.Item) -> bool:
    """Whether a test keeps something in the store of a whole portal."""
    used = {*getattr(item, "fixturenames", ())}
    if "settings" not in used or used & {"engine", "postgresql"}:  # these have met it already
        return False
    drawn = item.path.stem in DRAWN or item.get_closest_marker("proof")
    return PROVE or not drawn


def place(file: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Let a TOML file name this run's kind of store, empty and with the newest schema if it is PostgreSQL.

    Returns the environment that goes with the file.
    """
    return place_on_postgresql(file, environ) if POSTGRESQL else dict(environ)


def place_on_postgresql(file: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """The same, whatever this run is about."""
    name = server().copy_of(template())
    valkey().client.flushdb()
    head, found = re.subn(
        r"(?m)^database = .*$",
        f'database = "{server().url("portal", name)}"\\n'
        f'database_owner_env = "{OWNER}"\\ncache = "{valkey().url}"',
        file.read_text(),
        count=1,
    )
    assert found
    file.write_text(head)
    file.chmod(0o600)  # it holds a password now
    return {**environ, OWNER: server().url("ejer", name)}


def prepare(store: Store) -> None:
    """The newest schema; on PostgreSQL it is there already, and the role that serves could not make it."""
    if not POSTGRESQL:
        with store.engine.connect() as c:
            migrated().backup(c.connection.driver_connection)  # type: ignore[arg-type]


def clear(database: str) -> None:
    """A test's database is not kept: memory is what they lie in."""
    if POSTGRESQL:
        server().drop(make_url(database).database or "")


@contextmanager
def everything(store: Store) -> Iterator[Connection]:
    """A transaction past every wall: what a test looks at, no portal could."""
    engine = store.engine
    if not store.sqlite:
        database = engine.url.database or ""
        engine = create_engine(server().url("postgres", database), poolclass=NullPool)
    with engine.begin() as connection:
        yield connection


def refuse(store: Store, table: str) -> None:
    """From now on no row can be added there, as on a full disk."""
    act = f"REVOKE INSERT ON {table} FROM portal"
    if not POSTGRESQL:
        act = (
            f"CREATE TRIGGER broken BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'full'); END"
        )
    with everything(store) as c:
        c.exec_driver_sql(act)


def content(store: Store) -> bytes:
    """All that is kept, as somebody reads it who has the disks."""
    if not POSTGRESQL:
        file = Path(str(store.engine.url.database))
        return b"".join(f.read_bytes() for f in file.parent.glob(f"{file.name}*"))
    with everything(store) as c:
        tables = inspect(c).get_table_names()
        rows = [r for t in tables for r in c.exec_driver_sql(f'SELECT * FROM "{t}"')]
    kept = [v if isinstance(v, bytes) else str(v).encode() for row in rows for v in row]
    return b"\n".join([*kept, valkey().everything()])


@cache
def server() -> Server:
    return OPEN.enter_context(running())


@cache
def valkey() -> Valkey:
    started = Valkey("--maxmemory", "64mb", "--maxmemory-policy", "volatile-ttl")
    OPEN.callback(started.stop)
    return started


@cache
def migrated() -> sqlite3.Connection:
    """An empty portal's tables, of which each test gets a copy: migrations have tests of their own."""
    folder = OPEN.enter_context(tempfile.TemporaryDirectory(prefix="tables-"))
    store = Store(f"sqlite:///{folder}/empty.db", Path(folder))
    schema.upgrade(store)
    store.engine.dispose()
    return sqlite3.connect(f"{folder}/empty.db", check_same_thread=False)


@cache
def template() -> str:
    """An empty portal, of which each test gets a copy in 20 ms."""
    name = server().database()
    owner = server().url("ejer", name)
    store = Store(server().url("portal", name), Path(), "0851", owner)
    schema.upgrade(store)
    store.owning.dispose()
    store.engine.dispose()
    return name
