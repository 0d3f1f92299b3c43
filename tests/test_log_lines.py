"""A line of the log: what is stored keeps its name for ever, its hash is one anybody can work out."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta, timezone

import pytest

from portal import audit
from portal.audit import Act, Entry, Line
from portal.crypto import CitizenKey, new_id
from portal.verifier import chain
from tests.store_world import Shop

pytest_plugins = ("tests.store_fixtures",)
on_sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
KEY = CitizenKey(bytes(range(32)))


def test_what_is_stored_is_never_called_something_else() -> None:
    """These words lie in sealed lines that nobody can change."""
    assert [a.value for a in Act] == [
        "read", "listed", "look_up", "preview", "export", "feed", "consent", "comment", "report",
        "refused", "automatic",
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
