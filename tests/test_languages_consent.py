"""Consents and rights in a language no translator has read: beside the Danish, which counts."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from portal import dates
from portal.i18n import LANGUAGES, REVIEWED
from tests.conftest import Browser, Login
from tests.page_checks import check

UNREVIEWED = {
    "da-x-let": "Ingen fagperson har set på den endnu.",
    "en": "no translator has checked it",
    "ar": "لم يراجعه مترجم مختص",
    "uk": "перекладач його ще не перевірив",
    "pl": "tłumacz jeszcze go nie sprawdził",
    "tr": "bir çevirmen henüz kontrol etmedi",
    "so": "turjumaan weli ma hubin",
}


def choose(browser: Browser, language: str) -> TestResponse:
    return browser.post("/sprog", {"sprog": language})


def html(answer: TestResponse) -> str:
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


@pytest.fixture
def anybody(app: Flask) -> Browser:
    return Browser(app.test_client())


@pytest.fixture
def amira(login: Login) -> Browser:
    return login("amira")


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_rights_stand_beside_the_danish_which_counts(anybody: Browser, language: str) -> None:
    choose(anybody, language)
    text = html(anybody.get("/hjaelp"))
    danish = "Du har ret til at blive hørt, før nogen bestemmer noget vigtigt om dig."
    assert text.count(danish) == 1
    if language in REVIEWED:
        assert not any(note in text for note in UNREVIEWED.values())
    else:
        assert UNREVIEWED[language] in text
        assert re.search(rf'lang="da" dir="ltr"[^§]*{danish}', text)


def beside(text: str, danish: str) -> None:
    """A sentence stands on the page in Danish, inside what is marked as Danish."""
    assert danish in text, danish
    _before, marked, since = text[: text.rindex(danish)].rpartition('lang="da" dir="ltr"')
    assert marked and since.count("</div>") <= since.count("<div"), danish


def young_woman(login: Login) -> tuple[Browser, str]:
    """Sofie, 15-17, and her own overview."""
    sofie = login("sofie")
    return sofie, sofie.get("/overblik").headers["Location"].split("?")[0]


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_privacy_rights_stand_beside_the_danish(anybody: Browser, language: str) -> None:
    choose(anybody, language)
    text = check(anybody.get("/privatliv"))
    said = (
        "Du kan trække et samtykke tilbage når som helst.",
        "Har nogen i familien beskyttet adresse",
        "og klage til Datatilsynet.",
    )
    if language in REVIEWED:
        assert all(text.count(s) == 1 for s in said)
        assert not any(note in text for note in UNREVIEWED.values())
        return
    assert text.count(UNREVIEWED[language]) == 1
    for sentence in said:
        beside(text, sentence)


@pytest.mark.parametrize("language", sorted(LANGUAGES.keys() - REVIEWED))
def test_what_parents_may_see_stands_beside_the_danish(login: Login, language: str) -> None:
    sofie, own = young_woman(login)
    address = f"{own}/mine-foraeldre"
    danish = check(sofie.get(address))
    assert not any(note in danish for note in UNREVIEWED.values())
    choose(sofie, language)
    text = check(sofie.get(address))
    assert text.count(UNREVIEWED[language]) == 1
    for sentence in (
        "Her står, hvad dine forældre kan se om dig i portalen lige nu.",
        "Kun hvis du selv vælger, at de må læse det.",
        "Lægen kan stadig tale med dine forældre om din behandling.",
        "Dine forældre kan ikke se dit overblik mere.",
    ):
        assert sentence in danish
        beside(text, sentence)
    assert text.count("data-sight=") == danish.count("data-sight="), "marked once, in one language"


@pytest.mark.parametrize("language", sorted(LANGUAGES.keys() - REVIEWED))
def test_a_consent_form_stands_beside_the_danish(amira: Browser, language: str) -> None:
    child = amira.citizens()["Omar"]
    address = f"/overblik/{child}/samtykke/ppr?vent=1"
    danish = check(amira.get(address))
    assert not any(note in danish for note in UNREVIEWED.values())
    choose(amira, language)
    text = check(amira.get(address))
    assert text.count(UNREVIEWED[language]) == 1
    for sentence in (
        "ser altid sin egen sag om Omar. Det kræver ikke samtykke, fordi det er deres eget arbejde.",
        "Hvad må de se?",
        "Hvornår I skal mødes, med hvem og hvor.",
        "Oplysninger fra hvem?",
        "Det deler vi ikke, medmindre du vælger det",
        "Hvad skal de bruge det til?",
        "Intet er givet endnu. Du ser først, hvad de kan se, og siger så ja eller nej.",
    ):
        assert sentence in danish
        beside(text, sentence)


@pytest.mark.parametrize("language", sorted(LANGUAGES.keys() - REVIEWED))
@pytest.mark.parametrize(
    ("who", "sentence"),
    [
        ("mette", "Hver af jer kan trække det tilbage alene."),
        ("sofie", "Du bestemmer selv over dine oplysninger fra sundhedsvæsenet."),
    ],
)
def test_who_decides_stands_beside_the_danish(
    login: Login, language: str, who: str, sentence: str
) -> None:
    browser, own = young_woman(login)
    if who == "mette":
        browser = login("mette")
        own = f"/overblik/{browser.citizens()['Emil']}"
    address = f"{own}/samtykke"
    assert sentence in check(browser.get(address))
    choose(browser, language)
    text = check(browser.get(address))
    assert text.count(UNREVIEWED[language]) == 1
    beside(text, sentence)


def confirmation(browser: Browser, child: str) -> str:
    """The page asking for a yes, as it is after one form is filled in."""
    form = html(browser.get(f"/overblik/{child}/samtykke/ppr"))
    sent = {name: _first(form, name) for name in ("ejer", "formaal", "version")}
    until = (datetime.now(dates.COPENHAGEN).date() + timedelta(30)).isoformat()
    values = {**sent, "kategori": "meetings", "til": until, "handling": "giv"}
    answer = browser.post(f"/overblik/{child}/samtykke/ppr", values)
    assert answer.status_code in (302, 303), answer.get_data(as_text=True)
    return html(browser.get(answer.headers["Location"]))


def _first(form: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', form)
    assert found, name
    return found[1]


@pytest.mark.parametrize("language", sorted(LANGUAGES.keys() - REVIEWED))
def test_a_consent_no_translator_has_read_stands_beside_the_danish(
    amira: Browser, language: str
) -> None:
    child = amira.citizens()["Omar"]
    danish = confirmation(amira, child)
    choose(amira, language)
    text = confirmation(amira, child)
    assert UNREVIEWED[language] in text
    said = re.findall(r"<p>([^<]*Omar\.)</p>", danish)
    assert said and said[0] in text
    assert "Du kan altid trække det tilbage." in text


def test_a_consent_in_danish_stands_alone(amira: Browser) -> None:
    text = confirmation(amira, amira.citizens()["Omar"])
    assert text.count("Du kan altid trække det tilbage.") == 1
    assert not any(note in text for note in UNREVIEWED.values())


def test_the_receipt_keeps_the_language_of_the_yes_and_the_danish(amira: Browser) -> None:
    child = amira.citizens()["Omar"]
    choose(amira, "ar")
    page = confirmation(amira, child)
    given = {"udkast": _first(page, "udkast"), "handling": "bekraeft"}
    answer = amira.post(f"/overblik/{child}/samtykke/ppr", given)
    choose(amira, "en")
    receipt = html(amira.get(answer.headers["Location"]))
    assert "يمكنك سحب الموافقة في أي وقت." in receipt
    assert "Du kan altid trække det tilbage." in receipt
