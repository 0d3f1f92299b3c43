"""Calendars as they come: moved, in odd zones, broken in places; and those made to hang or to fill us."""

from __future__ import annotations

import os
import signal
import threading
import time
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from aiohttp import web
from recorded.backend import lost, running_backend, settings, source, subject

from portal.records import Audience, Meeting, State
from portal.settings import KindRule
from portal.sources import Delivery, SourceFailure
from portal.sources.calendar_expansion import Task, Told, told
from portal.sources.gather import Gatherer
from portal.sources.icalendar import CHILDREN, CalendarSource
from portal.sources.killable import Died, Killable, Overdue
from portal.sources.marks import Marks
from tests.conftest import Login

TODAY = date(2026, 11, 21)
DK = ZoneInfo("Europe/Copenhagen")
ZONE = """BEGIN:VTIMEZONE
TZID:Vores egen tid
BEGIN:STANDARD
DTSTART:19701025T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:19700329T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
END:DAYLIGHT
END:VTIMEZONE"""
CHILD = "portal.sources.calendar_child"


def read(body: str | bytes, **more: Any) -> Delivery:
    config = source(None, "icalendar", **({"timeout": 20} | more))
    marks = Marks(config, settings("http://127.0.0.1:9", config))
    raw = body if isinstance(body, bytes) else body.replace("\n", "\r\n").encode()
    return CalendarSource(config, marks, lambda: TODAY).read(raw)


def calendar(*parts: str) -> str:
    return "\n".join(("BEGIN:VCALENDAR", "VERSION:2.0", *parts, "END:VCALENDAR", ""))


def event(*lines: str, uid: str = "u") -> str:
    return "\n".join(("BEGIN:VEVENT", f"UID:{uid}", f"SUMMARY:{uid}", *lines, "END:VEVENT"))


def times(delivery: Delivery) -> list[str]:
    found = [m.start for m in delivery.entries if isinstance(m, Meeting)]
    return sorted(f"{start.astimezone(DK):%m-%d %H:%M}" for start in found)


WEEKLY = event("DTSTART;TZID=Europe/Copenhagen:20261123T090000", "RRULE:FREQ=WEEKLY;COUNT=4")


def moved(delivery: Delivery) -> dict[str, str]:
    """Now -> before, of those that were moved."""

    def hour(when: datetime) -> str:
        return f"{when.astimezone(DK):%m-%d %H}"

    found = [m for m in delivery.entries if isinstance(m, Meeting)]
    return {hour(m.start): hour(m.moved_from) for m in found if m.moved_from}


def test_a_moved_meeting_says_when_it_was() -> None:
    late = event(
        "RECURRENCE-ID;TZID=Europe/Copenhagen:20261130T090000",
        "DTSTART;TZID=Europe/Copenhagen:20261201T130000",
    )
    found = read(calendar(WEEKLY, late))
    assert times(found) == ["11-23 09:00", "12-01 13:00", "12-07 09:00", "12-14 09:00"]
    assert moved(found) == {"12-01 13": "11-30 09"}


def test_one_that_only_changed_its_words_was_not_moved() -> None:
    renamed = event("RECURRENCE-ID:20261130T080000Z", "DTSTART:20261130T080000Z", "LOCATION:Ny")
    assert moved(read(calendar(WEEKLY, renamed))) == {}


CANCELLED_DAY = [
    # how a system says that 30 November does not take place
    ("RECURRENCE-ID;TZID=Europe/Copenhagen:20261130T090000", "STATUS:CANCELLED"),
    ("RECURRENCE-ID;VALUE=DATE:20261130", "STATUS:CANCELLED"),
    ("RECURRENCE-ID;VALUE=DATE:20261130", "DTSTART;TZID=Europe/Copenhagen:20261130T090000", "STATUS:CANCELLED"),
]  # fmt: skip


