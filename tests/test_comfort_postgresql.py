"""Drafts, marks and messages on PostgreSQL, whose walls show a transaction only the rows it names."""

from __future__ import annotations

from flask import Flask

from tests import test_drafts, test_reports, test_seen
from tests.conftest import Login
from tests.test_postgres_app import app

pytest_plugins = ("tests.store_fixtures",)
__all__ = ["app"]


def test_a_draft_is_kept_for_its_writer_and_tidied(app: Flask, login: Login) -> None:
    test_drafts.test_a_page_of_hers_left_open_in_his_session_is_kept_for_her_alone(login)
    app.extensions["portal"].drafts.tidy()


def test_a_message_reaches_its_place_alone(app: Flask, login: Login) -> None:
    test_reports.test_the_place_reads_it_and_the_family_sees_that_it_did(app, login)
    test_reports.test_nobody_else_reads_it(login)


def test_marks_are_made_compared_and_forgotten(login: Login) -> None:
    test_seen.test_a_comment_from_somebody_else_is_news_and_ones_own_is_not(login)
    mette = login("mette")
    emil = mette.citizens()["Emil"]
    assert mette.post(f"/overblik/{emil}/nyt", {"handling": "glem"}).status_code == 303
    assert "Se næste gang" in test_seen.overview(mette, emil)
