"""The iCalendar source: recurrences honoured, hostile calendars bounded."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from recorded.backend import lost, recorded, settings, source

from portal.records import Audience, Meeting
from portal.settings import ConfigError
from portal.sources import Delivery, SourceFailure
from portal.sources.icalendar import CalendarSource
from portal.sources.marks import Marks

TODAY = date(2026, 11, 21)
MARKS = Marks(source(), settings())
DK = ZoneInfo("Europe/Copenhagen")


def read(body: bytes, today: date = TODAY, **more: Any) -> Delivery:
    config = source(None, "icalendar", **more)
    marks = Marks(config, settings("http://127.0.0.1:9", config))
    return CalendarSource(config, marks, lambda: today).read(body)


def calendar(*lines: str) -> bytes:
    """One event with these lines."""
    event = ("BEGIN:VEVENT", "UID:u", "SUMMARY:Møde", *lines, "END:VEVENT")
    return "\r\n".join(("BEGIN:VCALENDAR", "VERSION:2.0", *event, "END:VCALENDAR")).encode()


def meetings() -> dict[str, Meeting]:
    delivery = read(recorded("kalender.ics"))
    assert not delivery.partial
    found = [m for m in delivery.entries if isinstance(m, Meeting)]
    assert len({m.key for m in found}) == len(found)
    return {m.start.astimezone(DK).strftime("%m-%d %H:%M"): m for m in found}


def test_a_series_with_a_gap_a_move_and_a_cancellation() -> None:
    weekly = {k: m for k, m in meetings().items() if m.uid == "uge@skolen"}
    assert sorted(weekly) == [
        "10-26 09:00", "11-02 09:00", "11-17 10:00", "11-23 09:00", "11-30 09:00",
    ]  # fmt: skip
    assert weekly["11-17 10:00"].title == "Ugesamtale (flyttet)"
    moved = {k: m.moved_from.astimezone(DK) for k, m in weekly.items() if m.moved_from}
    assert moved == {"11-17 10:00": datetime(2026, 11, 16, 9, tzinfo=DK)}
    assert [k for k, m in weekly.items() if m.cancelled] == ["11-23 09:00"]


def test_what_a_meeting_says() -> None:
    found = meetings()["11-30 09:00"]
    assert (found.title, found.place) == ("Ugesamtale", "Skovbakkeskolen, lokale 4")
    assert found.people == ("Poul Riis", "Bo Lund")
    assert found.instruction == "Kom gernei god tid\nTag kalenderen med"
    assert (found.kinds, found.lang, found.owner) == ({"concern"}, "da", "familie")
    assert found.end == datetime(2026, 11, 30, 9, 30, tzinfo=DK)


def test_a_day_is_local_midnight() -> None:
    found = meetings()["12-04 00:00"]
    assert (found.all_day, found.tentative) == (True, True)
    assert found.audience == {Audience.CITIZEN_FROM_15}


def test_floating_time_is_the_sources_own() -> None:
    found = meetings()["12-10 14:00"]
    assert found.end == datetime(2026, 12, 10, 14, 45, tzinfo=DK)
    assert (found.audience, found.url) == ({Audience.OWNER_ONLY}, "https://skolen.example/moede")
    elsewhere = read(calendar("DTSTART:20261210T140000"), timezone="Atlantic/Faroe").entries[0]
    assert isinstance(elsewhere, Meeting)
    assert elsewhere.start.astimezone(UTC) == datetime(2026, 12, 10, 14, tzinfo=UTC)


def test_a_class_nobody_knows_is_private_and_scripts_are_no_links() -> None:
    found = meetings()["12-11 15:00"]
    assert (found.audience, found.url) == ({Audience.CITIZEN_FROM_15}, "")


def test_an_empty_calendar_is_empty() -> None:
    assert read(b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n") == Delivery(entries=())


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"{}", b"BEGIN:VCARD\r\nEND:VCARD", b"BEGIN:VCALENDAR", b"\x00" * 50,
     b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nEND:VCALENDAR"],
)  # fmt: skip
def test_what_is_no_calendar_is_a_failure_and_never_empty(body: bytes) -> None:
    with pytest.raises(SourceFailure, match="not a calendar"):
        read(body)


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=SECONDLY",
        "FREQ=MINUTELY",
        "FREQ=HOURLY",
        "FREQ=DAILY;BYHOUR=0,1,2,3;BYMINUTE=1,2,3;BYSECOND=1,2,3",
        "FREQ=YEARLY;BYYEARDAY=366",
        "FREQ=YEARLY;BYWEEKNO=53",
        "NONSENSE",
        "FREQ=SOMETIMES",
    ],
)
def test_rules_that_only_hang_are_refused_and_missed(rule: str) -> None:
    found = read(calendar("DTSTART:20261201T100000Z", f"RRULE:{rule}"), timeout=20)
    assert lost(found) == ["meeting"] and len(found.entries) <= 1


@pytest.mark.parametrize(
    "rule",
    ["FREQ=YEARLY;INTERVAL=4;BYMONTH=2;BYMONTHDAY=29", "FREQ=MONTHLY;BYSETPOS=10;BYDAY=MO",
     "FREQ=MONTHLY;INTERVAL=12;BYMONTH=3"],
)  # fmt: skip
def test_rules_that_never_match_end_in_time(rule: str) -> None:
    event = f"BEGIN:VEVENT\r\nUID:%s\r\nDTSTART:19700101T100000Z\r\nRRULE:{rule}\r\nEND:VEVENT\r\n"
    events = "".join(event % n for n in range(50))
    body = f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{events}END:VCALENDAR\r\n".encode()
    with pytest.raises(SourceFailure, match="too slow to expand"):
        read(body, timeout=0.3)


def test_more_than_five_hundred_keeps_the_nearest_and_says_so() -> None:
    events = [
        f"BEGIN:VEVENT\r\nUID:u{n}\r\nSUMMARY:M\r\nDTSTART:20261121T{n:02}0000Z\r\n"
        "RRULE:FREQ=DAILY\r\nEND:VEVENT\r\n"
        for n in range(2)
    ]
    body = ("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n" + "".join(events) + "END:VCALENDAR").encode()
    found = read(body)
    assert (len(found.entries), found.partial) == (500, True)


def test_a_broken_event_does_not_hide_the_others() -> None:
    body = recorded("kalender.ics").replace(b"DTSTART:20261210T140000", b"DTSTART:i morgen")
    found = read(body.replace(b"CLASS:CONFIDENTIAL", b"CLASS:PUBLIC"))
    assert lost(found) == ["meeting"] and len(found.entries) == 7


def test_a_broken_event_that_is_kept_from_others_is_missed_by_its_owner_alone() -> None:
    body = recorded("kalender.ics").replace(b"DTSTART:20261210T140000", b"DTSTART:i morgen")
    found = read(body)
    assert lost(found) == ["meeting V"] and len(found.entries) == 7


def test_a_broken_property_does_not_hide_its_event() -> None:
    found = read(calendar("DTSTART:20261201T100000Z", "GEO:her", "PRIORITY:højt"))
    assert [e.key for e in found.entries] == ["u/2026-12-01T10:00:00+00:00"]


def test_a_cpr_in_the_address_stops_the_start() -> None:
    with pytest.raises(ConfigError, match=r"source\.system\.url: would put a CPR"):
        CalendarSource(source(None, "icalendar", url="https://skolen.example/{subject}.ics"), MARKS)
    with pytest.raises(ConfigError, match=r"source\.system\.body: asks about nobody"):
        CalendarSource(source(None, "icalendar", body="x=1"), MARKS)
