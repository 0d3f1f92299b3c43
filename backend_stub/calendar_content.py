"""What one iCalendar system knows: events per person, written as RFC 5545 text."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

from backend_stub.calendar_days import Days
from backend_stub.cast import people
from backend_stub.systems import PLACE_OF, System

ZONE = """BEGIN:VTIMEZONE
TZID:Europe/Copenhagen
BEGIN:DAYLIGHT
TZNAME:CEST
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
DTSTART:19700329T020000
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
END:DAYLIGHT
BEGIN:STANDARD
TZNAME:CET
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
DTSTART:19701025T030000
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
END:STANDARD
END:VTIMEZONE""".splitlines()


class CalendarContent:
    """The feeds of one system; a person without events has an empty calendar."""

    def __init__(self, system: System, days: Days) -> None:
        self.system, self.days = system, days
        self._events: dict[str, list[list[str]]] = {}
        self._number = 0

    def event(self, key: str, title: str, start: datetime, minutes: int = 60, *,
              where: str = "", note: str = "", categories: str = "", repeat: str = "",
              skip: Iterable[datetime] = (), instead_of: datetime | None = None,
              uid: str = "", status: str = "CONFIRMED", klass: str = "",
              with_: Iterable[str] = ()) -> str:
        """One event at a time of day. Returns its UID, so that an occurrence can be moved."""
        uid = uid or self._uid()
        lines = [f"UID:{uid}", *self._times(start, minutes), *_texts(title, where, note)]
        lines += [f"RRULE:{repeat}"] if repeat else []
        lines += [f"EXDATE;{_local(s)}" for s in skip]
        lines += [f"RECURRENCE-ID;{_local(instead_of)}"] if instead_of else []
        lines += [f"CATEGORIES:{categories}"] if categories else []
        lines += [f"CLASS:{klass}"] if klass else []
        lines += [f'ATTENDEE;CN="{name}":mailto:ingen@svar.example' for name in with_]
        lines += [f"STATUS:{status}"]
        self._keep(key, lines)
        return uid

    def whole_day(self, key: str, title: str, day: date, days: int = 1, *, where: str = "",
                  note: str = "", categories: str = "") -> str:
        """An all-day event, e.g. a school trip."""
        uid = self._uid()
        last = day + timedelta(days=days)
        lines = [f"UID:{uid}", f"DTSTAMP:{self._stamp()}", f"DTSTART;VALUE=DATE:{day:%Y%m%d}",
                 f"DTEND;VALUE=DATE:{last:%Y%m%d}", *_texts(title, where, note)]
        lines += [f"CATEGORIES:{categories}"] if categories else []
        self._keep(key, lines)
        return uid

    def feed(self, cpr: str) -> bytes:
        """The whole calendar of the person with this CPR."""
        place = PLACE_OF[self.system.place]
        lines = ["BEGIN:VCALENDAR", "VERSION:2.0",
                 f"PRODID:-//Familieoverblik demo//{self.system.id}//DA",
                 f"X-WR-CALNAME:{_escaped(place.name)}", *ZONE]
        for event in self._events.get(cpr, ()):
            lines += ["BEGIN:VEVENT", *event, "END:VEVENT"]
        lines.append("END:VCALENDAR")
        return b"".join(_folded(line) for line in lines)

    def knows(self, cpr: str) -> bool:
        return cpr in self._events

    def _keep(self, key: str, lines: list[str]) -> None:
        self._events.setdefault(people(self.days.today)[key].cpr, []).append(lines)

    def _uid(self) -> str:
        self._number += 1
        return f"{self.system.id}-{self._number}@{self.system.place}.example"

    def _stamp(self) -> str:
        return f"{self.days.at(-1, 6).astimezone(UTC):%Y%m%dT%H%M%SZ}"

    def _times(self, start: datetime, minutes: int) -> list[str]:
        end = start + timedelta(minutes=minutes)
        return [f"DTSTAMP:{self._stamp()}", f"DTSTART;{_local(start)}", f"DTEND;{_local(end)}"]


def _local(when: datetime) -> str:
    return f"TZID=Europe/Copenhagen:{when:%Y%m%dT%H%M%S}"


def _texts(title: str, where: str, note: str) -> list[str]:
    found = [f"SUMMARY:{_escaped(title)}"]
    found += [f"LOCATION:{_escaped(where)}"] if where else []
    found += [f"DESCRIPTION:{_escaped(note)}"] if note else []
    return found


def _escaped(text: str) -> str:
    for plain, written in ("\\", "\\\\"), (";", "\\;"), (",", "\\,"), ("\n", "\\n"):
        text = text.replace(plain, written)
    return text


def _folded(line: str) -> bytes:
    """One content line, at most 75 octets each, never cut inside a character."""
    out, current = b"", b""
    for character in line:
        raw = character.encode()
        if len(current) + len(raw) > 74:
            out += current + b"\r\n "
            current = b""
        current += raw
    return out + current + b"\r\n"
