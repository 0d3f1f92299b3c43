"""No page asks the database to look through a whole table: what grows with the citizens is found by an index."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from flask import Flask
from sqlalchemy import Connection, event

from portal import create_app, schema
from portal.db import Store
from portal.models import metadata
from portal.settings import Settings
from tests.acts import grant
from tests.conftest import Browser, Login, staff

pytest_plugins = ("tests.store_fixtures",)

PLANNED = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b", re.IGNORECASE)
ENGINES = ("sqlite", "postgresql")


@pytest.fixture(params=ENGINES)
def app(settings: Settings, request: pytest.FixtureRequest) -> Iterator[Flask]:
    there = settings
    owner = ""
    if request.param == "postgresql":
        server = request.getfixturevalue("postgresql")
        name = server.database()
        there = msgspec.structs.replace(settings, database=server.url("portal", name))
        owner = server.url("ejer", name)
    schema.upgrade(Store(there.database, there.path("."), there.municipality, owner))
    app = create_app(there)
    yield app
    app.extensions["portal"].store.engine.dispose()


class Plans:
    """Has the database explain every statement it is given, beside carrying it out."""

    def __init__(self, store: Store) -> None:
        self._sqlite = store.sqlite
        self.scans: dict[str, list[str]] = {}
        self.seen: set[str] = set()
        event.listen(store.engine, "before_cursor_execute", self._explain)

    def _explain(
        self, connection: Connection, _: Any, statement: str, parameters: Any, *_more: Any
    ) -> None:
        if not PLANNED.match(statement) or not any(t in statement for t in metadata.tables):
            return
        self.seen.add(statement)
        cursor = connection.connection.cursor()
        found = (self._in_sqlite if self._sqlite else self._in_postgresql)(
            cursor, statement, parameters
        )
        cursor.close()
        if found:
            self.scans[statement] = found

    @staticmethod
    def _in_sqlite(cursor: Any, statement: str, parameters: Any) -> list[str]:
        cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
        details = [row[3] for row in cursor.fetchall()]
        return [
            d for d in details if re.match(r"SCAN (\w+)", d) and d.split()[1] in metadata.tables
        ]

    @staticmethod
    def _in_postgresql(cursor: Any, statement: str, parameters: Any) -> list[str]:
        """With whole scans made dear: what is still one has no index to use."""
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN (FORMAT JSON) {statement}", parameters)
        plan = cursor.fetchone()[0]
        cursor.execute("SET LOCAL enable_seqscan = on")
        tree = json.loads(plan) if isinstance(plan, str) else plan
        return [str(node) for node in _nodes(tree[0]["Plan"]) if _whole(node)]


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for inner in node.get("Plans", ()):
        yield from _nodes(inner)


def _whole(node: dict[str, Any]) -> bool:
    """A table read from end to end, whether row by row or along an index."""
    if node["Node Type"] == "Seq Scan":
        return True
    along = node["Node Type"] in ("Index Scan", "Index Only Scan", "Bitmap Index Scan")
    return along and "Index Cond" not in node


def _a_family_looks(login: Login) -> Browser:
    mette = login("mette")
    emil = mette.citizens()["Emil"]
    assert mette.get(f"/overblik/{emil}?vent=1").status_code == 200
    for part in ("kommentarer", "hvem-har-set", "samtykke", "moeder"):
        assert mette.get(f"/overblik/{emil}/{part}?vent=1").status_code == 200
    assert mette.get("/konto").status_code == 200
    return mette


def test_no_page_of_a_family_reads_a_whole_table(app: Flask, login: Login) -> None:
    plans = Plans(app.extensions["portal"].store)
    mette = _a_family_looks(login)
    emil = mette.citizens()["Emil"]
    sent = {"tekst": "Husk briller", "modtager": "mig"}
    assert mette.post(f"/overblik/{emil}/kommentarer", sent).status_code == 303
    grant(mette, emil, "ppr")
    assert mette.post("/log-ud").status_code in (302, 303)
    assert len(plans.seen) > 15
    assert plans.scans == {}


def test_no_page_of_an_employee_reads_a_whole_table(app: Flask, login: Login) -> None:
    for parent in ("mette", "jonas"):
        browser = login(parent)
        grant(browser, browser.citizens()["Emil"], "ppr")
    plans = Plans(app.extensions["portal"].store)
    poul = staff(login, "poul")
    assert poul.get("/medarbejder").status_code == 200
    assert plans.scans == {}
