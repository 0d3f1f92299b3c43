"""A contact for the phone: read back by another library, and telling nothing but how to reach somebody."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

import msgspec
import pytest
import vobject
from flask import Flask
from flask_babel import Babel
from hypothesis import given
from hypothesis import strategies as st

from portal.calendar import event
from portal.handout import Citizen, Place, Relation, Shown
from portal.records import Contact, Meeting, Sector
from portal.vcard import contact_card
from tests.conftest import Browser, Login, staff
from tests.page_checks import check

EMIL = Citizen(id="e", name="Emil Holm Krogh", first_name="Emil", relation=Relation.GUARDIAN)
PPR = Place(id="ppr", name="PPR, Aalborg Kommune", sector=Sector.SCHOOL, phone="99 82 00 00")
SPOKEN = Flask("portal")
Babel(SPOKEN, locale_selector=lambda: "da")


def card(name: str = "Poul Riis", **more: str) -> bytes:
    contact = Contact(key="1", source="ppr", owner="ppr", name=name, **more)
    with SPOKEN.test_request_context():
        return contact_card(Shown(ref="r", entry=contact, owner=PPR), EMIL)


def read(body: bytes) -> vobject.base.Component:
    """As strictly as the standard says; another library than the one that wrote it."""
    lines = body.split(b"\r\n")
    assert lines[-1] == b"" and all(len(line) <= 75 and b"\n" not in line for line in lines)
    found = vobject.readOne(body.decode())
    found.validate(raiseException=True)
    assert found.version.value == "3.0"
    return found


def test_name_number_and_mail_and_nothing_else() -> None:
    body = card(
        phone="+45 99 82 11 12", email="poul@aalborg.example", role="Psykolog, PPR", hours="9-12",
        responsible_for="Emils trivsel", address="Boulevarden 1", stands_in="Else Holt",
    )  # fmt: skip
    found = read(body)
    assert (found.fn.value, found.tel.value) == ("Poul Riis", "+4599821112")
    assert found.email.value == "poul@aalborg.example"
    assert {c.name for c in found.getChildren()} == {"VERSION", "N", "FN", "TEL", "EMAIL"}


def test_a_person_without_a_number_has_her_places() -> None:
    assert read(card()).tel.value == "99820000"


@pytest.mark.parametrize(
    "name", ["Emils kontaktperson", "Kontakt for emil", "EMIL", "Emil's voksen"]
)
def test_a_name_that_holds_the_childs_is_left_out(name: str) -> None:
    found = read(card(name))
    assert found.fn.value == "Kontakt"
    assert b"mil" not in card(name).replace(b"EMAIL", b"")


@pytest.mark.parametrize("name", ["Emilie Holm", "Karin Krogh"])
def test_another_name_stays(name: str) -> None:
    assert read(card(name)).fn.value == name


def test_hostile_texts_stay_one_value() -> None:
    found = read(card("A\r\nTEL:112\nEND:VCARD;x,y\\", email="a@b\r\nX:y"))
    assert found.fn.value == "A TEL:112 END:VCARD;x,y\\"
    assert len(found.contents["tel"]) == 1
    assert "email" not in found.contents


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=200))
def test_any_name_is_one_value_and_short_lines(name: str) -> None:
    found = read(card(name))
    assert {c.name for c in found.getChildren()} == {"VERSION", "N", "FN", "TEL"}
    if "emil" not in name.lower():
        plain = re.sub(r"[\x00-\x1f\x7f\x85\u2028\u2029]", " ", name)
        assert found.fn.value == " ".join(plain.split())


def cards_of(browser: Browser, citizen: str) -> list[str]:
    page = check(browser.get(f"/overblik/{citizen}/kontakter?vent=1"))
    return re.findall(r'href="(/overblik/\w+/kontakter/\w+\.vcf)"', page)


def test_a_card_comes_through_the_door_and_is_logged(login: Login) -> None:
    mette = login("mette")
    emil = mette.citizens()["Emil"]
    found = cards_of(mette, emil)
    assert len(found) > 3
    for path in found:
        answer = mette.get(path)
        assert answer.content_type == "text/vcard; charset=utf-8"
        assert answer.headers["Content-Disposition"] == 'attachment; filename="kontakt.vcf"'
        read(answer.data)
        assert not re.search("emil|sofie|krogh", check(answer), re.IGNORECASE)
    log = check(mette.get(f"/overblik/{emil}/hvem-har-set"))
    assert "hentede" in log.lower()


def test_a_card_is_for_the_family_only(login: Login) -> None:
    mette = login("mette")
    path = cards_of(mette, mette.citizens()["Emil"])[0]
    for visitor in (login("viggo"), login("camilla"), staff(login, "karin")):
        assert visitor.get(path).status_code == 404


def test_what_is_hidden_on_the_page_is_hidden_in_the_card(login: Login) -> None:
    """Jonas must not learn where they live: a school's number is no more in a card than on a page."""
    mette, jonas = login("mette"), login("jonas")
    emil = mette.citizens()["Emil"]
    page = check(jonas.get(f"/overblik/{emil}/kontakter?vent=1"))
    numbers = set(re.findall(r'href="tel:([^"]+)"', page))
    for path in cards_of(jonas, emil):
        told = read(jonas.get(path).data)
        assert told.tel.value in numbers


