"""Erased is erased: no key, no word, no way back to the person; and the log still verifies."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import insert, select

from portal import audit, verifier
from portal import erasure as erasing
from portal.access import Viewer
from portal.audit import Act, Line
from portal.checkpoints import Checkpoints
from portal.cli import main
from portal.comments import Detail
from portal.crypto import new_id
from portal.db import StoreDown, Task, now
from portal.erasure import GOES, Erased, Erasure
from portal.family import NOBODY, UnknownPerson
from portal.held import held
from portal.models import access_closed, access_entry, comment, consent_event, feed, person, session
from portal.settings import Settings
from tests.store_world import PEOPLE, Shop, open_shop, proposal, who

pytest_plugins = ("tests.store_fixtures",)
CHILD = PEOPLE[2]
SECRET = "Hun sagde det til mig"


@pytest.fixture
def lived(shop: Shop) -> str:
    """A child with something of every kind; her id."""
    home = shop.household()
    citizen, (mette, _) = home.citizen.id, who(home)
    shop.consents.grant(home, mette.id, proposal(home, 0), SECRET, "da")
    shop.consents.withdraw(citizen, mette.id, "familie", True)
    shop.comments.write(citizen, Viewer(person=mette.id), "", Detail(author=mette.id, text=SECRET))
    shop.family.chose_language(citizen, "ar")
    with shop.store.write(citizen, mette.id) as c:
        row = {"tenant": "0851", "id": new_id(), "created": now()}
        c.execute(insert(feed).values(**row, token="t", person=mette.id, citizen=citizen))
        seat = {"token": "s", "person": citizen, "issuer_subject": "x", "data": b"", "used": now()}
        c.execute(insert(session).values(**row, **seat))
    return citizen


def erasure(shop: Shop) -> Erasure:
    return Erasure(shop.settings, shop.store, shop.vault, shop.family)


def erase(shop: Shop, cpr: str = CHILD) -> Erased | None:
    return erasure(shop).erase(cpr)


def test_what_may_go_is_gone_and_the_rest_cannot_be_read(shop: Shop, lived: str) -> None:
    seen = erasure(shop).of(CHILD)
    done = erase(shop)
    assert seen and done
    assert done.removed == seen.removed
    assert (done.removed["calendar links"], done.removed["logged-in sessions"]) == (1, 1)
    assert done.sealed == {"log lines": 4, "consent events": 2, "versions of comments": 1}
    afresh = open_shop(shop.settings)
    with pytest.raises(UnknownPerson):
        afresh.family.key(lived)
    with shop.store.read(lived) as c:
        row = c.execute(select(person).where(person.c.id == lived)).one()
        assert (row.key, row.identifier, row.language) == (None, b"", "")
        for table, _ in GOES.values():
            assert c.execute(select(table)).all() == []
        for table in (access_entry, consent_event, comment):
            stored = select(table.c.detail).where(table.c.citizen == lived)
            assert all(SECRET.encode() not in (d or b"") for d in c.execute(stored).scalars())
    for look in (afresh.consents.events, afresh.comments._all):
        with pytest.raises(UnknownPerson):
            look(lived)


def test_nothing_leads_to_the_person_any_more(shop: Shop, lived: str) -> None:
    erase(shop)
    afresh = open_shop(shop.settings)
    assert afresh.family.enrolled("urn:oid:1.2.208.176.1.2", CHILD) is None
    new = afresh.person(CHILD)
    assert new != lived
    assert afresh.consents.events(new) == ()
    assert afresh.comments.readable(new, Viewer(person=new)) == ()
    assert not afresh.family.exists(lived)


def test_the_chains_still_hold_here_and_at_the_auditors(
    shop: Shop, lived: str, tmp_path: Path
) -> None:
    checkpoints = Checkpoints(shop.settings, shop.store)
    assert checkpoints.make()
    erase(shop)
    assert checkpoints.check(checkpoints.sealed()).faults == []
    assert checkpoints.make()
    export, public = tmp_path / "log.jsonl", tmp_path / "public.pem"
    export.write_text("".join(line + "\n" for line in checkpoints.export()))
    public.write_bytes(checkpoints.public())
    assert verifier.main([str(export), str(public)]) == 0


def test_it_is_logged_where_it_can_still_be_read(shop: Shop, lived: str) -> None:
    erase(shop)
    with shop.store.read(NOBODY) as c:
        (entry,) = audit.entries(c, "0851", NOBODY, shop.family.key(NOBODY))
    assert (entry.line.outcome, entry.line.subject, entry.line.about) == (
        "erased",
        "operator",
        lived,
    )


def test_again_does_nothing(shop: Shop, lived: str) -> None:
    assert erase(shop)
    before = _lines(shop)
    assert erase(shop) is None
    assert erase(shop, "0909889009") is None  # nobody we ever met; and nobody is enrolled by asking
    assert _lines(shop) == before
    assert open_shop(shop.settings).family.enrolled("urn:oid:1.2.208.176.1.2", "0909889009") is None


@pytest.mark.parametrize("who_goes", ["child", "adult"])
def test_an_authoritys_closed_access_stays_closed(shop: Shop, lived: str, who_goes: str) -> None:
    """Otherwise a parent who is shut out need only ask for erasure."""
    adult = shop.person(PEOPLE[1])
    with shop.store.write(adult, lived) as c:
        row = {"tenant": "0851", "adult": adult, "citizen": lived, "at": now()}
        c.execute(insert(access_closed).values(**row))
        audit.append(c, "0851", adult, shop.family.key(adult), Line(act=Act.READ))
    cpr = CHILD if who_goes == "child" else PEOPLE[1]
    done = erase(shop, cpr)
    assert done
    assert done.closures == 1
    afresh = open_shop(shop.settings)
    adult, child = afresh.person(PEOPLE[1]), afresh.person(CHILD)
    with afresh.store.read(child) as c:
        assert held(c, child).closed == {adult}
    assert erase(afresh, cpr) is None  # and again does nothing
    assert afresh.person(CHILD) == child


def test_a_worker_that_runs_forgets_the_key_in_time(shop: Shop, lived: str) -> None:
    running = open_shop(shop.settings)
    assert running.family.key(lived)
    erase(shop)
    running.family._rows.clear()  # a minute later
    with pytest.raises(UnknownPerson):
        running.family.key(lived)


def test_a_failure_in_the_middle_erases_nothing(
    shop: Shop, lived: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise StoreDown

    monkeypatch.setattr(erasing, "wipe", fails)
    with pytest.raises(StoreDown):
        erase(shop)
    afresh = open_shop(shop.settings)
    assert afresh.person(CHILD) == lived
    assert afresh.family.key(lived)
    assert len(afresh.consents.events(lived)) == 2


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_the_sealed_key_is_overwritten_in_the_file(shop: Shop, lived: str) -> None:
    with shop.store.read(lived) as c:
        row = c.execute(select(person).where(person.c.id == lived)).one()
    folder = shop.settings.path(".")
    erase(shop)
    for file in folder.glob("portal.db*"):
        raw = file.read_bytes()
        assert row.key not in raw
        assert row.identifier not in raw


def test_the_daily_jobs_pass_an_erased_citizen_by(shop: Shop, lived: str) -> None:
    erase(shop)
    assert lived in shop.consents.everybody()
    afresh = open_shop(shop.settings)
    assert not afresh.family.exists(lived)


def test_the_command_tells_first_and_does_it_when_told(shop: Shop, lived: str) -> None:
    told = command(shop.settings, "erase", CHILD)
    assert told.exit_code == 0, told.output
    assert "This would happen" in told.output
    assert shop.family.enrolled("urn:oid:1.2.208.176.1.2", CHILD) == lived
    done = command(shop.settings, "erase", CHILD, "--yes")
    assert done.exit_code == 0, done.output
    for said in ("Erased.", "1 calendar links", "2 consent events", "backups", "sources hold"):
        assert said in done.output
    assert CHILD not in done.output
    again = command(shop.settings, "erase", CHILD, "--yes")
    assert (again.exit_code, "Nothing is held" in again.output) == (0, True)
    assert command(shop.settings, "erase", "", "--yes").exit_code == 1
    assert audit_verify(shop.settings).exit_code == 0


def command(settings: Settings, what: str, cpr: str, *more: str) -> Result:
    file = str(settings.path("portal-0851.toml"))
    arguments = ["citizen", what, "--config", file, "--as", "-", *more]
    return CliRunner().invoke(main, arguments, env=settings.environ, input=f"{cpr}\n")


def audit_verify(settings: Settings) -> Result:
    file = str(settings.path("portal-0851.toml"))
    return CliRunner().invoke(main, ["audit", "verify", "--config", file], env=settings.environ)


def _lines(shop: Shop) -> int:
    with shop.store.read(task=Task.LOG) as c:
        return len(c.execute(select(access_entry.c.seq)).all())
