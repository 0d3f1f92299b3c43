"""Data keys can go: everything is sealed anew while the portal serves, and the old key is then worthless."""

from __future__ import annotations

import base64
import os
import sqlite3
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from msgspec import structs
from sqlalchemy import event, select
from werkzeug.test import TestResponse

from portal import audit, create_app, keys, rotation
from portal.access import Viewer
from portal.audit import Act, Line
from portal.cli import main
from portal.comments import Detail
from portal.config import load
from portal.crypto import Vault
from portal.family import NOBODY
from portal.journal import Journal
from portal.key_check import KeyCheck
from portal.models import person
from portal.settings import CPR_SYSTEM, Settings
from tests.conftest import BASE, Login
from tests.store_world import OWNER, PEOPLE, Shop, open_shop, open_store, proposal, who

pytest_plugins = ("tests.store_fixtures",)
FIXED = f"the employee\x1f{OWNER}"


def with_keys(settings: Settings, *data_keys: bytes) -> Settings:
    """The same portal after its operator changed the variable."""
    text = ",".join(base64.b64encode(k).decode() for k in data_keys)
    environ = {**settings.environ, settings.data_keys_env: text}
    return structs.replace(settings, data_keys=data_keys, environ=environ)


def fresh_key() -> bytes:
    return base64.b64decode(keys.new_data_key())


def command(settings: Settings) -> Result:
    file = str(settings.path("portal-0851.toml"))
    return CliRunner().invoke(main, ["keys", "rotate", "--config", file], env=settings.environ)


@pytest.fixture
def lived_in(shop: Shop) -> Shop:
    """A family, a yes, a no, a comment, a line in nobody's chain."""
    home = shop.household()
    mette, jonas = who(home)
    shop.consents.grant(home, mette.id, proposal(home, 0), "the sentence", "da")
    shop.consents.withdraw(home.citizen.id, jonas.id, "skole", True)
    wrote = Detail(author=mette.id, text="Han sover dårligt")
    shop.comments.write(home.citizen.id, Viewer(person=mette.id), "", wrote)
    with shop.store.write(NOBODY) as c:
        line = Line(act=Act.LOOK_UP, subject="somebody", outcome="unknown person")
        audit.append(c, "0851", NOBODY, shop.family.key(NOBODY), line)
    return shop


def all_readable(shop: Shop, ids: tuple[str, ...]) -> None:
    assert tuple(shop.family.enrolled(CPR_SYSTEM, cpr) for cpr in PEOPLE) == ids
    emil = ids[2]
    with shop.store.read(emil, NOBODY) as c:
        (nobodys,) = audit.entries(c, "0851", NOBODY, shop.family.key(NOBODY))
    assert nobodys.line.subject == "somebody"
    assert [e.grant.text for e in shop.consents.events(emil) if e.grant] == ["the sentence"]
    (comment,) = shop.comments._all(emil)
    assert comment.detail and comment.detail.text == "Han sover dårligt"
    assert [s.by for s in Journal(shop.settings).read()] == [ids[1]]


def test_afterwards_the_new_key_alone_opens_everything(lived_in: Shop) -> None:
    (old,), new = lived_in.settings.data_keys, fresh_key()
    ids = tuple(lived_in.person(cpr) for cpr in PEOPLE)
    lasting = lived_in.family._lasting.hash(FIXED)
    both = with_keys(lived_in.settings, new, old)
    said = command(both)
    assert said.exit_code == 0, said.output
    assert "3 people were sealed anew, 0 are left" in said.output
    assert "1 lines of the journal were sealed anew, 0 are left" in said.output
    assert "Nothing is left" in said.output
    alone = open_shop(with_keys(lived_in.settings, new))
    all_readable(alone, ids)
    assert alone.family._lasting.hash(FIXED) == lasting, "an employee becomes another one"
    all_readable(open_shop(both), ids)
    assert command(alone.settings).exit_code == 0, "the next rotation finds nothing to do"
    after = with_keys(lived_in.settings, fresh_key(), new)
    assert "3 people were sealed anew" in command(after).output
    all_readable(open_shop(with_keys(after, after.data_keys[0])), ids)


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_the_old_ciphertext_is_gone_from_the_file(lived_in: Shop) -> None:
    (old,), new = lived_in.settings.data_keys, fresh_key()
    file = lived_in.settings.path("portal.db")
    with sqlite3.connect(file) as c:
        blobs = [b for row in c.execute('SELECT identifier, "key" FROM person') for b in row]
    lived_in.store.engine.dispose()
    assert command(with_keys(lived_in.settings, new, old)).exit_code == 0
    folder = lived_in.settings.path(".")
    bytes_now = b"".join(f.read_bytes() for f in folder.rglob("*") if f.is_file())
    assert len(blobs) == 6
    assert not [b for b in blobs if b in bytes_now or b.hex().encode() in bytes_now]
    assert Vault([old]).label.hex().encode() not in bytes_now, "the journal"


