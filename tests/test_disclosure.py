"""What is held is told to whom it may be told: in full, by the rules of the screens, and logged first."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask import Flask

from portal import audit, operators
from portal.access import Viewer
from portal.audit import Act
from portal.cli import main
from portal.disclosure import disclose
from portal.settings import CPR_SYSTEM, Settings
from portal.standing import NotFound
from tests import stores
from tests.acts import grant, withdraw
from tests.conftest import Browser, Login, staff
from tests.page_checks import check


@pytest.fixture
def lived(app: Flask, login: Login) -> tuple[Browser, Browser, str]:
    """Mette and Jonas have said yes and no about Emil, written, and looked; so has an employee."""
    mette, jonas = login("mette"), login("jonas")
    emil = mette.citizens()["Emil"]
    for parent in (mette, jonas):
        grant(parent, emil, "ppr")
    poul = staff(login, "poul")
    poul.post(f"/medarbejder/borger/{emil}", {"formaal": "moede"})
    withdraw(jonas, emil, "ppr")
    mette.post(f"/overblik/{emil}/kommentarer", {"tekst": "Mettes egne ord"})
    jonas.post(f"/overblik/{emil}/kommentarer", {"tekst": "Jonas skriver for sig selv"})
    app.extensions["portal"].feeds.open(Viewer(person=ids(app, mette)[0]), emil)
    return mette, jonas, emil


def cpr_of(app: Flask, citizen: str) -> str:
    return str(app.extensions["portal"].family.known(citizen).person.identifiers[CPR_SYSTEM])


def ids(app: Flask, *browsers: Browser) -> list[str]:
    """Each one's own id."""
    return [b.own() for b in browsers]


def test_a_custody_holder_gets_her_own_and_the_child_s_but_not_the_other_s(
    app: Flask, lived: tuple[Browser, Browser, str]
) -> None:
    mette, jonas, emil = lived
    hers, his = ids(app, mette, jonas)
    settings = app.extensions["portal"].settings
    child = cpr_of(app, emil)
    for me, other, word, secret in (
        (hers, his, "Mettes egne ord", "Jonas skriver for sig selv"),
        (his, hers, "Jonas skriver for sig selv", "Mettes egne ord"),
    ):
        told = disclose(settings, child, cpr_of(app, me))
        text = json.dumps(told, ensure_ascii=False)
        assert word in text
        assert secret not in text
        assert other not in text
        assert cpr_of(app, other) not in text
        assert child not in text  # her number is asked with, never told to another
    told = disclose(settings, child, cpr_of(app, hers))
    (ppr,) = [c for c in told["consents"] if c["your_answers"]]
    assert [a["answer"] for a in ppr["your_answers"]] == ["granted"]
    assert ppr["your_answers"][0]["text"]
    assert all(c["state"] != "withdrawn" for c in told["consents"])  # his no is not hers to know
    assert told["comments"][0]["text"] == "Mettes egne ord"
    assert len(told["calendar_links"]) == 1
    assert disclose(settings, child, cpr_of(app, his))["calendar_links"] == []
    assert told["sessions"] == []
    assert told["held_by_the_systems_themselves"]


def test_the_log_in_it_is_the_reader_s_own(app: Flask, lived: tuple[Browser, Browser, str]) -> None:
    mette, jonas, emil = lived
    hers, _ = ids(app, mette, jonas)
    told = disclose(app.extensions["portal"].settings, cpr_of(app, emil), cpr_of(app, hers))
    sentences = " ".join(line["text"] for line in told["access_log"])
    assert "Jonas" not in sentences
    assert "Du fik udleveret det, vi gemmer" in sentences


def test_she_gets_all_of_what_is_only_hers(app: Flask, lived: tuple[Browser, Browser, str]) -> None:
    mette, _, _ = lived
    (hers,) = ids(app, mette)
    cpr = cpr_of(app, hers)
    told = disclose(app.extensions["portal"].settings, cpr, cpr)
    assert told["person"]["identifier"] == cpr
    assert told["person"]["name_in_the_register"].startswith("Mette")
    assert len(told["sessions"]) == 1
    assert told["access_log"]
    assert told["about_this_file"]


