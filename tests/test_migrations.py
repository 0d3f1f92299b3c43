"""Each migration up, down and up with rows in every table; under traffic; and beside the release before."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from alembic import op
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import (
    Column,
    Connection,
    DateTime,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    inspect,
    text,
)
from sqlalchemy.exc import SQLAlchemyError

from portal import schema
from portal.db import Store
from portal.settings import Settings
from tests import stores
from tests.proving import times
from tests.store_world import PEOPLE, Shop, open_shop, open_store, proposal, who

pytest_plugins = ("tests.store_fixtures",)
VERSIONS = [r.revision for r in reversed([*ScriptDirectory(str(schema.FOLDER)).walk_revisions()])]
RELEASED = "0006"
"""The first schema that a release promises to work beside; what came before was never released."""


@pytest.mark.parametrize("version", VERSIONS[1:])
def test_each_migration_goes_up_down_and_up_again_with_rows_in_every_table(
    bare: Settings, version: str
) -> None:
    """What both schemas hold is the same afterwards; what only the newer holds goes with it."""
    store, below = open_store(bare), VERSIONS[VERSIONS.index(version) - 1]
    schema.upgrade(store, below)
    with past_walls(store) as c:
        fill(c)
        before = content(c)
    schema.upgrade(store, version)
    with past_walls(store) as c:
        assert {t: content(c)[t] for t in before} == before
    schema.downgrade(store, below)
    with past_walls(store) as c:
        assert content(c) == before
    schema.upgrade(store, version)
    with past_walls(store) as c:
        assert {t: content(c)[t] for t in before} == before
    store.engine.dispose()


def test_what_a_family_did_survives_going_back_and_forth(bare: Settings) -> None:
    """By the services, not by invented rows: from 0004 on the code of today can do it."""
    store = open_store(bare)
    schema.upgrade(store)
    shop = open_shop(bare)
    home = _lived(shop)
    for version in ("0005", "0004"):
        schema.downgrade(store, version)
        schema.upgrade(store)
    events = shop.consents.events(home)
    assert [e.seq for e in events] == [1, 2, 3]


@pytest.mark.parametrize("found", ["0006", "0007", "0099"])
def test_a_portal_serves_beside_a_later_schema_of_its_generation(found: str) -> None:
    assert schema.fits(found)


@pytest.mark.parametrize("found", ["", "0001", "0005", "1001"])
def test_a_portal_refuses_an_older_schema_and_another_generation(found: str) -> None:
    assert not schema.fits(found)


@pytest.mark.parametrize("version", [v for v in VERSIONS if v > RELEASED and v[0] == RELEASED[0]])
def test_a_migration_only_adds_so_that_the_release_before_goes_on(
    bare: Settings, version: str
) -> None:
    store = open_store(bare)
    schema.upgrade(store, VERSIONS[VERSIONS.index(version) - 1])
    with store.owning.connect() as c:
        before = shape(c)
    schema.upgrade(store, version)
    with store.owning.connect() as c:
        assert in_the_way(before, shape(c)) == []


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("op.add_column('report', Column('more', String(8)))", []),
        ("op.add_column('report', Column('more', String(8), nullable=False, server_default=''))", []),
        ("op.create_table('new', Column('id', Integer, primary_key=True))", []),
        ("op.create_index('ix_more', 'report', ['at'])", []),
        ("op.drop_column('report', 'closed')", ["report.closed is gone"]),
        ("op.drop_table('seen')", ["seen is gone"]),
        ("op.add_column('draft', Column('m', String(8), nullable=False))", ["draft.m must be given"]),
        ("op.create_unique_constraint('uq_x', 'report', ['at'])", ["report has a new rule: uq_x"]),
        ("op.create_check_constraint('ck_x', 'report', 'id > about')", ["report has a new rule: ck_x"]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
def test_what_would_stand_in_the_way_of_the_release_before_is_named(
    stored: Settings, change: str, named: list[str]
) -> None:
    store = open_store(stored)
    with store.owning.connect() as c:
        before = shape(c)
        with Operations.context(MigrationContext.configure(c)):
            exec(change, {"op": op, "Column": Column, "String": String, "Integer": Integer})
        assert in_the_way(before, shape(c)) == named
        c.rollback()


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
def test_a_migration_waits_a_second_at_most_for_whoever_is_at_work(stored: Settings) -> None:
    """It fails, nothing is half done, and it can be tried again; nobody queues behind it."""
    store = open_store(stored)
    schema.downgrade(store, "0005")
    with past_walls(store) as busy:
        busy.execute(text("SELECT * FROM session"))
        busy.execute(text("LOCK TABLE session IN SHARE UPDATE EXCLUSIVE MODE"))
        begun = time.monotonic()
        with pytest.raises(Exception, match="lock timeout"):
            schema.upgrade(store)
        assert time.monotonic() - begun < 60
    assert schema.version(store) == "0005"
    schema.upgrade(store)
    assert schema.problem(store) == ""


@pytest.mark.proof
def test_nobody_notices_an_upgrade(stored: Settings, record_property: Any) -> None:
    """20 requests' work a second by the code before and after, while the schema goes back and forth."""
    store, shop = open_store(stored), open_shop(stored)
    home = shop.household()
    mette, _ = who(home)
    done: list[float] = []
    errors: list[str] = []
    over = threading.Event()

    def work() -> None:
        while not over.wait(0.1):
            begun = time.monotonic()
            try:
                shop.consents.withdraw(home.citizen.id, mette.id, "skole", True)
                assert shop.consents.applies(home.citizen.id, home.facts) == {}
            except Exception as e:
                errors.append(repr(e))
            done.append(time.monotonic() - begun)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    moves = times(3, 60)
    try:
        for _ in range(moves):
            _insistent(lambda: schema.downgrade(store, "0005"))
            time.sleep(0.2)
            _insistent(lambda: schema.upgrade(store))
            time.sleep(0.2)
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert errors == []
    assert len(done) > moves
    slow = max(done)
    record_property(
        "figure", f"{2 * moves} moves, {len(done)} acts, 0 errors, slowest {slow:.2f} s"
    )


