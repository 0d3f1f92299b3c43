"""A restored backup brings back what was there, and nothing that was taken back since: on both databases."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner
from sqlalchemy import insert, select

from portal import audit, checkpoints, drill, keys, operators, schema, verifier
from portal import backup as taking
from portal.access import Viewer, today_in_copenhagen
from portal.backup_rows import LEFT_OUT, PARTS
from portal.checkpoints import Checkpoints
from portal.cli import main
from portal.config import load
from portal.consent_state import Mine
from portal.db import Task, now
from portal.family import NOBODY
from portal.journal import Journal
from portal.models import access_closed, access_entry, feed, metadata, report, session
from portal.seen_by import held_back
from portal.settings import CPR_SYSTEM, Settings
from tests.proving import times
from tests.restore_world import (
    ERASED,
    STRANGER,
    TEXT,
    Elsewhere,
    Lived,
    backup,
    live,
    portal,
    take_back,
)
from tests.store_driver import applies
from tests.store_world import OWNER, PEOPLE, Shop, open_store, who
from tests.test_checkpoints import Figure, as_owner, batches, look, replace_log

pytest_plugins = ("tests.store_fixtures",)
on_sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


@pytest.fixture
def elsewhere(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Elsewhere]:
    with closing(Elsewhere(request, tmp_path)) as made:
        yield made


@pytest.fixture
def lived(shop: Shop) -> Lived:
    found = live(shop)
    assert Checkpoints(shop.settings, shop.store).make()
    return found


def test_every_table_is_in_a_backup_or_left_out_by_name() -> None:
    held = {part.table.name for part in PARTS}
    assert held | LEFT_OUT == {*metadata.tables}
    assert not held & LEFT_OUT


def test_nothing_that_was_taken_back_comes_back(
    shop: Shop, lived: Lived, elsewhere: Elsewhere, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = backup(shop.settings)
    take_back(shop, lived, monkeypatch)
    assert TEXT.encode() not in file.read_bytes()
    there = elsewhere.settings(shop.settings, engine)
    done = portal(there, "restore", str(file))
    assert done.exit_code == 0, done.output
    assert "Nobody is logged in" in done.output
    again = elsewhere.shop(there)
    obeys(again, lived)
    holds(again)
    again.consents.withdraw(lived.home.citizen.id, who(lived.home)[1].id, "familie", True)
    assert Checkpoints(there, again.store).make()
    holds(again)
    told = portal(there, "restore", str(file))
    assert (told.exit_code, "not empty" in told.output) == (1, True)


def test_what_was_held_back_stays_so(
    shop: Shop, lived: Lived, elsewhere: Elsewhere, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also a hold that was ended, and then made again; each word stands in the log once."""
    monkeypatch.setattr(operators, "join", lambda _: shop)
    today = today_in_copenhagen(now())
    soon, over = today + timedelta(7), today - timedelta(1)

    def hold(reader: str, actor: str, until: date) -> None:
        operators.hold_lines(shop.settings, reader, PEOPLE[2], actor, until, "efterforskning")

    hold(PEOPLE[0], "skole", soon)
    file = backup(shop.settings)
    for until in (over, soon):
        hold(PEOPLE[1], "skole", until)
    hold(PEOPLE[1], "familie", soon)
    hold(PEOPLE[1], "familie", over)
    hold(STRANGER, "skole", soon)
    there = elsewhere.settings(shop.settings, engine)
    done = portal(there, "restore", str(file))
    assert done.exit_code == 0, done.output
    assert "4 lines held back\n" in done.output, "not the one that is in the backup"
    assert "1 holds to make again" in done.output
    again, child = elsewhere.shop(there), lived.home.citizen.id
    with again.store.read(child) as c:
        found = audit.entries(c, "0851", child, again.family.key(child), None)
    mette, jonas = who(lived.home)
    assert held_back(found, mette.id, today) == {"skole"}
    assert held_back(found, jonas.id, today) == {"skole"}
    assert {e.line.outcome for e in found if e.line.act is audit.Act.HOLD} == {"efterforskning"}


