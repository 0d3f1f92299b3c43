"""Fills a database with a town, in order and in one go: a million citizens in minutes.

The rows are made in a process of their own while this one writes. SQLite is written
without a journal, PostgreSQL by COPY as a role that row-level security does not hold.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import psycopg

from bench.town import Clerk, Rows, Town
from portal.crypto import Vault
from portal.models import metadata

AT_ONCE = 1000
"""Households made together."""
CACHE_KIB = 1_000_000


class Filled(NamedTuple):
    """What it took, and how large it became."""

    seconds: float
    rows: dict[str, int]
    bytes: dict[str, int]
    """Of each table with its indexes."""


class Into(Protocol):
    """An empty database with the newest schema."""

    def add(self, table: str, rows: list[tuple[Any, ...]]) -> None: ...
    def sizes(self) -> dict[str, int]: ...


def fill(into: Into, town: Town, data_keys: tuple[bytes, ...]) -> Filled:
    """Write everything; sessions last, so that they have just begun."""
    began, counts = time.monotonic(), dict.fromkeys(TABLES, 0)
    for rows in _made(town, data_keys):
        for table in TABLES:
            if rows.get(table):
                into.add(table, rows[table])
                counts[table] += len(rows[table])
    return Filled(time.monotonic() - began, counts, into.sizes())


TABLES = ("person", "consent_event", "comment", "access_entry", "session")


def _made(town: Town, data_keys: tuple[bytes, ...]) -> Iterator[Rows]:
    """The rows of all households, made one step ahead of who writes them."""
    starts = range(0, town.households, AT_ONCE)
    parts = [range(s, min(s + AT_ONCE, town.households)) for s in starts]
    context = get_context("spawn")
    with ProcessPoolExecutor(1, context, _begin, (town, data_keys)) as maker:
        ahead = maker.submit(_rows, parts[0])
        for part in parts[1:]:
            made, ahead = ahead.result(), maker.submit(_rows, part)
            yield made
        yield ahead.result()
    vault = Vault(data_keys)
    yield {"session": Clerk(town, vault).sessions(range(town.logged_in))}


_CLERKS: list[Clerk] = []


def _begin(town: Town, data_keys: tuple[bytes, ...]) -> None:
    _CLERKS.append(Clerk(town, Vault(data_keys)))


def _rows(places: range) -> Rows:
    return dict(_CLERKS[0].rows(places))


class Sqlite:
    """A file that nobody else has open."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def add(self, table: str, rows: list[tuple[Any, ...]]) -> None:
        columns = _columns(table)
        marks = ", ".join("?" * len(columns.split(",")))
        written = [tuple(_plain(v) for v in row) for row in rows]
        self._connection.executemany(f'INSERT INTO "{table}" ({columns}) VALUES ({marks})', written)

    def sizes(self) -> dict[str, int]:
        self._connection.commit()
        query = (
            "SELECT tbl_name, sum(pgsize) FROM dbstat JOIN sqlite_schema USING (name) "
            "GROUP BY tbl_name"
        )
        found = dict(self._connection.execute(query).fetchall())
        return {table: found[table] for table in TABLES}


@contextmanager
def sqlite(file: Path) -> Iterator[Sqlite]:
    """Open for filling; afterwards the file is as the portal expects it."""
    connection = sqlite3.connect(file)
    for pragma in ("journal_mode=OFF", "synchronous=OFF", f"cache_size=-{CACHE_KIB}"):
        connection.execute(f"PRAGMA {pragma}")
    try:
        yield Sqlite(connection)
        connection.commit()
        connection.execute("ANALYZE")
        connection.commit()
        connection.execute("PRAGMA journal_mode=WAL")
    finally:
        connection.close()


class Postgresql:
    """A database as its superuser sees it: COPY into tables with row-level security needs one."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def add(self, table: str, rows: list[tuple[Any, ...]]) -> None:
        columns = _columns(table)
        with (
            self._connection.cursor() as cursor,
            cursor.copy(f'COPY "{table}" ({columns}) FROM STDIN') as copy,
        ):
            for row in rows:
                copy.write_row(row)

    def sizes(self) -> dict[str, int]:
        self._connection.commit()
        query = (
            "SELECT name, pg_total_relation_size(name::regclass) FROM unnest(%s::text[]) AS name"
        )
        return dict(self._connection.execute(query, (list(TABLES),)).fetchall())


@contextmanager
def postgresql(where: str) -> Iterator[Postgresql]:
    """Open for filling, by a libpq connection string."""
    with psycopg.connect(where) as connection:
        yield Postgresql(connection)
        connection.commit()
        connection.autocommit = True
        connection.execute("VACUUM ANALYZE")


def _columns(table: str) -> str:
    return ", ".join(f'"{c.name}"' for c in metadata.tables[table].columns)


def _plain(value: Any) -> Any:
    """As SQLAlchemy keeps a time in SQLite: UTC, without its zone."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat(" ", "microseconds")
    return value
