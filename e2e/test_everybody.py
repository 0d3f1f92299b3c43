"""What every page owes everybody: no scripts needed, a keyboard is enough, 360 px, another language."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, expect

from backend_stub.systems import asked_about
from e2e.conftest import Visit
from e2e.deciding import expect_consent, grant, overview_of, row, withdraw
from e2e.visitor import Visitor

OPEN = ("/", "/hjaelp", "/ordliste", "/privatliv", "/tilgaengelighed", "/sprog")
CITIZEN = (
    "", "/kontakter", "/moeder", "/indsatser", "/planer", "/trivsel", "/kommentarer",
    "/oplysninger", "/samtykke", "/samtykke/bup-nord", "/hvem-har-set",
)  # fmt: skip


@pytest.mark.parametrize("wide", [False, True], ids=["phone", "desktop"])
def test_open_pages_are_in_order(visit: Visit, wide: bool) -> None:
    nobody = visit(wide=wide)
    for path in OPEN:
        nobody.go(path)
    nobody.go("/findes-ikke", status=404)


@pytest.mark.parametrize("wide", [False, True], ids=["phone", "desktop"])
def test_all_45_sources_of_noah_answer(visit: Visit, wide: bool) -> None:
    camilla = visit("camilla", wide=wide)
    noah = overview_of(camilla, "Noah")
    camilla.go(noah)
    count = len(asked_about(12))
    assert count == 45
    expect(camilla.main).to_contain_text(f"{count} af {count} kilder har svaret")
    lines = camilla.main.locator("[data-source]")
    states = {line.get_attribute("data-state") for line in lines.all()}
    assert lines.count() == count
    assert states <= {"shown", "empty"}
    for part in CITIZEN[1:]:
        camilla.go(noah + part)
    camilla.go("/konto")


def test_the_whole_consent_journey_without_scripts(visit: Visit) -> None:
    peter = visit("peter", scripts=False)
    ida = overview_of(peter, "Ida")
    peter.go(f"{ida}?vent=1")
    expect(peter.main.locator('[data-state="waiting"]')).to_have_count(0)
    expect(peter.main.locator("[data-source]").first).to_be_attached()
    withdraw(peter, ida, "skovbakkeskolen")
    receipt = grant(peter, ida, "skovbakkeskolen", ["contacts"], ["social", "school"])
    expect(receipt).to_have_attribute("data-consent", "active")
    expect_consent(peter, ida, "skovbakkeskolen", "active")
    peter.follow(row(peter, "skovbakkeskolen").locator('button[value="traek"]'))
    expect(row(peter, "skovbakkeskolen")).to_have_attribute("data-consent", "withdrawn")


def test_logging_in_and_out_without_scripts(visit: Visit) -> None:
    amira = visit(scripts=False)
    amira.log_in("amira", "/overblik")
    amira.go("/overblik?vent=1")
    expect(amira.main.locator('[data-record="meeting"]').first).to_be_visible()
    amira.log_out()
    expect(amira.page.locator("body")).to_have_attribute("data-viewer", "anonymous")
    amira.look()


def test_a_late_page_says_so_without_scripts(visit: Visit) -> None:
    yusuf = visit("yusuf", scripts=False)
    page = yusuf.go(overview_of(yusuf, "Omar"))
    if page.locator('[data-state="waiting"]').count():
        yusuf.follow(yusuf.link("Vent på alle kilder"))
    expect(page.locator('[data-state="waiting"]')).to_have_count(0)


def test_a_keyboard_is_enough(visit: Visit) -> None:
    amira = visit(wide=True)
    amira.log_in("amira")
    layla = overview_of(amira, "Layla")
    withdraw(amira, layla, "familieafdelingen")
    amira.go(layla)
    page = amira.page
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Gå til indholdet")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport(ratio=1)
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    amira.go(layla)
    _tab_to(amira, page.get_by_role("navigation").first.get_by_role("link", name="Samtykke"))
    _press_enter(amira)
    _tab_to(amira, row(amira, "familieafdelingen").get_by_role("link"))
    _press_enter(amira)
    for field, value in (("kategori", "meetings"), ("ejer", "school")):
        box = amira.main.locator(f'[name="{field}"][value="{value}"]')
        _tab_to(amira, box)
        page.keyboard.press("Space")
        expect(box).to_be_checked()
    _tab_to(amira, amira.main.locator('[name="formaal"]').first)
    page.keyboard.press("Space")
    _tab_to(amira, amira.main.locator('button[value="giv"]'))
    _press_enter(amira)
    _tab_to(amira, amira.main.locator('button[value="bekraeft"]'))
    _press_enter(amira)
    expect(amira.main.locator("[data-consent]")).to_have_attribute("data-consent", "pending")
    _tab_to(amira, amira.main.get_by_role("button", name=re.compile("Fortryd")))
    _press_enter(amira)
    expect(row(amira, "familieafdelingen")).to_have_attribute("data-consent", "withdrawn")


def test_the_whole_page_in_english(visit: Visit) -> None:
    peter = visit()
    peter.log_in("peter")
    peter.go("/sprog")
    peter.follow(peter.button("English"))
    expect(peter.page.locator("html")).to_have_attribute("lang", "en")
    expect(peter.page.get_by_role("banner").get_by_role("button", name="Log out")).to_be_visible()
    peter.go("/hjaelp")
    expect(peter.page.get_by_role("heading", level=1)).to_have_text("Need help?")


def test_quick_exit_leaves_nothing_behind(visit: Visit) -> None:
    mette = visit("mette")
    mette.context.route("https://www.dr.dk/**", lambda route: route.fulfill(body="dr"))
    emil = overview_of(mette, "Emil")
    mette.go(emil)
    with mette.page.expect_navigation(url="https://www.dr.dk/**"):
        mette.page.get_by_role("link", name="Forlad siden").click()
    mette.troubles = [t for t in mette.troubles if "https://www.dr.dk/" not in t]


def _tab_to(visitor: Visitor, what: Locator) -> None:
    """Press Tab until the focus is there; it must be visible on the way."""
    for _ in range(150):
        if what.evaluate("e => e === document.activeElement"):
            expect(what).to_be_in_viewport()
            return
        visitor.page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not reach {what}")


def _press_enter(visitor: Visitor) -> None:
    with visitor.page.expect_navigation():
        visitor.page.keyboard.press("Enter")
    visitor.look()