@pytest.mark.parametrize("lines", CANCELLED_DAY)
def test_one_that_is_cancelled_in_few_words(lines: tuple[str, ...]) -> None:
    """Without a beginning of its own (RFC 5546), or named by its day: it must not stand as if it took place."""
    found = read(calendar(WEEKLY, event(*lines)))
    assert times(found) == ["11-23 09:00", "11-30 09:00", "12-07 09:00", "12-14 09:00"]
    assert [m.cancelled for m in found.entries if isinstance(m, Meeting)].count(True) == 1
    assert not found.holes


def test_one_that_is_left_out_and_told_itself_takes_place() -> None:
    without = WEEKLY.replace("UID:u", "UID:u\nEXDATE;TZID=Europe/Copenhagen:20261130T090000")
    instead = event(
        "RECURRENCE-ID;TZID=Europe/Copenhagen:20261130T090000",
        "DTSTART;TZID=Europe/Copenhagen:20261201T100000",
    )
    assert times(read(calendar(without)))[:2] == ["11-23 09:00", "12-07 09:00"]
    found = times(read(calendar(without, instead)))
    assert found[:3] == ["11-23 09:00", "12-01 10:00", "12-07 09:00"]


def test_an_exception_is_kept_from_whom_its_series_is_kept_from() -> None:
    shut = WEEKLY.replace("UID:u", "UID:u\nCLASS:CONFIDENTIAL\nCATEGORIES:underretning")
    later = event(
        "RECURRENCE-ID;TZID=Europe/Copenhagen:20261130T090000",
        "DTSTART;TZID=Europe/Copenhagen:20261201T100000",
    )
    found = read(calendar(shut, later)).entries
    assert {e.audience for e in found} == {frozenset({Audience.OWNER_ONLY})}
    open_again = later.replace("UID:u", "UID:u\nCLASS:PUBLIC")
    assert len({e.audience for e in read(calendar(shut, open_again)).entries}) == 2


@pytest.mark.parametrize("line", ["CLASS CONFIDENTIAL", "CATEGORIES underretning"])
def test_an_exception_is_shut_as_its_series_though_that_says_so_in_garbage(line: str) -> None:
    shut = WEEKLY.replace("UID:u", f"UID:u\n{line}")
    later = event(
        "RECURRENCE-ID;TZID=Europe/Copenhagen:20261130T090000",
        "DTSTART;TZID=Europe/Copenhagen:20261201T100000",
    )
    found = read(calendar(shut, later)).entries
    assert len(found) == 4
    assert {e.audience for e in found} == {frozenset({Audience.OWNER_ONLY})}


def test_of_two_versions_of_a_series_the_strictest_shuts_its_exceptions() -> None:
    first = WEEKLY.replace("UID:u", "UID:u\nSEQUENCE:0\nCLASS:PUBLIC")
    second = WEEKLY.replace("UID:u", "UID:u\nSEQUENCE:1\nCLASS:PRIVATE")
    later = event(
        "RECURRENCE-ID;TZID=Europe/Copenhagen:20261130T090000",
        "DTSTART;TZID=Europe/Copenhagen:20261201T100000",
    )
    found = read(calendar(first, second, later)).entries
    (moved_one,) = [m for m in found if isinstance(m, Meeting) and m.start.day == 1]
    assert moved_one.audience == {Audience.CITIZEN_FROM_15}


@pytest.mark.parametrize(
    "line", ["DTSTART:i morgen", "DTSTART:95000101T090000Z", "RRULE:FREQ=SECONDLY"]
)
def test_what_is_left_out_stays_so_when_its_exception_cannot_be_told(line: str) -> None:
    without = WEEKLY.replace("UID:u", "UID:u\nEXDATE;TZID=Europe/Copenhagen:20261130T090000")
    lost_one = event("RECURRENCE-ID;TZID=Europe/Copenhagen:20261130T090000", line)
    assert "11-30 09:00" not in times(read(calendar(without, lost_one)))


