"""What PostgreSQL may take its time for: nothing for long, and a page says so instead of hanging."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask

from portal import engines
from portal.attentive import Attentive
from portal.db import Store, StoreDown, Task
from tests import test_postgres_app
from tests.conftest import BASE, Login
from tests.page_checks import check
from tests.store_server import running
from tests.store_world import PEOPLE

if TYPE_CHECKING:
    from tests.store_server import Server
    from tests.store_world import Shop

pytest_plugins = ("tests.store_fixtures",)
app = test_postgres_app.app
on_postgresql = pytest.mark.parametrize("engine", ["postgresql"], indirect=True)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same limits, ten times shorter."""
    monkeypatch.setattr(engines, "BUSY_SECONDS", 0.5)
    monkeypatch.setattr(engines, "STATEMENT_SECONDS", 1)
    monkeypatch.setattr(engines, "SCOPE", engines.SCOPE.replace("'5s'", "'500ms'"))


@pytest.fixture(scope="module")
def postgresql() -> Iterator[Server]:
    """A server that may be stopped without harming other tests."""
    with running() as server:
        yield server


def test_a_page_that_waits_for_a_lock_gives_up(
    app: Flask, login: Login, postgresql: Server
) -> None:
    mette, name = login("mette"), str(app.extensions["portal"].store.engine.url.database)
    with postgresql.admin(name) as other, other.transaction():
        other.execute("LOCK TABLE access_entry IN ACCESS EXCLUSIVE MODE")
        answer = mette.get("/overblik?vent=1")
        assert answer.status_code == 503 and answer.headers["Retry-After"]
        assert "Emil" not in check(answer)
    assert mette.get("/overblik?vent=1").status_code == 200


def test_when_no_connection_is_free_a_page_says_so(app: Flask, login: Login) -> None:
    mette, store = login("mette"), app.extensions["portal"].store
    with ExitStack() as held:
        for _ in range(engines.CONNECTIONS + engines.MORE_CONNECTIONS):
            held.enter_context(store.engine.connect())
        begun = time.monotonic()
        answer = mette.get("/overblik")
        assert answer.status_code == 503 and answer.headers["Retry-After"]
        assert time.monotonic() - begun < 60
        check(answer)
        assert app.test_client().get("/readyz", base_url=BASE).status_code == 503
        assert app.test_client().get("/healthz", base_url=BASE).status_code == 200
    assert mette.get("/overblik?vent=1").status_code == 200


def test_a_server_that_is_away_and_back_needs_no_restart_of_ours(
    app: Flask, login: Login, postgresql: Server
) -> None:
    """Twice, so that connections from before, during and after have all been met."""
    mette = login("mette")
    for _ in range(2):
        assert mette.get("/overblik?vent=1").status_code == 200
        postgresql.stop()
        answer = mette.get("/overblik?vent=1")
        assert answer.status_code == 503 and "Emil" not in answer.get_data(as_text=True)
        assert app.test_client().get("/readyz", base_url=BASE).status_code == 503
        postgresql.start()
        assert app.test_client().get("/readyz", base_url=BASE).status_code == 200
        assert mette.get("/overblik?vent=1").status_code == 200


@on_postgresql
def test_a_statement_that_takes_too_long_is_ended_but_not_a_commands(shop: Shop) -> None:
    sleep = "SELECT pg_sleep(2)"
    for enter in (shop.store.read, shop.store.write):
        with pytest.raises(StoreDown), enter(shop.person(PEOPLE[0])) as c:
            c.exec_driver_sql(sleep)
    with shop.store.read(task=Task.LOG) as c:
        c.exec_driver_sql(sleep)


@on_postgresql
def test_every_limit_lasts_a_transaction_and_no_longer(shop: Shop) -> None:
    """Behind a pooler the next transaction may be somebody else's."""
    names = ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout")
    with shop.store.read(shop.person(PEOPLE[0])) as c:
        assert [c.exec_driver_sql(f"SHOW {n}").scalar() for n in names] == ["500ms", "1s", "1min"]
    with shop.store.engine.connect() as c:
        raw = c.connection.cursor()
        assert [raw.execute(f"SHOW {n}").fetchone()[0] for n in names] == ["0", "0", "0"]


@on_postgresql
def test_a_statement_asked_again_and_again_is_prepared_once(shop: Shop) -> None:
    """What only looks ends without a rollback, after which the driver would forget them all."""
    asked = "SELECT name FROM pg_prepared_statements WHERE name = 'never'"
    for _ in range(12):
        with shop.store.read(shop.person(PEOPLE[0])) as c:
            c.exec_driver_sql(asked)
    with shop.store.read(shop.person(PEOPLE[0])) as c:
        raw = c.connection.cursor()
        raw.execute("SELECT statement FROM pg_prepared_statements")
        assert asked in {text for (text,) in raw.fetchall()}


def test_what_a_pooler_cannot_have_is_switched_off_in_the_address(shop: Shop) -> None:
    if shop.store.sqlite:
        return
    settings = shop.settings
    url = f"{settings.database}&prepare_threshold=none&keepalives_idle=33"
    store = Store(url, settings.path("."), settings.municipality)
    for _ in range(12):
        with store.read(shop.person(PEOPLE[0])) as c:
            c.exec_driver_sql("SELECT 1")
            raw = c.connection.cursor()
            raw.execute("SELECT count(*) FROM pg_prepared_statements")
            assert raw.fetchone() == (0,)
    assert re.search("keepalives_idle=33", str(store.engine.url))
    store.engine.dispose()


@on_postgresql
def test_a_look_is_three_ways_to_the_server(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """It begins and says whom it is about at once; then it asks; then it ends."""
    for _ in range(2):  # what a connection costs once
        with shop.store.read("mor") as c:
            c.exec_driver_sql("SELECT 1")
    ways: list[str] = []
    wait = Attentive.wait

    def told(link: Attentive, gen: Any, *how: Any) -> Any:
        ways.append(gen.__name__)
        return wait(link, gen, *how)

    monkeypatch.setattr(Attentive, "wait", told)
    with shop.store.read("mor") as c:
        c.exec_driver_sql("SELECT 1")
    silent = ("_set_read_only_gen", "_rollback_gen")  # nothing is under way any more
    assert [w for w in ways if w not in silent] == ["_execute_gen", "_execute_gen", "_commit_gen"]


@on_postgresql
def test_whom_it_is_about_is_said_word_for_word(shop: Shop) -> None:
    """Sent with BEGIN it goes as text: no sign in it may end that text."""
    asked = "SELECT current_setting('app.citizens'), current_setting('transaction_read_only')"
    for sly in (
        "a'; DROP TABLE person; --",
        "\\'; SELECT 1; --",
        "%s %(x)s %%",
        "ø\u2028æ",
        "$1",
        "",
    ):
        with shop.store.read(sly) as c:
            assert tuple(c.exec_driver_sql(asked).one()) == (sly, "on")
        with shop.store.write(sly) as c:
            assert tuple(c.exec_driver_sql(asked).one()) == (sly, "off")


@on_postgresql
def test_everything_at_one_moment_leaves_nothing_behind_for_the_next(shop: Shop) -> None:
    level = "SHOW transaction_isolation"
    with shop.store.snapshot() as c:
        assert c.exec_driver_sql(level).scalar() == "repeatable read"
    for _ in range(3):
        with shop.store.read("mor") as c:
            assert c.exec_driver_sql(level).scalar() == "read committed"
            assert c.exec_driver_sql("SELECT current_setting('app.citizens')").scalar() == "mor"
