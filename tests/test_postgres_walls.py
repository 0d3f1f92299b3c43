"""What PostgreSQL itself refuses: other municipalities' rows, changes to what was written, by any role."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from click.testing import CliRunner
from sqlalchemy import select, text

from portal import schema
from portal.audit import Act, Line, append
from portal.checkpoints import Checkpoints
from portal.cli import main
from portal.db import Store, StoreDown
from portal.family import NOBODY
from portal.models import APPEND_ONLY, metadata
from portal.settings import Settings
from portal.verifier import Sealed
from tests.store_world import (
    OWNER,
    PEOPLE,
    Shop,
    make_schema,
    open_shop,
    open_store,
    proposal,
    secrets,
    who,
    write_settings,
)

if TYPE_CHECKING:
    from tests.store_fixtures import Server

pytest_plugins = ("tests.store_fixtures",)
TENANTED = sorted(t.name for t in metadata.tables.values() if "tenant" in t.columns)


@pytest.fixture
def engine() -> str:
    return "postgresql"


@pytest.fixture
def raw(shop: Shop, postgresql: Server) -> psycopg.Connection[tuple[object, ...]]:
    """The serving role, by hand, in a database with something of every kind."""
    _fill(shop)
    database = shop.settings.database.partition("?")[0].rpartition("/")[2]
    return psycopg.connect(f"host={postgresql.socket} user=portal dbname={database}")


@pytest.fixture
def owned(shop: Shop, postgresql: Server) -> psycopg.Connection[tuple[object, ...]]:
    """The owner's role, likewise."""
    _fill(shop)
    database = shop.settings.database.partition("?")[0].rpartition("/")[2]
    return psycopg.connect(f"host={postgresql.socket} user=ejer dbname={database}")


@pytest.mark.parametrize("table", TENANTED)
def test_every_table_with_a_municipality_is_walled(
    shop: Shop, table: str, postgresql: Server
) -> None:
    query = "SELECT relrowsecurity AND relforcerowsecurity FROM pg_class WHERE relname = :t"
    with shop.store.read() as c:
        assert c.execute(text(query), {"t": table}).scalar() is True


@pytest.mark.parametrize("role", ["raw", "owned"])
def test_without_a_municipality_there_are_no_rows(
    role: str, request: pytest.FixtureRequest
) -> None:
    connection = request.getfixturevalue(role)
    for table in TENANTED:
        assert connection.execute(f'SELECT count(*) FROM "{table}"').fetchone() == (0,)
    connection.execute("SELECT set_config('app.tenant', '0851', true)")
    assert connection.execute("SELECT count(*) FROM access_entry").fetchone() == (0,)
    connection.execute("SELECT set_config('app.task', 'log', true)")
    assert connection.execute("SELECT count(*) FROM access_entry").fetchone() != (0,)
    connection.rollback()
    assert connection.execute("SELECT count(*) FROM access_entry").fetchone() == (0,)


@pytest.mark.parametrize("role", ["raw", "owned"])
def test_a_row_of_another_municipality_cannot_be_added(
    role: str, request: pytest.FixtureRequest
) -> None:
    connection = request.getfixturevalue(role)
    scope = "SELECT set_config('app.tenant', '0851', true), set_config('app.task', 'log', true)"
    connection.execute(scope)
    (found,) = connection.execute("SELECT min(citizen) FROM access_entry").fetchone()
    connection.execute("SELECT set_config('app.citizens', %s, true)", (found,))
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
        connection.execute(
            "INSERT INTO access_entry SELECT '0810', citizen, seq + 99, at, detail, previous, hash "
            "FROM access_entry"
        )


@pytest.mark.parametrize("table", sorted(APPEND_ONLY))
@pytest.mark.parametrize("act", ["UPDATE {} SET tenant = tenant", "DELETE FROM {}", "TRUNCATE {}"])
def test_the_serving_role_may_not_even_try(
    raw: psycopg.Connection[tuple[object, ...]], table: str, act: str
) -> None:
    raw.execute("SELECT set_config('app.tenant', '0851', true)")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        raw.execute(act.format(table))  # type: ignore[call-overload]