def test_a_cancelled_one_is_called_as_its_series() -> None:
    found = read(calendar(WEEKLY, event(*CANCELLED_DAY[0]).replace("SUMMARY:u\n", ""))).entries
    assert {m.title for m in found if isinstance(m, Meeting)} == {"u"}


def test_a_day_of_a_series_of_days_is_cancelled() -> None:
    days = event("DTSTART;VALUE=DATE:20261211", "RRULE:FREQ=DAILY;COUNT=2")
    no = event("RECURRENCE-ID;VALUE=DATE;TZID=Europe/Copenhagen:20261212", "STATUS:CANCELLED")
    found = [m for m in read(calendar(days, no)).entries if isinstance(m, Meeting)]
    assert [(m.all_day, m.cancelled) for m in sorted(found, key=lambda m: m.start)] == [
        (True, False), (True, True)
    ]  # fmt: skip


def test_a_day_with_a_zone_beside_it_is_a_whole_day() -> None:
    (found,) = read(calendar(event("DTSTART;VALUE=DATE;TZID=Europe/Copenhagen:20261211"))).entries
    assert isinstance(found, Meeting) and found.all_day
    assert found.start == datetime(2026, 12, 11, tzinfo=DK)


def test_a_series_that_leaves_out_by_a_rule_is_missed() -> None:
    """EXRULE, of the older standard: which of its times do not take place is not known."""
    odd = WEEKLY.replace("UID:u", "UID:u\nEXRULE:FREQ=WEEKLY;INTERVAL=2")
    found = read(calendar(odd))
    assert (times(found), len(found.holes)) == ([], 1)


def test_this_and_all_that_follow() -> None:
    later = event(
        "RECURRENCE-ID;RANGE=THISANDFUTURE;TZID=Europe/Copenhagen:20261207T090000",
        "DTSTART;TZID=Europe/Copenhagen:20261207T140000",
    )
    found = read(calendar(WEEKLY, later))
    assert times(found) == ["11-23 09:00", "11-30 09:00", "12-07 14:00", "12-14 14:00"]
    assert moved(found) == {}, "of those that follow it is not known what they were moved from"


