"""A yes on paper, for a machine and in the store are the same yes; a newer one says what it replaced."""

from __future__ import annotations

import importlib
import re
from datetime import date, timedelta
from html import unescape

import msgspec
import pytest
from flask import Flask

from portal import create_app
from portal.consent_state import Grant, Kind, latest
from portal.db import now
from portal.records import Category
from tests.acts import SOON, TODAY, draft, grant, propose, state, withdraw
from tests.conftest import Browser, Login
from tests.page_checks import check

CONSENTS = importlib.import_module("portal.consents")  # the package holds a view of that name


@pytest.fixture
def camilla(login: Login) -> Browser:
    return login("camilla")


@pytest.fixture
def noah(camilla: Browser) -> str:
    return camilla.citizens()["Noah"]


def machine_receipt(who: Browser, citizen: str) -> dict:
    answer = who.get(f"/overblik/{citizen}/samtykke/ppr/kvittering.json")
    assert answer.status_code == 200
    assert answer.json
    return answer.json


def paper_receipt(who: Browser, citizen: str, actor: str = "ppr") -> str:
    return unescape(check(who.get(f"/overblik/{citizen}/samtykke/{actor}/kvittering")))


def test_the_machines_receipt_is_the_yes_that_is_stored(
    app: Flask, camilla: Browser, noah: str
) -> None:
    """Read back from the file alone, it is the sealed event, word for word."""
    more = {
        "kategori": ["plans", "comments"],
        "ejer": ["familieafdelingen", "bup-nord"],
        "undtaget": ["Befordring"],
    }
    grant(camilla, noah, "ppr", **more)
    event = latest(app.extensions["portal"].consents.events(noah), "ppr")
    (stored,) = event.values()
    read = machine_receipt(camilla, noah)
    provision = read["provision"]
    assert stored.grant == Grant(
        categories=frozenset(Category(c["code"]) for c in provision["class"]),
        owners=frozenset(d["reference"]["identifier"]["value"] for d in provision["data"]),
        excluded=frozenset(c["coding"][0]["code"] for c in provision["code"]),
        purpose=provision["purpose"][0]["code"],
        start=date.fromisoformat(provision["period"]["start"]),
        until=date.fromisoformat(provision["period"]["end"]),
        text=read["policyRule"]["text"],
        sources=stored.grant.sources,
        delivered=stored.grant.delivered,
        age=stored.grant.age,
    )
    assert read["dateTime"] == stored.at.isoformat(timespec="seconds")
    assert read["performer"] == [{"reference": f"urn:familieoverblik:person:{stored.by}"}]
    assert read["patient"] == {"reference": f"urn:familieoverblik:citizen:{noah}"}
    assert read["policyRule"]["text"].splitlines()[0] in paper_receipt(camilla, noah)
    number = app.extensions["portal"].consents.number(noah, stored)
    assert read["identifier"] == [{"system": "urn:familieoverblik:receipt", "value": number}]
    assert "extension" not in read


def test_no_list_in_the_machines_receipt_is_empty(camilla: Browser, noah: str) -> None:
    """R4's JSON has none."""
    grant(camilla, noah, "ppr")

    def empty(value: object) -> bool:
        inner = (
            value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        )
        return value in ([], {}, "") or any(map(empty, inner))

    assert not empty(machine_receipt(camilla, noah))


def test_a_newer_yes_says_what_it_replaces_everywhere(camilla: Browser, noah: str) -> None:
    first = machine_receipt_after(camilla, noah, "meetings")
    token = draft(camilla, noah, "ppr", kategori=["plans"])
    assert token
    confirmation = check(camilla.get(f"/overblik/{noah}/samtykke/ppr/bekraeft"))
    assert "Det nye ja erstatter det, du har givet før." in confirmation
    second = machine_receipt_after(camilla, noah, "plans")
    number = first["identifier"][0]["value"]
    assert second["extension"] == [
        {
            "url": "urn:familieoverblik:replaces",
            "valueIdentifier": {"system": "urn:familieoverblik:receipt", "value": number},
        }
    ]
    paper = paper_receipt(camilla, noah)
    assert f"Det erstatter nummer {number}." in paper
    assert "Det nye ja erstatter det, du har givet før." in paper
    assert "Det nye ja erstatter" in second["policyRule"]["text"]
    assert "Det nye ja erstatter" not in first["policyRule"]["text"]
    assert history(camilla, noah) == ["Du gav samtykke", "Dit nye svar tog over", "Du gav samtykke"]
    assert state(camilla, noah, "ppr") == "active"


def test_a_yes_to_a_place_that_is_gone_applies_to_nobody_and_can_be_taken_back(
    app: Flask, login: Login, camilla: Browser, noah: str
) -> None:
    """Gone from the file, its consents stay visible; they open nothing, and it says so."""
    grant(camilla, noah, "hjoerring")
    without = elsewhere(app, "hjoerring")
    camilla = login("camilla", app=without)
    assert state(camilla, noah, "hjoerring") == "pending"
    page = check(camilla.get(f"/overblik/{noah}/samtykke"))
    assert f'href="/overblik/{noah}/samtykke/hjoerring"' in page
    own = check(camilla.get(f"/overblik/{noah}/samtykke/hjoerring"))
    receipt = paper_receipt(camilla, noah, "hjoerring")
    for text in (page, own, receipt):
        assert "Stedet er ikke koblet på portalen mere." in text
        assert "Begge forældre skal sige ja" not in text and 'value="traek"' in text
    assert 'data-consent="pending"' in own and 'value="giv"' not in own
    assert propose(camilla, noah, "hjoerring").status_code == 404
    assert withdraw(camilla, noah, "hjoerring").status_code == 303
    assert state(camilla, noah, "hjoerring") == "withdrawn"
    assert camilla.get(f"/overblik/{noah}/samtykke/hjoerring").status_code == 200
    assert camilla.get(f"/overblik/{noah}/samtykke/findes-ikke").status_code == 404


