"""A line of the log: what is stored keeps its name for ever, its hash is one anybody can work out."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import ClauseElement, select
from sqlalchemy.dialects import postgresql

from portal import audit
from portal.audit import Act, Entry, Line
from portal.crypto import CitizenKey, Unreadable, new_id
from portal.db import now
from portal.models import access_entry
from portal.records import Category
from portal.verifier import chain
from tests.store_world import Shop

pytest_plugins = ("tests.store_fixtures",)
on_sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
KEY = CitizenKey(bytes(range(32)))


def test_what_is_stored_is_never_called_something_else() -> None:
    """These words lie in sealed lines that nobody can change."""
    assert [a.value for a in Act] == [
        "read", "listed", "look_up", "preview", "export", "feed", "consent", "comment", "report",
        "refused", "automatic", "hold",
    ]  # fmt: skip
    bare = Line(act=Act.READ)
    assert bare.outcome == "ok"
    said = (bare.subject, bare.name, bare.role, bare.purpose, bare.about, bare.visit, bare.told)
    assert set(said) == {""}


def test_a_line_cannot_be_edited_once_it_is_read() -> None:
    line = Line(act=Act.READ)
    with pytest.raises(AttributeError):
        line.outcome = "refused"
    with pytest.raises(AttributeError):
        Entry(seq=1, at=datetime.now(UTC), line=line).seq = 2


def test_what_a_line_says_is_said_by_name() -> None:
    """So many texts in a row: nobody may mix up who read and who was read about."""
    with pytest.raises(TypeError):
        Line(Act.READ)
    with pytest.raises(TypeError):
        Entry(1, datetime.now(UTC), Line(act=Act.READ))


def test_the_hash_of_a_line_can_be_worked_out_by_hand() -> None:
    """SHA-256 over the line before, the hash of its place, and the sealed words (decision 11)."""
    place = "0851\x1fabc\x1f7\x1f2026-03-29T01:00:00.000000+00:00"
    by_hand = bytes([9] * 32) + hashlib.sha256(place.encode()).digest() + b"sealed"
    found = chain("0851", "abc", 7, "2026-03-29T01:00:00.000000+00:00", b"sealed", bytes([9] * 32))
    assert found == hashlib.sha256(by_hand).digest()


def test_a_moment_is_written_in_one_way() -> None:
    whole = datetime(2026, 3, 29, 3, tzinfo=timezone(timedelta(hours=2)))
    for same in (whole, whole.astimezone(UTC), whole.astimezone(UTC).replace(tzinfo=None)):
        assert audit.moment(same) == "2026-03-29T01:00:00.000000+00:00"


@on_sqlite
def test_the_newest_two_thousand_are_read(shop: Shop) -> None:
    citizen = new_id()
    with shop.store.write(citizen) as c:
        for _ in range(2003):
            audit.append(c, "0851", citizen, KEY, Line(act=Act.READ))
        found = audit.entries(c, "0851", citizen, KEY)
        assert [found[0].seq, found[-1].seq, len(found)] == [2003, 4, 2000]


@on_sqlite
def test_each_municipality_and_each_citizen_has_a_chain_of_its_own(shop: Shop) -> None:
    one, other = new_id(), new_id()
    places = [("0851", one), ("0860", one), ("0851", other)]
    with shop.store.write(one, other) as c:
        for round_ in (1, 2, 3):
            for n, (tenant, citizen) in enumerate(places):
                line = Line(act=Act.READ, purpose=f"{n} {round_}")
                assert audit.append(c, tenant, citizen, KEY, line) == round_
        for n, (tenant, citizen) in enumerate(places):
            found = audit.entries(c, tenant, citizen, KEY)
            assert [e.line.purpose for e in found] == [f"{n} 3", f"{n} 2", f"{n} 1"]


@on_sqlite
def test_what_was_written_is_read_back_with_its_place_and_time(shop: Shop) -> None:
    citizen, said = new_id(), []
    for n in range(1, 4):
        said.append(
            Line(
                act=list(Act)[n],
                person=new_id(),
                subject=f"ansat {n}",
                name=f"Navn {n}",
                actors=(f"sted-{n}",),
                role="caseworker",
                categories=(Category.MEETINGS,),
                owners=("familie",),
                purpose="moede",
                outcome="refused",
                about="ppr",
                visit="besøg",
                told=new_id(),
            )
        )
    before = now()
    with shop.store.write(citizen) as c:
        assert [audit.append(c, "0851", citizen, KEY, line) for line in said] == [1, 2, 3]
        found = audit.entries(c, "0851", citizen, KEY, 2)
        assert [(e.seq, e.line) for e in found] == [(3, said[2]), (2, said[1])]
        assert all(before <= e.at <= now() and e.at.tzinfo for e in found)
        assert audit.entries(c, "0851", citizen, KEY)[2].line == said[0]


@on_sqlite
def test_every_line_is_bound_to_the_one_before_it(shop: Shop) -> None:
    """Hashed over the words as they are sealed: the chain holds when the key is gone (decision 11)."""
    citizen = new_id()
    with shop.store.write(citizen) as c:
        for _ in range(3):
            audit.append(c, "0851", citizen, KEY, Line(act=Act.READ))
        rows = c.execute(select(access_entry).order_by(access_entry.c.seq)).all()
    before = bytes(32)
    for number, row in enumerate(rows, start=1):
        assert (row.tenant, row.citizen, row.seq, row.previous) == ("0851", citizen, number, before)
        place = f"0851\x1f{citizen}\x1f{number}\x1f{audit.moment(row.at)}".encode()
        by_hand = before + hashlib.sha256(place).digest() + row.detail
        assert row.hash == hashlib.sha256(by_hand).digest()
        before = row.hash


@on_sqlite
def test_a_line_is_sealed_to_its_citizen_and_its_place(shop: Shop) -> None:
    """Neither another's key nor another place opens it; in the database no word of it can be read."""
    citizen = new_id()
    with shop.store.write(citizen) as c:
        audit.append(c, "0851", citizen, KEY, Line(act=Act.READ, name="Hanne Hemmelig"))
        audit.append(c, "0851", citizen, KEY, Line(act=Act.READ))
        sealed = c.execute(select(access_entry.c.detail).where(access_entry.c.seq == 1)).scalar()
        assert b"Hanne" not in sealed
        assert b"Hanne" in KEY.open(sealed, f"{citizen}/1")
        for key, place in (
            (KEY, f"{citizen}/2"),
            (KEY, f"{new_id()}/1"),
            (CitizenKey(bytes(32)), f"{citizen}/1"),
        ):
            with pytest.raises(Unreadable):
                key.open(sealed, place)