def test_extra_dates_with_lengths_of_their_own() -> None:
    extra = "RDATE;VALUE=PERIOD:20261205T090000Z/20261205T093000Z,20261206T100000Z/PT2H"
    found = read(calendar(event("DTSTART:20261201T090000Z", "DTEND:20261201T100000Z", extra)))
    lengths = {(m.end - m.start).seconds // 60 for m in found.entries if isinstance(m, Meeting) and m.end}  # fmt: skip
    assert (times(found), lengths) == (["12-01 10:00", "12-05 10:00", "12-06 11:00"], {60, 30, 120})


@pytest.mark.parametrize(
    ("zone", "at"),
    [
        ("Europe/Copenhagen", "09:00"),
        ("Romance Standard Time", "09:00"),
        ("W. Europe Standard Time", "09:00"),
        ("GMT Standard Time", "10:00"),
        ("/citadel.org/20211207_1/Europe/Copenhagen", "09:00"),
        ("Vores egen tid", "09:00"),
        ("En tid ingen kender", "09:00"),
        ("America/Godthab", "12:00"),
    ],
)
def test_zones_as_systems_name_them(zone: str, at: str) -> None:
    found = read(calendar(ZONE, event(f"DTSTART;TZID={zone}:20261201T090000")))
    assert times(found) == [f"12-01 {at}"]


def test_times_without_a_zone_are_the_calendars_own() -> None:
    floating = event("DTSTART:20261201T090000", "RRULE:FREQ=DAILY;COUNT=3", "EXDATE:20261202T090000")  # fmt: skip
    assert times(read(calendar(floating))) == ["12-01 09:00", "12-03 09:00"]
    assert times(read(calendar("X-WR-TIMEZONE:Europe/London", floating))) == [
        "12-01 10:00",
        "12-03 10:00",
    ]
    assert times(read(calendar("X-WR-TIMEZONE:Ingensteds/Her", floating)))[0] == "12-01 09:00"


def test_a_series_keeps_its_hour_when_the_clocks_change() -> None:
    before = event("DTSTART;TZID=Europe/Copenhagen:20270326T023000", "RRULE:FREQ=DAILY;COUNT=4")
    assert [t[6:] for t in times(read(calendar(before)))] == ["02:30", "02:30", "03:30", "02:30"]


def test_several_days() -> None:
    camp = event("DTSTART;VALUE=DATE:20261204", "DTEND;VALUE=DATE:20261207")
    (found,) = read(calendar(camp)).entries
    assert isinstance(found, Meeting) and found.all_day
    assert found.end == datetime(2026, 12, 7, tzinfo=DK)


GOOD = event("DTSTART;TZID=Vores egen tid:20261201T090000", uid="god")


@pytest.mark.parametrize(
    "broken",
    [
        "BEGIN:VEVENT\nUID:b\nDTSTART:20261202T090000Z",
        "BEGIN:VEVENT\nUID:b\nEND:VTODO\nEND:VEVENT",
        "BEGIN:VEVENT\nUID:b\nBEGIN:VALARM\nEND:VEVENT",
        "END:VEVENT\n" + event("DTSTART:i morgen", uid="b"),
        "BEGIN:VEVENT\nEND:VCALENDAR\nBEGIN:VCALENDAR",
    ],
)
def test_one_broken_event_does_not_lose_the_others(broken: str) -> None:
    for parts in (broken, GOOD), (GOOD, broken):
        found = read(calendar(ZONE, *parts))
        assert times(found) == ["12-01 09:00"]
        assert lost(found) == ["meeting"]


@pytest.mark.parametrize(
    "end",
    [
        "DTEND:99991231T235959",
        "DTEND:99991231T235959Z",
        "DTEND:00010101T000000Z",
        "DTEND:20261202T080000Z",
        "DTEND;VALUE=DATE:99991231",
        "DTEND;VALUE=DATE:20261201",
        "DURATION:P9999999D",
        "DTEND:99991231T235959Z\nDURATION:P",
        "DTEND:00010101T000000Z\nDTEND:00010101T000000Z",
        "DURATION:-P1D",
    ],
)
@pytest.mark.parametrize("rule", ["", "RRULE:FREQ=WEEKLY;COUNT=1"])
def test_an_end_that_is_none_moves_and_loses_nothing(end: str, rule: str) -> None:
    """Many systems write 9999-12-31 where there is no end; the whole calendar was given up for it."""
    odd = event("DTSTART:20261202T090000Z", end, *filter(None, [rule]), uid="odd")
    found = read(calendar(ZONE, GOOD, odd))
    assert (times(found), lost(found)) == (["12-01 09:00", "12-02 10:00"], [])


@pytest.mark.parametrize(
    "odd",
    [
        "RRULE:FREQ=DAILY;BYMONTH=13",
        "RRULE:FREQ=MONTHLY;BYMONTHDAY=99",
        "RRULE:FREQ=YEARLY;BYMONTH=2,4;BYMONTHDAY=31",
        "RRULE:FREQ=MONTHLY;BYSETPOS=500;BYDAY=MO",
        "RRULE:FREQ=WEEKLY;BYDAY=99MO",
        "RRULE:FREQ=DAILY;INTERVAL=0",
        "RRULE:FREQ=DAILY\nEXDATE:00010101T000000Z",
        "RRULE:FREQ=DAILY\nRDATE:99991231T235959Z",
        "RECURRENCE-ID:00010101T000000Z",
        "RECURRENCE-ID:20261201T090000Z/PT1H",
    ],
)
def test_what_can_never_be_costs_its_own_event_alone(odd: str) -> None:
    """Rules that no day meets made the library search for ever; times that are none made it give up."""
    found = read(calendar(ZONE, GOOD, event("DTSTART:20261202T090000Z", odd, uid="odd")))
    assert (times(found), lost(found)) == (["12-01 09:00"], ["meeting"])


def test_a_series_of_very_long_ones_is_told_by_its_beginnings() -> None:
    """Fifty years, every day: twenty thousand at once."""
    long = event("DTSTART:19701202T090000Z", "DTEND:20261202T090000Z", "RRULE:FREQ=YEARLY", uid="l")
    found = read(calendar(ZONE, GOOD, long))
    assert (times(found), lost(found)) == (["12-01 09:00", "12-02 10:00"], [])


@pytest.mark.parametrize(
    "start", ["DTSTART;VALUE=DATE:99991231", "DTSTART:99991231T235959Z", "DTSTART:99991231T235959"]
)
def test_one_that_begins_when_nobody_lives_loses_nothing(start: str) -> None:
    found = read(calendar(ZONE, GOOD, event(start, uid="never")))
    assert (times(found), lost(found)) == (["12-01 09:00"], [])


@pytest.mark.parametrize("end", ["", "END:VCALE", "BEGIN:VTODO\nUID:x"])
def test_one_that_was_cut_off_between_two_events_is_not_whole(end: str) -> None:
    whole = read(calendar(ZONE, GOOD))
    assert not whole.partial
    cut = read(calendar(ZONE, GOOD).replace("END:VCALENDAR\n", end))
    assert (times(cut), cut.partial) == (["12-01 09:00"], True)
    second = read(calendar(ZONE, GOOD) + calendar(GOOD).replace("END:VCALENDAR\n", ""))
    assert second.partial


def test_an_end_that_is_none_hides_no_other_meeting() -> None:
    odd = event("DTSTART:20261201T090000Z", "DTEND;VALUE=PERIOD:20261201T090000Z/PT1H", uid="odd")
    found = read(calendar(odd, event("DTSTART:20261202T090000Z", "DTEND:20261202T100000Z")))
    assert "12-02 10:00" in times(found)


@pytest.mark.parametrize(
    ("declared", "written"),
    [
        ("text/calendar; charset=ISO-8859-1", "latin-1"),
        ('text/calendar; component=VEVENT; charset="iso-8859-15"', "iso-8859-15"),
        ("text/calendar;CHARSET=windows-1252", "cp1252"),
        ("text/calendar; charset=utf-8", "utf-8"),
        ("text/calendar; charset=us-ascii", "utf-8"),
        ("text/calendar; charset=utf-16", "utf-8"),
        ("text/calendar; charset=;;", "utf-8"),
        ("text/calendar", "utf-8"),
        ("text/calendar; charset=iso-8859-1", "utf-8-sig"),
        ("text/calendar; charset=ISO-8859-1", "utf-8"),
    ],
)
def test_the_charset_is_the_declared_one(declared: str, written: str) -> None:
    day = f"{datetime.now(DK):%Y%m%d}"
    body = calendar(event(f"DTSTART;VALUE=DATE:{day}", uid="Møde på gården"))

    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=body.encode(written), headers={"Content-Type": declared})

    with running_backend() as backend:
        backend.answers["/svar"] = answer
        asks = Gatherer(settings(backend.url, source(backend, "icalendar", timeout=20.0)))
        for _ in range(2):
            (found,) = asks.ask(["system"], subject(), None)["system"].entries
            assert isinstance(found, Meeting) and found.title == "Møde på gården"
        assert backend.count("/svar") == 1