def test_a_meeting_for_the_calendar_reads_strictly_and_neutrally(login: Login) -> None:
    """RFC 5545, read by another library than the one that wrote it."""
    mette = login("mette")
    emil = mette.citizens()["Emil"]
    page = check(mette.get(f"/overblik/{emil}/moeder?vent=1"))
    path = re.findall(rf'href="(/overblik/{emil}/moeder/\w+\.ics)"', page)[0]
    body = mette.get(path).data
    lines = body.split(b"\r\n")
    assert lines[-1] == b"" and all(len(line) <= 75 and b"\n" not in line for line in lines)
    found = vobject.readOne(body.decode())
    found.validate(raiseException=True)
    assert (found.version.value, found.method.value) == ("2.0", "PUBLISH")
    (meeting,) = found.vevent_list
    assert meeting.summary.value == "Møde"
    assert meeting.dtstart.value < meeting.dtend.value
    told = {c.name for c in meeting.getChildren()}
    assert told == {"UID", "DTSTAMP", "SUMMARY", "DTSTART", "DTEND", "STATUS", "CLASS"}
    assert not re.search(rb"Emil|Krogh|Aalborg|PPR", body)


DAYS = [
    # start, end, all day; what a phone is told
    ("2026-12-03T00:00+01:00", "2026-12-05T00:00+01:00", True, (date(2026, 12, 3), date(2026, 12, 5))),
    ("2026-12-02T23:00+00:00", "2026-12-04T23:00+00:00", True, (date(2026, 12, 3), date(2026, 12, 5))),
    ("2026-12-02T23:00+00:00", None, True, (date(2026, 12, 3), date(2026, 12, 4))),
    ("2026-12-03T09:00+01:00", "2026-12-03T10:00+01:00", False,
     (datetime(2026, 12, 3, 8, tzinfo=UTC), datetime(2026, 12, 3, 9, tzinfo=UTC))),
    ("2026-12-03T09:00+01:00", "2026-12-03T09:00+01:00", False, (datetime(2026, 12, 3, 8, tzinfo=UTC), None)),
    ("2026-12-03T09:00+01:00", None, False, (datetime(2026, 12, 3, 8, tzinfo=UTC), None)),
]  # fmt: skip


@pytest.mark.parametrize(("start", "end", "all_day", "told"), DAYS)
def test_a_phone_is_told_the_danish_day_and_no_end_that_nobody_gave(
    start: str, end: str | None, all_day: bool, told: tuple[date, date | None]
) -> None:
    """A moment that was kept comes back in UTC, where Denmark's midnight is the day before."""
    meeting = Meeting(
        key="1", source="s", owner="ppr", title="M", all_day=all_day,
        start=datetime.fromisoformat(start), end=datetime.fromisoformat(end) if end else None,
    )  # fmt: skip
    with SPOKEN.test_request_context():
        found = event(Shown(ref="r", entry=meeting, owner=PPR), "https://familie.example")
    assert found["status"] == "CONFIRMED"
    with SPOKEN.test_request_context():
        perhaps = msgspec.structs.replace(meeting, tentative=True)
        uncertain = event(Shown(ref="r", entry=perhaps, owner=PPR), "https://familie.example")
    assert uncertain["status"] == "TENTATIVE"
    given_end = found.get("dtend")
    assert (found["dtstart"].dt, given_end.dt if given_end else None) == told