def test_on_postgresql_writers_of_one_chain_wait_for_each_other() -> None:
    """A lock of the chain's name is asked for before its end is looked up; every chain has its own."""
    asked: dict[tuple[str, str], list[str]] = {}
    for place in (("0851", "a"), ("0851", "b"), ("0860", "a")):
        said = asked.setdefault(place, [])
        with pytest.raises(Stopped):
            audit.append(Postgresql(said), *place, KEY, Line(act=Act.READ))  # type: ignore[arg-type]
        name = (
            f"hashtextextended('{place[0]}/{place[1]}', 0)"  # two versions may serve side by side
        )
        assert f"pg_advisory_xact_lock({name})" in said[0]
        assert "access_entry" not in said[0]
        assert "FROM access_entry" in said[1]
    locks = {said[0] for said in asked.values()}
    assert len(locks) == 3


class Stopped(Exception):
    """Enough was asked."""


class Postgresql:
    """A connection that keeps what is asked of it, as PostgreSQL would read it, and answers nothing."""

    dialect = postgresql.dialect()

    def __init__(self, said: list[str]) -> None:
        self.said = said

    def execute(self, statement: ClauseElement) -> None:
        compiled = statement.compile(dialect=self.dialect, compile_kwargs={"literal_binds": True})
        self.said.append(str(compiled))
        if len(self.said) > 1:
            raise Stopped
