"""The whole portal on PostgreSQL, by a role that may only serve: login, pages, consents, log, logout."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import msgspec
import pytest
from flask import Flask
from sqlalchemy import text

from portal import create_app, erasure, operators, schema
from portal.access import Viewer
from portal.checkpoints import Checkpoints
from portal.db import Store
from portal.disclosure import disclose
from portal.settings import CPR_SYSTEM, Settings
from tests.acts import grant, withdraw
from tests.conftest import Login, staff

if TYPE_CHECKING:
    from tests.store_fixtures import Server

pytest_plugins = ("tests.store_fixtures",)


@pytest.fixture
def app(settings: Settings, postgresql: Server) -> Iterator[Flask]:
    name = postgresql.database()
    there = msgspec.structs.replace(settings, database=postgresql.url("portal", name))
    owner = postgresql.url("ejer", name)
    schema.upgrade(Store(there.database, there.path("."), there.municipality, owner))
    app = create_app(there)
    yield app
    app.extensions["portal"].store.engine.dispose()


def test_a_day_in_the_portal(app: Flask, login: Login) -> None:
    mette, jonas = login("mette"), login("jonas")
    emil = mette.citizens()["Emil"]
    assert mette.get(f"/overblik/{emil}?vent=1").status_code == 200
    for parent in (mette, jonas):
        grant(parent, emil, "ppr")
    row = re.compile(r'data-actor="ppr" data-consent="(\w+)"')
    page = mette.get(f"/overblik/{emil}/samtykke?vent=1").get_data(as_text=True)
    assert row.findall(page)[0] == "active"
    poul = staff(login, "poul")
    assert emil in poul.get("/medarbejder").get_data(as_text=True)
    withdraw(jonas, emil, "ppr")
    assert mette.get(f"/overblik/{emil}/hvem-har-set").status_code == 200
    assert mette.get("/overblik?vent=1").status_code == 200
    portal = app.extensions["portal"]
    me = Viewer(person=mette.own())
    link = portal.feeds.open(me, emil)
    assert mette.get(link.removeprefix("http://127.0.0.1:8000")).status_code == 200
    (listed,) = portal.own_account.links(me, ())
    portal.feeds.close(me, listed.id)
    assert portal.own_account.links(me, ()) == ()
    portal.drafts.keep(portal.drafts.read(portal.drafts.ticket(me, emil, "om:")), "Ikke sendt", ())
    assert [d.text for d in portal.drafts.of(me, emil).values()] == ["Ikke sendt"]
    assert portal.family.chose_language(me.person, "ar") is None
    assert portal.family.language(me.person) == "ar"
    assert mette.get("/konto").status_code == 200
    assert mette.post("/log-ud").status_code in (302, 303)
    assert mette.get("/overblik").status_code == 302


def test_what_operators_do(app: Flask, login: Login) -> None:
    """Closing, listing, opening, telling, erasing, settling: by the role that serves, within the walls."""
    mette, jonas = login("mette"), login("jonas")
    emil = mette.citizens()["Emil"]
    his = jonas.own()
    grant(mette, emil, "ppr")
    portal = app.extensions["portal"]
    child, adult = (portal.family.known(p).person.identifiers[CPR_SYSTEM] for p in (emil, his))
    operators.close_access(portal.settings, adult, child)
    assert jonas.get(f"/overblik/{emil}").status_code == 404
    (line,) = operators.closed_access(portal.settings)
    assert "Emil" in line
    operators.open_access(portal.settings, adult, child)
    assert disclose(portal.settings, child, adult)["access_log"]
    assert "0 consents" in operators.settle_consents(portal.settings)
    assert erasure.opened(portal.settings).erase(child)
    assert "0 consents" in operators.settle_consents(portal.settings)
    found = Checkpoints(portal.settings, portal.store)
    assert found.check(found.sealed()).faults == []


def test_many_at_once_wait_for_nobody(app: Flask, login: Login) -> None:
    """Both parents' family pages log several children in one transaction each: no deadlock."""
    browsers = [login(p) for p in ("mette", "jonas", "mette", "jonas")]
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(b.get, "/overblik?vent=1") for b in browsers for _ in range(5)]
        assert {a.result().status_code for a in asked} == {200}


def test_a_server_that_restarts_costs_no_restart_of_ours(
    app: Flask, login: Login, postgresql: Server
) -> None:
    mette = login("mette")
    assert mette.get("/overblik?vent=1").status_code == 200
    with postgresql.admin() as admin:
        admin.execute(
            # each is waited for: on a busy machine one lived on until the next page was using it
            "SELECT pg_terminate_backend(pid, 20000) FROM pg_stat_activity WHERE usename = 'portal'"
        )
    assert mette.get("/overblik?vent=1").status_code == 200


def test_a_log_that_cannot_be_written_shows_nothing(
    app: Flask, login: Login, postgresql: Server
) -> None:
    mette, store = login("mette"), app.extensions["portal"].store
    name = str(store.engine.url.database)
    with postgresql.admin(name) as admin:
        admin.execute("REVOKE INSERT ON access_entry FROM portal")
        answer = mette.get("/overblik?vent=1")
        assert answer.status_code == 503
        assert "Emil" not in answer.get_data(as_text=True)
        admin.execute("GRANT INSERT ON access_entry TO portal")
    assert mette.get("/overblik?vent=1").status_code == 200


def test_nothing_of_a_request_stays_on_its_connection(app: Flask, login: Login) -> None:
    login("mette").get("/overblik?vent=1")
    store = app.extensions["portal"].store
    with store.engine.connect() as c:
        raw = c.connection.cursor()
        c.rollback()
        raw.execute("SELECT current_setting('app.tenant', true), count(*) FROM person")
        assert raw.fetchone() in (("", 0), (None, 0))
    with store.read() as c:
        assert c.execute(text("SELECT current_setting('app.tenant', true)")).scalar() == "0851"
