"""How the journeys are walked: with a finger, or as JOURNEYS says, every one of them (`make prove`).

    JOURNEYS=keys      by keyboard alone: Tab to it, see where one is, Enter or Space
    JOURNEYS=plain     without scripts
    JOURNEYS=mirrored  from right to left, in words the journeys know

A journey says what its person does; how she does it is not its business.
"""

from __future__ import annotations

import os
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, ElementHandle, Locator, Page

MANNER = os.environ.get("JOURNEYS", "")
TABS = 800
"""More than any page has stops; a page that cannot be left by Tab ends here."""

CONTROL = """e => e.closest("a[href],button,summary,input,select,textarea")
    ?? e.closest("label")?.control ?? e"""
FOCUSED = "e => document.activeElement === e"
SEEN = """e => {
    const style = getComputedStyle(e), box = e.getBoundingClientRect();
    const marked = style.outlineStyle !== "none" || style.boxShadow !== "none"
        || (e.matches("input") && e.checkVisibility() === false);
    const there = (x, y) => { const top = document.elementFromPoint(x, y); return top && (e.contains(top) || top.contains(e)); };
    const inside = [[box.left + 3, box.top + 3], [box.right - 3, box.bottom - 3],
        [(box.left + box.right) / 2, (box.top + box.bottom) / 2]].some(([x, y]) => there(x, y));
    return (marked ? "" : "its focus cannot be seen ") + (inside ? "" : "it is hidden behind something");
}"""
"""WCAG 2.2: 2.4.7 focus visible, 2.4.11 focus not obscured."""

MIRRORED = """new MutationObserver((_, watch) => {
    if (document.documentElement) { document.documentElement.dir = "rtl"; watch.disconnect(); }
}).observe(document, { childList: true });"""


def choose(patch: pytest.MonkeyPatch) -> None:
    """Let every journey of this run be walked in the manner chosen."""
    if MANNER == "keys":
        patch.setattr(Locator, "click", _by_keys)
        patch.setattr(Locator, "check", _tick)


def of_context(scripts: bool) -> bool:
    """Whether a visitor has scripts."""
    return scripts and MANNER != "plain"


def mirror(context: BrowserContext) -> None:
    """Turn every page of a visitor around."""
    if MANNER == "mirrored":
        context.add_init_script(MIRRORED)


def _by_keys(what: Locator, **_: Any) -> None:
    what.wait_for(state="attached")
    page, control = what.page, _control(what)
    kind = control.get_attribute("type") or ""
    if kind == "radio":
        _tab_to_group(page, control)
        for _turn in range(50):
            if control.evaluate(FOCUSED):
                break
            page.keyboard.press("ArrowDown")
        page.keyboard.press("Space")
        return
    _tab_to(page, control)
    page.keyboard.press("Space" if kind == "checkbox" else "Enter")


def _tick(what: Locator, **_: Any) -> None:
    if not what.is_checked():
        _by_keys(what)
    assert what.is_checked()


def _control(what: Locator) -> ElementHandle:
    found = what.evaluate_handle(CONTROL).as_element()
    assert found is not None
    return found


def _tab_to(page: Page, control: ElementHandle) -> None:
    for _ in range(TABS):
        if control.evaluate(FOCUSED):
            trouble = control.evaluate(SEEN)
            assert not trouble, (
                f"{page.url}: {control.evaluate('e => e.outerHTML')[:200]}: {trouble}"
            )
            return
        page.keyboard.press("Tab")
    raise AssertionError(
        f"{page.url}: no Tab leads to {control.evaluate('e => e.outerHTML')[:200]}"
    )


def _tab_to_group(page: Page, radio: ElementHandle) -> None:
    name = radio.get_attribute("name")
    for _ in range(TABS):
        if page.evaluate("n => document.activeElement?.name === n", name):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{page.url}: no Tab leads to the choices {name}")
