"""What spares a tired parent: a text that is not lost, saying what is wrong, what is new, and finding again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from e2e.conftest import Visit, visits
from e2e.deciding import overview_of
from e2e.visitor import Visitor
from e2e.world import Surroundings, World

TEXT = "Emil sover dårligt. Kan vi tale om det på "


@pytest.fixture(scope="module")
def lived_in(
    around: Surroundings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[World, dict[str, Any]]]:
    """A portal where these people leave things, and who is logged in there already."""
    with around.portal(tmp_path_factory.mktemp("lived-in")) as world:
        yield world, {}


@pytest.fixture
def visit_lived(browser: Browser, lived_in: tuple[World, dict[str, Any]]) -> Iterator[Visit]:
    """As `visit`, there."""
    met: list[Visitor] = []
    world, states = lived_in
    yield visits(browser, world, states, met)
    for visitor in met:
        visitor.leave()
    assert not world.trouble()


def log_in_at_the_door(visitor: Visitor, persona: str) -> None:
    """The browser stands at the provider's door already: it was led there."""
    visitor.page.get_by_role("link", name=visitor.world.people[persona].name).click()
    with visitor.page.expect_navigation(url=f"{visitor.world.portal}/**"):
        visitor.page.locator('button[value="approve"]').click()
    visitor.look()


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "plain"])
def test_a_comment_survives_the_session_and_the_shared_phone(
    visit_lived: Visit, scripts: bool
) -> None:
    text = TEXT + ("torsdag?" if scripts else "fredag?")
    phone = visit_lived(scripts=scripts)
    phone.log_in("mette")
    child = overview_of(phone, "Emil" if scripts else "Sofie")
    phone.go(f"{child}/kommentarer?vent=1")
    phone.main.get_by_label("Din tekst").fill(text)
    phone.context.clear_cookies(name="session")
    with phone.page.expect_navigation(url=f"{phone.world.idp}/**"):
        phone.button("Send").click()
    log_in_at_the_door(phone, "jonas")
    assert text not in phone.page.content()
    expect(phone.main.get_by_label("Din tekst")).to_have_value("")
    phone.context.clear_cookies()
    phone.log_in("mette", f"{child}/kommentarer")
    expect(phone.main).to_contain_text("Vi har gemt dit udkast.")
    expect(phone.main.get_by_label("Din tekst")).to_have_value(text)
    phone.follow(phone.button("Send"))
    expect(phone.main.locator('[data-record="comment"]', has_text=text)).to_have_count(1)
    expect(phone.main.get_by_label("Din tekst").last).to_have_value("")


def test_a_text_is_kept_while_it_is_written(visit_lived: Visit) -> None:
    amira = visit_lived("amira")
    layla = overview_of(amira, "Layla")
    amira.go(f"{layla}/kommentarer?vent=1")
    amira.main.get_by_label("Din tekst").press_sequentially("Husk briller")
    expect(amira.main).to_contain_text("Udkastet er gemt")
    amira.look()
    amira.go(f"{layla}/kommentarer?vent=1")
    expect(amira.main.get_by_label("Din tekst")).to_have_value("Husk briller")
    amira.follow(amira.button("Slet udkastet"))
    expect(amira.main.get_by_label("Din tekst")).to_have_value("")


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "plain"])
def test_the_place_reads_what_is_wrong_and_the_mother_sees_that(
    visit_lived: Visit, scripts: bool
) -> None:
    wrong = "Nummeret er gammelt" if scripts else "Navnet er forkert"
    mette, poul = visit_lived("mette", scripts=scripts), visit_lived()
    emil = overview_of(mette, "Emil")
    mette.go(f"{emil}/kontakter?vent=1")
    contact = mette.main.locator('[data-record="contact"][data-owner="ppr"]').first
    mette.follow(contact.get_by_role("link", name=re.compile("Forkert")))
    expect(mette.main).to_contain_text("Kun ansatte hos PPR, Aalborg Kommune")
    mette.follow(mette.button("Send"), status=422)
    expect(mette.main.get_by_role("alert")).to_contain_text("Vælg, hvad der er galt.")
    mette.main.get_by_label("Noget står forkert").check()
    mette.main.get_by_label("Skriv mere, hvis du vil").fill(wrong)
    mette.follow(mette.button("Send"))
    expect(mette.main).to_contain_text("Ingen har læst det endnu.")
    poul.log_in("poul")
    poul.follow(poul.link("Læs beskederne"))
    expect(poul.main).to_contain_text(wrong)
    expect(poul.main).to_contain_text("Emil Holm Krogh")
    expect(poul.main.get_by_role("button")).to_have_count(0)
    mette.go(f"{emil}/mangler?vent=1")
    expect(mette.main).to_contain_text("Læst af stedet")
    mette.follow(mette.button("Det er i orden nu"))
    expect(mette.main).to_contain_text("Afsluttet af dig")
    poul.go("/medarbejder/beskeder")
    expect(poul.main).not_to_contain_text(wrong)


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "plain"])
def test_what_somebody_else_wrote_since_is_new(visit_lived: Visit, scripts: bool) -> None:
    mette, jonas = visit_lived("mette", scripts=scripts), visit_lived("jonas")
    child = overview_of(mette, "Emil" if scripts else "Sofie")
    mette.go(f"{child}?vent=1")
    mette.main.get_by_text("Se næste gang, hvad der er nyt").click()
    mette.follow(mette.button("Husk, at jeg har set det her"))
    jonas.go(f"{child}/kommentarer?vent=1")
    jonas.main.get_by_label("Din tekst").fill("Jeg henter på torsdag")
    jonas.main.get_by_label("Mette").check()
    jonas.follow(jonas.button("Send"))
    mette.go("/overblik?vent=1")
    expect(mette.main).to_contain_text("1 ny ting siden sidst")
    mette.go(f"{child}?vent=1")
    mette.main.get_by_text("1 ny ting siden sidst").click()
    expect(mette.link("Kommentar fra Jonas")).to_be_visible()
    mette.follow(mette.button("Jeg har set det nye"))
    mette.go(f"{child}?vent=1")
    expect(mette.main).to_contain_text("Ikke noget nyt siden sidst")


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "plain"])
def test_she_finds_a_meeting_again_and_the_way_back_works(visit: Visit, scripts: bool) -> None:
    mette = visit("mette", scripts=scripts)
    emil = overview_of(mette, "Emil")
    mette.go(f"{emil}/soeg?vent=1")
    mette.main.get_by_label("Hvad leder du efter?").fill("NETVAERKSMOEDE")
    mette.follow(mette.button("Søg"))
    mette.go(f"{emil}/soeg?vent=1")
    assert "NETVAERK" not in mette.page.url
    mette.follow(mette.link(re.compile("Netværksmøde")))
    assert "/moeder" in mette.page.url
    mette.page.go_back()
    mette.look()
    expect(mette.main.get_by_role("heading", level=2).first).to_contain_text("fundet")
    mette.main.get_by_label("Hvad leder du efter?").fill("findesikke")
    mette.follow(mette.button("Søg"))
    expect(mette.main).to_contain_text("Ikke noget fundet")
