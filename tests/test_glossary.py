"""Words of the professions are explained where they stand: once on a page, without a script, safely."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from flask import Flask
from flask_babel import Babel
from markupsafe import Markup

from portal import speech
from portal.glossary import FORMS, explained, explained_as, known_codes, words
from tests.conftest import Browser, Login
from tests.page_checks import check


@pytest.fixture
def spoken() -> Flask:
    app = Flask("portal")
    Babel(app, locale_selector=lambda: "da")
    speech.install(app)
    return app


def plain(html: str) -> str:
    return re.sub(r"<span id.*?</span>|<[^>]+>", "", html)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("PPR, Aalborg Kommune", "PPR"), ("Hjælp efter Barnets Lov § 32", "Barnets Lov"),
        ("Tovholderen ringer", "Tovholderen"), ("KLE 27.24", "KLE"), ("§ 32", "§"),
        ("Udredning i børnepsykiatrien", "Udredning"), ("§32", "§"),
    ],
)  # fmt: skip
def test_a_word_becomes_a_button_and_the_text_stays(spoken: Flask, text: str, word: str) -> None:
    with spoken.test_request_context():
        html = explained(text)
    found = re.search(
        r'<button type="button" class="w" popovertarget="(o-[\w-]+)">(.*?)</button>', html
    )
    assert found and found[2] == word
    assert f'<span id="{found[1]}" popover role="note">' in html
    assert plain(html) == text


@pytest.mark.parametrize("text", ["Kleenex", "Opprette", "Supper", "Familiebehandling", ""])
def test_other_words_are_left_alone(spoken: Flask, text: str) -> None:
    with spoken.test_request_context():
        assert explained(text) == text


def test_each_word_once_on_a_page(spoken: Flask) -> None:
    with spoken.test_request_context():
        first, second = explained("PPR"), explained("PPR og SFO")
        assert "popovertarget" in first
        assert "o-ppr" not in second and "o-sfo" in second
        assert explained_as("sfo", "SFO") == "SFO"
    with spoken.test_request_context():
        assert "o-ppr" in explained("PPR")


def test_texts_from_outside_stay_texts(spoken: Flask) -> None:
    with spoken.test_request_context():
        html = explained('<script>PPR</script>"')
        assert "<script>" not in html and plain(html).startswith("&lt;script&gt;PPR")
        assert explained("<b>") == "&lt;b&gt;"
        kept = explained(Markup('<span lang="da">{}</span>').format("SFO & <b>"))
        assert kept.startswith('<span lang="da"><button') and "&lt;b&gt;</span>" in kept


def test_every_form_has_a_meaning(spoken: Flask) -> None:
    with spoken.test_request_context():
        assert FORMS.keys() == words().keys()
        names = [w.name for w in words().values()]
    assert len(set(names)) == len(names)


def test_codes_are_named_only_where_they_are_explained() -> None:
    assert known_codes(("http://kl.dk/KLE|27.24.08", "http://who.int/icf|d720")) == [
        "KLE 27.24.08", "ICF d720",
    ]  # fmt: skip
    assert known_codes(("http://snomed.info/sct|386053000", "kle", "|kle", "urn:kle|")) == []


def test_the_list_holds_them_all(app: Flask) -> None:
    page = check(Browser(app.test_client()).get("/ordliste"))
    for key in FORMS:
        assert f'<div id="{key}"><dt>' in page


def test_a_page_explains_each_word_once(login: Login) -> None:
    camilla = login("camilla")
    noah = camilla.citizens()["Noah"]
    for part in ("", "/kontakter", "/indsatser", "/planer", "/moeder"):
        page = check(camilla.get(f"/overblik/{noah}{part}?vent=1"))
        targets = Counter(re.findall(r'popovertarget="([\w-]+)"', page))
        assert targets and set(targets.values()) == {1}, part
        assert set(targets) == set(re.findall(r'id="(o-[\w-]+)" popover', page))
    overview = check(camilla.get(f"/overblik/{noah}?vent=1"))
    assert {"o-tovholder", "o-ppr"} <= set(re.findall(r'popovertarget="([\w-]+)"', overview))
