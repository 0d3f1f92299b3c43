"""Our own database locked, read-only or full: nothing is shown, nothing is acknowledged, and it heals."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, event, func, select

from portal import schema
from portal.access import Viewer
from portal.db import Store, StoreDown
from portal.models import access_entry
from tests import stores
from tests.conftest import BASE, Login
from tests.store_world import Shop, proposal, who

pytest_plugins = ("tests.store_fixtures",)
Fault = Callable[[Store], Any]


@contextmanager
def pragma(store: Store, text: str) -> Iterator[None]:
    """Every connection from now on lives with this, and none before it."""

    def on(connection: Any, _record: Any) -> None:
        connection.execute(f"PRAGMA {text}")

    event.listen(store.engine, "connect", on)
    store.engine.dispose()
    try:
        yield
    finally:
        event.remove(store.engine, "connect", on)
        store.engine.dispose()


@contextmanager
def read_only(store: Store) -> Iterator[None]:
    with pragma(store, "query_only=ON"):
        yield


@contextmanager
def full(store: Store) -> Iterator[None]:
    """Not one page more: what a full disk says, without filling one."""
    with pragma(store, "max_page_count=1"):
        yield


@contextmanager
def locked(store: Store) -> Iterator[None]:
    """Another process holds the writer's lock for longer than we wait."""
    other = sqlite3.connect(file_of(store.engine), isolation_level=None)
    with pragma(store, "busy_timeout=50"):
        other.execute("BEGIN EXCLUSIVE")
        try:
            yield
        finally:
            other.execute("ROLLBACK")
            other.close()


FAULTS = pytest.mark.parametrize("fault", [read_only, full, locked], ids=lambda f: f.__name__)


@stores.only_sqlite
@FAULTS
def test_nothing_is_shown_that_could_not_be_logged(fault: Fault, app: Flask, login: Login) -> None:
    browser, store = login("mette"), app.extensions["portal"].store
    emil = browser.citizens()["Emil"]
    pages = ["/overblik?vent=1", f"/overblik/{emil}?vent=1", f"/overblik/{emil}/moeder?vent=1"]
    with fault(store):
        for page in pages:
            for _ in range(300):  # a full disk still has room in its last pages
                before = logged(store)
                answer = browser.get(page)
                if answer.status_code != 200:
                    break
                assert logged(store) > before
            text = answer.get_data(as_text=True)
            assert answer.status_code == 503
            assert answer.headers["Retry-After"]
            assert "Emil" not in text
            assert "Sofie" not in text
            assert 'data-viewer="anonymous"' in text
    for page in pages:
        assert browser.get(page).status_code == 200  # at once, without a restart


@FAULTS
@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_no_answer_is_acknowledged_that_is_not_kept(fault: Fault, shop: Shop) -> None:
    home = shop.household()
    mette, jonas = who(home)
    kept = shop.consents.grant(home, mette.id, proposal(home, 0), "text", "da").seq
    with fault(shop.store):
        for _ in range(500):
            try:
                kept = shop.consents.withdraw(home.citizen.id, jonas.id, "skole", True).seq
            except StoreDown:
                break
        with pytest.raises(StoreDown):
            shop.consents.withdraw(home.citizen.id, jonas.id, "skole", True)
    events = shop.consents.events(home.citizen.id)
    assert [e.seq for e in events] == list(range(1, kept + 1))
    assert logged(shop.store) == kept
    assert shop.consents.withdraw(home.citizen.id, jonas.id, "skole", True).seq == kept + 1


@stores.only_sqlite
def test_a_database_that_went_away_is_a_503_and_comes_back(app: Flask, login: Login) -> None:
    browser, store = login("mette"), app.extensions["portal"].store
    assert browser.get("/overblik?vent=1").status_code == 200
    file = file_of(store.engine)
    store.engine.dispose()
    hidden = [(p, p.with_name(p.name + ".away")) for p in file.parent.glob("portal.db*")]
    for was, away in hidden:
        was.rename(away)
    file.mkdir()  # what stands there now is no database
    answer = browser.get("/overblik?vent=1")
    assert answer.status_code == 503
    assert "Emil" not in answer.get_data(as_text=True)
    probe = app.test_client()
    assert probe.get("/readyz", base_url=BASE).status_code == 503
    assert probe.get("/healthz", base_url=BASE).status_code == 200
    file.rmdir()
    for was, away in hidden:
        away.rename(was)
    assert browser.get("/overblik?vent=1").status_code == 200


def test_an_overview_cannot_be_opened_when_its_events_cannot_be_read(
    app: Flask, login: Login
) -> None:
    emil, portal = login("mette").citizens()["Emil"], app.extensions["portal"]
    mette = next(p.id for p in portal.family.household(emil).custodians if p.first_name == "Mette")
    with stores.everything(portal.store) as c:
        c.exec_driver_sql("ALTER TABLE consent_event RENAME TO gone")
    with pytest.raises(StoreDown):
        portal.overviews.open(Viewer(person=mette), emil)


def logged(store: Store) -> int:
    with store.read() as c:
        counts = [c.execute(select(func.count()).select_from(access_entry)).scalar()]
    return counts[0] or 0


def file_of(engine: Engine) -> Path:

    return Path(str(engine.url.database))


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
def test_a_database_that_can_only_be_read_is_not_ready(shop: Shop) -> None:
    """Nothing is shown that is not logged: a proxy must know that here is nothing to be had."""
    assert schema.problem(shop.store) == ""

    def on(connection: Any, _record: Any) -> None:
        connection.execute("SET default_transaction_read_only = on")
        connection.commit()

    event.listen(shop.store.engine, "connect", on)
    shop.store.engine.dispose()
    try:
        assert "can only be read" in schema.problem(shop.store)
    finally:
        event.remove(shop.store.engine, "connect", on)
        shop.store.engine.dispose()
    assert schema.problem(shop.store) == ""
