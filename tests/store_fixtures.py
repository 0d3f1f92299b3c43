"""A fresh store on either database, on a PostgreSQL that is started once per run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.settings import Settings
from tests import stores
from tests.store_server import Server
from tests.store_world import OWNER, Shop, make_schema, open_shop, secrets, write_settings

__all__ = ["Server"]


@pytest.fixture(scope="session")
def postgresql() -> Server:
    """One server for all tests of a process; it is gone with its data afterwards."""
    return stores.server()


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