def test_she_fetches_her_own_data_on_her_account(
    app: Flask, login: Login, lived: tuple[Browser, Browser, str]
) -> None:
    """As the command tells it, and hers alone: a file without a name, logged, kept by no cache."""
    mette, _, emil = lived
    (hers,) = ids(app, mette)
    assert 'href="/konto/mine-data"' in check(mette.get("/konto"))
    answer = mette.get("/konto/mine-data")
    assert answer.status_code == 200 and answer.json
    assert answer.headers["Content-Disposition"] == 'attachment; filename="mine-data.json"'
    assert answer.headers["Cache-Control"] == "no-store"
    portal = app.extensions["portal"]
    with portal.store.read(hers) as c:
        lines = audit.entries(c, "0851", hers, portal.family.key(hers))
    assert [e.line.person for e in lines if e.line.act is Act.EXPORT] == [hers]
    cpr = cpr_of(app, hers)
    theirs = disclose(portal.settings, cpr, cpr)
    assert answer.json.keys() == theirs.keys()
    assert answer.json["person"] == theirs["person"]
    assert emil not in answer.text and cpr_of(app, emil) not in answer.text
    assert staff(login, "poul").get("/konto/mine-data").status_code == 404
    assert "/konto/mine-data" not in check(staff(login, "poul").get("/konto"))


def test_without_a_log_line_nobody_fetches_her_data(
    app: Flask, lived: tuple[Browser, Browser, str]
) -> None:
    mette, _, _ = lived
    stores.refuse(app.extensions["portal"].store, "access_entry")
    answer = mette.get("/konto/mine-data")
    assert answer.status_code == 503 and "Mette" not in check(answer)


def test_it_is_logged_before_it_is_told(app: Flask, lived: tuple[Browser, Browser, str]) -> None:
    mette, _, emil = lived
    (hers,) = ids(app, mette)
    portal = app.extensions["portal"]
    disclose(portal.settings, cpr_of(app, emil), cpr_of(app, hers))
    with portal.store.read(emil) as c:
        lines = audit.entries(c, "0851", emil, portal.family.key(emil))
    found = [e.line for e in lines if e.line.act is Act.EXPORT]
    assert [line.person for line in found] == [hers]


def test_what_cannot_be_logged_is_not_told(
    app: Flask, lived: tuple[Browser, Browser, str], settings: Settings
) -> None:
    mette, _, emil = lived
    (hers,) = ids(app, mette)
    numbers = cpr_of(app, emil), cpr_of(app, hers)
    stores.refuse(app.extensions["portal"].store, "access_entry")
    done = command(app, "export", *numbers)
    assert done.exit_code == 1
    assert "database: does not answer" in done.output
    assert "Emil" not in done.output


def test_who_may_not_see_gets_nothing_and_it_is_logged(
    app: Flask, login: Login, lived: tuple[Browser, Browser, str]
) -> None:
    camilla, (_, _, emil) = login("camilla"), lived
    (stranger,) = ids(app, camilla)
    portal = app.extensions["portal"]
    with pytest.raises(NotFound):
        disclose(portal.settings, cpr_of(app, emil), cpr_of(app, stranger))
    with portal.store.read(emil) as c:
        newest = audit.entries(c, "0851", emil, portal.family.key(emil))[0].line
    assert (newest.act, newest.person) == (Act.REFUSED, stranger)
    refused = command(app, "export", cpr_of(app, emil), cpr_of(app, stranger))
    assert refused.exit_code == 1
    assert "may not see" in refused.output