def obeys(again: Shop, lived: Lived) -> None:
    """Every no holds, and what was not taken back is there."""
    home, child = lived.home, lived.home.citizen.id
    mette, jonas = who(home)
    assert not applies(again, home.facts)
    assert again.consents.applies(child, home.facts) == {}
    assert again.consents.row(home, mette.id, "skole").mine is Mine.WITHDRAWN
    assert again.consents.row(home, jonas.id, "skole").mine is Mine.PENDING
    assert again.consents.row(home, mette.id, "familie").mine is Mine.WITHDRAWN
    texts = {c.detail.text for c in again.comments.readable(child, Viewer(person=mette.id))}
    assert texts == {None, "Den bliver"}
    stranger = again.family.enrolled(CPR_SYSTEM, STRANGER)
    assert stranger
    with again.store.read(child, mette.id, jonas.id, stranger) as c:
        assert c.execute(select(feed.c.id)).scalars().all() == [lived.feeds[1]]
        assert {*c.execute(select(access_closed.c.adult)).scalars()} == {jonas.id, stranger}
        assert c.execute(select(report.c.closed)).scalars().one() is not None
    with again.store.read(task=Task.SESSIONS) as c:
        assert c.execute(select(session)).all() == []
    assert again.family.enrolled(CPR_SYSTEM, ERASED) is None
    assert not again.family.exists(lived.erased)
    assert again.family.enrolled(CPR_SYSTEM, PEOPLE[2]) == child


