"""The log's oldest lines go where a signature says so, and the rest still proves itself."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import delete, insert, select, text

from portal import audit, checkpoints, operators, verifier
from portal.access import Facts, today_in_copenhagen
from portal.checkpoints import Checkpoints
from portal.db import StoreDown, Task, now
from portal.family import NOBODY, Household, RegisterDown, UnknownPerson
from portal.feed_ends import remove_ended
from portal.journal import Journal
from portal.models import access_entry, draft, feed, log_start, session, spent
from portal.proposal import months_ahead
from portal.retention import Retention, Tidied
from portal.second_place import Unsignable
from tests.store_world import Shop, open_store, who
from tests.test_checkpoints import as_owner, audit_command, look, offline, replace_log

pytest_plugins = ("tests.store_fixtures",)
At = Callable[[int], None]


@pytest.fixture
def months_ago(monkeypatch: pytest.MonkeyPatch) -> At:
    """Sets the clock of the log and its checkpoints so many months back."""

    def at(months: int) -> None:
        moment = datetime.now(UTC) - timedelta(days=31 * months)
        monkeypatch.setattr(audit, "now", lambda: moment)
        monkeypatch.setattr(checkpoints, "now", lambda: moment + timedelta(minutes=1))

    return at


@pytest.fixture
def old(shop: Shop, months_ago: At) -> str:
    """A citizen with 5 lines of 30 months ago, 3 of 26 and 2 of today, each signed; her id.

    Beside her somebody who was last looked at 30 months ago, and somebody new.
    """
    citizen, gone, new = (shop.person(f"010188900{i}") for i in range(3))
    found = Checkpoints(shop.settings, shop.store)
    for months, count in ((30, 5), (26, 3), (0, 2)):
        months_ago(months)
        look(shop, citizen, count)
        if months == 30:
            look(shop, gone, 4)
        if not months:
            look(shop, new, 1)
        assert found.make()
    return citizen


def tidy(shop: Shop) -> Tidied:
    return Retention(shop.settings, open_store(shop.settings)).tidy()


def test_old_lines_go_and_the_chain_begins_where_it_was_signed(shop: Shop, old: str) -> None:
    found = Checkpoints(shop.settings, shop.store)
    done = tidy(shop)
    assert (done.lines, done.chains) == (7 + 3, 2)
    assert numbers(shop, old) == [8, 9, 10]
    assert numbers(shop, shop.person("0101889001")) == [4]  # the newest of a chain always stays
    chains = found.check(found.sealed())
    assert (chains.count, chains.faults) == (5 + 1, [])  # one more: that it was done
    look(shop, old, 1)
    assert numbers(shop, old)[-1] == 11
    assert found.make()
    assert found.check(found.sealed()).faults == []


def test_it_is_logged_and_again_does_nothing(shop: Shop, old: str) -> None:
    tidy(shop)
    with shop.store.read(NOBODY) as c:
        (entry,) = audit.entries(c, "0851", NOBODY, shop.family.key(NOBODY))
    assert entry.line.outcome == "log cut: 10 lines of 2 chains"
    again = tidy(shop)
    assert (again.lines, again.chains) == (0, 0)


def test_the_auditors_verifier_alone_agrees(shop: Shop, old: str, tmp_path: Path) -> None:
    tidy(shop)
    away = tmp_path / "revision"
    away.mkdir()
    shutil.copy(verifier.__file__, away / "verifier.py")
    assert audit_command(shop.settings, "export", str(away / "log.jsonl")).exit_code == 0
    (away / "public.pem").write_text(audit_command(shop.settings, "public").output)
    held = offline(away)
    assert (held.returncode, b"every chain holds" in held.stdout) == (0, True), held.stdout
    lines = (away / "log.jsonl").read_text().splitlines(keepends=True)
    first = next(i for i, line in enumerate(lines) if line.startswith(f'["{old}"'))
    (away / "log.jsonl").write_text("".join([*lines[:first], *lines[first + 1 :]]))
    assert offline(away).returncode == 1  # one line more than was signed away


def test_every_checkpoint_of_the_day_tells_where_chains_begin(
    shop: Shop, old: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when only the newest full one and those after it are read."""
    monkeypatch.setattr(checkpoints, "FULL", 2)
    tidy(shop)
    found = Checkpoints(shop.settings, shop.store)
    for _ in range(5):
        look(shop, old, 1)
        assert found.make()
        assert found.sealed().begins[old].seq == 8
        assert found.check(found.sealed()).faults == []


@pytest.mark.parametrize(
    ("how", "problem"),
    [
        (lambda log: log[1:], "expected number 1"),
        (lambda log: [log[0]._replace(detail=b"other"), *log[1:]], "was changed"),
        (lambda log: [log[0]._replace(hash=bytes(32)), *log[1:]], "with which the chain begins"),
        (lambda log: log[:1], "were signed"),
    ],
    ids=["one line more", "the first changed", "another first", "the end cut off"],
)
def test_whoever_cuts_elsewhere_is_found(
    how: Callable[[list[verifier.Row]], list[verifier.Row]], problem: str, shop: Shop, old: str
) -> None:
    tidy(shop)
    with as_owner(shop) as c:
        log = list(checkpoints.rows(c, "0851"))
        hers = how([r for r in log if r.citizen == old])
        replace_log(c, [*hers, *(r for r in log if r.citizen != old)])
    found = Checkpoints(shop.settings, shop.store)
    assert any(problem in f.problem for f in found.check(found.sealed()).faults)


