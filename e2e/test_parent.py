"""A mother with a protected address: her family, her son's overview, and who may see what."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from e2e.conftest import Visit


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
    expect(mette.main.locator('[data-record="meeting"]')).to_have_count(3)
    mette.follow(mette.link(re.compile("Emils overblik")))
    expect(mette.page.get_by_role("heading", level=1)).to_have_text("Emils overblik")
