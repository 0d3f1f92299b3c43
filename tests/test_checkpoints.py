"""The log cannot be changed without being found out: in the database, in an export, by whoever."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, insert, text

from portal import audit, checkpoints, clerk, cli_audit, verifier
from portal.audit import Act, Line
from portal.checkpoints import Checkpoints
from portal.cli import main
from portal.models import access_entry
from portal.second_place import Unsignable
from portal.settings import Settings
from portal.verifier import GENESIS, Chains, Row, Untrue, chain
from tests import tampering
from tests.proving import dice, times
from tests.store_world import Shop, open_shop, open_store
from tests.tampering import TENANT, Log

pytest_plugins = ("tests.store_fixtures",)
on_sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
Figure = Callable[[str, object], None]


@pytest.fixture
def signed(shop: Shop) -> Checkpoints:
    """Five people with some lines each, half of them in a first checkpoint and all in a second."""
    found = Checkpoints(shop.settings, shop.store)
    people = [shop.person(f"010188900{i}") for i in range(5)]
    for _ in range(2):
        for i, citizen in enumerate(people):
            look(shop, citizen, i + 1)
        assert found.make()
    return found


def test_an_untouched_log_holds(signed: Checkpoints) -> None:
    found = signed.check(signed.sealed())
    assert (found.count, found.unsigned, found.faults) == (30, 0, [])
    assert signed.sealed().number == 2
    assert signed.make() is None


def test_new_lines_are_counted_and_then_signed(signed: Checkpoints, shop: Shop) -> None:
    look(shop, shop.person("0101889000"), 3)
    look(shop, shop.person("0909889009"), 2)
    found = signed.check(signed.sealed())
    assert (found.unsigned, found.faults) == (5, [])
    made = signed.make()
    assert made
    assert (made.number, made.chains, made.faults) == (3, 2, ())
    assert signed.check(signed.sealed()).unsigned == 0


@pytest.mark.proof
@pytest.mark.parametrize("way", tampering.WAYS, ids=lambda way: way.__name__)
def test_every_tampering_is_found(
    way: Callable[..., Log], memory_log: tuple[verifier.Sealed, Log], record_property: Figure
) -> None:
    sealed, log = memory_log
    rounds, chance = times(60, 1000), dice(way.__name__)
    for _ in range(rounds):
        other = way(log, chance)
        while other == log:
            other = way(log, chance)
        chains = Chains(sealed)
        for row in other:
            chains.add(row)
        assert chains.finish(), other
    record_property("figure", f"{rounds} tamperings of kind '{way.__name__}': all found")


@pytest.mark.parametrize("way", tampering.WAYS, ids=lambda way: way.__name__)
def test_the_command_finds_it_in_the_database(
    way: Callable[..., Log], signed: Checkpoints, shop: Shop
) -> None:
    chance = dice(f"database {way.__name__}")
    for _ in range(times(2, 40)):
        with as_owner(shop) as c:
            log = list(checkpoints.rows(c, TENANT))
            other = distinct(way(log, chance))
            replace_log(c, other)
        done = audit_command(shop.settings, "verify")
        with as_owner(shop) as c:
            replace_log(c, log)
        assert other == log or done.exit_code == 1, done.output
        assert other == log or "entry" in done.output
    assert audit_command(shop.settings, "verify").exit_code == 0


@on_sqlite
def test_a_cut_log_is_not_signed_over(signed: Checkpoints, shop: Shop) -> None:
    citizen = shop.person("0101889004")
    with as_owner(shop) as c:
        log = list(checkpoints.rows(c, TENANT))
        replace_log(c, [r for r in log if r.citizen != citizen or r.seq < 8])
    look(shop, citizen, 6)
    look(shop, shop.person("0101889000"), 1)
    made = signed.make()
    assert made
    assert [(f.citizen, f.problem) for f in made.faults] == [
        (citizen, "is not the line that was signed")
    ]
    assert signed.sealed().heads[citizen].seq == 10
    assert audit_command(shop.settings, "checkpoint").exit_code == 1


def test_a_log_without_its_checkpoints_is_not_signed_afresh(
    signed: Checkpoints, shop: Shop
) -> None:
    """The database knows that there were two, however young the log is."""
    shutil.rmtree(shop.settings.path(shop.settings.audit.checkpoints))
    told = audit_command(shop.settings, "verify")
    assert told.exit_code == 1
    assert "checkpoint 2 was made, but the newest here is 0" in told.output
    with pytest.raises(Unsignable, match="was made"):
        signed.make()
    made = signed.make(first=True)
    assert made
    assert (made.number, made.chains) == (3, 5)  # never the same number twice
    assert audit_command(shop.settings, "verify").exit_code == 0


@on_sqlite
def test_an_old_log_that_never_had_a_checkpoint_is_signed_by_name_only(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    look(shop, shop.person("0101889000"), 2)
    assert audit_command(shop.settings, "verify").exit_code == 0  # an hour old at most: not yet due
    monkeypatch.setattr(checkpoints, "now", lambda: datetime.now(UTC) + timedelta(hours=2))
    assert audit_command(shop.settings, "verify").exit_code == 1
    found = Checkpoints(shop.settings, shop.store)
    with pytest.raises(Unsignable, match="gone"):
        found.make()
    assert found.make(first=True)


def test_the_newest_checkpoint_taken_away_is_missed(
    signed: Checkpoints, shop: Shop, tmp_path: Path
) -> None:
    """With it went the proof of what is written since: verify and the auditor both say so."""
    export = tmp_path / "log.jsonl"
    folder = shop.settings.path(shop.settings.audit.checkpoints)
    sorted(folder.glob("*.checkpoint"))[-1].unlink()
    with export.open("w") as out:
        out.writelines(line + "\n" for line in signed.export())
    with export.open("rb") as lines:
        sealed, found, _ = verifier.read(lines, real_key(shop.settings).public_key())
    for faults in (found.faults, signed.check(signed.sealed()).faults):
        assert [f.problem for f in faults] == ["checkpoint 2 was made, but the newest here is 1"]
    assert sealed.number == 1
    with pytest.raises(Unsignable, match="was made"):
        signed.make()


def test_a_checkpoint_put_in_anothers_place_is_found(signed: Checkpoints, shop: Shop) -> None:
    """Signed by the real key, but not the one that was made."""
    file = sorted(shop.settings.path(shop.settings.audit.checkpoints).glob("*.checkpoint"))[-1]
    body = file.read_bytes().partition(b"\n")[0].replace(b'"begins":[]', b'"begins": []')
    put(file, body + b"\n" + base64.b64encode(real_key(shop.settings).sign(body)))
    (fault,) = signed.check(signed.sealed()).faults
    assert fault.problem == "checkpoint 2 is not the one that was made"


@on_sqlite
def test_what_is_not_covered_yet_is_said(
    signed: Checkpoints, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "not covered yet" not in audit_command(shop.settings, "verify").output
    look(shop, shop.person("0101889000"), 3)
    monkeypatch.setattr(
        cli_audit, "now", lambda: datetime.now(UTC) + timedelta(minutes=7, seconds=9)
    )
    told = audit_command(shop.settings, "verify")
    assert told.exit_code == 0
    assert "not covered yet: the newest 3; the oldest of them had waited 7 minutes" in told.output


@on_sqlite
@pytest.mark.parametrize(
    "forge", ["changed", "other key", "left out", "stands first", "other municipality", "garbage"]
)
def test_a_forged_checkpoint_is_refused(forge: str, signed: Checkpoints, shop: Shop) -> None:
    look(shop, shop.person("0101889000"), 1)
    signed.make()
    folder = shop.settings.path(shop.settings.audit.checkpoints)
    files = sorted(folder.glob("*.checkpoint"))
    body, _, _ = files[1].read_bytes().partition(b"\n")
    key = Ed25519PrivateKey.generate()
    signature = base64.b64encode(key.sign(body))
    if forge == "changed":
        put(
            files[1],
            files[1].read_bytes().replace(b'"seq":', b'"seq": ').replace(b",1,", b",2,", 1),
        )
        put(files[1], files[1].read_bytes().replace(b'"number":2', b'"number": 2'))
    elif forge == "other key":
        put(files[1], body + b"\n" + signature)
    elif forge == "left out":
        files[1].unlink()
    elif forge == "stands first":
        files[0].unlink()
    elif forge == "other municipality":
        real = real_key(shop.settings)
        foreign = body.replace(b'"0851"', b'"0810"')
        put(files[1], foreign + b"\n" + base64.b64encode(real.sign(foreign)))
    else:
        put(files[1], b"\x00\xff\n")
    with pytest.raises((Untrue, Unsignable)):
        signed.sealed()
    done = audit_command(shop.settings, "verify")
    assert done.exit_code == 1
    assert "Traceback" not in done.output


@on_sqlite
def test_workers_that_meet_make_one_checkpoint(stored: Settings) -> None:
    shops = [open_shop(stored) for _ in range(4)]
    look(shops[0], shops[0].person("0101889000"), 5)
    made: list[object] = []
    threads = [
        threading.Thread(target=lambda s=s: made.append(Checkpoints(stored, s.store).make()))  # type: ignore[misc]
        for s in shops
    ]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len([m for m in made if m]) == 1
    assert Checkpoints(stored, shops[0].store).sealed().number == 1


@on_sqlite
def test_a_running_portal_signs_by_itself(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    look(shop, shop.person("0101889000"), 2)
    monkeypatch.setattr(clerk, "FIRST", 0.0)
    own = clerk.Clerk(shop.settings, shop.store)
    own.nudge()
    for thread in threading.enumerate():
        if thread.name == "checkpoint":
            thread.join(10)
    assert own.checkpoints.sealed().number == 1
    look(shop, shop.person("0101889000"), 2)
    own.nudge()  # not yet due again
    assert not [t for t in threading.enumerate() if t.name == "checkpoint"]
    assert own.checkpoints.sealed().number == 1


@on_sqlite
def test_a_key_others_can_read_signs_nothing(signed: Checkpoints, shop: Shop) -> None:
    shop.settings.path(shop.settings.audit.key).chmod(0o644)
    done = audit_command(shop.settings, "checkpoint")
    assert done.exit_code == 1
    assert "chmod 600" in done.output


@on_sqlite
def test_every_so_often_all_chains_are_named(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "FULL", 3)
    found = Checkpoints(shop.settings, shop.store)
    for i in range(8):
        look(shop, shop.person(f"010188900{i % 4}"), 1)
        found.make()
    assert [json.loads(body)["full"] for body, _ in found.statements()] == [True, False]
    assert found.check(found.sealed()).finish() == ()
    assert len(found.sealed().heads) == 4


def test_the_verifier_alone_reads_an_export(
    signed: Checkpoints, shop: Shop, tmp_path: Path
) -> None:
    """In an empty folder, isolated from our code: one file, Python, cryptography."""
    away = tmp_path / "revision"
    away.mkdir()
    shutil.copy(verifier.__file__, away / "verifier.py")
    look(shop, shop.person("0101889000"), 2)
    export, public = away / "log.jsonl", away / "public.pem"
    assert audit_command(shop.settings, "export", str(export)).exit_code == 0
    public.write_text(audit_command(shop.settings, "public").output)
    held = offline(away)
    assert held.returncode == 0, held.stderr
    assert b"32 entries, 0 of them not signed yet" in held.stdout
    lines = export.read_text().splitlines(keepends=True)
    for spoiled in (
        lines[:-1],
        [*lines[:5], *lines[6:]],
        [*lines[:1], *lines[2:]],
        lines[:1] + lines[4:],
    ):
        export.write_text("".join(spoiled))
        assert offline(away).returncode == 1
    export.write_text("".join(lines))
    public.write_bytes(public_pem(Ed25519PrivateKey.generate()))
    assert offline(away).returncode == 1
    export.write_text("not a log\n")
    assert offline(away).returncode == 2


@pytest.mark.proof
def test_a_million_entries_are_verified_in_a_minute(
    stored: Settings, tmp_path: Path, record_property: Figure
) -> None:
    count = times(20_000, 1_000_000)
    store = open_store(stored)
    for batch in batches(count):
        with store.write(str(batch[0]["citizen"])) as c:
            c.execute(insert(access_entry), batch)
    found = Checkpoints(stored, store)
    found.make(first=True)
    export = tmp_path / "log.jsonl"
    with export.open("w") as out:
        out.writelines(line + "\n" for line in found.export())
    (tmp_path / "public.pem").write_bytes(found.public())
    took = {}
    for what, act in {
        "in the database": lambda: len(found.check(found.sealed()).faults),
        "offline": lambda: verifier.main([str(export), str(tmp_path / "public.pem")]),
    }.items():
        begun, spent = time.monotonic(), time.process_time()
        assert act() == 0
        took[what] = (time.monotonic() - begun, time.process_time() - spent)
    limit = 60 * count / 1_000_000
    assert max(own for _, own in took.values()) <= limit
    if os.getloadavg()[0] <= (
        os.cpu_count() or 1
    ):  # the clock on the wall: of a machine of its own
        assert max(wall for wall, _ in took.values()) <= limit
    figures = ", ".join(
        f"{what} {wall:.1f} s ({own:.1f} s of our own processor time)"
        for what, (wall, own) in took.items()
    )
    record_property("figure", f"{count} entries verified: {figures}")


# --- means -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def memory_log() -> tuple[verifier.Sealed, Log]:
    """Six chains of one to twelve lines, as they come from a database, and what was signed."""
    chance = dice("log")
    log: Log = []
    for length in (1, 2, 3, 5, 8, 12):
        citizen = f"{chance.getrandbits(128):032x}"
        for _ in range(length):
            at = f"2026-03-{chance.randint(10, 28)}T10:00:00.{chance.randrange(10**6):06d}+00:00"
            log.append(Row(citizen, 0, at, chance.randbytes(60), b"", b""))
    log = tampering.renumbered(sorted(log, key=lambda r: r.citizen))
    heads = {log[i].citizen: verifier.Head(log[i].seq, log[i].hash) for i in tampering.ends(log)}
    return verifier.Sealed(TENANT, 1, "2026-04-01T00:00:00.000000+00:00", "", heads), log


def look(shop: Shop, citizen: str, count: int) -> None:
    for i in range(count):
        with shop.store.write(citizen) as c:
            line = Line(act=Act.READ, purpose=str(i))
            audit.append(c, shop.settings.municipality, citizen, shop.family.key(citizen), line)


def audit_command(settings: Settings, *arguments: str):  # type: ignore[no-untyped-def]
    file = settings.path("portal-0851.toml")
    return CliRunner().invoke(
        main, ["audit", arguments[0], "--config", str(file), *arguments[1:]], env=settings.environ
    )


class as_owner:
    """The database in the hands of its owner, who takes the triggers down and up again."""

    def __init__(self, shop: Shop) -> None:
        self._store = open_store(shop.settings)

    def __enter__(self) -> Connection:
        self._connection = self._store.owning.connect()
        self._wall("NO FORCE")
        return self._connection

    def __exit__(self, *_: object) -> None:
        self._wall("FORCE")
        self._connection.commit()
        self._connection.close()
        self._store.owning.dispose()

    def _wall(self, how: str) -> None:
        if not self._store.sqlite:
            self._connection.execute(text(f"ALTER TABLE access_entry {how} ROW LEVEL SECURITY"))


def replace_log(c: Connection, log: Log) -> None:
    """Exactly these lines, and no others."""
    if c.dialect.name == "sqlite":
        for trigger in ("no_update", "no_delete", "no_replace"):
            c.execute(text(f"DROP TRIGGER IF EXISTS access_entry_{trigger}"))
    else:
        c.execute(text("ALTER TABLE access_entry DISABLE TRIGGER USER"))
    c.execute(text("DELETE FROM access_entry"))
    rows = [{"tenant": TENANT, **r._asdict(), "at": datetime.fromisoformat(r.at)} for r in log]
    if rows:
        c.execute(insert(access_entry), rows)


def distinct(log: Log) -> Log:
    """As a table holds them: one line per place, none numbered below one, in order."""
    kept = {(r.citizen, r.seq): r for r in log if r.seq > 0}
    return [kept[k] for k in sorted(kept)]


def batches(count: int, chains: int = 1000) -> Iterator[list[dict[str, object]]]:
    at, detail = datetime(2026, 11, 1, tzinfo=UTC), bytes(range(200))
    moment = audit.moment(at)
    for i in range(chains):
        citizen, previous, batch = f"{i:032x}", GENESIS, []
        for seq in range(1, count // chains + 1):
            hash = chain(TENANT, citizen, seq, moment, detail, previous)
            row = {"tenant": TENANT, "citizen": citizen, "seq": seq, "at": at, "detail": detail}
            batch.append({**row, "previous": previous, "hash": hash})
            previous = hash
        yield batch


def offline(folder: Path) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-I", "verifier.py", "log.jsonl", "public.pem"]
    return subprocess.run(command, cwd=folder, capture_output=True, check=False, timeout=60)


def put(file: Path, content: bytes) -> None:
    file.unlink()
    file.write_bytes(content)


def real_key(settings: Settings) -> Ed25519PrivateKey:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    key = load_pem_private_key(settings.path(settings.audit.key).read_bytes(), None)
    assert isinstance(key, Ed25519PrivateKey)
    return key


def public_pem(key: Ed25519PrivateKey) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
