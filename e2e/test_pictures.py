"""The pictures of the README, taken on the way through the demo world: `pytest e2e --screenshots`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from backend_stub.room import Stop, each_once
from e2e.conftest import PICTURES, Visit
from e2e.deciding import choose, overview_of
from e2e.rounds import walk
from e2e.test_caseworker import look_up
from e2e.visitor import Visitor
from e2e.world import World

Picture = Callable[[Visitor, str], None]


def test_family_and_overview(visit: Visit, picture: Picture) -> None:
    phone, desktop = visit("mette"), visit("camilla", wide=True)
    dark = visit("mette", color_scheme="dark")
    emil = overview_of(phone, "Emil")
    picture(phone, "familie-360")
    phone.go(emil)
    picture(phone, "overblik-360")
    dark.go(emil)
    picture(dark, "overblik-mork-360")
    desktop.go(overview_of(desktop, "Noah"))
    picture(desktop, "overblik-1280")


def test_consent(visit: Visit, picture: Picture) -> None:
    mette = visit("mette")
    emil = overview_of(mette, "Emil")
    choose(mette, emil, "ppr", ["meetings", "contacts"], ["social"])
    picture(mette, "bekraeft-360")


def test_caseworker(visit: Visit, picture: Picture) -> None:
    poul = visit(wide=True)
    poul.log_in("poul")
    look_up(poul, "emil", status=403)
    poul.follow(poul.button("Forberede et møde"))
    picture(poul, "medarbejder-1280")


def test_bad_day(own_world: World, visit_own: Visit, picture: Picture) -> None:
    own_world.ill({"familieafd": "500", "skole-kalender": "500", "bup": "500"})
    mette = visit_own("mette")
    mette.go(overview_of(mette, "Emil"))
    failed = mette.main.locator('[data-state="unavailable"]').first
    expect(failed).to_be_visible()
    failed.scroll_into_view_if_needed()
    picture(mette, "daarlig-dag-360")


LOOKS = [("da", False), ("da", True), ("ar", False), ("ar", True)]
TALL = 1600
"""Pixels of a page that are pictured; long pages go on."""
ALL = Path(__file__).parent.parent / "docs" / "pages.md"


@pytest.mark.parametrize(("language", "wide"), LOOKS)
def test_every_page(visit_own: Visit, language: str, wide: bool) -> None:
    folder = PICTURES / "pages"
    folder.mkdir(parents=True, exist_ok=True)
    for seen in walk(visit_own, each_once(), wide=wide, language=language, engines=False):
        assert seen.page is not None
        width = 1280 if wide else 360
        seen.page.screenshot(
            path=folder / f"{_name(seen.stop)}-{width}-{language}.jpg",
            type="jpeg",
            quality=55,
            full_page=True,
            clip={"x": 0, "y": 0, "width": width, "height": TALL},
        )


def test_the_page_of_pictures() -> None:
    ALL.write_text("\n".join(_album()) + "\n", encoding="utf-8")


def _album() -> Iterator[str]:
    yield "# Every page, as a picture"
    yield ""
    yield "Made by `pytest e2e --screenshots`, with the demo's invented people. The first"
    yield f"{TALL} pixels of each page: on a phone (360 px) and a desktop (1280 px), in Danish and Arabic."
    for stop in each_once():
        yield f"\n## {stop.shows}\n"
        for language, wide in LOOKS:
            file = f"pictures/pages/{_name(stop)}-{1280 if wide else 360}-{language}.jpg"
            alt = f"{stop.shows}, {'desktop' if wide else 'phone'}, {language}"
            yield f'<img src="{file}" width="{420 if wide else 160}" alt="{alt}">'


def _name(stop: Stop) -> str:
    """A file's name: whose page, and its address."""
    return "-".join(part for part in (stop.person, *stop.path.split("/")) if part) or "forside"