def read_without_haste(*parts: str) -> Told:
    """As the child reads it, but nobody kills it on a busy machine."""
    body = calendar(*parts).replace("\n", "\r\n").encode()
    return told(Task(body, TODAY, "Europe/Copenhagen"))


def test_what_is_past_or_far_ahead_takes_no_place_of_what_comes() -> None:
    old = [f"BEGIN:VEVENT\nDTSTART:2025{n % 9 + 1:02}01T090000Z\nEND:VEVENT" for n in range(2100)]
    far = ["BEGIN:VEVENT\nDTSTART:20290101T090000Z\nEND:VEVENT"] * 2100
    found = read_without_haste(ZONE, *old, *far, GOOD)
    assert [o.uid for o in found.occurrences] == ["god"] and not found.unread and not found.cut


def test_what_began_long_ago_and_goes_on_is_not_past() -> None:
    long = event("DTSTART:20260101T090000Z", "DTEND:20261202T090000Z", uid="l")
    days = event("DTSTART:20260101T090000Z", "DURATION:P330D", uid="d")
    series = event("DTSTART:20200101T090000Z", "RRULE:FREQ=YEARLY;COUNT=9", uid="s")
    extra = event("DTSTART:20200101T090000Z", "RDATE:20261203T090000Z", uid="r")
    found = read(calendar(long, days, series, extra))
    assert times(found) == ["01-01 10:00"] * 3 + ["12-03 10:00"]