def test_stopped_halfway_it_goes_on(lived_in: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    (old,), new = lived_in.settings.data_keys, fresh_key()
    ids = tuple(lived_in.person(cpr) for cpr in PEOPLE)
    both = with_keys(lived_in.settings, new, old)
    monkeypatch.setattr(rotation, "AT_ONCE", 1)
    work = rotation.Rotation(both, open_store(both))
    people, seen = work._people, []

    def killed(batch: list[str]) -> int:
        if seen:
            raise KeyboardInterrupt
        seen.extend(batch)
        return people(batch)

    monkeypatch.setattr(work, "_people", killed)
    with pytest.raises(KeyboardInterrupt):
        work.run()
    all_readable(open_shop(both), ids)
    assert rotation.Rotation(both, open_store(both)).left()["people"] == 2
    assert "2 people were sealed anew, 0 are left" in command(both).output
    all_readable(open_shop(with_keys(both, new)), ids)


def test_it_runs_beside_a_portal_that_enrols_and_reads(
    lived_in: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    (old,), new = lived_in.settings.data_keys, fresh_key()
    monkeypatch.setattr(rotation, "AT_ONCE", 2)
    both = with_keys(lived_in.settings, new, old)
    serving = open_shop(both)
    numbers = [f"{n:02}05{50 + n}9111" for n in range(1, 25)]
    met: dict[str, str] = {}

    def enrol() -> None:
        met.update((cpr, serving.person(cpr)) for cpr in numbers)

    thread = threading.Thread(target=enrol)
    thread.start()
    said = command(both)
    thread.join()
    assert said.exit_code == 0, said.output
    alone = open_shop(with_keys(both, new))
    for cpr, id in met.items():
        assert alone.person(cpr) == id
    with alone.store.read(*met.values()) as c:
        assert len(c.execute(select(person.c.id).where(person.c.id.in_(met.values()))).all()) == 24


def test_what_no_key_opens_is_said_and_kept(lived_in: Shop) -> None:
    """The operator took the old key out too early."""
    (old,), new = lived_in.settings.data_keys, fresh_key()
    ids = tuple(lived_in.person(cpr) for cpr in PEOPLE)
    early = command(with_keys(lived_in.settings, new))
    assert early.exit_code == 1
    assert "3 people" not in early.output.splitlines()[0]
    assert "4 are still under an older key" in early.output
    both = with_keys(lived_in.settings, new, old)
    assert command(both).exit_code == 0
    all_readable(open_shop(with_keys(both, new)), ids)


def test_with_keys_that_open_nothing_no_portal_starts(lived_in: Shop) -> None:
    """Everybody would be somebody new, and whom an authority has shut out would be in again."""
    file = str(lived_in.settings.path("portal-0851.toml"))
    (old,), new = lived_in.settings.data_keys, fresh_key()

    def start(*data_keys: bytes) -> str:
        environ = with_keys(lived_in.settings, *data_keys).environ
        return CliRunner().invoke(main, ["serve", "--check", "--config", file], env=environ).stderr

    (line,) = start(new).splitlines()
    assert line.startswith("PORTAL_DATA_KEYS (data_keys_env): ")
    assert "the data keys do not open" in line and "(example: " in line
    for fits in ((old,), (new, old), (old, new)):
        assert "PORTAL_DATA_KEYS" not in start(*fits)
    assert command(with_keys(lived_in.settings, new, old)).exit_code == 0
    assert "the data keys do not open" in start(old)
    assert "PORTAL_DATA_KEYS" not in start(new)


def test_half_rotated_it_starts_with_both_keys_only(
    lived_in: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever is still under the old key would be somebody new."""
    (old,), new = lived_in.settings.data_keys, fresh_key()
    both = with_keys(lived_in.settings, new, old)
    monkeypatch.setattr(rotation, "AT_ONCE", 1)
    work, statements = rotation.Rotation(both, open_store(both)), list[str]()
    event.listen(lived_in.store.engine, "before_cursor_execute", lambda *a: statements.append(a[2]))
    for batch in work._batches(person):
        work._people(batch)
        assert KeyCheck(lived_in.store, Vault([new, old]), "0851").problem() == ""
        assert len([s for s in statements if "FROM person" in s]) == 2
        statements.clear()
        left = work.left()["people"]
        problem = KeyCheck(lived_in.store, Vault([new]), "0851").problem()
        statements.clear()
        assert ("do not open" in problem) == bool(left), left
    assert left == 0
    assert "do not open" in KeyCheck(lived_in.store, Vault([old]), "0851").problem()


def test_an_empty_database_takes_any_keys(shop: Shop) -> None:
    check = KeyCheck(shop.store, Vault([fresh_key()]), "0851")
    assert check.problem() == ""
    shop.person(PEOPLE[0])
    assert "do not open" in check.problem(), "nothing was known before"


def test_a_worker_with_other_keys_is_not_ready(
    settings: Settings, app: Flask, login: Login
) -> None:
    def ready(worker: Flask) -> TestResponse:
        return worker.test_client().get("/readyz", base_url=BASE)

    other = create_app(with_keys(settings, fresh_key()))
    assert ready(other).status_code == 200, "nothing is held yet"
    login("mette").citizens()
    assert ready(app).json == {"status": "ready"}
    assert ready(other).status_code == 503
    assert ready(other).json == {"status": "the data keys do not open what the database holds"}
    (old,) = settings.data_keys
    both = create_app(with_keys(settings, fresh_key(), old))
    assert ready(both).status_code == 200


def test_a_no_said_while_the_journal_is_written_anew_is_not_lost(lived_in: Shop) -> None:
    (old,), new = lived_in.settings.data_keys, fresh_key()
    both = with_keys(lived_in.settings, new, old)
    serving, home = open_shop(both), lived_in.household()
    mette, _ = who(home)
    done = threading.Event()

    def again_and_again() -> None:
        while not done.is_set():
            Journal(both).reseal()
            Journal(with_keys(both, old, new)).reseal()

    thread = threading.Thread(target=again_and_again)
    thread.start()
    for _ in range(25):
        serving.consents.withdraw(home.citizen.id, mette.id, "skole", True)
    done.set()
    thread.join()
    assert len(list(Journal(both).read())) == 26
    assert not list(Path(both.path(both.consents.journal)).glob("*.draft"))


def test_sessions_go_on_and_cookies_too(app: Flask, settings: Settings, login: Login) -> None:
    """Both kinds of keys: the first makes, all read."""
    mette = login("mette")
    (old,), new = settings.data_keys, fresh_key()
    environ = {**os.environ, **settings.environ}
    environ["PORTAL_SECRET_KEYS"] = f"{keys.new_secret()},{settings.secret_keys[0]}"
    file = settings.path("portal.toml")
    both = with_keys(structs.replace(load(file, environ), source=settings.source), new, old)
    form = mette.token()
    second = create_app(both)
    cookie = mette.client.get_cookie("session") or next(iter(mette.client._cookies.values()))
    other = second.test_client()
    other.set_cookie(cookie.key, cookie.value, domain="127.0.0.1")
    assert other.get("/konto", base_url=BASE).status_code == 200
    kept = other.post("/log-ud", base_url=BASE, data={"csrf_token": "forged"})
    assert kept.status_code == 403
    said = CliRunner().invoke(main, ["keys", "rotate", "--config", str(file)], env=both.environ)
    assert "1 sessions were sealed anew, 0 are left" in said.output, said.output
    alone = with_keys(structs.replace(both, secret_keys=both.secret_keys), new)
    third = create_app(alone).test_client()
    third.set_cookie(cookie.key, cookie.value, domain="127.0.0.1")
    assert third.get("/konto", base_url=BASE).status_code == 200
    gone = third.post("/log-ud", base_url=BASE, data={"csrf_token": form})
    assert gone.status_code in (302, 303), "a form from before the change of secret keys"
