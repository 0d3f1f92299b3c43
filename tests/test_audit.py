"""The log can be trusted: no gap, no change unseen, and nothing shown that was not written."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.exc import SQLAlchemyError

from portal import audit
from portal.audit import Act, Line
from portal.crypto import CitizenKey, Unreadable, new_id
from portal.db import now
from portal.models import access_entry
from portal.settings import CPR_SYSTEM
from portal.verifier import GENESIS, Chains, Fault, Row, Sealed, chain
from tests import stores
from tests.acts import draft, grant, propose, withdraw
from tests.conftest import Login
from tests.page_checks import check

Rows = list[dict[str, object]]


def chain_of(length: int, citizen: str = "c") -> Rows:
    """A right chain, made in memory."""
    rows: Rows = []
    previous = GENESIS
    for seq in range(1, length + 1):
        row = {
            "tenant": "0851",
            "citizen": citizen,
            "seq": seq,
            "at": now(),
            "detail": b"line %d" % seq,
        }
        row["previous"] = previous
        row["hash"] = previous = hash_of(row)
        rows.append(row)
    return rows


def hash_of(row: dict[str, object]) -> bytes:
    values = {k: v for k, v in row.items() if k != "hash"}
    return chain(**{**values, "at": audit.moment(row["at"])})  # type: ignore[arg-type]


def verify(rows: Rows) -> tuple[int, tuple[Fault, ...]]:
    """As the database's lines are checked when nothing is signed yet."""
    chains = Chains(Sealed("0851"), young=True)
    fields = Row._fields
    for r in rows:
        if r["tenant"] == "0851":
            chains.add(Row(*({**r, "at": audit.moment(r["at"])}[f] for f in fields)))  # type: ignore[arg-type]
    return chains.count, chains.finish()


def test_a_right_chain_holds() -> None:
    count, faults = verify([*chain_of(5, "a"), *chain_of(3, "b")])
    assert (count, faults) == (8, ())
    assert verify([]) == (0, ())


def _edit(rows: Rows, i: int) -> None:
    rows[i]["detail"] = b"something else"


def _delete(rows: Rows, i: int) -> None:
    del rows[i]


def _swap(rows: Rows, i: int) -> None:
    rows[i], rows[i + 1] = rows[i + 1], rows[i]


def _renumber(rows: Rows, i: int) -> None:
    del rows[i]
    for seq, row in enumerate(rows, start=1):
        row["seq"] = seq


def _insert(rows: Rows, i: int) -> None:
    rows.insert(i, dict(rows[i]))


def _redate(rows: Rows, i: int) -> None:
    rows[i]["at"] = now().replace(year=2020)


def _move(rows: Rows, i: int) -> None:
    rows[i]["tenant"] = "0860"


def _rehash(rows: Rows, i: int) -> None:
    """Edit a line and make its own hash right again: the next line tells."""
    rows[i]["detail"] = b"something else"
    rows[i]["hash"] = hash_of(rows[i])


TAMPERING = [_edit, _delete, _swap, _renumber, _insert, _redate, _move, _rehash]


@given(st.sampled_from(TAMPERING), st.integers(0, 4))
def test_every_tampering_before_the_last_line_is_found(
    how: Callable[[Rows, int], None], at: int
) -> None:
    rows = chain_of(6)
    how(rows, at)
    assert verify(rows)[1]


def test_lines_cannot_be_moved_to_another_citizen() -> None:
    rows = [dict(r, citizen="other") for r in chain_of(3)]
    assert len(verify(rows)[1]) == 3


def test_erasing_the_key_erases_the_words_and_the_chain_still_holds(app: Flask) -> None:
    portal, citizen = app.extensions["portal"], new_id()
    key = CitizenKey(bytes(range(32)))
    with stores.everything(portal.store) as c:
        for _ in range(3):
            audit.append(c, "0851", citizen, key, Line(act=Act.READ))
        assert [e.seq for e in audit.entries(c, "0851", citizen, key)] == [3, 2, 1]
        assert not verify(_rows(c, citizen))[1]
        with pytest.raises(Unreadable):
            audit.entries(c, "0851", citizen, CitizenKey(bytes(32)))


def _rows(connection, citizen: str):
    return (
        connection.execute(
            select(access_entry)
            .where(access_entry.c.citizen == citizen)
            .order_by(access_entry.c.seq)
        )
        .mappings()
        .all()
    )