def in_the_way(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """What code that knows only `before` would stumble over."""
    found = []
    for table, was in before.items():
        now = after.get(table)
        if now is None:
            found.append(f"{table} is gone")
            continue
        for name, (kind, _) in was["columns"].items():
            if name not in now["columns"]:
                found.append(f"{table}.{name} is gone")
            elif now["columns"][name] != (kind, was["columns"][name][1]):
                found.append(f"{table}.{name} is another")
        fresh = now["columns"].keys() - was["columns"].keys()
        found += [f"{table}.{n} must be given" for n in sorted(fresh) if now["columns"][n][1]]
        found += [f"{table} has a new rule: {r}" for r in sorted(now["rules"] - was["rules"])]
    return found


def shape(c: Connection) -> dict[str, Any]:
    """Columns (type, whether they must be given) and rules of every table."""
    seen = inspect(c)
    seen.clear_cache()
    found = {}
    for table in seen.get_table_names():
        columns = {
            col["name"]: (str(col["type"]), not col["nullable"] and col["default"] is None)
            for col in seen.get_columns(table)
        }
        rules = {r["name"] for r in seen.get_unique_constraints(table)}
        rules |= {r["name"] for r in seen.get_check_constraints(table)}
        rules |= {r["name"] for r in seen.get_foreign_keys(table)}
        if c.dialect.name == "postgresql":
            walls = "SELECT policyname FROM pg_policies WHERE tablename = :t"
            rules |= set(c.execute(text(walls), {"t": table}).scalars())
        found[table] = {"columns": columns, "rules": rules}
    return found


def past_walls(store: Store) -> Any:
    """A transaction that sees everything, on whichever engine."""
    if store.sqlite:
        return store.engine.begin()
    return stores.everything(store)


def fill(c: Connection) -> None:
    """A row in every table there is, whatever its version."""
    tables = MetaData()
    tables.reflect(c)
    for table in tables.sorted_tables:
        if table.name != "alembic_version":
            c.execute(
                table.insert().values({col.name: _value(table, col) for col in table.columns})
            )


def _value(table: Table, column: Column[Any]) -> object:
    if isinstance(column.type, DateTime):
        return datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    if isinstance(column.type, LargeBinary):
        return b"sealed"
    if isinstance(column.type, Integer):
        return 1
    if column.name == "tenant":
        return "0851"
    return "b" if column.foreign_keys or (table.name, column.name) == ("person", "id") else "c"


def content(c: Connection) -> dict[str, list[str]]:
    """Every row of every table but the version's."""
    tables = MetaData()
    tables.reflect(c)
    found = [t for t in tables.sorted_tables if t.name != "alembic_version"]
    return {t.name: sorted(str(tuple(r)) for r in c.execute(t.select())) for t in found}


def _lived(shop: Shop) -> str:
    home = shop.household()
    mette, jonas = who(home)
    shop.consents.grant(home, mette.id, proposal(home, 0), "text", "da")
    shop.consents.grant(home, jonas.id, proposal(home, 0), "text", "da")
    shop.consents.withdraw(home.citizen.id, mette.id, "skole", True)
    assert shop.person(PEOPLE[2]) == home.citizen.id
    return home.citizen.id


def _insistent(move: Any) -> None:
    """As an operator: tried again when somebody was at work."""
    for _ in range(20):
        try:
            move()
            return
        except SQLAlchemyError as e:
            if "lock timeout" not in str(e) and "locked" not in str(e):
                raise
            time.sleep(0.2)
    raise AssertionError("never free")
