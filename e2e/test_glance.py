"""What is seen at a glance, as a browser draws it: at 360 px, by keyboard, on paper."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from e2e.conftest import Visit
from e2e.deciding import overview_of

BOXES = """(svg) => [...svg.querySelectorAll("a")].map((a) => {
    const r = a.querySelector("rect").getBoundingClientRect();
    return {name: a.getAttribute("aria-label"), left: r.left, right: r.right, top: r.top,
        bottom: r.bottom, texts: [...a.querySelectorAll("text")].map((t) => {
            const b = t.getBoundingClientRect();
            return [b.left, b.top, b.right, b.bottom];
        })};
})"""
"""Every place of a map, as it is drawn: where it can be tapped, and where its words stand."""


def over(a: dict[str, Any], b: dict[str, Any]) -> bool:
    beside = a["right"] <= b["left"] + 0.5 or b["right"] <= a["left"] + 0.5
    return not (beside or a["bottom"] <= b["top"] + 0.5 or b["bottom"] <= a["top"] + 0.5)


@pytest.mark.parametrize("wide", [False, True], ids=["phone", "desktop"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_29_places_are_readable_and_do_not_overlap(visit: Visit, wide: bool, scheme: Any) -> None:
    camilla = visit("camilla", wide=wide, color_scheme=scheme)
    camilla.go(overview_of(camilla, "Noah") + "/netvaerk")
    shown = camilla.main.locator(".map-w" if wide else ".map-t")
    expect(shown).to_be_visible()
    expect(camilla.main.locator(".map-t" if wide else ".map-w")).to_be_hidden()
    places = shown.evaluate(BOXES)
    assert len(places) == 29
    width = 1280 if wide else 360
    for n, place in enumerate(places):
        assert not [p["name"] for p in places[n + 1 :] if over(place, p)], place["name"]
        assert place["bottom"] - place["top"] >= 43.5, "too small for a finger"
        for left, _top, right, _bottom in place["texts"]:
            assert left >= 16 and right <= width - 16, place["name"]


def test_the_map_by_keyboard_leads_to_the_place(visit: Visit) -> None:
    camilla = visit("camilla")
    page = camilla.go(overview_of(camilla, "Noah") + "/netvaerk")
    link = camilla.main.locator(".map-t a").nth(3)
    link.focus()
    assert link.evaluate("(a) => a.matches(':focus-visible')")
    name = str(link.get_attribute("aria-label")).split(",")[0]
    page.keyboard.press("Enter")
    expect(page.locator("li:target h4")).to_contain_text(name)
    camilla.look()


def test_the_month_by_keyboard_on_a_phone(visit: Visit) -> None:
    camilla = visit("camilla")
    page = camilla.go(overview_of(camilla, "Noah") + "/moeder")
    camilla.follow(camilla.link("Måned"))
    expect(camilla.main.locator("td[aria-current=date]")).to_have_count(1)
    heading = camilla.main.locator("#maaned").inner_text()
    camilla.follow(camilla.main.locator('a[rel="next"]'))
    expect(camilla.main.locator("#maaned")).not_to_have_text(heading)
    day = camilla.main.locator(".cal a.d").first
    box = day.bounding_box()
    assert box and box["height"] >= 44 and box["width"] >= 44
    day.focus()
    page.keyboard.press("Enter")
    expect(page.locator("li:target")).to_be_in_viewport()
    camilla.look()


def test_time_and_well_being_stay_inside_their_cards(visit: Visit) -> None:
    mette = visit("mette")
    emil = overview_of(mette, "Emil")
    for part, mark in (("/tidslinje", ".span .track"), ("/trivsel", ".plot .chart")):
        mette.go(emil + part)
        marks = mette.main.locator(f"{mark}:visible")
        assert marks.count()
        for box in (m.bounding_box() for m in marks.all()):
            assert box and box["x"] >= 16 and box["x"] + box["width"] <= 344


def test_paper_carries_structure_and_no_buttons(visit: Visit) -> None:
    mette = visit("mette", wide=True)
    page = mette.go(overview_of(mette, "Emil") + "/moeder")
    mette.follow(mette.link("Tag med til mødet"))
    page.emulate_media(media="print")
    for hidden in (".top", ".nav", ".foot", ".acts"):
        assert not [x for x in page.locator(hidden).all() if x.is_visible()], hidden
    paper = page.pdf(format="A4", tagged=True, outline=True)
    assert b"/StructTreeRoot" in paper
    assert b"/Marked true" in paper
    assert paper.count(b"/Type /Page\n") == 1 or b"/Count 1" in paper, "one page to bring"
    page.emulate_media(media="screen")
