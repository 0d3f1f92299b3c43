"""A mother with a protected address: her family, her son's overview, and who may see what."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Cookie, Locator, expect

from e2e.conftest import Visit
from e2e.deciding import choose, confirm, expect_consent, overview_of, row, withdraw


def test_she_logs_in_and_finds_her_son(visit: Visit) -> None:
    mette = visit()
    mette.go("/")
    with mette.page.expect_navigation(url=f"{mette.world.idp}/**"):
        mette.page.get_by_role("link", name="Log ind med MitID").click()
    mette.page.get_by_role("link", name="Mette Holm").click()
    with mette.page.expect_navigation(url=f"{mette.world.portal}/**"):
        mette.page.locator('button[value="approve"]').click()
    mette.look()
    expect(mette.page.get_by_role("heading", level=1)).to_have_text("Hej Mette.")
    expect(mette.page.locator("body")).to_have_attribute("data-viewer", "guardian")
    expect(mette.main.locator('[data-record="meeting"]')).to_have_count(3)
    mette.follow(mette.link(re.compile("Emils overblik")))
    expect(mette.page.get_by_role("heading", level=1)).to_have_text("Emils overblik")
    expect(mette.page.get_by_role("banner")).to_contain_text("Du er logget ind som Mette")
    expect(mette.page).to_have_title(re.compile("^Overblik"))


def test_a_closed_page_leads_through_login_and_back(visit: Visit) -> None:
    known, mette = visit("mette"), visit()
    emil = overview_of(known, "Emil")
    mette.log_in("mette", f"{emil}/kontakter")
    assert mette.page.url == f"{mette.world.portal}{emil}/kontakter"


def test_next_meeting_and_whom_to_call_are_there_without_scrolling(visit: Visit) -> None:
    mette = visit("mette")
    mette.go(overview_of(mette, "Emil"))
    meeting = mette.main.locator('[data-record="meeting"]').first
    call = mette.main.get_by_role("link", name=re.compile(r"^Ring ")).first
    for what in (meeting.get_by_role("heading", level=3), call):
        expect(what).to_be_in_viewport(ratio=1)
    box, bar = call.bounding_box(), mette.page.get_by_role("navigation").first.bounding_box()
    assert box and bar
    assert box["y"] + box["height"] <= bar["y"] or box["y"] >= bar["y"] + bar["height"]
    expect(call).to_have_attribute("href", re.compile(r"^tel:\+?\d{8,}$"))


@pytest.mark.parametrize(
    ("part", "record"),
    [
        ("kontakter", "contact"),
        ("moeder", "meeting"),
        ("indsatser", "intervention"),
        ("planer", "plan"),
        ("trivsel", "measurement"),
    ],
)
def test_each_part_is_a_page_of_its_own(visit: Visit, part: str, record: str) -> None:
    mette = visit("mette")
    mette.go(f"{overview_of(mette, 'Emil')}/{part}")
    expect(mette.main.locator(f'[data-record="{record}"]').first).to_be_attached()


def test_contacts_can_be_called_and_meetings_mapped_or_not(visit: Visit) -> None:
    mette = visit("mette")
    emil = overview_of(mette, "Emil")
    mette.go(f"{emil}/kontakter")
    contacts = mette.main.locator('[data-record="contact"]')
    assert contacts.count() >= 8
    expect(contacts.filter(has_text="Ansvarlig for").first).to_be_visible()
    expect(mette.main.locator('a[href^="tel:"]').first).to_be_visible()
    mette.go(f"{emil}/moeder")
    cancelled = mette.main.locator('[data-record="meeting"]', has_text="Mødet er aflyst")
    expect(cancelled.first).to_be_visible()


def test_a_meeting_goes_into_her_calendar_and_onto_paper(visit: Visit) -> None:
    mette = visit("mette")
    mette.go(overview_of(mette, "Emil"))
    file = mette.download(mette.link("Kalender"))
    text = Path(file.path()).read_text(encoding="utf-8")
    assert file.suggested_filename.endswith(".ics")
    assert text.startswith("BEGIN:VCALENDAR") and text.count("BEGIN:VEVENT") == 1
    mette.follow(mette.link("Tag med til mødet"))
    if mette.scripts:  # else the browser's own menu prints
        expect(mette.main.get_by_role("button", name="Udskriv")).to_be_visible()


def test_her_yes_waits_for_the_other_parent(visit: Visit) -> None:
    mette, jonas = visit("mette"), visit("jonas")
    emil = overview_of(mette, "Emil")
    for parent in (jonas, mette):
        withdraw(parent, emil, "ppr")
    mette.follow(mette.link("PPR, Aalborg Kommune"))
    ticked = mette.main.locator('[name="kategori"]:checked, [name="ejer"]:checked')
    expect(ticked).to_have_count(0)
    choose(mette, emil, "ppr", ["meetings", "contacts"], ["social"])
    preview = mette.main.get_by_role("region", name=re.compile("PPR"))
    expect(preview.locator('[data-record="meeting"]').first).to_be_visible()
    expect(preview.locator('[data-record="plan"]')).to_have_count(0)
    assert set(_owners(preview.locator("[data-record]").all())) <= SOCIAL | {"ppr"}
    receipt = confirm(mette)
    expect(receipt).to_have_attribute("data-consent", "pending")
    expect(receipt).to_contain_text("Gælder ikke. Begge forældre skal sige ja.")
    expect_consent(mette, emil, "ppr", "pending")
    mette.follow(row(mette, "ppr").get_by_role("button", name=re.compile("Træk tilbage")))
    expect(row(mette, "ppr")).to_have_attribute("data-consent", "withdrawn")


def test_what_is_missing_in_a_consent_stands_at_the_field(visit: Visit) -> None:
    mette = visit("mette")
    emil = overview_of(mette, "Emil")
    mette.go(f"{emil}/samtykke/laegehuset")
    mette.main.locator('[name="kategori"][value="plans"]').check()
    mette.follow(mette.main.locator('button[value="giv"]'), status=422)
    expect(mette.main.get_by_role("alert")).to_be_visible()
    expect(mette.main.locator('[name="kategori"][value="plans"]')).to_be_checked()


def test_she_writes_corrects_and_takes_back_a_comment(visit: Visit) -> None:
    mette, jonas = visit("mette"), visit("jonas")
    emil = overview_of(mette, "Emil")
    mette.go(emil)
    mette.follow(mette.link("Skriv om mødet"))
    text = "Emil vil gerne tegne først 🎨 <script>alert(1)</script>"
    mette.page.get_by_label("Din tekst").last.fill(text)
    mette.main.get_by_role("checkbox", name=re.compile("Jonas")).check()
    mette.follow(mette.button("Send"))
    own = mette.main.locator('[data-record="comment"]', has_text=text)
    expect(own).to_be_visible()
    expect(own).to_contain_text("Jonas")
    name = own.get_attribute("id")
    jonas.go(f"{emil}/kommentarer")
    expect(jonas.page.locator(f"#{name}")).to_contain_text(text)
    card = mette.main.locator("article", has=mette.page.locator(f"#{name}"))
    card.get_by_text("Ret eller træk tilbage").click()
    card.get_by_role("textbox").fill("Emil vil gerne tegne sidst")
    mette.follow(card.get_by_role("button", name="Gem rettelsen"))
    expect(mette.page.locator(f"#{name}")).to_contain_text("Emil vil gerne tegne sidst")
    card.get_by_text("Ret eller træk tilbage").click()
    mette.follow(card.get_by_role("button", name="Træk kommentaren tilbage"))
    jonas.go(f"{emil}/kommentarer")
    expect(jonas.page.locator(f"#{name}")).to_contain_text("trukket tilbage")


def test_a_comment_with_her_protected_address_is_not_sent(visit: Visit) -> None:
    mette = visit("mette")
    mette.go(f"{overview_of(mette, 'Emil')}/kommentarer")
    mette.page.get_by_label("Din tekst").last.fill("Vi bor på Prøvevænget 12, kom bare forbi")
    mette.main.get_by_role("checkbox", name=re.compile("Jonas")).check()
    mette.follow(mette.button("Send"), status=422)
    expect(mette.main.get_by_role("alert")).to_be_visible()


def test_she_sees_who_has_looked(visit: Visit) -> None:
    mette, jonas = visit("mette"), visit("jonas")
    emil = overview_of(mette, "Emil")
    mette.go(emil)
    jonas.go(emil)
    mette.go(f"{emil}/hvem-har-set")
    assert mette.main.get_by_role("listitem").count() >= 1
    expect(mette.main).not_to_contain_text("Jonas")


def test_log_out_is_final(visit: Visit) -> None:
    mette = visit()
    mette.log_in("mette")
    mette.go(overview_of(mette, "Emil"))
    cookies = mette.context.cookies(mette.world.portal)
    assert any(c.get("name") == "session" and c.get("httpOnly") for c in cookies)
    mette.log_out()
    expect(mette.page).to_have_url(f"{mette.world.portal}/")
    expect(mette.page.locator("body")).to_have_attribute("data-viewer", "anonymous")
    mette.look()
    assert not [c for c in mette.context.cookies(mette.world.portal) if c.get("name") == "session"]
    kept = mette.context.request.get(f"{mette.world.portal}/overblik", headers=_as_header(cookies))
    assert 'data-viewer="guardian"' not in kept.text()
    mette.page.go_back()
    mette.page.wait_for_load_state()
    assert mette.page.locator("body:not([data-viewer=anonymous])[data-viewer]").count() == 0
    expect(mette.page.locator("[data-record]")).to_have_count(0)
    expect(mette.page.locator("body")).not_to_contain_text("Emils overblik")


SOCIAL = {
    "familieafdelingen", "aflastning", "handicap", "ydelse", "koordinering", "kontaktkorpset",
    "hjaelpemidler", "familiehuset", "ungeenheden", "hjoerring",
}  # fmt: skip


def _as_header(cookies: list[Cookie]) -> dict[str, str]:
    return {"Cookie": "; ".join(f"{c.get('name')}={c.get('value')}" for c in cookies)}


def _owners(records: list[Locator]) -> list[str]:
    return [r.get_attribute("data-owner") or "" for r in records]
