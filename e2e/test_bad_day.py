"""Systems fail: the page says what it does not know, and deciding still works."""

from __future__ import annotations

import re
import time

from playwright.sync_api import Route, expect

from e2e.conftest import Visit
from e2e.deciding import expect_consent, grant, overview_of, row, withdraw
from e2e.visitor import Visitor
from e2e.world import World

PROBED_WITHIN = 30
HONEST = "Der kan godt være noget, vi ikke kan vise lige nu."
EMPTY_WORDS = re.compile(
    r"Der er ingen (kommende )?møder\.|Der er ingen hjælp|Der er ingen planer|"
    r"Der er ingen kontaktpersoner|Ingen kommende møder|Ingen har målt"
)
FAULTS = {
    "familieafd": "hang", "bup": "500", "skole-kalender": "reset", "ppr": "html",
    "bup-kalender": "429", "sfo-kalender": "gzip-bomb", "laege": "wrong-person",
    "en-plan": "deep-json", "aflastning-kalender": "redirect",
}  # fmt: skip


def test_some_systems_fail_in_different_ways(own_world: World, visit_own: Visit) -> None:
    own_world.ill(FAULTS)
    mette = visit_own("mette")
    emil = overview_of(mette, "Emil")
    mette.go(emil)
    mette.main.locator("summary", has_text="Se hvem der ikke har svaret").click()
    for source in FAULTS:
        line = mette.main.locator(f'[data-source="{source}"]')
        expect(line).to_have_attribute("data-state", "unavailable")
        expect(line).to_contain_text(HONEST)
        expect(line.get_by_role("link", name="Prøv igen")).to_be_visible()
    expect(mette.main.locator('[data-record="meeting"]').first).to_be_visible()
    expect(mette.main).to_contain_text("Vi har ikke fundet en tovholder hos dem, der har svaret.")
    assert not EMPTY_WORDS.search(mette.main.inner_text())
    receipt = grant(mette, emil, "befordring", ["meetings"], ["social"])
    expect(receipt).to_have_attribute("data-consent", "pending")
    mette.go(emil)
    own_world.well()  # with the offer to try again on the screen
    mette.follow(mette.link("Prøv igen"))
    healed = mette.main.locator('[data-source="familieafd"][data-state="shown"]')
    until = time.monotonic() + PROBED_WITHIN
    while not healed.count() and time.monotonic() < until:
        mette.go(emil + "?vent=1")  # a system that failed often is asked again every ten seconds
    expect(healed).to_have_count(1)
    expect(mette.main).to_contain_text("Karin Thomsen")


def test_when_everything_is_down_nothing_reads_as_none(own_world: World, visit_own: Visit) -> None:
    own_world.all_ill("500")
    mette = visit_own("mette")
    mette.go("/overblik")
    _says_nothing_of_none(mette)
    emil = overview_of(mette, "Emil")
    for part in ("", "/moeder", "/kontakter", "/indsatser", "/planer", "/trivsel"):
        mette.go(emil + part)
        _says_nothing_of_none(mette)
        expect(mette.main).to_contain_text("0 af ")
    for part in ("/samtykke", "/oplysninger", "/kommentarer", "/hvem-har-set"):
        mette.go(emil + part)
    grant(mette, emil, "befordring", ["meetings"], ["social"])
    withdraw(mette, emil, "befordring")
    expect(row(mette, "befordring")).to_have_attribute("data-consent", "withdrawn")


def test_late_systems_are_waited_for_and_the_page_says_when_all_is_there(
    own_world: World, visit_own: Visit
) -> None:
    own_world.ill({"skole-kalender": "slow", "bup-kalender": "slow"})
    mette = visit_own()
    mette.log_in("mette")
    done = mette.page.locator("#live")
    expect(done).to_have_text("Siden er hentet færdig.")
    until = time.monotonic() + PROBED_WITHIN
    while _late_but_there(mette) < 2 and time.monotonic() < until:
        mette.go("/overblik")  # on a busy machine late may be too late: it is asked for anew
        expect(done).to_have_text("Siden er hentet færdig.")
    assert _late_but_there(mette) == 2


def test_a_part_that_does_not_come_is_no_longer_promised(
    own_world: World, visit_own: Visit
) -> None:
    own_world.ill({"aflastning-kalender": "hang"})  # what has failed is asked for anew
    mette = visit_own("mette")
    emil = overview_of(mette, "Emil")
    mette.page.route("**/del/overblik/**", lambda route: route.fulfill(status=503))
    _open_unfinished(mette, own_world.portal + emil)
    expect(mette.main.locator("#late-failed")).to_be_visible()
    expect(mette.main.get_by_text("Vi henter resten nu.")).to_be_hidden()
    expect(mette.main.get_by_role("link", name="Vent på alle kilder")).to_be_visible()
    mette.forget()  # the browser's own words about the refusal


def test_a_part_refused_in_a_rush_is_asked_for_again(own_world: World, visit_own: Visit) -> None:
    own_world.ill({"aflastning-kalender": "hang"})  # what has failed is asked for anew
    mette = visit_own("mette")
    emil = overview_of(mette, "Emil")
    refusals = [503, 503]

    def rush(route: Route) -> None:
        if refusals:
            route.fulfill(status=refusals.pop(), headers={"Retry-After": "1"})
        else:
            route.continue_()

    mette.page.route("**/del/overblik/**", rush)
    _open_unfinished(mette, own_world.portal + emil)
    done = mette.page.locator("#live")
    expect(done).to_have_text("Siden er hentet færdig.", timeout=30_000)
    expect(mette.main.locator("#late-failed")).to_be_hidden()
    assert not refusals
    mette.forget()  # the browser's own words about the refusals


def test_without_the_register_a_yes_can_be_taken_back(own_world: World, visit_own: Visit) -> None:
    mette = visit_own("mette")
    emil = overview_of(mette, "Emil")
    grant(mette, emil, "befordring", ["meetings"], ["social"])
    own_world.ill({"register": "500"})
    mette.main.get_by_role("button", name=re.compile("Fortryd")).click()
    mette.look()
    own_world.well()
    expect_consent(mette, emil, "befordring", "withdrawn")


def test_markup_from_a_system_is_only_text(own_world: World, visit_own: Visit) -> None:
    own_world.all_ill("markup")
    mette = visit_own("mette", wide=True)
    emil = overview_of(mette, "Emil")
    for part in ("", "/moeder", "/planer", "/kontakter"):
        mette.go(emil + part)
        expect(mette.main.locator("script, img[onerror]")).to_have_count(0)


def _late_but_there(visitor: Visitor) -> int:
    sources = ("skole-kalender", "bup-kalender")
    lines = [visitor.main.locator(f'[data-source="{s}"]').first for s in sources]
    return sum(line.get_attribute("data-state") in ("shown", "empty") for line in lines)


def _says_nothing_of_none(visitor: Visitor) -> None:
    assert not EMPTY_WORDS.search(visitor.main.inner_text()), visitor.main.inner_text()
    expect(visitor.main).to_contain_text(re.compile("ikke svaret|ikke kan vise lige nu"))


def _open_unfinished(visitor: Visitor, address: str) -> None:
    """A page that waits for somebody: at the latest when a system that was given up is tried anew."""
    until = time.monotonic() + PROBED_WITHIN
    visitor.page.goto(address)
    while not visitor.main.locator("#late-failed").count():
        assert time.monotonic() < until, "nobody is waited for"
        visitor.page.wait_for_timeout(1000)
        visitor.page.goto(address)