def test_many_threads_leave_no_gap(app: Flask) -> None:
    portal, citizen = app.extensions["portal"], new_id()
    key = CitizenKey(bytes(range(32)))

    def write(number: int) -> None:
        with stores.everything(portal.store) as c:
            audit.append(c, "0851", citizen, key, Line(act=Act.READ, outcome=str(number)))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(60)))
    with stores.everything(portal.store) as c:
        rows = _rows(c, citizen)
        lines = audit.entries(c, "0851", citizen, key)
    assert [r["seq"] for r in rows] == list(range(1, 61))
    assert not verify(rows)[1]
    assert {e.line.outcome for e in lines} == {str(n) for n in range(60)}


@pytest.mark.parametrize("table", ["access_entry", "consent_event", "comment"])
@pytest.mark.parametrize("order", ["UPDATE {} SET tenant = '0000'", "DELETE FROM {}"])
def test_the_database_itself_refuses_to_change_what_happened(
    app: Flask, login: Login, table: str, order: str
) -> None:
    camilla = login("camilla")
    noah = camilla.citizens()["Noah"]
    grant(camilla, noah, "ppr")
    camilla.post(f"/overblik/{noah}/kommentarer", {"tekst": "hej"})
    store = app.extensions["portal"].store
    before = _all(store, table)
    assert before
    with pytest.raises(SQLAlchemyError), store.engine.begin() as c:
        c.execute(text(order.format(table)))
    assert _all(store, table) == before


def _all(store, table: str) -> list[tuple[object, ...]]:
    with stores.everything(store) as c:
        return [tuple(r) for r in c.execute(text(f"SELECT * FROM {table}"))]


def test_no_cpr_and_no_name_stands_in_the_database(
    app: Flask, login: Login, settings, tmp_path: Path
) -> None:
    """The file itself, byte by byte: persons, events, comments and log are sealed."""
    mette = login("mette")
    people = mette.citizens()
    grant(mette, people["Emil"], "ppr")
    mette.post(f"/overblik/{people['Emil']}/kommentarer", {"tekst": "hemmelig tekst om drengen"})
    family = app.extensions["portal"].family
    cprs = [family.known(p).person.identifiers[CPR_SYSTEM] for p in people.values()]
    raw = stores.content(app.extensions["portal"].store)
    assert raw
    for word in (*cprs, "Mette", "Holm", "Emil", "Prøvevænget", "hemmelig tekst"):
        assert word.encode() not in raw, word


def test_if_the_log_cannot_be_written_nothing_is_shown(
    app: Flask, login: Login, settings, tmp_path: Path
) -> None:
    mette = login("mette")
    emil = mette.citizens()["Emil"]
    token = draft(mette, emil, "ppr")
    stores.refuse(app.extensions["portal"].store, "access_entry")
    pages = ["", "/kontakter", "/moeder", "/samtykke", "/samtykke/ppr", "/kommentarer", "/oplysninger",
             "/tidslinje", "/samtykke/ppr/bekraeft", "?vent=1"]  # fmt: skip
    for path in ["/overblik", *(f"/overblik/{emil}{p}" for p in pages)]:
        answer = mette.get(path)
        assert answer.status_code == 503, path
        assert answer.headers["Retry-After"]
        said = check(answer)
        assert "Emil" not in said and "data-record" not in said
    assert mette.part(f"/del/overblik/{emil}").status_code == 503
    assert propose(mette, emil, "ppr").status_code == 503
    form = {"handling": "bekraeft", "udkast": token}
    assert mette.post(f"/overblik/{emil}/samtykke/ppr", form).status_code == 503
    assert withdraw(mette, emil, "ppr").status_code == 503
    comment = mette.post(f"/overblik/{emil}/kommentarer", {"tekst": "hej"})
    assert comment.status_code == 503
    for table in ("consent_event", "comment"):
        assert not _all(app.extensions["portal"].store, table), "an act without its log line"


def test_every_read_is_written_before_it_is_answered(app: Flask, login: Login) -> None:
    mette = login("mette")
    emil = mette.citizens()["Emil"]
    portal = app.extensions["portal"]
    for path in ("", "/moeder", "/samtykke", "/samtykke/ppr", "/kommentarer", "/hvem-har-set"):
        with stores.everything(portal.store) as c:
            before = len(_rows(c, emil))
        assert mette.get(f"/overblik/{emil}{path}").status_code == 200
        with stores.everything(portal.store) as c:
            rows = _rows(c, emil)
        assert len(rows) > before, path
        assert not verify(rows)[1]