def holds(again: Shop) -> None:
    """The authority's verifier says what was lost, and raises no false alarm; here and offline."""
    there = again.settings
    told = portal(there, "audit", "verify")
    assert told.exit_code == 0, told.output
    assert "restored at checkpoint 3" in told.output
    lost = told.output.partition("from a backup of ")[2]
    assert "3 chains were written after it and are lost" in lost
    export, public = there.path("log.jsonl"), there.path("public.pem")
    assert portal(there, "audit", "export", str(export)).exit_code == 0
    public.write_text(portal(there, "audit", "public").output)
    assert verifier.main([str(export), str(public)]) == 0
    with again.store.read(NOBODY) as c:
        said = audit.entries(c, "0851", NOBODY, again.family.key(NOBODY))
    assert said[0].line.outcome.startswith("restored from a backup of")


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_laptops_backup_becomes_a_municipalitys_database_and_back(
    shop: Shop, lived: Lived, elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = backup(shop.settings)
    take_back(shop, lived, monkeypatch)
    there = elsewhere.settings(shop.settings, "postgresql")
    assert portal(there, "restore", str(file)).exit_code == 0
    obeys(elsewhere.shop(there), lived)
    second = backup(there, str(there.path("away.backup")))
    back = elsewhere.settings(there, "sqlite")
    done = portal(back, "restore", str(second))
    assert done.exit_code == 0, done.output
    obeys(elsewhere.shop(back), lived)
    assert portal(back, "audit", "verify").output.count("restored at checkpoint") == 2


def test_without_the_journal_every_consent_ends_and_only_when_it_is_said(
    shop: Shop, lived: Lived, elsewhere: Elsewhere, engine: str
) -> None:
    file = backup(shop.settings)
    for kept in shop.settings.path(shop.settings.consents.journal).glob("*"):
        kept.unlink()
    there = elsewhere.settings(shop.settings, engine)
    told = portal(there, "restore", str(file))
    assert (told.exit_code, "does not reach back" in told.output) == (1, True), told.output
    done = portal(there, "restore", str(file), "--without-journal")
    assert done.exit_code == 0, done.output
    assert "every consent was ended" in done.output
    again, child = elsewhere.shop(there), lived.home.citizen.id
    assert again.consents.applies(child, lived.home.facts) == {}
    with again.store.read(child) as c:
        assert c.execute(select(feed)).all() == []


@on_sqlite
def test_what_is_not_ours_whole_and_unchanged_is_refused_by_name(
    shop: Shop, lived: Lived, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    file, there = backup(shop.settings), elsewhere.settings(shop.settings, "sqlite")
    good, head = file.read_bytes(), file.read_bytes().index(b"\n") + 1
    size = int.from_bytes(good[head : head + 4], "big") + 4
    next_size = int.from_bytes(good[head + size : head + size + 4], "big") + 4
    middle = good[head + size : head + size + next_size]
    spoilt = {
        "was changed": good[:-9] + bytes([good[-9] ^ 1]) + good[-8:],
        "ends in the middle": good[:-5],
        "in the wrong place": good[: head + size] + middle + good[head + size :],
        "not a backup": b"SQLite format 3\0" + good,
        "ends in the middle, after 1": good[: head + size],
    }
    for reason, content in spoilt.items():
        (tmp_path / "bad.backup").write_bytes(content)
        told = portal(there, "restore", str(tmp_path / "bad.backup"))
        assert (told.exit_code, reason in told.output) == (1, True), (reason, told.output)
    assert portal(there, "restore", str(file)).exit_code == 0  # none of them left anything


@on_sqlite
def test_anothers_backup_another_key_and_another_schema_are_refused_by_name(
    shop: Shop, lived: Lived, elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, there = backup(shop.settings), elsewhere.settings(shop.settings, "sqlite")
    text = there.path("portal-0851.toml").read_text()
    there.path("portal-0461.toml").write_text(text.replace('"0851"', '"0461"'))
    environ = dict(there.environ)
    told = _as(there, "portal-0461.toml", environ, "restore", str(file))
    assert "the backup is of municipality 0851, this file is 0461" in told
    wrong = {**environ, "PORTAL_DATA_KEYS": keys.new_data_key()}
    told = _as(there, "portal-0851.toml", wrong, "restore", str(file))
    assert "is sealed with data key" in told
    assert "not among ours" in told
    monkeypatch.setattr(schema, "newest", lambda: "9999")
    told = _as(there, "portal-0851.toml", environ, "restore", str(file))
    assert "restore with the version that took it" in told


def test_with_the_new_key_alone_nothing_from_before_the_rotation_is_restored(
    shop: Shop,
    lived: Lived,
    elsewhere: Elsewhere,
    engine: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A no under a key that is not there would be skipped, and people would be somebody new."""
    old, new = shop.settings.environ["PORTAL_DATA_KEYS"], keys.new_data_key()
    environ = {**shop.settings.environ, "PORTAL_DATA_KEYS": f"{new},{old}"}
    between = load(Path(shop.settings.file), environ)
    file = backup(between)  # after the restart, before `keys rotate`
    shop.consents.withdraw(lived.home.citizen.id, who(lived.home)[0].id, "skole", True)
    there = elsewhere.settings(between, engine)
    if engine == "postgresql":
        scratch = elsewhere.settings(between, engine)
        monkeypatch.setenv("PORTAL_DRILL_DATABASE", scratch.environ["PORTAL_DATABASE_OWNER"])
    alone = {"PORTAL_DATA_KEYS": new}
    ways = (there, ("restore", str(file))), (between, ("restore", "--drill", str(file)))
    for settings, way in ways:
        told = _as(settings, "portal-0851.toml", {**settings.environ, **alone}, *way)
        assert "PORTAL_DATA_KEYS (data_keys_env): " in told and ".journal, line" in told, told
        assert len(told.splitlines()) == 1
    told = _as(between, "portal-0851.toml", {**environ, **alone}, "restore", "--replay")
    assert ".journal, line" in told
    Journal(between).reseal()
    for settings, way in ways:
        told = _as(settings, "portal-0851.toml", {**settings.environ, **alone}, *way)
        assert "PORTAL_DATA_KEYS (data_keys_env): people in it are sealed with another" in told
        assert len(told.splitlines()) == 1
    assert portal(between, "restore", "--drill", str(file)).exit_code == 0
    assert portal(there, "restore", str(file)).exit_code == 0, "none of them left anything"


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
def test_the_owners_address_is_needed_by_what_the_owner_does_alone(
    shop: Shop, lived: Lived, monkeypatch: pytest.MonkeyPatch, elsewhere: Elsewhere
) -> None:
    """Else the process that serves would hold the role that may change what was written."""
    scratch = elsewhere.settings(shop.settings, "postgresql").environ[OWNER]
    environ = {k: v for k, v in shop.settings.environ.items() if k != OWNER}
    serving = msgspec.structs.replace(shop.settings, environ=environ)
    monkeypatch.setenv("PORTAL_DRILL_DATABASE", scratch)
    for command in ("backup", "restore --drill", "backup --status", "audit verify"):
        done = portal(serving, *command.split())
        assert done.exit_code == 0, (command, done.output)
    assert OWNER not in portal(serving, "serve", "--check").output
    for command in ("db upgrade", "db tidy", "keys rotate", "restore --replay", "restore x"):
        done = portal(serving, *command.split())
        named = f"database_owner_env: the environment variable {OWNER} is missing" in done.output
        assert (done.exit_code, named) == (1, True), (command, done.output)
        assert len(done.output.splitlines()) == 1


def _as(settings: Settings, name: str, environ: dict[str, str], *arguments: str) -> str:
    file = str(settings.path(name))
    done = CliRunner().invoke(main, ["--config", file, *arguments], env=environ)
    assert done.exit_code == 1, done.output
    return done.output


def test_a_backup_taken_under_writes_is_one_moment(
    shop: Shop, lived: Lived, elsewhere: Elsewhere, engine: str
) -> None:
    """Workers go on writing about everybody; the chains in it hold, and end before the last line."""
    child, stop = lived.home.citizen.id, threading.Event()

    def write() -> None:
        while not stop.is_set():
            look(shop, child, 1)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        files = [backup(shop.settings, str(shop.settings.path(f"{i}.backup"))) for i in range(3)]
    finally:
        stop.set()
        writer.join()
    for file in files[1:]:
        there = elsewhere.settings(shop.settings, engine)
        assert portal(there, "restore", str(file)).exit_code == 0
        assert portal(there, "audit", "verify").exit_code == 0


@pytest.mark.proof
def test_a_million_lines_are_back_in_a_quarter_of_an_hour(
    stored: Settings, elsewhere: Elsewhere, engine: str, record_property: Figure
) -> None:
    """RTO: 15 minutes; what a restore of a million log lines takes, and a backup of them."""
    count, store = times(1000, 1_000_000), open_store(stored)
    for batch in batches(count):
        with store.write(str(batch[0]["citizen"])) as c:
            c.execute(insert(access_entry), batch)
    assert Checkpoints(stored, store).make(first=True)
    begun = time.monotonic()
    file = backup(stored)
    taken = time.monotonic()
    there = elsewhere.settings(stored, engine)
    assert portal(there, "restore", str(file)).exit_code == 0
    back = time.monotonic()
    assert back - taken <= 15 * 60
    size = file.stat().st_size / 1e6
    told = f"{count} log lines, {engine}: backup {taken - begun:.0f} s ({size:.0f} MB)"
    record_property("figure", f"{told}, restore with every check {back - taken:.0f} s")


@on_sqlite
def test_only_its_owner_reads_it_and_a_failed_one_leaves_nothing(shop: Shop, lived: Lived) -> None:
    file = backup(shop.settings)
    assert file.stat().st_mode & 0o077 == 0
    assert file.parent.stat().st_mode & 0o077 == 0
    assert portal(shop.settings, "backup", str(file)).exit_code == 1  # never over another
    before = sorted(file.parent.iterdir())
    limited = "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (1500, 1500)); "
    limited += "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
    limited += "from portal.cli import main; main()"
    target = file.parent / "full.backup"
    arguments = ["--config", str(shop.settings.path("portal-0851.toml")), "backup", str(target)]
    done = subprocess.run(
        [sys.executable, "-c", limited, *arguments],
        env={**os.environ, **shop.settings.environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("backup: [Errno 27] File too large"), done.stderr
    assert sorted(file.parent.iterdir()) == before


@on_sqlite
def test_a_no_that_may_be_cut_off_is_no_restore_without_a_word(
    shop: Shop, lived: Lived, elsewhere: Elsewhere
) -> None:
    """A crash leaves half a line, and so does a damaged disk: then somebody was told."""
    file = backup(shop.settings)
    shop.consents.withdraw(lived.home.citizen.id, who(lived.home)[0].id, "skole", True)
    (journal,) = shop.settings.path(shop.settings.consents.journal).glob("*.journal")
    whole = journal.read_text()
    journal.write_text(whole[:-7])
    drill = portal(shop.settings, "restore", "--drill")
    assert drill.exit_code == 1 and "cut off" in drill.output
    there = elsewhere.settings(shop.settings, "sqlite")
    told = portal(there, "restore", str(file))
    assert told.exit_code == 1
    assert "restored, but 1 lines of the journal were cut off" in told.output
    journal.write_text(whole)
    assert portal(shop.settings, "restore", "--drill").exit_code == 0


@on_sqlite
def test_no_backup_is_sealed_with_keys_that_open_nothing(shop: Shop, lived: Lived) -> None:
    """It would be the newest, and of no use."""
    wrong = {**shop.settings.environ, "PORTAL_DATA_KEYS": keys.new_data_key()}
    told = _as(shop.settings, "portal-0851.toml", wrong, "backup")
    assert told.startswith("backup: the data keys do not open what the database holds")
    assert not shop.settings.path(shop.settings.backup.path).exists()


@on_sqlite
def test_no_backup_begins_that_the_journal_does_not_know_of(shop: Shop, lived: Lived) -> None:
    folder = shop.settings.path(shop.settings.consents.journal)
    folder.parent.mkdir(exist_ok=True)
    folder.write_text("a file, not a folder")
    done = portal(shop.settings, "backup")
    assert (done.exit_code, done.output.startswith("backup: ")) == (1, True)
    assert not shop.settings.path(shop.settings.backup.path).exists()


def test_a_drill_proves_a_backup_and_leaves_nothing(
    shop: Shop,
    lived: Lived,
    elsewhere: Elsewhere,
    engine: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = portal(shop.settings, "backup", "--status")
    assert (told.exit_code, "there is no backup; no restore was ever drilled" in told.output) == (
        1,
        True,
    )
    backup(shop.settings)
    take_back(shop, lived, monkeypatch)
    if engine == "postgresql":
        scratch = elsewhere.settings(shop.settings, engine)
        monkeypatch.setenv("PORTAL_DRILL_DATABASE", scratch.environ["PORTAL_DATABASE_OWNER"])
    signed = sorted(shop.settings.path(shop.settings.audit.checkpoints).iterdir())
    for _ in range(2):  # and again in the same scratch database: it is empty once more
        done = portal(shop.settings, "restore", "--drill")
        assert done.exit_code == 0, done.output
        assert "every chain holds, every withdrawal holds" in done.output
    assert sorted(shop.settings.path(shop.settings.audit.checkpoints).iterdir()) == signed
    told = portal(shop.settings, "backup", "--status")
    assert told.exit_code == 0, told.output
    assert "Last drill: 0 minutes old" in told.output


@on_sqlite
@pytest.mark.parametrize(("days", "code"), [(29, 0), (31, 1)])
def test_an_old_drill_is_none(
    days: int, code: int, shop: Shop, lived: Lived, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup(shop.settings)
    assert portal(shop.settings, "restore", "--drill").exit_code == 0
    later = datetime.now(UTC) + timedelta(days=days)
    monkeypatch.setattr(drill, "now", lambda: later)
    monkeypatch.setattr(taking, "now", lambda: later)
    backup(shop.settings)
    told = portal(shop.settings, "backup", "--status")
    assert told.exit_code == code, told.output
    assert (f"the last drill is {days} days old" in told.output) == bool(code)


@on_sqlite
def test_a_drill_finds_a_log_that_was_changed_before_the_backup(shop: Shop, lived: Lived) -> None:
    with as_owner(shop) as c:
        log = list(checkpoints.rows(c, "0851"))
        replace_log(c, [r._replace(detail=b"other") if r.seq == 2 else r for r in log])
    backup(shop.settings)
    done = portal(shop.settings, "restore", "--drill")
    assert done.exit_code == 1
    assert "faults" in done.output
    assert portal(shop.settings, "backup", "--status").exit_code == 1


@on_sqlite
def test_after_a_day_the_last_of_each_day_stays(
    shop: Shop, lived: Lived, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = datetime(2026, 3, 1, 0, 30, tzinfo=UTC)
    for hours in (*range(0, 72, 6), 45 * 24):
        monkeypatch.setattr(taking, "now", lambda h=hours: start + timedelta(hours=h))
        backup(shop.settings)
        names = [f.name for f in taking.Backups(shop.settings, shop.store).files()]
        if hours == 66:
            days = [n[11:13] for n in names]
            assert days == ["01", "02", "03", "03", "03", "03"], names
    assert len(names) == 1


@on_sqlite
def test_a_database_put_back_by_its_own_tools_is_told_the_same(
    shop: Shop, lived: Lived, elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.consents.withdraw(lived.erased, who(lived.home)[0].id, "familie", True)
    there = elsewhere.settings(shop.settings, "sqlite")
    there.path("again.db").touch(mode=0o600)
    copy = sqlite3.connect(there.path("again.db"))
    with sqlite3.connect(str(shop.store.engine.url.database)) as source:
        source.backup(copy)
    copy.close()
    take_back(shop, lived, monkeypatch)
    done = portal(there, "restore", "--replay")
    assert done.exit_code == 0, done.output
    again = elsewhere.shop(there)
    obeys(again, lived)
    holds(again)


def test_a_line_of_the_journal_without_a_kind_is_a_consents(shop: Shop, lived: Lived) -> None:
    """As the first journals wrote them."""
    child, mette = lived.home.citizen.id, who(lived.home)[0].id
    event = shop.consents.withdraw(child, mette, "skole", True)
    journal = Journal(shop.settings)
    (entry,) = journal.read()
    (file,) = journal._files()
    old = {k: v for k, v in msgspec.to_builtins(entry).items() if k != "what"}
    sealed = shop.vault.seal(msgspec.json.encode(old), "journal 0851")
    file.write_text(sealed.hex())
    assert list(Journal(shop.settings).read()) == [entry]
    assert event.seq == entry.seq  # type: ignore[union-attr]