def test_of_too_many_the_nearest_are_read_and_the_rest_is_missed() -> None:
    far = ["BEGIN:VEVENT\nDTSTART:20271001T090000Z\nEND:VEVENT"] * 2100
    found = read_without_haste(ZONE, *far, GOOD, WEEKLY)
    assert [o.uid for o in found.occurrences[:5]].count("u") == 4 and found.unread
    assert "god" in {o.uid for o in found.occurrences}


def test_two_calendars_after_one_another_are_one() -> None:
    other = event("DTSTART:20261203T090000Z", uid="anden")
    found = read(calendar(ZONE, GOOD) + calendar(other))
    assert (times(found), lost(found)) == (["12-01 09:00", "12-03 10:00"], [])


def test_one_that_says_twice_who_may_see_it_is_shown_to_the_fewest() -> None:
    twice = event("DTSTART:20261201T090000Z", "CLASS:PUBLIC", "CLASS:CONFIDENTIAL", uid="b")
    (found,) = read(calendar(twice)).entries
    assert found.audience == {Audience.OWNER_ONLY}


@pytest.mark.parametrize(
    "line",
    [
        "CLASS;X:CONFIDENTIAL", "CLASS PRIVATE", 'class;X="a:PRIVATE', "CLASS\n ;=x:PRIVATE",
        "CATEGORIES;X:UNDERRETNING", "CATEGORIES UNDERRETNING",
    ],
)  # fmt: skip
def test_a_garbled_line_about_who_may_see_it_opens_nothing(line: str) -> None:
    whole = event("DTSTART:20261202T090000Z", line, uid="b")
    found = read(calendar(ZONE, GOOD, whole))
    assert [e.audience for e in found.entries] == [frozenset(), {Audience.OWNER_ONLY}]
    for broken in "DTSTART:i morgen", "END:VTODO":
        shut = f"BEGIN:VEVENT\nUID:b\n{line}\n{broken}\nEND:VEVENT"
        found = read(calendar(ZONE, GOOD, shut))
        assert len(found.entries) == 1 and "meeting" not in lost(found)


@pytest.mark.parametrize("line", ["X;=:CLASS", "CLASS-ROOM;X:1", "SUMMARY;X:in 'CLASSROOM'"])
def test_another_garbled_line_hides_nothing(line: str) -> None:
    found = read(calendar(ZONE, GOOD, event("DTSTART:20261202T090000Z", line, uid="b")))
    assert [e.audience for e in found.entries] == [frozenset(), frozenset()]


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("CLASS:PRIVATE", "meeting R"),
        ("CLASS;X=1:confidential", "meeting V"),
        ("CLASS:PUB\n LIC", "meeting"),
        ("CLASS:PUBLIC\nCLASS:SECRET", "meeting R"),
        ("CLASS:CONFIDENTIAL\nCLASS:PRIVATE", "meeting V"),
        ("CATEGORIES:a,UNDER\n RETNING", "meeting concern"),
        ("CATEGORIES:a\nCATEGORIES;LANGUAGE=da: underretning ,b", "meeting concern"),
    ],
)
@pytest.mark.parametrize("broken", ["END:VTODO", "DTSTART:i morgen"])
def test_whom_an_event_is_kept_from_is_known_though_it_cannot_be_read(
    said: str, kept: str, broken: str
) -> None:
    shut = f"BEGIN:VEVENT\nUID:b\n{said}\n{broken}\nEND:VEVENT"
    config = source(None, "icalendar", timeout=20)
    concern = msgspec.structs.replace(
        settings("", config), kind=(KindRule(coding="UNDERRETNING", is_="concern"),)
    )
    reader = CalendarSource(config, Marks(config, concern), lambda: TODAY)
    found = reader.read(calendar(ZONE, GOOD, shut).replace("\n", "\r\n").encode())
    assert (times(found), lost(found)) == (["12-01 09:00"], [kept])


