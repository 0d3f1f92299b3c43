"""The steps of a consent as a family member walks them, for every journey that needs one."""

from __future__ import annotations

from collections.abc import Collection

from playwright.sync_api import Locator, expect

from e2e.visitor import Visitor


def overview_of(visitor: Visitor, child: str) -> str:
    """The address of a child's overview, found by the parent on the family page."""
    visitor.go("/overblik")
    cards = visitor.main.get_by_role("region", name="Familien")
    address = cards.get_by_role("link", name=child, exact=True).get_attribute("href")
    assert address is not None
    return address


def choose(
    visitor: Visitor,
    overview: str,
    actor: str,
    categories: Collection[str],
    owners: Collection[str],
) -> None:
    """Fill in an actor's page as far as the preview."""
    visitor.go(f"{overview}/samtykke/{actor}")
    one_by_one = visitor.main.get_by_text("Vælg stederne ét for ét")
    if one_by_one.count():
        one_by_one.click()
    for name, values in (("kategori", categories), ("ejer", owners), ("formaal", ["moede"])):
        for value in values:
            visitor.main.locator(f'[name="{name}"][value="{value}"]').check()
    visitor.follow(visitor.main.locator('button[value="giv"]'))
    expect(visitor.main.get_by_role("heading", level=1)).to_have_text("Er det rigtigt?")


def confirm(visitor: Visitor) -> Locator:
    """Say yes to what the preview shows; the receipt."""
    visitor.press(lambda: visitor.main.locator('button[value="bekraeft"]'))
    expect(visitor.main.get_by_role("heading", level=1)).to_have_text("Kvittering")
    return visitor.main.locator("[data-consent]")


def grant(
    visitor: Visitor,
    overview: str,
    actor: str,
    categories: Collection[str],
    owners: Collection[str],
) -> Locator:
    """From the actor's page to the receipt."""
    choose(visitor, overview, actor, categories, owners)
    return confirm(visitor)


def withdraw(visitor: Visitor, overview: str, actor: str) -> None:
    """Take a yes back from the list of places; nothing to do when there is none."""
    visitor.go(f"{overview}/samtykke")
    take_back = row(visitor, actor).locator('button[value="traek"]')
    if take_back.count():
        visitor.follow(take_back)


def row(visitor: Visitor, actor: str) -> Locator:
    """An actor's line on the list of places."""
    return visitor.main.locator(f'[data-actor="{actor}"]').first


def expect_consent(visitor: Visitor, overview: str, actor: str, state: str) -> None:
    """What the list says about an actor to this visitor."""
    visitor.go(f"{overview}/samtykke")
    expect(row(visitor, actor)).to_have_attribute("data-consent", state)
