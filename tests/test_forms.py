"""What is sent is read strictly, and what is wrong is said beside the field."""

from __future__ import annotations

from datetime import date

import pytest
from flask import Flask
from flask_babel import Babel
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from portal.forms import NOTHING, STALE, ConsentFields, CprForm, TextForm, clean, one, read, text_of
from portal.proposal import months_ahead
from portal.records import Category, Sector
from tests.conftest import BASE


@pytest.fixture(scope="module")
def app() -> Flask:
    """Forms need no more of an application than that it can translate."""
    app = Flask(__name__)
    Babel(app, locale_selector=lambda: "da")
    return app


@pytest.fixture(autouse=True)
def _in_a_request(app: Flask):
    """Messages are translated, so forms live in a request."""
    with app.test_request_context(base_url=BASE):
        yield


def fields(*pairs: tuple[str, str]) -> ConsentFields:
    return ConsentFields(MultiDict(pairs), "ppr")


GOOD = [("kategori", "contacts"), ("kategori", "plans"), ("ejer", "fam"), ("ejer", "school"),
        ("formaal", "moede"), ("til", "2027-05-01"), ("version", "3"), ("undtaget", "A")]  # fmt: skip


def test_a_right_form_is_read_as_it_stands() -> None:
    found = fields(*GOOD)
    assert not found.errors
    assert found.proposal.categories == {Category.CONTACTS, Category.PLANS}
    assert (found.proposal.owners, found.sectors) == ({"fam"}, (Sector.SCHOOL,))
    assert (found.proposal.purpose, found.proposal.until) == ("moede", date(2027, 5, 1))
    assert (found.version, found.proposal.excluded) == (3, {"A"})
    assert found.owners == {"fam", "school"} and found.until == "2027-05-01"


@pytest.mark.parametrize(
    "text", ["2027-05-01", "01.05.2027", "1.5.2027", "01-05-2027", "1/5/2027", " 2027-05-01 "]
)
def test_dates_as_people_write_them(text: str) -> None:
    assert fields(("til", text)).proposal.until == date(2027, 5, 1)


@pytest.mark.parametrize(
    "text", ["", "1. maj", "2027-13-01", "2027-02-30", "01.05.27", "٢٠٢٧-05-01x", "0", "2027"]
)
def test_what_is_no_date_is_said(text: str) -> None:
    found = fields(("til", text))
    assert "til" in found.errors
    assert found.proposal.until == NOTHING
    assert found.until == text.strip()


@pytest.mark.parametrize("field", ["kategori", "ejer", "undtaget"])
def test_the_same_twice_is_an_error(field: str) -> None:
    value = "contacts" if field == "kategori" else "x"
    assert field in fields((field, value), (field, value)).errors


def test_unknown_categories_are_errors() -> None:
    assert "kategori" in fields(("kategori", "everything")).errors
    assert "kategori" in fields(("kategori", "Contacts")).errors


@pytest.mark.parametrize("text", ["", "-1", "1.0", "x", "²", "٣", "1 2", "9" * 10, "9" * 5000])
def test_a_version_that_no_form_of_ours_carried_counts_as_old(text: str) -> None:
    assert fields(("version", text)).version == STALE
    assert fields(("version", "3"), ("version", "4")).version == STALE
    assert fields().version is None


def test_what_the_child_says_is_kept_whole_or_sent_back() -> None:
    assert fields(("barnet_siger", " x" * 2000)).proposal.child_says == "x" + " x" * 1999
    assert fields(("barnet_siger", "x" * 4000)).errors.keys() == {"til"}
    assert "barnet_siger" in fields(("barnet_siger", "x" * 4001)).errors
    assert "barnet_siger" in fields(("barnet_siger", "ja"), ("barnet_siger", "nej")).errors


def test_a_single_field_sent_twice_counts_as_not_sent() -> None:
    assert one(MultiDict([("a", "1")]), "a") == "1"
    assert one(MultiDict([("a", "1"), ("a", "2")]), "a") == ""
    assert one(MultiDict(), "a") == ""


CPR = [("170817-9911", "1708179911"), ("1708179911", "1708179911"), (" 170817 9911 ", "1708179911"),
       ("3108179911", "3108179911"), ("7108179911", "7108179911"),
       ("0000000001", "0000000001")]  # fmt: skip


@pytest.mark.parametrize(("text", "digits"), CPR)
def test_a_whole_cpr(text: str, digits: str) -> None:
    form = CprForm(MultiDict({"cpr": text}))
    assert not read(form)
    assert form.cpr.data == digits


@pytest.mark.parametrize("text", ["", "170817", "170817991", "17081799111", "170817991a", "170817991١", "%", "1708179911; DROP TABLE person"])  # fmt: skip
def test_anything_else_is_no_cpr(text: str) -> None:
    assert "cpr" in read(CprForm(MultiDict({"cpr": text})))


@pytest.mark.parametrize(("text", "ok"), [("hej", True), ("x" * 4000, True), ("x" * 4001, False), (" \n", False),
                                          ("\x00", False), ("😀" * 4000, True)])  # fmt: skip
def test_a_comments_length(text: str, ok: bool) -> None:
    form = TextForm(MultiDict({"tekst": text}))
    assert (not read(form)) is ok
    assert text_of(form) == clean(text)


@given(st.text())
def test_clean_is_steady_and_keeps_no_control_signs(text: str) -> None:
    once = clean(text)
    assert clean(once) == once
    assert not [c for c in once if (ord(c) < 32 and c not in "\n\t") or c in "\u202a\u202e"]


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(1, 12))
def test_months_ahead_is_the_same_day_or_the_months_last(day: date, months: int) -> None:
    then = months_ahead(day, months)
    assert (then.year * 12 + then.month) - (day.year * 12 + day.month) == months
    assert then.day == day.day or (then.day < day.day and (then + date.resolution).day == 1)