def test_a_place_that_is_gone_tells_nobody_where_somebody_lives(app: Flask, login: Login) -> None:
    """What it was called may tell, and nothing says any more whether it does."""
    jonas = login("jonas")
    emil = jonas.citizens()["Emil"]
    text = check(jonas.get(f"/overblik/{emil}/samtykke"))
    met = re.search(r'data-actor="(sted-[0-9a-f]{12})"', text)
    assert met
    place = met[1]
    grant(jonas, emil, place)
    (event,) = app.extensions["portal"].consents.events(emil)
    jonas = login("jonas", app=elsewhere(app, event.actor))
    assert state(jonas, emil, place) == "pending"
    for path in ("", f"/{place}", f"/{place}/kvittering", f"/{place}/kvittering.json"):
        answer = jonas.get(f"/overblik/{emil}/samtykke{path}")
        assert answer.status_code == 200, path
        assert event.actor not in answer.get_data(as_text=True), path
    assert withdraw(jonas, emil, place).status_code == 303
    assert state(jonas, emil, place) == "withdrawn"


def elsewhere(app: Flask, gone: str) -> Flask:
    """The same portal, restarted without one place and its systems."""
    settings = app.extensions["portal"].settings
    return create_app(
        msgspec.structs.replace(
            settings,
            actor=tuple(a for a in settings.actor if a.id != gone),
            source=tuple(s for s in settings.source if s.actor != gone),
        )
    )


def test_taking_the_new_yes_back_does_not_bring_the_old_one_back(
    camilla: Browser, noah: str
) -> None:
    machine_receipt_after(camilla, noah, "meetings")
    machine_receipt_after(camilla, noah, "plans")
    assert withdraw(camilla, noah, "ppr").status_code == 303
    assert state(camilla, noah, "ppr") == "withdrawn"
    assert history(camilla, noah)[0] == "Du trak samtykket tilbage"
    third = machine_receipt_after(camilla, noah, "contacts")
    assert "extension" not in third
    assert "Det nye ja erstatter" not in paper_receipt(camilla, noah)


def test_fortryd_is_a_word_for_the_first_day(
    camilla: Browser, noah: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    grant(camilla, noah, "ppr")
    assert "Du kan fortryde til" in paper_receipt(camilla, noah)
    assert taking_back(camilla, noah) == "Fortryd"
    later = now() + timedelta(hours=24, minutes=1)
    monkeypatch.setattr(CONSENTS, "now", lambda: later)
    paper = paper_receipt(camilla, noah)
    assert "Du kan fortryde til" not in paper
    assert "Træk samtykket tilbage" in paper
    assert taking_back(camilla, noah) == "Træk samtykket tilbage"


def test_what_ended_by_itself_is_said_in_words(app: Flask, camilla: Browser, noah: str) -> None:
    grant(camilla, noah, "ppr")
    portal = app.extensions["portal"]
    (mother,) = latest(portal.consents.events(noah), "ppr")
    for kind in (Kind.ENDED, Kind.EXPIRED):
        with portal.store.write(noah) as c:
            portal.consents._add(c, noah, "ppr", kind, mother)
    assert history(camilla, noah) == [
        "Samtykket udløb",
        "Samtykket sluttede af sig selv",
        "Du gav samtykke",
    ]


@pytest.mark.parametrize("version", ["-1", "x", "9" * 5000, "1.0"])
def test_a_version_that_no_form_carried_is_409(camilla: Browser, noah: str, version: str) -> None:
    answer = propose(camilla, noah, "ppr", version=version)
    assert answer.status_code == 409
    check(answer)
    assert propose(camilla, noah, "ppr", version=["0", "0"]).status_code == 409
    assert state(camilla, noah, "ppr") == "none"


def test_two_answers_at_once_are_none(camilla: Browser, noah: str) -> None:
    token = draft(camilla, noah, "ppr")
    both = {"handling": ["bekraeft", "traek"], "udkast": token}
    assert camilla.post(f"/overblik/{noah}/samtykke/ppr", both).status_code == 400
    twice = {"handling": "bekraeft", "udkast": [token, token]}
    assert camilla.post(f"/overblik/{noah}/samtykke/ppr", twice).status_code == 409
    assert state(camilla, noah, "ppr") == "none"


def test_too_long_a_word_of_the_childs_is_sent_back_whole(login: Login) -> None:
    amira = login("amira")
    layla = amira.citizens()["Layla"]
    answer = propose(amira, layla, "ppr", barnet_siger="ja " * 1400)
    assert answer.status_code == 422
    text = check(answer)
    assert 'id="e-barnet_siger"' in text
    assert 'href="#f-barnet_siger"' in text and 'id="f-barnet_siger"' in text
    assert ("ja " * 1400).strip() in text


def machine_receipt_after(who: Browser, citizen: str, category: str) -> dict:
    grant(who, citizen, "ppr", kategori=[category])
    found = machine_receipt(who, citizen)
    assert found["provision"]["period"] == {"start": TODAY.isoformat(), "end": SOON}
    return found


def history(who: Browser, citizen: str) -> list[str]:
    """The words of one's own answers until now, newest first."""
    text = check(who.get(f"/overblik/{citizen}/samtykke/ppr"))
    lines = text.partition("Dine svar til nu")[2]
    return re.findall(r"<b>([^<]+)</b>", lines.partition("</details>")[0])


def taking_back(who: Browser, citizen: str) -> str:
    text = check(who.get(f"/overblik/{citizen}/samtykke/ppr"))
    found = re.search(r'value="traek">([^<]+)', text)
    assert found
    return found[1]
