"""What a checkpoint says and when one is made, word by word, by a clock of the test's own."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import stat
from datetime import datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_public_key,
)
from sqlalchemy import delete, insert, select, update

from portal import audit, checkpoints, clerk, verifier
from portal.audit import Act, Line
from portal.checkpoints import Checkpoints, Made
from portal.crypto import CitizenKey
from portal.db import Task
from portal.models import access_entry, checkpoint, log_start
from portal.second_place import Unsignable
from portal.verifier import Fault, Head, Known, Sealed
from tests.store_world import Shop

pytest_plugins = ("tests.store_fixtures",)
KEY = CitizenKey(bytes(range(32)))
NOON = datetime.fromisoformat("2026-03-10T12:00:00+00:00")
ANNA, BENT, CARL = ("a" * 32, "b" * 32, "c" * 32)
TRIGGERS = ("no_update", "no_delete", "no_replace")


@pytest.fixture
def engine() -> str:
    return "sqlite"


class Book:
    """A log and its checkpoints, and what time it is."""

    def __init__(self, shop: Shop) -> None:
        self.shop, self.found, self.clock = shop, Checkpoints(shop.settings, shop.store), NOON
        with shop.store.engine.begin() as c:  # in the hands of somebody who owns the database
            for name in TRIGGERS:
                c.exec_driver_sql(f"DROP TRIGGER IF EXISTS access_entry_{name}")

    def write(self, citizen: str, count: int = 1, minutes: float = 0, tenant: str = "0851") -> None:
        kept, self.clock = self.clock, self.clock + timedelta(minutes=minutes)
        with self.shop.store.write(citizen) as c:
            for _ in range(count):
                audit.append(c, tenant, citizen, KEY, Line(act=Act.READ))
        self.clock = kept

    def make(self, minutes: float = 0, **more: object) -> Made | None:
        self.clock += timedelta(minutes=minutes)
        return self.found.make(**more)  # type: ignore[arg-type]

    def said(self) -> list[dict[str, object]]:
        return [json.loads(body) for body, _ in self.found.statements()]

    def head(self, citizen: str, seq: int) -> Head:
        t = access_entry
        with self.shop.store.read() as c:
            where = (t.c.citizen == citizen) & (t.c.seq == seq)
            return Head(seq, c.execute(select(t.c.hash).where(where)).scalar_one())

    def told(self, citizen: str, seq: int) -> list[object]:
        return [citizen, seq, self.head(citizen, seq).hash.hex()]

    def spoil(self, citizen: str, seq: int) -> None:
        t = access_entry
        with self.shop.store.engine.begin() as c:
            where = (t.c.citizen == citizen) & (t.c.seq == seq)
            c.execute(update(t).where(where).values(detail=b"x"))

    def cut(self, citizen: str, *seqs: int) -> None:
        t = access_entry
        with self.shop.store.engine.begin() as c:
            c.execute(delete(t).where((t.c.citizen == citizen) & t.c.seq.in_(seqs)))


@pytest.fixture
def book(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Book:
    made = Book(shop)
    for module in (audit, checkpoints):
        monkeypatch.setattr(module, "now", lambda: made.clock)
    return made


def test_the_first_says_everything(book: Book) -> None:
    book.write(BENT, 2)
    book.write(ANNA, 3)
    assert book.make() == Made(number=1, chains=2, faults=())
    assert book.said() == [
        {
            "format": "familieoverblik-checkpoint-1",
            "tenant": "0851",
            "number": 1,
            "at": "2026-03-10T12:00:00.000000+00:00",
            "full": True,
            "previous": "",
            "heads": [book.told(ANNA, 3), book.told(BENT, 2)],
            "begins": [],
            "restored": [],
        }
    ]
    (body, signature) = book.found.statements()[0]
    assert b" " not in body  # one a day names every chain there is: no byte too many
    key = load_pem_public_key(book.found.public())
    key.verify(signature, body)  # type: ignore[union-attr, call-arg, arg-type]
    with book.shop.store.read() as c:
        (row,) = c.execute(select(checkpoint)).all()
    assert (row.tenant, row.number) == ("0851", 1)
    assert row.digest == hashlib.sha256(body).hexdigest()
    assert row.at.replace(tzinfo=NOON.tzinfo) == NOON


def test_the_next_says_what_grew_and_what_it_follows(book: Book) -> None:
    book.write(ANNA)
    book.write(BENT)
    book.make()
    book.write(BENT, minutes=5)
    assert book.make(5) == Made(number=2, chains=1, faults=())
    first, second = book.said()
    assert (second["full"], second["begins"]) == (False, [])
    assert second["heads"] == [book.told(BENT, 2)]
    assert second["previous"] == hashlib.sha256(book.found.statements()[0][0]).hexdigest()
    assert first["number"] == 1
    found = book.found.sealed()
    assert found.heads == {ANNA: book.head(ANNA, 1), BENT: book.head(BENT, 2)}
    assert found.known == Known(2, found.digest)
    assert book.make(5) is None


def test_once_a_day_all_chains_and_all_beginnings_are_said_anew(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert timedelta(days=1).total_seconds() == checkpoints.FULL * clerk.EVERY
    monkeypatch.setattr(checkpoints, "FULL", 2)
    book.write(ANNA, 2)
    book.write(BENT)
    book.make(begins={ANNA: book.head(ANNA, 2)})
    for number in (2, 3):
        book.write(CARL, minutes=60)
        assert book.make(60) == Made(number=number, chains=1, faults=())
    (third,) = book.said()
    assert third["full"] is True
    assert third["heads"] == [book.told(ANNA, 2), book.told(BENT, 1), book.told(CARL, 2)]
    assert third["begins"] == [book.told(ANNA, 2)]


def test_a_beginning_is_signed_even_when_no_chain_grew(book: Book) -> None:
    book.write(ANNA, 3)
    book.write(BENT, 2)
    book.make(begins={BENT: book.head(BENT, 1)})
    assert book.make(5, begins={ANNA: book.head(ANNA, 2)}) == Made(number=2, chains=0, faults=())
    first, second = book.said()
    assert first["begins"] == [book.told(BENT, 1)]
    assert (second["heads"], second["begins"]) == ([], [book.told(ANNA, 2)])
    assert book.found.sealed().begins.keys() == {ANNA, BENT}


def test_a_chain_that_does_not_follow_is_told_and_not_signed(book: Book) -> None:
    book.write(ANNA)
    book.write(BENT)
    book.make()
    book.write(ANNA, minutes=1)
    book.spoil(ANNA, 2)
    fault = Fault(ANNA, 2, "was changed")
    assert book.make(1) == Made(number=1, chains=0, faults=(fault,))
    book.write(BENT, minutes=2)
    assert book.make(1) == Made(number=2, chains=1, faults=(fault,))
    assert book.said()[1]["heads"] == [book.told(BENT, 2)]


def test_the_signed_line_must_stand_where_it_was_signed(book: Book) -> None:
    book.write(ANNA, 3)
    book.write(BENT, 2)
    book.write(CARL)
    book.make()
    book.cut(ANNA, 3)
    book.cut(BENT, 1, 2)
    book.cut(CARL, 1)
    book.write(CARL, 2, minutes=1)  # written anew from its first line on
    made = book.make(1)
    assert made
    assert set(made.faults) == {
        Fault(ANNA, 3, "the signed line is gone"),
        Fault(CARL, 1, "is not the line that was signed"),
    }
    assert (made.number, made.chains) == (1, 0)
    assert [f.citizen for f in book.found.check(book.found.sealed()).faults][-1] == BENT


def test_a_line_that_was_slow_to_be_committed_is_still_signed(book: Book) -> None:
    """Up to a quarter of an hour older than the checkpoint that did not see it yet."""
    book.write(BENT)
    book.make()
    book.write("d" * 32, minutes=-16)
    book.write(ANNA, minutes=-15)
    assert book.make() is None
    book.write(CARL, minutes=-15 + 1 / 60)
    assert book.make() == Made(number=2, chains=1, faults=())
    assert book.said()[1]["heads"] == [book.told(CARL, 1)]


def test_after_an_hour_a_log_must_have_a_checkpoint(book: Book) -> None:
    book.write(ANNA)
    book.clock += timedelta(hours=1)
    assert book.found.check(book.found.sealed()).faults == []
    book.clock += timedelta(seconds=1)
    (fault,) = book.found.check(book.found.sealed()).faults
    assert fault.problem == "there is no signed checkpoint"
    with pytest.raises(Unsignable, match=r"^the log is old, but its checkpoints are gone$"):
        book.make()
    assert book.said() == []
    assert book.make(first=True) == Made(number=1, chains=1, faults=())
    book.write(ANNA, minutes=90)
    assert book.make(90) == Made(number=2, chains=1, faults=())


def test_an_empty_log_is_not_old(book: Book) -> None:
    assert book.make(600) is None
    assert book.found.check(book.found.sealed()).faults == []
    book.write(ANNA, tenant="0860", minutes=-6000)  # a neighbour's lines are none of this log's
    assert book.make() is None
    assert book.found.check(book.found.sealed()).count == 0


def test_what_was_lost_is_said_as_it_is(book: Book) -> None:
    book.write(ANNA)
    book.make()
    shutil.rmtree(book.shop.settings.path(book.shop.settings.audit.checkpoints))
    why = r"^checkpoint 1 was made, but the newest here is 0$"
    for minutes in (1, 120):
        with pytest.raises(Unsignable, match=why):
            book.make(minutes)


def test_signed_afresh_it_goes_on_from_the_number_that_was_reached(book: Book) -> None:
    """All chains are said, and those whose oldest lines were cut begin where the database says."""
    book.write(ANNA, 3)
    book.write(BENT, 2)
    book.make()
    digest = book.found.sealed().digest
    start = {"tenant": "0851", "citizen": ANNA, "seq": 2, "at": NOON}
    with book.shop.store.write() as c:
        c.execute(insert(log_start).values(start))
        c.execute(insert(log_start).values({**start, "tenant": "0860", "citizen": BENT, "seq": 1}))
    book.cut(ANNA, 1)
    shutil.rmtree(book.shop.settings.path(book.shop.settings.audit.checkpoints))
    assert book.make(5, first=True) == Made(number=2, chains=2, faults=())
    (said,) = book.said()
    assert (said["number"], said["full"], said["previous"]) == (2, True, digest)
    assert said["heads"] == [book.told(ANNA, 3), book.told(BENT, 2)]
    assert said["begins"] == [book.told(ANNA, 2)]
    assert book.found.check(book.found.sealed()).faults == []


def test_signed_afresh_with_older_ones_left_no_number_is_used_twice(book: Book) -> None:
    for minutes in (0, 5, 10):
        book.write(ANNA, minutes=minutes)
        book.make(minutes)
    folder = book.shop.settings.path(book.shop.settings.audit.checkpoints)
    sorted(folder.glob("*.checkpoint"))[-1].unlink()
    book.write(BENT)
    made = book.make(5, first=True)
    assert made == Made(number=4, chains=2, faults=())
    assert book.said()[0]["full"] is True


def test_another_worker_that_was_first_makes_none_of_this_one(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    book.write(ANNA)
    before = book.found.sealed()
    book.make()
    monkeypatch.setattr(book.found, "sealed", lambda until=None: before)
    assert book.make() is None
    with book.shop.store.read() as c:
        assert len(c.execute(select(checkpoint)).all()) == 1


def test_what_was_signed_at_a_moment_can_be_asked(book: Book) -> None:
    book.write(ANNA)
    book.make()
    book.write(ANNA, minutes=5)
    book.make(5)
    for minutes, number in ((-1, 0), (0, 1), (4, 1), (5, 2)):
        assert book.found.sealed(NOON + timedelta(minutes=minutes)).number == number
    assert len(book.found.statements(NOON)) == 1
    assert len(book.found.statements()) == 2


def test_an_export_is_a_head_the_checkpoints_and_the_lines(book: Book) -> None:
    book.write(BENT)
    book.write(ANNA, 2)
    book.write(CARL, tenant="0860")
    book.make()
    head, said, *lines = map(json.loads, book.found.export())
    digest = book.found.sealed().digest
    assert head == {
        "format": "familieoverblik-log-1",
        "tenant": "0851",
        "at": "2026-03-10T12:00:00.000000+00:00",
        "known": [1, digest],
    }
    assert said.keys() == {"body", "signature"}
    pair = book.found.statements()[0]
    assert tuple(base64.b64decode(said[k]) for k in ("body", "signature")) == pair
    assert [line[:3] for line in lines] == [
        [citizen, seq, "2026-03-10T12:00:00.000000+00:00"]
        for citizen, seq in ((ANNA, 1), (ANNA, 2), (BENT, 1))
    ]
    assert lines[0][4] == "00" * 32
    assert lines[1][4] == lines[0][5] == book.head(ANNA, 1).hash.hex()
    assert b"read" in KEY.open(base64.b64decode(lines[1][3]), f"{ANNA}/2")
    key = verifier.public_key(book.found.public())
    sealed, chains, _ = verifier.read((x.encode() for x in book.found.export()), key)
    assert (sealed, chains.faults) == (book.found.sealed(), [])


def test_one_chain_is_read_from_a_line_on(book: Book) -> None:
    book.write(ANNA, 3)
    book.write(BENT, 2)
    with book.shop.store.read() as c:
        assert [(r.citizen, r.seq) for r in checkpoints.rows(c, "0851")] == [
            (ANNA, 1), (ANNA, 2), (ANNA, 3), (BENT, 1), (BENT, 2),
        ]  # fmt: skip
        assert [r.seq for r in checkpoints.rows(c, "0851", ANNA)] == [1, 2, 3]
        assert [r.seq for r in checkpoints.rows(c, "0851", ANNA, 2)] == [2, 3]
        assert list(checkpoints.rows(c, "0860")) == []


def test_the_database_knows_the_newest_of_its_own(book: Book) -> None:
    with book.shop.store.read() as c:
        assert checkpoints.known(c, "0851") == Known()
    rows = [("0851", 1, "x"), ("0851", 2, "y"), ("0860", 9, "z")]
    with book.shop.store.write() as c:
        for tenant, number, digest in rows:
            row = {"tenant": tenant, "number": number, "digest": digest, "at": NOON}
            c.execute(insert(checkpoint).values(row))
        assert checkpoints.known(c, "0851") == Known(2, "y")


def test_the_log_is_looked_at_by_the_one_task_that_may(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL shows whoever names no task no line at all: a log without lines would hold."""
    tasks, read = [], book.shop.store.read
    monkeypatch.setattr(
        book.shop.store, "read", lambda *c, **how: tasks.append(how.get("task")) or read(*c, **how)
    )
    book.write(ANNA)
    book.make()
    book.found.check(book.found.sealed())
    assert len(list(book.found.export())) == 3
    assert len(tasks) == 6
    assert set(tasks) == {Task.LOG}


