"""The store on both databases: schema up and down, what is added stays, services do the same."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, select, text

from portal import audit, schema
from portal.access import Viewer
from portal.audit import Act, Line
from portal.checkpoints import Checkpoints
from portal.comments import Detail
from portal.consent_state import Kind, Mine
from portal.consents import Changed
from portal.db import StoreDown, Task, now
from portal.identity.once import spend
from portal.models import (
    APPEND_ONLY,
    access_entry,
    checkpoint,
    comment,
    consent_event,
    metadata,
    person,
)
from portal.settings import CPR_SYSTEM, Settings
from portal.verifier import Sealed
from tests.store_world import PEOPLE, Shop, open_shop, open_store, proposal, who

pytest_plugins = ("tests.store_fixtures",)


def test_schema_goes_up_and_down_and_up_again(bare: Settings) -> None:
    store = open_store(bare)
    assert "portal db upgrade" in schema.problem(store)
    schema.upgrade(store)
    assert schema.problem(store) == ""
    for version in ("0003", "0001", "base"):
        schema.downgrade(store, version)
        assert "portal db upgrade" in schema.problem(store)
    schema.upgrade(store)
    assert schema.problem(store) == ""


def test_an_older_schemas_log_comes_along(bare: Settings) -> None:
    store = open_store(bare)
    schema.upgrade(store, "0001")
    shop = open_shop(bare)
    citizen = shop.person(PEOPLE[2])
    _append(shop, citizen, 5)
    schema.upgrade(store)
    _append(shop, citizen, 5)
    schema.downgrade(store, "0001")
    schema.upgrade(store)
    assert _verified(shop) == (10, ())


def test_migrations_make_exactly_the_tables_we_name(stored: Settings) -> None:
    with open_store(stored).owning.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, metadata) == []
        assert {*metadata.tables} < {*inspect(connection).get_table_names()}


def test_every_transaction_says_whom_it_is_about() -> None:
    """SQLite would not notice; PostgreSQL would show nothing. What needs no citizen stands here."""
    nobodys = {"identity/oidc.py", "checkpoints.py", "lasting.py"}  # nobody's rows
    nobodys |= {"restore.py"}  # says so again and again, as it goes through everybody
    folder = Path(schema.__file__).parent
    for file in folder.rglob("*.py"):
        bare = re.search(r"store\.(read|write|own)\(\)", file.read_text(encoding="utf-8"))
        assert not bare or str(file.relative_to(folder)) in nobodys, file


@pytest.mark.parametrize("table", sorted(APPEND_ONLY))
@pytest.mark.parametrize(
    "act", ["UPDATE {} SET tenant = tenant", "DELETE FROM {}", "UPDATE {} SET detail = NULL"]
)
def test_what_was_added_stays(shop: Shop, table: str, act: str) -> None:
    _one_of_each(shop)
    before = _all(shop)
    with pytest.raises(StoreDown), shop.store.write(shop.person(PEOPLE[2])) as c:
        c.execute(text(act.format(table)))
    assert _all(shop) == before


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize("table", sorted(APPEND_ONLY))
@pytest.mark.parametrize("columns", ["*", "rowid, *"])
def test_replacing_is_no_way_round(shop: Shop, table: str, columns: str) -> None:
    _one_of_each(shop)
    before = _all(shop)
    names = ", ".join(f'"{c.name}"' for c in metadata.tables[table].columns)
    names = f"rowid, {names}" if "rowid" in columns else names
    changed = names.replace('"at"', "'2020-01-01'")
    if "rowid" in columns:  # the same row number under another key
        changed = changed.replace('"seq"', "99").replace('"version"', "99")
    with pytest.raises(StoreDown), shop.store.write() as c:
        c.execute(text(f"INSERT OR REPLACE INTO {table} ({names}) SELECT {changed} FROM {table}"))
    assert _all(shop) == before


def test_consents_are_given_and_taken_back(shop: Shop) -> None:
    home = shop.household()
    mette, jonas = who(home)
    shop.consents.grant(home, mette.id, proposal(home, 0), "text", "da")
    assert shop.consents.row(home, mette.id, "skole").mine is Mine.PENDING
    shop.consents.grant(home, jonas.id, proposal(home, 0), "text", "da")
    assert shop.consents.applies(home.citizen.id, home.facts)["skole"]
    assert shop.consents.row(home, jonas.id, "skole").mine is Mine.ACTIVE
    with pytest.raises(Changed):
        shop.consents.grant(home, jonas.id, proposal(home, 0), "text", "da")
    shop.consents.withdraw(home.citizen.id, mette.id, "skole", True)
    assert shop.consents.applies(home.citizen.id, home.facts) == {}
    kinds = [e.kind for e in shop.consents.events(home.citizen.id)]
    assert kinds == [Kind.GRANTED, Kind.GRANTED, Kind.WITHDRAWN]
    assert shop.consents.citizens_of(frozenset({"skole"})) == (home.citizen.id,)


def test_comments_are_corrected_and_taken_back(shop: Shop) -> None:
    mette, emil = shop.person(PEOPLE[0]), shop.person(PEOPLE[2])
    viewer = Viewer(person=mette)
    id = shop.comments.write(emil, viewer, "m1", Detail(author=mette, text="Hej"))
    shop.comments.correct(emil, viewer, id, "Hej alle")
    (found,) = shop.comments.readable(emil, viewer)
    assert (found.detail.text, found.version, found.about) == ("Hej alle", 2, "m1")
    assert found.corrected
    shop.comments.correct(emil, viewer, id, None)
    assert shop.comments.readable(emil, viewer)[0].detail.text is None
    assert shop.comments.readable(emil, Viewer(person=shop.person(PEOPLE[1]))) == ()


def test_the_log_is_read_back_as_it_was_written(shop: Shop) -> None:
    citizen = shop.person(PEOPLE[2])
    _append(shop, citizen, 3)
    with shop.store.read(citizen) as c:
        key = shop.family.key(citizen)
        entries = audit.entries(c, shop.settings.municipality, citizen, key)
    assert [e.seq for e in entries] == [3, 2, 1]
    assert entries[0].line == Line(act=Act.READ, purpose="2")
    assert abs((entries[0].at - now()).total_seconds()) < 60
    assert _verified(shop) == (3, ())


def test_a_login_state_is_spent_once(shop: Shop) -> None:
    def once() -> bool:
        with shop.store.write() as c:
            return spend(c, "login", "state", 60)

    assert [once(), once()] == [True, False]


def test_two_workers_enrol_the_same_person_once(stored: Settings) -> None:
    shops = [open_shop(stored) for _ in range(4)]
    found: list[str] = []
    _together([lambda s=s: found.append(s.person(PEOPLE[0])) for s in shops])  # type: ignore[misc]
    assert len(found) == 4
    assert len(set(found)) == 1
    index = shops[0].vault.index(f"0851|{CPR_SYSTEM}|{PEOPLE[0]}")
    with shops[0].store.read(task=Task.FIND, keys=(index,)) as c:
        assert len(c.execute(select(person.c.id)).all()) == 1


def test_a_refused_transaction_leaves_nothing(shop: Shop) -> None:
    citizen = shop.person(PEOPLE[2])
    key = shop.family.key(citizen)

    def half() -> None:
        with shop.store.write(citizen) as c:
            audit.append(c, shop.settings.municipality, citizen, key, Line(act=Act.READ))
            c.execute(text("SELECT * FROM there_is_no_such_table"))

    with pytest.raises(StoreDown):
        half()
    assert _verified(shop) == (0, ())


def test_a_reader_cannot_write(shop: Shop) -> None:
    if shop.store.sqlite:
        return  # looking and writing share one kind of connection there
    with pytest.raises(StoreDown), shop.store.read() as c:
        c.execute(text("INSERT INTO spent VALUES ('x', now())"))


def _one_of_each(shop: Shop) -> None:
    home = shop.household()
    mette, _ = who(home)
    shop.consents.grant(home, mette.id, proposal(home, 0), "text", "da")
    detail = Detail(author=mette.id, text="Hej")
    shop.comments.write(home.citizen.id, Viewer(person=mette.id), "m1", detail)
    assert Checkpoints(shop.settings, shop.store).make()


def _all(shop: Shop) -> list[object]:
    tables = (consent_event, comment, access_entry, checkpoint)
    with shop.store.read(shop.person(PEOPLE[2])) as c:
        return [c.execute(select(t)).all() for t in tables]


def _append(shop: Shop, citizen: str, times: int) -> None:
    for i in range(times):
        with shop.store.write(citizen) as c:
            key = shop.family.key(citizen)
            line = Line(act=Act.READ, purpose=str(i))
            audit.append(c, shop.settings.municipality, citizen, key, line)


def _verified(shop: Shop) -> object:
    found = Checkpoints(shop.settings, shop.store).check(Sealed(shop.settings.municipality))
    return found.count, tuple(found.faults)


def _together(acts: list[Callable[[], object]]) -> None:
    threads = [threading.Thread(target=a) for a in acts]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