def test_stopped_between_signing_and_removing_nothing_is_wrong(
    shop: Shop, old: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: object) -> int:
        raise StoreDown

    with monkeypatch.context() as m:
        m.setattr(Retention, "_remove", dies)
        with pytest.raises(StoreDown):
            tidy(shop)
    found = Checkpoints(shop.settings, shop.store)
    assert found.sealed().begins[old].seq == 8
    assert numbers(shop, old) == list(range(1, 11))
    assert found.check(found.sealed()).faults == []
    assert tidy(shop).lines == 10
    assert found.check(found.sealed()).faults == []


def test_nothing_goes_that_was_not_signed_in_its_time(shop: Shop, months_ago: At) -> None:
    """Old lines under a young first checkpoint: they wait until that is old enough."""
    citizen = shop.person("0101889000")
    months_ago(40)
    look(shop, citizen, 4)
    months_ago(1)
    assert Checkpoints(shop.settings, shop.store).make(first=True)
    assert tidy(shop).lines == 0
    assert numbers(shop, citizen) == [1, 2, 3, 4]


def test_a_broken_log_is_not_cut(shop: Shop, old: str) -> None:
    """Not even its sound beginning: what is wrong must be looked at first."""
    folder = shop.settings.path(shop.settings.audit.checkpoints)
    sorted(folder.glob("*.checkpoint"))[-1].unlink()
    with pytest.raises(Unsignable, match="was made"):
        tidy(shop)
    assert numbers(shop, old) == list(range(1, 11))


def test_for_ever_is_for_ever(shop: Shop, old: str) -> None:
    kept = msgspec.structs.replace(shop.settings.audit, keep_months=0)
    settings = msgspec.structs.replace(shop.settings, audit=kept)
    assert Retention(settings, open_store(settings)).tidy().before is None
    assert numbers(shop, old) == list(range(1, 11))


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
def test_the_role_that_serves_cannot_cut(shop: Shop, old: str) -> None:
    row = {"tenant": "0851", "citizen": old, "seq": 9, "at": now()}
    for act in (insert(log_start).values(**row), delete(access_entry)):
        with pytest.raises(StoreDown) as refused, shop.store.write(old, task=Task.TIDY) as c:
            c.execute(act)
        assert "permission denied" in str(refused.value.__cause__)


def test_the_database_removes_no_line_above_the_beginning(shop: Shop, old: str) -> None:
    """The owner herself, with the right task."""
    store = open_store(shop.settings)
    tidy(shop)
    with pytest.raises(StoreDown) as refused, store.own(task=Task.TIDY) as c:
        c.execute(delete(access_entry).where(access_entry.c.citizen == old))
    assert "append only" in str(refused.value.__cause__)
    assert numbers(shop, old) == [8, 9, 10]


def test_what_else_is_over_goes_and_the_rest_stays(shop: Shop) -> None:
    citizen = shop.person("0101889000")
    day = timedelta(days=1)
    with shop.store.write(citizen) as c:
        for i, age in enumerate((0 * day, 2 * day)):
            row = {"tenant": "0851", "id": f"{i}", "token": f"{i}", "person": citizen, "data": b""}
            moments = {"created": now() - age, "used": now() - age}
            c.execute(insert(session).values(**row, **moments, issuer_subject="x"))
            kept = {"tenant": "0851", "whose": citizen, "slot": f"{i}", "citizen": citizen}
            c.execute(insert(draft).values(**kept, until=now() + day / 2 - age, detail=b""))
    done = tidy(shop)
    assert (done.rest["sessions"], done.rest["drafts"]) == (1, 1)
    with shop.store.read(citizen) as c:
        assert c.execute(select(session.c.id)).scalars().all() == ["0"]
        assert c.execute(select(draft.c.slot)).scalars().all() == ["0"]


def test_a_used_up_login_goes_when_it_is_too_old_anyway(shop: Shop) -> None:
    with shop.store.write(task=Task.SESSIONS) as c:
        for token, age in ("old", 1), ("new", -1):
            c.execute(insert(spent).values(token=token, until=now() - timedelta(minutes=age)))
    assert tidy(shop).rest["spent tokens"] == 1
    with shop.store.read(task=Task.SESSIONS) as c:
        assert c.execute(select(spent.c.token)).scalars().all() == ["new"]