NEVER = ("DTSTART:19710101T100000Z", "RRULE:FREQ=YEARLY;INTERVAL=2;BYMONTH=2;BYMONTHDAY=29")
"""No odd year has that day."""
HANGING = calendar(*(event(*NEVER, uid=f"u{n}") for n in range(50)))


def pid_of(children: Killable) -> int:
    found: int = children._child()._process.pid
    return found


def gone(pid: int) -> bool:
    for _ in range(200):
        if not Path(f"/proc/{pid}").exists() or "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text():  # fmt: skip
            return True
        time.sleep(0.05)
    return False


def test_a_child_that_hangs_is_killed_and_replaced() -> None:
    before = pid_of(CHILDREN)
    with pytest.raises(SourceFailure, match="too slow to expand"):
        read(HANGING, timeout=0.3)
    assert gone(before)
    assert times(read(calendar(ZONE, GOOD))) == ["12-01 09:00"]
    assert pid_of(CHILDREN) != before


def test_many_calendars_made_to_hang_keep_no_other_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Once they were met: they are read one after another, and the others beside them."""
    monkeypatch.setattr("portal.sources.icalendar.SECONDS", 0.5)
    with running_backend() as backend:
        ill = [
            source(backend, "icalendar", id=f"ill{n}", url=f"{backend.url}/ill", timeout=2.5)
            for n in range(6)
        ]
        well = source(backend, "icalendar", id="well", timeout=10)
        backend.answers["/ill"] = HANGING.replace("\n", "\r\n").encode()
        backend.answers["/svar"] = calendar(ZONE, GOOD).replace("\n", "\r\n").encode()
        asks = Gatherer(settings(backend.url, *ill, well, cache="memory://"))
        asks.ask(["well"], subject("borger-0"), None)  # a child's start is no part of it
        for number in range(3):
            asks.ask([c.id for c in ill], subject(f"borger-{number}"), None)
        found = asks.ask([*(c.id for c in ill), "well"], subject("borger-9"), None)
    assert {a.state for i, a in found.items() if i != "well"} == {State.UNAVAILABLE}
    assert found["well"].state in (State.SHOWN, State.EMPTY), found["well"].problem


def test_a_child_that_died_is_replaced() -> None:
    dead = pid_of(CHILDREN)
    os.kill(dead, signal.SIGKILL)
    assert gone(dead)
    assert times(read(calendar(ZONE, GOOD))) == ["12-01 09:00"]
    children = Killable(CHILD)
    stopped = pid_of(children)
    os.kill(stopped, signal.SIGSTOP)
    with pytest.raises(Overdue):
        children.ask(b"", 0.2)
    assert gone(stopped)
    with pytest.raises(Died):
        children.ask(b"no task at all", 20)


def test_a_childs_memory_is_bounded_and_it_knows_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTAL_DATA_KEYS", "hemmelig")
    children = Killable(CHILD)
    number = pid_of(children)
    limits = Path(f"/proc/{number}/limits").read_text()
    assert "Max address space         256000000" in limits
    assert b"hemmelig" not in Path(f"/proc/{number}/environ").read_bytes()
    task = Task(HANGING.encode(), TODAY, "Europe/Copenhagen")
    with pytest.raises(Overdue):
        children.ask(msgspec.msgpack.encode(task), 0.2)


def test_a_child_whose_parent_is_gone_ends() -> None:
    found: list[int] = []

    def parent() -> None:
        children = Killable(CHILD)
        found.append(pid_of(children))

    thread = threading.Thread(target=parent)
    thread.start()
    thread.join()
    assert gone(found[0]), "with its parent's thread, its questions end"


def test_every_thread_has_a_child_of_its_own() -> None:
    answers: list[Told] = []
    task = msgspec.msgpack.encode(Task(calendar(ZONE, GOOD).encode(), TODAY, "Europe/Copenhagen"))
    children = Killable(CHILD)

    def ask() -> None:
        answers.extend(msgspec.msgpack.decode(children.ask(task, 20), type=Told) for _ in range(5))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 15 and all(len(a.occurrences) == 1 for a in answers)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("FREQ=WEEKLY;BYHOUR=10;BYMINUTE=0;COUNT=2", ["12-01 10:00", "12-08 10:00"]),
        ("FREQ=DAILY;BYHOUR=10;BYMINUTE=30;BYSECOND=0;COUNT=2", ["12-01 10:30", "12-02 10:30"]),
        ("FREQ=YEARLY;BYWEEKNO=50;BYDAY=MO,TU;COUNT=2", ["12-07 10:00", "12-08 10:00"]),
        ("FREQ=YEARLY;BYWEEKNO=-3;BYDAY=MO;COUNT=1", ["12-14 10:00"]),
    ],
)
def test_rules_of_days_with_an_hour_or_a_week(rule: str, expected: list[str]) -> None:
    start = "DTSTART;TZID=Europe/Copenhagen:20261201T100000"
    found = read(calendar(event(start, f"RRULE:{rule}")))
    assert set(expected) <= set(times(found)) and not lost(found)
    assert len(found.entries) <= len(expected) + 1


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=WEEKLY;BYHOUR=9,10",
        "FREQ=WEEKLY;BYHOUR=10;BYMINUTE=0,15",
        "FREQ=WEEKLY;BYHOUR=25",
        "FREQ=YEARLY;BYWEEKNO=50",
        "FREQ=YEARLY;BYWEEKNO=53;BYDAY=MO",
        "FREQ=YEARLY;BYWEEKNO=10;BYDAY=MO;BYMONTH=12",
        "FREQ=MONTHLY;BYWEEKNO=10;BYDAY=MO",
        "FREQ=YEARLY;BYWEEKNO=10;BYDAY=1MO",
    ],
)
def test_rules_of_several_hours_and_odd_weeks_are_missed(rule: str) -> None:
    found = read(calendar(GOOD, ZONE, event("DTSTART:20261201T100000Z", f"RRULE:{rule}")))
    assert (times(found), lost(found)) == (["12-01 09:00"], ["meeting"])


def test_a_whole_day_with_an_hour_in_its_rule_costs_no_other() -> None:
    odd = event("DTSTART;VALUE=DATE:20261202", "RRULE:FREQ=WEEKLY;BYHOUR=10;COUNT=1", uid="odd")
    found = read(calendar(ZONE, GOOD, odd))
    assert "12-01 09:00" in times(found)
    assert "12-02 00:00" in times(found) or lost(found)


def test_the_page_says_that_a_meeting_was_moved(login: Login) -> None:
    """Emil's school moves one talk of a series."""
    mette = login("mette")
    emil = next(number for name, number in mette.citizens().items() if name.startswith("Emil"))
    pages = [mette.get(f"/overblik/{emil}{part}?vent=1") for part in ("", "/moeder")]
    assert all("Mødet er flyttet. Før var det" in p.get_data(as_text=True) for p in pages)