@pytest.mark.parametrize("table", sorted(APPEND_ONLY))
@pytest.mark.parametrize("act", ["UPDATE {} SET tenant = tenant", "DELETE FROM {}", "TRUNCATE {}"])
def test_the_owner_and_the_superuser_are_stopped_too(
    owned: psycopg.Connection[tuple[object, ...]], table: str, act: str, postgresql: Server
) -> None:
    with pytest.raises(psycopg.errors.RaiseException, match="append only"):
        owned.execute(act.format(table))  # type: ignore[call-overload]
    with postgresql.admin(owned.info.dbname) as admin:
        admin.execute("SET session_replication_role = replica")
        with pytest.raises(psycopg.errors.RaiseException, match="append only"):
            admin.execute(act.format(table))  # type: ignore[call-overload]


@pytest.mark.parametrize(
    "act",
    [
        "ALTER TABLE access_entry DISABLE TRIGGER ALL",
        "ALTER TABLE access_entry DISABLE ROW LEVEL SECURITY",
        "DROP TABLE comment",
        "DROP POLICY municipality ON person",
        "CREATE OR REPLACE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RETURN NULL; END $$",
    ],
)
def test_the_serving_role_cannot_take_the_walls_down(
    raw: psycopg.Connection[tuple[object, ...]], act: str
) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        raw.execute(act)  # type: ignore[call-overload]


def test_two_municipalities_share_a_database_and_nothing_else(
    stored: Settings, tmp_path: Path
) -> None:
    other = write_settings(tmp_path, stored.database, secrets(), "0810")
    here, there = open_shop(stored), open_shop(other)
    _fill(here)
    home = there.household()
    mette, _ = who(home)
    there.consents.grant(home, mette.id, proposal(home, 0), "text", "da")
    assert there.consents.citizens_of(frozenset({"skole"})) == (home.citizen.id,)
    assert there.consents.events(here.household().citizen.id) == ()
    for table in metadata.tables.values():
        if "tenant" in table.columns:
            for shop in (here, there):  # by either's ids
                with there.store.read(*(shop.person(p) for p in PEOPLE)) as c:
                    assert {r.tenant for r in c.execute(select(table.c.tenant))} <= {"0810"}


def test_nobodys_chain_is_each_municipalitys_own(stored: Settings, tmp_path: Path) -> None:
    other = write_settings(tmp_path, stored.database, secrets(), "0810")
    for shop in (open_shop(stored), open_shop(other), open_shop(stored)):
        with shop.store.write(NOBODY) as c:
            key, line = shop.family.key(NOBODY), Line(act=Act.REFUSED)
            seq = append(c, shop.settings.municipality, NOBODY, key, line)
    assert seq == 2


def test_upgrading_takes_the_owners_role(bare: Settings) -> None:
    serving = Store(bare.database, bare.path("."), bare.municipality)
    with pytest.raises(Exception, match="permission denied"):
        schema.upgrade(serving)
    make_schema(bare)
    assert schema.problem(serving) == ""


def test_the_command_names_a_missing_owner(bare: Settings, tmp_path: Path) -> None:
    environ = {k: v for k, v in bare.environ.items() if k != OWNER}
    command = ["db", "upgrade", "--config", str(tmp_path / "portal-0851.toml")]
    refused = CliRunner().invoke(main, command, env={**environ, OWNER: None})
    assert refused.exit_code == 1
    assert OWNER in refused.output
    assert CliRunner().invoke(main, command, env=bare.environ).exit_code == 0
    assert schema.problem(open_store(bare)) == ""


def test_one_role_for_all_keeps_the_walls(postgresql: Server, tmp_path: Path) -> None:
    """Without a second role the triggers and the row security still stand."""
    url = postgresql.url("ejer", postgresql.database())
    settings = write_settings(tmp_path, url, secrets())
    make_schema(settings)
    shop = open_shop(settings)
    _fill(shop)
    with pytest.raises(StoreDown), shop.store.write() as c:
        c.execute(text("DELETE FROM access_entry"))


def test_times_come_back_in_utc_whatever_the_servers_zone(
    stored: Settings, postgresql: Server
) -> None:
    database = stored.database.partition("?")[0].rpartition("/")[2]
    with postgresql.admin() as admin:
        admin.execute(f"ALTER DATABASE {database} SET timezone TO 'Europe/Copenhagen'")  # type: ignore[call-overload]
    shop = open_shop(stored)
    _fill(shop)
    found = Checkpoints(shop.settings, shop.store).check(Sealed("0851"))
    assert (found.count > 0, found.faults) == (True, [])


def _fill(shop: Shop) -> None:
    home = shop.household()
    mette, _ = who(home)
    shop.consents.grant(home, mette.id, proposal(home, 0), "text", "da")
    shop.person(PEOPLE[1])