def test_a_link_ends_with_the_relation_and_doubt_keeps_it(shop: Shop) -> None:
    home = shop.household()
    emil, (mette, jonas) = home.citizen.id, who(home)
    grandfather = shop.person("0606406003")
    for n, person in enumerate((mette.id, jonas.id, grandfather, emil)):
        with shop.store.write(person, emil) as c:
            row = {"tenant": "0851", "id": f"{n}", "token": f"{n}", "person": person}
            c.execute(insert(feed).values(**row, citizen=emil, created=now()))
    facts = msgspec.structs.replace(home.facts, closed=frozenset({jonas.id}))

    def told(answer: object) -> None:
        def household(citizen: str, fresh: bool = False) -> Household:
            if isinstance(answer, Exception):
                raise answer
            assert isinstance(answer, Facts)
            return msgspec.structs.replace(home, facts=answer)

        shop.family.household = household  # type: ignore[method-assign]

    told(RegisterDown())
    assert remove_ended("0851", shop.store, shop.family, Journal(shop.settings)) == 0
    told(msgspec.structs.replace(facts, custodians=None))
    assert remove_ended("0851", shop.store, shop.family, Journal(shop.settings)) in (
        0,
        1,
    )  # her own, at nine, opens to nobody anyway
    told(facts)
    remove_ended("0851", shop.store, shop.family, Journal(shop.settings))
    with shop.store.read(emil) as c:
        assert c.execute(select(feed.c.person)).scalars().all() == [mette.id]
    told(UnknownPerson())
    assert remove_ended("0851", shop.store, shop.family, Journal(shop.settings)) == 1


def test_the_schema_goes_down_and_up_with_a_cut_log(shop: Shop, old: str) -> None:
    from portal import schema

    tidy(shop)
    store = open_store(shop.settings)
    schema.downgrade(store, "0003")
    with pytest.raises(StoreDown), store.own(task=Task.TIDY) as c:
        c.execute(text("DELETE FROM access_entry"))
    schema.upgrade(store)
    found = Checkpoints(shop.settings, shop.store)
    assert found.check(found.sealed()).faults == []


def test_the_command_says_what_it_did(shop: Shop, old: str) -> None:
    from click.testing import CliRunner

    from portal.cli import main

    file = str(shop.settings.path("portal-0851.toml"))
    done = CliRunner().invoke(main, ["db", "tidy", "--config", file], env=shop.settings.environ)
    assert done.exit_code == 0, done.output
    assert "10 lines of 2 chains of the log" in done.output
    verified = audit_command(shop.settings, "verify")
    assert (verified.exit_code, "every chain holds" in verified.output) == (0, True)


def test_a_checkpoint_cannot_let_a_chain_begin_after_its_end() -> None:
    key = Ed25519PrivateKey.generate()
    said = {"format": verifier.CHECKPOINT, "tenant": "0851", "number": 1, "previous": ""}
    said |= {"at": "2026-01-01T00:00:00+00:00", "full": True, "heads": [("a", 3, "00")]}
    for begins, fits in (("a", 3), True), (("a", 4), False), (("b", 1), False):
        body = json.dumps({**said, "begins": [(*begins, "00")]}).encode()
        if fits:
            assert verifier.follow(
                verifier.Sealed("0851"), body, key.sign(body), key.public_key()
            ).begins == {"a": verifier.Head(3, b"\x00")}
            continue
        with pytest.raises(verifier.Untrue, match="after its end"):
            verifier.follow(verifier.Sealed("0851"), body, key.sign(body), key.public_key())


def numbers(shop: Shop, citizen: str) -> list[int]:
    t = access_entry.c
    with shop.store.read(citizen) as c:
        return list(c.execute(select(t.seq).where(t.citizen == citizen).order_by(t.seq)).scalars())


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_hold_ends_before_the_log_forgets_it_and_outlives_its_place(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hold is a line of the log: cut off, it would hold no more, and nobody would know."""
    reader, child, today = "0101889001", "0303169003", today_in_copenhagen(now())

    def hold(until: date, actor: str = "skole", months: int = 3, without: str = "") -> str:
        kept = msgspec.structs.replace(shop.settings.audit, keep_months=months)
        places = tuple(a for a in shop.settings.actor if a.id != without)
        settings = msgspec.structs.replace(shop.settings, audit=kept, actor=places)
        there = dataclasses.replace(shop, settings=settings)
        monkeypatch.setattr(operators, "join", lambda _: there)
        return operators.hold_lines(settings, reader, child, actor, until, "efterforskning")

    last = months_ahead(today, 3) - timedelta(1)
    assert hold(last) == f"Held back to and with {last}."
    with pytest.raises(operators.NothingChanged, match=r"\[audit\] keep_months"):
        hold(last + timedelta(1))
    assert hold(last + timedelta(1), months=0).startswith("Held")
    for until, actor in ((today, "skole"), (today - timedelta(1), "familie")):
        with pytest.raises(operators.NothingChanged, match="no \\[\\[actor"):
            hold(until, actor, without=actor)
    assert hold(today - timedelta(1), without="skole") == "No longer held back."
    with pytest.raises(operators.NothingChanged, match="no \\[\\[actor"):
        hold(today - timedelta(1), without="skole")
