"""The pictures of the README, taken on the way through the demo world: `pytest e2e --screenshots`."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect

from e2e.conftest import Visit
from e2e.deciding import choose, overview_of
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