def test_an_adult_who_is_shut_out_gets_nothing_until_it_is_opened(
    app: Flask, lived: tuple[Browser, Browser, str]
) -> None:
    """Closed, listed, opened again: each a line in the child's log."""
    mette, jonas, emil = lived
    _, his = ids(app, mette, jonas)
    portal = app.extensions["portal"]
    adult, child = cpr_of(app, his), cpr_of(app, emil)
    assert operators.open_access(portal.settings, adult, child) == "It was not closed."
    operators.close_access(portal.settings, adult, child)
    with pytest.raises(NotFound):
        disclose(portal.settings, child, adult)
    assert jonas.get(f"/overblik/{emil}").status_code == 404
    (listed,) = operators.closed_access(portal.settings)
    assert "Jonas" in listed and "Emil" in listed
    assert adult not in listed and child not in listed
    assert operators.open_access(portal.settings, adult, child).startswith("Opened")
    assert jonas.get(f"/overblik/{emil}?vent=1").status_code == 200
    assert list(operators.closed_access(portal.settings)) == ["No access is closed."]
    with portal.store.read(emil) as c:
        lines = [e.line for e in audit.entries(c, "0851", emil, portal.family.key(emil))]
    said = [x.outcome for x in reversed(lines) if x.subject == "operator"]
    assert said == ["access closed", "closed access listed", "access opened"]


def test_numbers_that_changed_places_close_nothing_and_it_is_said(
    app: Flask, lived: tuple[Browser, Browser, str]
) -> None:
    mette, jonas, emil = lived
    _, his = ids(app, mette, jonas)
    settings = app.extensions["portal"].settings
    adult, child = cpr_of(app, his), cpr_of(app, emil)
    for first, second, why in (
        (child, adult, "the second number is no child's"),
        (adult, adult, "both numbers are the same"),
        (adult, "0101999999", "the register does not know"),
        (adult, "010199", "not a CPR number of ten digits"),
    ):
        done = asked(settings, ["access", "close"], first, second)
        assert (done.exit_code, len(done.output.splitlines())) == (1, 1), done.output
        assert why in done.output
    assert list(operators.closed_access(settings)) == ["No access is closed."]
    written = f"{adult[:6]}-{adult[6:]}"
    assert asked(settings, ["access", "close"], written, child).output.startswith("Closed.")
    assert jonas.get(f"/overblik/{emil}").status_code == 404
    held = asked(settings, ["citizen", "erase", "--as", "-"], written)
    assert "This would happen" in held.output, "a hyphen makes her nobody else"


def asked(settings: Settings, arguments: list[str], *lines: str) -> Result:
    return CliRunner().invoke(
        main,
        [*arguments, "--config", settings.file],
        env=settings.environ,
        input="".join(f"{line}\n" for line in lines),
    )


def test_after_erasure_there_is_nothing_to_tell(
    app: Flask, lived: tuple[Browser, Browser, str]
) -> None:
    mette, jonas, emil = lived
    hers, his = ids(app, mette, jonas)
    child, reader = cpr_of(app, emil), cpr_of(app, hers)
    done = command(app, "erase", child, "", "--yes")
    assert done.exit_code == 0, done.output
    told: dict[str, Any] = json.loads(command(app, "export", child, reader).output)
    assert told["comments"] == []
    assert told["consents"] == []
    assert len(told["access_log"]) <= 4  # the export's own lines, of somebody new
    for parent in (hers, his):  # their own pages go on
        assert disclose(app.extensions["portal"].settings, cpr_of(app, parent), cpr_of(app, parent))


def test_an_erased_parent_leaves_the_childs_page_whole(
    app: Flask, lived: tuple[Browser, Browser, str]
) -> None:
    """Her comments stand, without her name; his overview, consents and log open as before."""
    mette, jonas, emil = lived
    hers, _ = ids(app, mette, jonas)
    assert command(app, "erase", cpr_of(app, hers), "", "--yes").exit_code == 0
    app.extensions["portal"].family._rows.clear()  # a minute later
    app.extensions["portal"].family._memory.clear()
    for path in ("", "/samtykke", "/kommentarer", "/hvem-har-set"):
        assert jonas.get(f"/overblik/{emil}{path}?vent=1").status_code == 200, path
    assert mette.get("/overblik").status_code == 302  # logged out
    assert operators.settle_consents(app.extensions["portal"].settings)


def command(app: Flask, what: str, first: str, second: str = "", *more: str) -> Result:
    settings = app.extensions["portal"].settings
    arguments = ["citizen", what, "--config", str(settings.path("portal.toml")), "--as", "-", *more]
    environ = dict(settings.environ)
    return CliRunner().invoke(main, arguments, env=environ, input=f"{first}\n{second}\n")
