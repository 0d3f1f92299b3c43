""" "Noget mangler eller er forkert": told to exactly one place, read there, and seen to be read."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from importlib import import_module

import pytest
from flask import Flask
from sqlalchemy import select, update

from portal import audit
from portal.db import StoreDown, now
from portal.models import report
from portal.retention import Retention
from tests import stores
from tests.acts import grant
from tests.conftest import BASE, Browser, Login, staff
from tests.page_checks import check
from tests.test_drafts import forget_sessions, log_in_here

TEXT = "Telefonnummeret er gammelt"


def first(who: Browser, citizen: str, part: str, record: str, owner: str = "") -> str:
    """The address of the form beside the first entry of a kind (of one owner)."""
    text = check(who.get(f"/overblik/{citizen}/{part}?vent=1"))
    for entry in re.split(r'(?=data-record=")', text)[1:]:
        link = re.search(r"/mangler\?om=([0-9a-f]{32})", entry)
        if entry.startswith(f'data-record="{record}" data-owner="{owner}') and link:
            return link[1]
    raise AssertionError(f"no {record} of {owner} can be told about")


def tell(who: Browser, citizen: str, about: str = "", **more: object):
    form = {"om": about, "hvad": "forkert", "tekst": TEXT} | more
    return who.post(f"/overblik/{citizen}/mangler", form)


def own(who: Browser, citizen: str) -> str:
    return check(who.get(f"/overblik/{citizen}/mangler?vent=1"))


def messages(employee: Browser) -> str:
    answer = employee.get("/medarbejder/beskeder")
    assert answer.status_code == 200
    return check(answer)


def stored(app: Flask) -> list[object]:
    with stores.everything(app.extensions["portal"].store) as c:
        return list(c.execute(select(report)).all())


@pytest.mark.parametrize(
    ("part", "record"),
    [
        ("kontakter", "contact"),
        ("moeder", "meeting"),
        ("indsatser", "intervention"),
        ("indsatser", "assessment"),
        ("planer", "plan"),
        ("planer", "goal"),
        ("trivsel", "measurement"),
    ],
)
def test_every_kind_of_entry_can_be_told_about(login: Login, part: str, record: str) -> None:
    mette = login("mette")
    people = mette.citizens()
    for name in ("Emil", "Sofie", "Mig selv"):
        try:
            about = first(mette, people[name], part, record)
        except AssertionError:
            continue
        page = check(mette.get(f"/overblik/{people[name]}/mangler?om={about}&vent=1"))
        assert "Det handler om: " in page
        assert re.search(r'href="tel:\+?\d{8,}"', page), "a number to call meanwhile"
        return
    pytest.fail(f"nobody has a {record}")


def test_the_place_reads_it_and_the_family_sees_that_it_did(app: Flask, login: Login) -> None:
    mette, poul = login("mette"), staff(login, "poul")
    emil = mette.citizens()["Emil"]
    about = first(mette, emil, "kontakter", "contact", "ppr")
    assert tell(mette, emil, about).status_code == 303
    mine = own(mette, emil)
    assert TEXT in mine and "Modtaget" in mine and "Ingen har læst det endnu" in mine
    assert "Læs beskederne" in check(poul.get("/medarbejder"))
    assert TEXT not in check(poul.get("/medarbejder")), "the list itself tells of nobody"
    theirs = messages(poul)
    assert (
        TEXT in theirs and "Emil" in theirs and "Mette" in theirs and "Noget står forkert" in theirs
    )
    assert f"/overblik/{emil}" not in theirs, "no relation found yet: the overview stays closed"
    assert poul.get(f"/overblik/{emil}").status_code == 404
    assert "Læst af stedet" in own(mette, emil)
    log = unescape(check(mette.get(f"/overblik/{emil}/hvem-har-set")))
    assert "læste det, du skrev om noget, der mangler eller er forkert" in log
    assert "Du skrev til PPR" in log


def test_nobody_else_reads_it(login: Login) -> None:
    mette, jonas, karin = login("mette"), login("jonas"), staff(login, "karin")
    emil = mette.citizens()["Emil"]
    tell(mette, emil, first(mette, emil, "kontakter", "contact", "ppr"))
    messages(staff(login, "poul"))
    assert TEXT not in messages(karin), "another place"
    assert TEXT not in own(jonas, emil)
    log = unescape(check(jonas.get(f"/overblik/{emil}/hvem-har-set")))
    assert "mangler eller er forkert" not in log.split("<main")[1].split("</main>")[0]
    poul = staff(login, "poul")
    for method, path in (("POST", "/medarbejder/beskeder"), ("GET", f"/overblik/{emil}/mangler")):
        form = {"csrf_token": poul.token(), "handling": "luk"}
        answer = poul.client.open(path, method=method, base_url=BASE, data=form)
        assert answer.status_code in (404, 405), "employees only read"


def test_reading_is_logged_before_it_is_shown(
    app: Flask, login: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    mette, poul = login("mette"), staff(login, "poul")
    emil = mette.citizens()["Emil"]
    tell(mette, emil, first(mette, emil, "kontakter", "contact", "ppr"))

    def full(*args: object) -> None:
        raise StoreDown("full")

    monkeypatch.setattr(audit, "append", full)
    answer = poul.get("/medarbejder/beskeder")
    assert answer.status_code == 503
    assert TEXT not in answer.get_data(as_text=True)


def test_with_a_consent_the_message_leads_to_the_overview(login: Login) -> None:
    camilla, poul = login("camilla"), staff(login, "poul")
    noah = camilla.citizens()["Noah"]
    tell(camilla, noah, first(camilla, noah, "kontakter", "contact", "ppr"))
    assert f'href="/overblik/{noah}"' not in messages(poul)
    grant(camilla, noah, "ppr", kategori=["contacts"], ejer=["familieafdelingen"])
    assert f'href="/overblik/{noah}"' in messages(poul)


def test_the_author_ends_it_and_it_ends_by_itself(
    app: Flask, login: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    mette, jonas, poul = login("mette"), login("jonas"), staff(login, "poul")
    emil = mette.citizens()["Emil"]
    about = first(mette, emil, "kontakter", "contact", "ppr")
    id = tell(mette, emil, about).headers["Location"].split("#b")[1]
    end = f"/overblik/{emil}/mangler/{id}"
    assert jonas.post(end, {"handling": "luk"}).status_code == 404
    assert mette.post(end, {"handling": "slet"}).status_code == 400
    assert TEXT in messages(poul)
    assert mette.post(end, {"handling": "luk"}).status_code == 303
    assert TEXT not in messages(poul)
    assert "Afsluttet af dig" in own(mette, emil)
    assert mette.post(end, {"handling": "luk"}).status_code == 404, "ended once"
    tell(mette, emil, about, tekst="en til")
    later = now() + timedelta(days=91)
    monkeypatch.setattr(import_module("portal.reports"), "now", lambda: later)
    assert "en til" not in messages(poul) and "en til" not in own(mette, emil)
    monkeypatch.setattr("portal.retention.now", lambda: later)
    portal = app.extensions["portal"]
    with stores.everything(portal.store) as c:  # its walls go by its own clock
        c.execute(update(report).values(at=now() - timedelta(days=91)))
    Retention(portal.settings, portal.store).tidy()
    assert not stored(app)


def test_about_the_whole_page_she_says_to_whom(login: Login) -> None:
    mette, poul = login("mette"), staff(login, "poul")
    emil = mette.citizens()["Emil"]
    assert 'name="sted" value="ppr"' in own(mette, emil)
    assert "checked" not in own(mette, emil)
    for wrong in ({}, {"sted": "findes-ikke"}, {"sted": ""}, {"sted": "ppr", "hvad": "x"}):
        sent = tell(mette, emil, **wrong)
        assert sent.status_code == 422
        assert TEXT in check(sent), "what she wrote is still there"
    assert tell(mette, emil, sted="ppr", hvad="mangler").status_code == 303
    assert "Noget mangler" in messages(poul) and TEXT in messages(poul)


def test_a_message_sent_too_late_comes_back_after_login(app: Flask, login: Login) -> None:
    mette = login("mette")
    emil = mette.citizens()["Emil"]
    about = first(mette, emil, "kontakter", "contact", "ppr")
    page = check(mette.get(f"/overblik/{emil}/mangler?om={about}&vent=1"))
    hidden = dict(re.findall(r'type="hidden" name="(om|billet|csrf_token)" value="([^"]*)"', page))
    forget_sessions(app)
    form = hidden | {"hvad": "forkert", "tekst": TEXT}
    late = mette.client.post(f"/overblik/{emil}/mangler", base_url=BASE, data=form)
    assert late.status_code == 302
    back = log_in_here(mette, "mette", late.headers["Location"])
    assert back == f"/overblik/{emil}/mangler?om={about}"
    text = check(mette.get(back + "&vent=1"))
    assert TEXT in text and "Vi har gemt dit udkast" in text
    assert not stored(app)
    assert tell(mette, emil, about).status_code == 303
    assert "Vi har gemt dit udkast" not in check(mette.get(back + "&vent=1"))


def test_a_protected_address_is_not_sent(app: Flask, login: Login) -> None:
    mette = login("mette")
    people = mette.citizens()
    address = re.search(
        r"\b[A-ZÆØÅ]\w+(?:vej|gade|stien|vænget)\b \d+",
        unescape(check(mette.get(f"/overblik/{people['Emil']}/oplysninger?vent=1"))),
    )
    assert address
    sent = tell(mette, people["Emil"], sted="ppr", tekst=f"Vi bor på {address[0]} nu")
    assert sent.status_code == 422
    assert "beskyttet adresse" in check(sent)
    assert not stored(app)


def test_too_much_is_422_and_kept(login: Login) -> None:
    mette = login("mette")
    emil = mette.citizens()["Emil"]
    sent = tell(mette, emil, sted="ppr", tekst="x" * 1001)
    assert sent.status_code == 422 and "x" * 1001 in check(sent)


def test_what_is_withheld_cannot_be_told_about(app: Flask, login: Login) -> None:
    sofie, mette = login("sofie"), login("mette")
    id = mette.citizens()["Sofie"]
    health = first(sofie, id, "moeder", "meeting", "bup")
    assert tell(sofie, id, health).status_code == 303
    before = len(stored(app))
    page = check(mette.get(f"/overblik/{id}/mangler?om={health}&vent=1"))
    assert "Det handler om" not in page
    assert tell(mette, id, health).status_code == 422
    assert len(stored(app)) == before


def test_sending_leaves_one_line_and_no_open_text(app: Flask, login: Login) -> None:
    mette = login("mette")
    emil = mette.citizens()["Emil"]
    tell(mette, emil, sted="ppr")
    (row,) = stored(app)
    assert TEXT.encode() not in row.detail  # type: ignore[attr-defined]
    log = unescape(check(mette.get(f"/overblik/{emil}/hvem-har-set")))
    assert log.count("Du skrev til PPR") == 1 and TEXT not in log
