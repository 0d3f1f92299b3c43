"""Searching finds what one may see, however it is typed, and says honestly where it could not look."""

from __future__ import annotations

import re
from html import unescape

import pytest
from flask import Flask
from msgspec.structs import replace

from portal.records import State
from portal.search import folded
from tests import stores
from tests.acts import draft
from tests.conftest import Browser, Login, staff
from tests.page_checks import check


def search(who: Browser, citizen: str, words: str) -> str:
    asked = who.post(f"/overblik/{citizen}/soeg", {"ord": words})
    assert asked.status_code == 303
    assert asked.headers["Location"] == f"/overblik/{citizen}/soeg", "no words in the address"
    return unescape(check(who.get(f"/overblik/{citizen}/soeg?vent=1")))


def found(text: str) -> list[str]:
    if 'id="fundet"' not in text:
        return []
    part = text[text.index('id="fundet"') : text.index("</main>")]
    return re.findall(r'<p><a href="[^"]+">(?:<bdi>)?(.+?)(?:</bdi>)?</a>', part)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("MØDE", "møde"),
        ("mode", "møde"),
        ("moede", "møde"),
        ("aar", "år"),
        ("ar", "år"),
        ("ae", "æ"),
        ("Müller", "muller"),
        ("é", "E"),
        ("a\u030a", "å"),
        ("\u0645\u064f\u062f\u064e\u0631\u0651\u0650\u0633", "\u0645\u062f\u0631\u0633"),
        ("ﬁ", "fi"),
    ],
)
def test_the_keyboard_makes_no_difference(one: str, other: str) -> None:
    assert folded(one) == folded(other)


def test_it_finds_meetings_people_and_comments_and_leads_there(login: Login) -> None:
    mette = login("mette")
    emil = mette.citizens()["Emil"]
    mette.post(f"/overblik/{emil}/kommentarer", {"tekst": "Husk høreværn til mødet"})
    text = search(mette, emil, "MOEDE")
    assert found(text)
    assert f'href="/overblik/{emil}/moeder#m-' in text
    assert "Husk høreværn" in text and f"/overblik/{emil}/kommentarer#k" in text
    link = re.search(r'href="(/overblik/[0-9a-f]{32}/moeder)#(m-[0-9a-f]{32})"', text)
    assert link
    assert f'id="{link[2]}"' in check(mette.get(link[1] + "?vent=1"))


def test_every_word_must_be_there_and_none_is_no_search(login: Login) -> None:
    mette = login("mette")
    emil = mette.citizens()["Emil"]
    assert found(search(mette, emil, "ppr"))
    assert not found(search(mette, emil, "ppr findesikke"))
    nothing = search(mette, emil, "findesikke")
    assert "Ikke noget fundet" in nothing and "Vi har søgt hos alle" in nothing
    empty = search(mette, emil, "  ")
    assert 'id="fundet"' not in empty


def test_what_is_withheld_is_not_found(login: Login) -> None:
    sofie, mette = login("sofie"), login("mette")
    id = mette.citizens()["Sofie"]
    assert found(search(sofie, id, "Gruppe for unge"))
    for words in ("Gruppe for unge", "Astrid"):
        text = search(mette, id, words)
        assert not found(text)
        assert "Ikke noget fundet" in text


def test_the_words_stay_in_this_session_on_this_overview(app: Flask, login: Login) -> None:
    mette, other = login("mette"), login("mette")
    people = mette.citizens()
    assert "hemmeligt" in search(mette, people["Emil"], "hemmeligt")
    for who, citizen in ((mette, "Sofie"), (other, "Emil")):
        assert "hemmeligt" not in check(who.get(f"/overblik/{people[citizen]}/soeg"))
    assert "hemmeligt" not in check(mette.get(f"/overblik/{people['Emil']}/hvem-har-set"))
    store = app.extensions["portal"].store
    with stores.everything(store) as c:
        rows = c.exec_driver_sql("SELECT data FROM session").all()
    assert rows and not any(b"hemmeligt" in bytes(r[0]) for r in rows)


def test_a_source_that_is_silent_is_never_nothing(
    app: Flask, login: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    mette = login("mette")
    emil = mette.citizens()["Emil"]
    mette.post(f"/overblik/{emil}/soeg", {"ord": "findesikke"})
    monkeypatch.setattr("portal.views.search.FORM_SECONDS", 0.0)
    fresh = app.extensions["portal"].gatherer
    monkeypatch.setattr(fresh, "ask", _silent(fresh.ask))
    text = unescape(check(mette.get(f"/overblik/{emil}/soeg")))
    assert "kilder har svaret. Der kan godt være mere hos dem, der mangler." in text
    assert "Vi har søgt hos alle" not in text


def test_a_page_that_is_not_complete_says_so_and_can_be_waited_for(
    app: Flask, login: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With `?vent=1` every page comes complete; without, it has a mark and a way to wait."""
    camilla = login("camilla")
    noah = camilla.citizens()["Noah"]
    draft(camilla, noah, "ppr")
    gatherer = app.extensions["portal"].gatherer
    silent, ask = _silent(gatherer.ask), gatherer.ask
    monkeypatch.setattr(
        gatherer, "ask", lambda s, who, wait: (ask if wait is None else silent)(s, who, wait)
    )
    base = f"/overblik/{noah}"
    for path in ("/samtykke", "/samtykke/ppr", "/samtykke/ppr/bekraeft", "/soeg", "/mangler?om=x"):
        page = unescape(check(camilla.get(base + path)))
        assert 'data-state="waiting"' in page, path
        offer = re.search(r'href="([^"]*vent=1)">Vent på alle kilder', page)
        assert offer, path
        whole = offer[1] if offer[1].startswith("/") else base + path + offer[1]
        assert 'data-state="waiting"' not in check(camilla.get(whole)), path
    assert f"{base}/mangler?om=x&vent=1" in unescape(check(camilla.get(f"{base}/mangler?om=x")))
    camilla.post(f"{base}/soeg", {"ord": "ppr"})
    assert 'data-state="waiting"' in check(camilla.get(f"{base}/soeg"))
    assert 'data-state="waiting"' not in check(camilla.get(f"{base}/soeg?vent=1"))


def _silent(ask):  # type: ignore[no-untyped-def]
    """Every answer as if its source were still being waited for."""

    def silent(*args: object, **named: object):  # type: ignore[no-untyped-def]
        answers = ask(*args, **named)
        return {s: replace(a, state=State.WAITING, entries=()) for s, a in answers.items()}

    return silent


def test_what_is_typed_does_no_harm(login: Login) -> None:
    mette = login("mette")
    emil = mette.citizens()["Emil"]
    for words in (
        "<script>alert(1)</script>",
        '" onfocus="x',
        "%",
        "*",
        ".*",
        "\u202e",
        "x" * 5000,
    ):
        search(mette, emil, words)


def test_employees_have_no_search(login: Login) -> None:
    emil = login("mette").citizens()["Emil"]
    poul = staff(login, "poul")
    assert poul.get(f"/overblik/{emil}/soeg").status_code == 404
    assert poul.post(f"/overblik/{emil}/soeg", {"ord": "x"}).status_code == 404