def test_the_key_is_made_once_and_for_its_owner_only(book: Book) -> None:
    file = book.shop.settings.path(book.shop.settings.audit.key)
    assert not file.exists()
    public = book.found.public()
    assert public.startswith(b"-----BEGIN PUBLIC KEY-----\n")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert book.found.public() == public
    for mode in (0o640, 0o604, 0o601, 0o610):
        file.chmod(mode)
        why = rf"^audit.key: {file} can be read by others \(chmod 600 {file}\)$"
        with pytest.raises(Unsignable, match=why):
            book.found.public()
    file.unlink()
    other = X25519PrivateKey.generate()
    file.write_bytes(other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    file.chmod(0o600)
    with pytest.raises(Unsignable, match=rf"^audit.key: {file} is not an Ed25519 key$"):
        book.found.public()


def test_how_old_the_newest_is(book: Book) -> None:
    assert book.found.age() == float("inf")
    book.write(ANNA)
    book.make()
    assert 0 <= book.found.age() < 3600


def test_what_was_made_cannot_be_told_otherwise(book: Book) -> None:
    assert Made(number=1, chains=2).faults == ()
    with pytest.raises(AttributeError):
        Made(number=1, chains=2).chains = 3
    with pytest.raises(TypeError):
        Made(1, 2)
    assert book.found.sealed() == Sealed("0851")
