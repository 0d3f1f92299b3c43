"""A 16-year-old: health data that are her own, and what her parents meet instead."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from e2e.conftest import Visit
from e2e.deciding import expect_consent, grant, overview_of, withdraw

HER_OWN = ("Behandlingsplan", "Astrid Holt", "Gruppe for unge", "ORS", "Tid hos egen læge",
           "Ungeklinikken", "anonym opstart")  # fmt: skip
HEALTH_LINE = "Sofie er fyldt 15 og bestemmer selv over sine oplysninger fra sundhedsvæsenet."


def test_she_sees_her_own_health_data_in_her_own_words(visit: Visit) -> None:
    sofie = visit("sofie")
    sofie.go("/overblik")
    expect(sofie.page.locator("body")).to_have_attribute("data-viewer", "self")
    expect(sofie.page.get_by_role("heading", level=1)).to_have_text("Mit overblik")
    expect(sofie.main.get_by_role("link", name=re.compile("116 111"))).to_have_attribute(
        "href", "tel:116111"
    )
    own = sofie.page.url.removeprefix(sofie.world.portal)
    for part, text in (
        ("/planer", "Behandlingsplan"),
        ("/kontakter", "Astrid Holt"),
        ("/moeder", "Samtale i Ungeklinikken"),
        ("/moeder", "Tid hos egen læge"),
        ("/trivsel", "ORS"),
    ):
        sofie.go(own + part)
        expect(sofie.main).to_contain_text(text)


def test_her_mother_meets_one_constant_line(visit: Visit) -> None:
    mette = visit("mette")
    path = overview_of(mette, "Sofie")
    for part in ("", "/kontakter", "/moeder", "/planer", "/trivsel", "/indsatser"):
        mette.go(path + part)
        expect(mette.main).to_contain_text(HEALTH_LINE)
        expect(mette.main.locator('[data-source="bup"]')).to_have_count(0)
    received = mette.everything_received()
    found = [word for word in HER_OWN if word in received]
    assert not found
    assert "Ungeplan for Sofie" in received


def test_she_grants_health_alone_and_her_parents_do_not_see_it(visit: Visit) -> None:
    sofie, mette = visit("sofie"), visit("mette")
    path, place = overview_of(mette, "Sofie"), "ungdomsskolen"
    before = _consents(visit, path)
    receipt = grant(sofie, path, place, ["meetings"], ["health"])
    expect(receipt).to_have_attribute("data-consent", "active")
    expect_consent(sofie, path, place, "active")
    assert _consents(visit, path) == before
    withdraw(sofie, path, place)
    expect_consent(sofie, path, place, "withdrawn")


def test_what_is_not_health_needs_her_and_both_parents(visit: Visit) -> None:
    sofie, mette, jonas = visit("sofie"), visit("mette"), visit("jonas")
    path, place = overview_of(mette, "Sofie"), "kontaktkorpset"
    everybody = (sofie, mette, jonas)
    for person in everybody:
        withdraw(person, path, place)
    for person in everybody:
        receipt = grant(person, path, place, ["meetings"], ["school"])
        state = "active" if person is jonas else "pending"
        expect(receipt).to_have_attribute("data-consent", state)
    withdraw(sofie, path, place)
    for parent in (mette, jonas):
        expect_consent(parent, path, place, "pending")
        withdraw(parent, path, place)


def test_she_chooses_who_reads_her_comment(visit: Visit) -> None:
    sofie, mette = visit("sofie"), visit("mette")
    path = overview_of(mette, "Sofie")
    sofie.go(f"{path}/kommentarer")
    sofie.page.get_by_label("Din tekst").last.fill("Kun til mig selv: jeg er træt")
    sofie.follow(sofie.button("Send"))
    expect(sofie.main).to_contain_text("Kun til mig selv")
    mette.go(f"{path}/kommentarer")
    expect(mette.main).not_to_contain_text("Kun til mig selv")


def _consents(visit: Visit, path: str) -> dict[str, str]:
    """What the mother's list says, actor by actor."""
    mette = visit("mette")
    mette.go(f"{path}/samtykke")
    rows = mette.main.locator("[data-actor]").all()
    return {
        r.get_attribute("data-actor") or "": r.get_attribute("data-consent") or "" for r in rows
    }


def test_she_reads_what_her_parents_may_see_and_says_what_she_thinks(visit: Visit) -> None:
    sofie = visit("sofie")
    sofie.go("/overblik")
    own = sofie.page.url.removeprefix(sofie.world.portal).split("?")[0]
    bar = sofie.page.get_by_role("navigation", name="Find rundt")
    for word in ("Mine møder", "Mit netværk", "Hvem ser hvad"):
        expect(bar.get_by_role("link", name=word)).to_be_visible()
    sofie.follow(sofie.link("Hvad må mine forældre se?"))
    meetings = sofie.main.locator('[data-category="meetings"]')
    expect(meetings).to_contain_text("men ikke det, der kommer fra sundhedsvæsenet")
    expect(sofie.main.get_by_role("heading", name="Når du fylder 18")).to_be_visible()
    sofie.follow(sofie.link("Mine rettigheder"))
    expect(
        sofie.main.get_by_role("heading", name=re.compile("Det gælder for dig nu"))
    ).to_be_visible()
    sofie.go(own + "/planer")
    sofie.follow(sofie.link("Det synes jeg om planen"))
    expect(sofie.main.get_by_role("heading", name=re.compile("Det synes jeg om"))).to_be_visible()


def test_a_word_is_explained_where_it_stands_also_by_keyboard_and_without_scripts(
    visit: Visit,
) -> None:
    for scripts in (True, False):
        sofie = visit("sofie", scripts=scripts)
        sofie.go("/overblik?vent=1")
        word = sofie.main.get_by_role("button", name="Tovholder", exact=True)
        meaning = sofie.page.locator("#o-tovholder")
        expect(meaning).to_be_hidden()
        word.focus()
        sofie.page.keyboard.press("Enter")
        expect(meaning).to_be_visible()
        expect(meaning).to_contain_text("Den, der samler trådene")
        sofie.page.keyboard.press("Escape")
        expect(meaning).to_be_hidden()
        expect(word).to_be_focused()
