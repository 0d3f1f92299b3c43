"""One citizen's transaction reaches nobody else: an attacker's own SQL, on the portal's own connection."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Connection, insert, select, text

from portal.access import Viewer
from portal.audit import Act, Line, append
from portal.comments import Detail
from portal.crypto import new_id
from portal.db import StoreDown, Task, now
from portal.models import APPEND_ONLY, metadata
from tests.store_fixtures import Server
from tests.store_world import PEOPLE, Shop, proposal, who

pytest_plugins = ("tests.store_fixtures",)
OTHER = "0404179004"
SOMEBODY = {"citizen", "person", "adult"}
PERSONAL = sorted(
    t.name for t in metadata.tables.values() if SOMEBODY & {*t.c.keys()} or t.name == "person"
)
LOOKING = {Task.LOG, Task.SETTLE, Task.CLOSED, Task.ACTORS, Task.FIND, Task.LINK, Task.ROTATE}
OPENS = {
    Task.FIND: {"person"},
    Task.LINK: {"feed"},
    Task.ACTORS: {"consent_event", "report"},
    Task.SESSIONS: {"session"},
    Task.SETTLE: {"consent_event"},
    Task.LOG: {"access_entry", "log_start"},
    Task.CLOSED: {"access_closed"},
    Task.ROTATE: {"person"},
    Task.TIDY: {"session", "access_entry", "log_start", "draft", "seen", "report", "feed"},
}
"""Task -> the tables of which it may see anything at all."""


@pytest.fixture
def engine() -> str:
    return "postgresql"


@pytest.fixture
def families(shop: Shop, postgresql: Server) -> tuple[str, str]:
    """Two children, each with a row in every table that holds a citizen."""
    ids = []
    for cpr in (PEOPLE[2], OTHER):
        home = shop.household(cpr)
        mette, _ = who(home)
        citizen = home.citizen.id
        shop.consents.grant(home, mette.id, proposal(home, 0), "text", "da")
        shop.comments.write(citizen, Viewer(person=mette.id), "", Detail(author=mette.id, text="x"))
        with postgresql.admin(str(shop.store.engine.url.database)) as admin:
            for table in PERSONAL:
                _by_hand(admin, table, citizen)
        ids.append(citizen)
    return ids[0], ids[1]


@pytest.mark.parametrize("table", PERSONAL)
def test_a_transaction_sees_its_own_citizen_and_nobody_else(
    shop: Shop, families: tuple[str, str], table: str
) -> None:
    """No `where`, as if a query had forgotten it."""
    for mine, other in (families, families[::-1]):
        for way in (shop.store.read, shop.store.write):
            with way(mine) as c:
                assert _people(c, table) == {mine}
        with shop.store.read(mine, other) as c:
            assert _people(c, table) == {mine, other}
    with shop.store.read() as c:
        assert _people(c, table) == set()


@pytest.mark.parametrize("table", sorted({*PERSONAL} - {"person", "log_start"}))
def test_a_row_of_another_cannot_be_added(
    shop: Shop, families: tuple[str, str], table: str
) -> None:
    mine, other = families
    t = metadata.tables[table]
    with shop.store.read(other) as c:
        row = dict(c.execute(select(t)).mappings().first() or {})
    for column in ("id", "token", "slot", "mark"):
        if column in row:
            row[column] = new_id()
    for column in ("seq", "version"):
        if column in row:
            row[column] += 50
    with pytest.raises(StoreDown) as refused, shop.store.write(mine) as c:
        c.execute(insert(t).values(**row))
    assert "row-level security" in str(refused.value.__cause__)
    if table != "access_closed":  # its key would be the same
        with shop.store.write(other) as c:
            c.execute(insert(t).values(**row))


@pytest.mark.parametrize("table", sorted({*PERSONAL} - APPEND_ONLY - {"log_start"}))
def test_a_row_of_another_cannot_be_changed_or_removed(
    shop: Shop, families: tuple[str, str], table: str
) -> None:
    mine, other = families
    with shop.store.write(mine) as c:
        for act in (f'UPDATE "{table}" SET tenant = tenant', f'DELETE FROM "{table}"'):
            if (table, act[:6]) == ("person", "DELETE"):
                continue  # others' rows refer to her; nobody is ever removed
            count = c.execute(text(act)).rowcount
            assert count == 1, act
    with shop.store.read(other) as c:
        assert _people(c, table) == {other}


def test_a_row_cannot_be_moved_to_another(shop: Shop, families: tuple[str, str]) -> None:
    mine, other = families
    for table in sorted({*PERSONAL} - APPEND_ONLY - {"log_start", "person"}):
        column = "person" if table == "session" else "citizen"
        with pytest.raises(StoreDown), shop.store.write(mine) as c:
            c.execute(text(f'UPDATE "{table}" SET {column} = :other'), {"other": other})


@pytest.mark.parametrize("task", list(Task))
def test_a_task_opens_what_it_needs_and_no_more(
    shop: Shop, families: tuple[str, str], task: Task
) -> None:
    with shop.store.read(task=task) as c:
        without_keys = {t for t in PERSONAL if c.execute(select(metadata.tables[t])).first()}
    assert without_keys <= OPENS[task]
    if task in (Task.FIND, Task.LINK, Task.ACTORS):
        assert without_keys == set()


@pytest.mark.parametrize("task", sorted(LOOKING))
def test_a_task_that_looks_changes_nothing(
    shop: Shop, families: tuple[str, str], task: Task
) -> None:
    keys = ("skole", "familie")
    with shop.store.write(task=task, keys=keys) as c:
        for table in sorted({*PERSONAL} - APPEND_ONLY - {"log_start"}):
            for act in (f'UPDATE "{table}" SET tenant = tenant', f'DELETE FROM "{table}"'):
                assert c.execute(text(act)).rowcount == 0, act
    key, line = shop.family.key(families[0]), Line(act=Act.READ)
    with pytest.raises(StoreDown), shop.store.write(task=task) as c:
        append(c, "0851", families[0], key, line)


def test_a_key_opens_its_own_row_alone(shop: Shop, families: tuple[str, str]) -> None:
    index = shop.vault.index(f"0851|urn:oid:1.2.208.176.1.2|{OTHER}")
    with shop.store.read(task=Task.FIND, keys=(index,)) as c:
        assert _people(c, "person") == {families[1]}
    with shop.store.read(task=Task.ACTORS, keys=("familie",)) as c:
        assert c.execute(text("SELECT count(*) FROM consent_event")).scalar() == 0
    assert shop.consents.citizens_of(frozenset({"skole"})) == tuple(sorted(families))


def test_the_log_of_another_is_neither_read_nor_continued(
    shop: Shop, families: tuple[str, str]
) -> None:
    """The way a mistake in our own code would take."""
    mine, other = families
    with pytest.raises(StoreDown), shop.store.write(mine) as c:
        append(c, "0851", other, shop.family.key(other), Line(act=Act.READ))


def test_nothing_of_one_transaction_is_left_to_the_next(
    shop: Shop, families: tuple[str, str]
) -> None:
    for _ in range(20):
        with shop.store.read(families[0], task=Task.LOG) as c:
            c.execute(text("SELECT 1"))
        with shop.store.read() as c:
            assert _people(c, "access_entry") == set()
            said = c.execute(text("SELECT current_setting('app.citizens', true)")).scalar()
            assert said == ""


def test_the_wall_costs_no_look_through_the_whole_table(
    shop: Shop, families: tuple[str, str]
) -> None:
    with shop.store.read(families[0]) as c:
        c.execute(text("SET LOCAL enable_seqscan = off"))
        plan = c.execute(
            text(
                "EXPLAIN SELECT seq, hash FROM access_entry WHERE citizen = :c AND tenant = '0851'"
            ),
            {"c": families[0]},
        ).scalars()
        assert any("Index" in line and "access_entry" in line for line in plan)


def _people(c: Connection, table: str) -> set[str]:
    """Of whom a query without any `where` tells; each of these rows is about one child."""
    column = {"person": "id", "session": "person"}.get(table, "citizen")
    return set(c.execute(text(f'SELECT {column} FROM "{table}"')).scalars())


def _by_hand(admin: object, table: str, citizen: str) -> None:
    """A row put in by the superuser, where our services have made none."""
    t = metadata.tables[table]
    if table in {"person", *APPEND_ONLY}:
        return
    values: dict[str, object] = {}
    for column in t.columns:
        kind = column.type.python_type
        if column.name in ("citizen", "person", "adult"):
            values[column.name] = citizen
        elif kind is datetime:
            values[column.name] = now() - timedelta(minutes=1)
        else:
            made = {int: 1, bytes: b"sealed"}.get(kind, uuid.uuid4().hex)
            values[column.name] = {"tenant": "0851", "actor": "skole"}.get(column.name, made)
    names = ", ".join(f'"{n}"' for n in values)
    marks = ", ".join(["%s"] * len(values))
    admin.execute(f'INSERT INTO "{table}" ({names}) VALUES ({marks})', list(values.values()))  # type: ignore[attr-defined]
