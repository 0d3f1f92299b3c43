"""What pages about something missing or wrong are given: finished values, as in handout.py."""

from __future__ import annotations

from datetime import datetime

import msgspec

from portal.handout import Choice, Citizen, Place


class ReportForm(msgspec.Struct, frozen=True, kw_only=True):
    """Telling a place: fields `om` (entry ref, may be empty), `hvad`, `tekst`, `sted`.

    `place`  who gets it, when the entry says so; `places` to choose from when
    it is about the page as a whole. Neither: nobody can read messages here.
    `phone`  whom to call meanwhile, or instead.
    """

    about: str = ""
    title: str = ""
    kinds: tuple[Choice, ...] = ()
    place: Place | None = None
    places: tuple[Choice, ...] = ()
    reachable: bool = False
    phone: str = ""
    phone_name: str = ""
    chosen: str = ""
    """Value of the place chosen, as it was sent."""
    text: str = ""
    errors: dict[str, str] = {}


class ReportLine(msgspec.Struct, frozen=True, kw_only=True):
    """One's own message. `read`: when somebody at the place last read it; `closed`: when one ended it."""

    id: str
    title: str
    kind: str
    text: str
    place: str
    phone: str
    at: datetime
    read: datetime | None = None
    closed: datetime | None = None


class ReportPage(msgspec.Struct, frozen=True, kw_only=True):
    citizen: Citizen
    form: ReportForm
    lines: tuple[ReportLine, ...] = ()
    complete: bool = True
    failed: bool = False


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A message as an employee of the place reads it."""

    id: str
    citizen: str
    name: str
    author: str
    own: bool
    record: str
    title: str
    kind: str
    text: str
    at: datetime
    place: str
    opens: bool = False
    """The employee may open the overview as well: by consent, or by a relation already found."""
