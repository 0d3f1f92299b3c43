"""What the door hands out: finished values, already decided, redacted and logged.

Views pass them to templates as they are; nothing in them can reach a network
or a database, and nothing in them was withheld from this viewer.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import cast

import msgspec

from portal.records import (
    Assessment,
    Category,
    Contact,
    Goal,
    Intervention,
    Measurement,
    Meeting,
    Plan,
    Sector,
    State,
)


class Relation(StrEnum):
    """Who the viewer is to the citizen; also `data-viewer` on <body>."""

    SELF = "self"
    GUARDIAN = "guardian"
    STAFF = "staff"


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """An actor as this viewer may see it; `name` is neutral where the real one would locate."""

    id: str
    name: str
    sector: Sector
    phone: str = ""
    hours: str = ""
    url: str = ""
    gone: bool = False
    """No longer in the configuration: it sees nothing here."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One source's status line. `state` is one of the five, or waiting."""

    source: str
    name: str
    sector: Sector
    state: State
    fetched: datetime | None = None
    partial: bool = False
    lacks: frozenset[Category] = frozenset()
    """Of what something did not come that this viewer would see."""


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """A comment this viewer may read; `text` is None when its author took it back."""

    id: str
    author: str
    mine: bool
    text: str | None
    written: datetime
    corrected: datetime | None = None
    audience: tuple[str, ...] = ()
    about: str = ""
    """Opaque id of the entry it stands on (see `Shown.ref`), empty for the whole overview."""
    about_title: str = ""
    owner: str = ""
    new: bool = False


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """One entry with what a page needs beside it.

    `ref`      opaque id, the same on every page and for everybody who sees it.
    `owner`    the actor that answers for it (a link, a sector icon, data-owner).
    `owners`   names of all owners when several systems deliver the same entry.
    `fetched`  when it left the source; `stale` when the source has failed since.
    `new`      not there when the viewer last said that she had seen everything.
    """

    ref: str
    entry: Contact | Meeting | Intervention | Assessment | Plan | Goal | Measurement
    owner: Place
    owners: tuple[str, ...] = ()
    fetched: datetime | None = None
    stale: bool = False
    new: bool = False
    goals: tuple[Shown, ...] = ()
    """Goals of a plan or intervention."""
    notes: tuple[Note, ...] = ()
    place_hidden: bool = False
    """The place is missing or must not be told: say "Sted: se din indkaldelse"."""
    on_map: bool = False
    """A map may show its place or address."""


class Citizen(msgspec.Struct, frozen=True, kw_only=True):
    """The person a page is about, as this viewer may know her."""

    id: str
    name: str
    first_name: str
    relation: Relation
    age: int | None = None
    born: date | None = None
    gender: str = ""
    address: str = ""
    custodians: tuple[str, ...] = ()
    lives_at_hidden_address: bool = False


class ConsentCount(msgspec.Struct, frozen=True, kw_only=True):
    """What the viewer's own yes has come to; `places` are the ids of those it opens now."""

    active: int = 0
    pending: int = 0
    ending: int = 0
    """How many of the active end soon."""
    places: frozenset[str] = frozenset()


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """One citizen's overview, cut to what one viewer may see now.

    `lines`            every source asked for this viewer, plus those not connected yet.
    `withheld_health`  parents of a 15-17-year-old: the one constant sentence.
    `cut`              staff: the page says that it is cut, not what was cut.
    `complete`         no source is still waiting.
    """

    citizen: Citizen
    at: datetime
    complete: bool
    lines: tuple[Line, ...] = ()
    not_connected: tuple[str, ...] = ()
    contacts: tuple[Shown, ...] = ()
    meetings: tuple[Shown, ...] = ()
    past_meetings: tuple[Shown, ...] = ()
    interventions: tuple[Shown, ...] = ()
    plans: tuple[Shown, ...] = ()
    loose_goals: tuple[Shown, ...] = ()
    measurements: tuple[Shown, ...] = ()
    notes: tuple[Note, ...] = ()
    opens: frozenset[Category] = frozenset(Category)
    """The categories this viewer can see anything of at all (staff: fewer)."""
    may_comment: bool = False
    withheld_health: bool = False
    cut: bool = False
    consents: ConsentCount | None = None
    remembers: bool = False
    """The viewer has asked to be told what is new since last time."""
    new: tuple[str, ...] = ()
    """Ids of all that is new: `Shown.ref`s and `Note.id`s."""
    turning: tuple[int, date] | None = None
    """The citizen turns 15 or 18 that day: told to her 30 days before, to guardians on the day."""

    @property
    def asked(self) -> int:
        return len(self.lines)

    @property
    def answered(self) -> int:
        return sum(x.state in (State.SHOWN, State.EMPTY) for x in self.lines)

    @property
    def failed(self) -> tuple[Line, ...]:
        return tuple(x for x in self.lines if x.state in (State.UNAVAILABLE, State.STALE))

    @property
    def holes(self) -> tuple[Line, ...]:
        """Those that answered, but not with all of it: where they say nothing there may be something."""
        return tuple(x for x in self.lines if x.partial)

    @property
    def waiting(self) -> tuple[Line, ...]:
        return tuple(x for x in self.lines if x.state is State.WAITING)

    @property
    def next_meeting(self) -> Shown | None:
        """The first that is not cancelled."""
        return next((m for m in self.meetings if not cast(Meeting, m.entry).cancelled), None)

    @property
    def further_meetings(self) -> tuple[Shown, ...]:
        """The others, cancelled ones too: they must be told."""
        first = self.next_meeting
        return tuple(m for m in self.meetings if m is not first)

    @property
    def news(self) -> tuple[Shown, ...]:
        """The entries that are new, in the order of the page."""
        sections = (self.meetings, self.interventions, self.contacts, self.plans, self.loose_goals)
        found = (s for section in (*sections, self.measurements) for s in section)
        return tuple(x for s in found for x in (s, *s.goals) if x.new)

    @property
    def coordinators(self) -> tuple[Shown, ...]:
        """Who holds it all together now; who did before is a contact from before."""
        held = ((c, c.entry) for c in self.contacts)
        return tuple(c for c, e in held if isinstance(e, Contact) and e.coordinator and e.running)


class FamilyCard(msgspec.Struct, frozen=True, kw_only=True):
    """One person on the family page."""

    citizen: Citizen
    next_meeting: Shown | None = None
    coordinator: Shown | None = None
    new: int = 0
    complete: bool = True
    failed: int = 0


class FamilyPage(msgspec.Struct, frozen=True, kw_only=True):
    """`/overblik`: me and my children, and the next meetings of everyone."""

    first_name: str
    at: datetime
    cards: tuple[FamilyCard, ...]
    meetings: tuple[tuple[Citizen, Shown], ...] = ()
    lines: tuple[tuple[Citizen, Line], ...] = ()
    complete: bool = True
    grown: tuple[str, ...] = ()
    """First names of those who come of age today and decide for themselves."""


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that can be ticked in a form; nothing is ticked beforehand."""

    value: str
    label: str
    help: str = ""
    ticked: bool = False
    sector: Sector | None = None


class LogLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of "Hvem har set": `who` is "Dig", a name or a place (with role)."""

    at: datetime
    act: str
    who: str
    actor: str = ""
    mine: bool = False
    categories: tuple[Category, ...] = ()
    purpose: str = ""
    outcome: str = "ok"
    about: str = ""
    ask_url: str = ""
    """mailto: with a reference, for "Spørg om dette opslag"."""


class AccessLog(msgspec.Struct, frozen=True, kw_only=True):
    citizen: Citizen
    lines: tuple[LogLine, ...]
    since: datetime | None
    actors: tuple[Choice, ...] = ()
    chosen: str = ""
    contact_phone: str = ""


class StaffHome(msgspec.Struct, frozen=True, kw_only=True):
    """`/medarbejder`: citizens with an active consent to my actor (id, name), look-up form.

    `elsewhere`: my actor is another municipality's, whose citizens no list of this one names.
    """

    places: tuple[Place, ...]
    citizens: tuple[tuple[str, str], ...]
    purposes: tuple[Choice, ...]
    error: str = ""
    typed: str = ""
    """What was wrong in the look-up, to be put right."""
    not_found: bool = False
    elsewhere: bool = False
    messages: int = 0
    """How many messages from families wait for these places."""


class SessionLine(msgspec.Struct, frozen=True, kw_only=True):
    """One own session on `/konto`."""

    id: str
    created: datetime
    used: datetime
    current: bool


class FeedLine(msgspec.Struct, frozen=True, kw_only=True):
    """One own calendar subscription; its secret is not kept. `label`: empty when it opens nothing."""

    id: str
    label: str
    created: datetime


class CommentForm(msgspec.Struct, frozen=True, kw_only=True):
    """Writing a comment: fields tekst, modtager (values), om (entry ref, may be empty).

    `readers` are ticked one by one; none ticked = "Kun mig". `error` beside the field.
    """

    citizen: Citizen
    about: str = ""
    about_title: str = ""
    text: str = ""
    readers: tuple[Choice, ...] = ()
    errors: dict[str, str] = {}
    comment: str = ""
    """Id of the comment being corrected or answered."""
    ticket: str = ""
    """Hidden field `billet`: for whom and where the text is kept while it is not sent."""
    kept: datetime | None = None
    """When the text was kept as a draft; None: it is no draft."""


class DraftLine(msgspec.Struct, frozen=True, kw_only=True):
    """A text that stands unsent in another form; `title` is empty when its entry is not on the page."""

    about: str
    title: str
    at: datetime


class Desk(msgspec.Struct, frozen=True, kw_only=True):
    """All there is to write in on the page of comments.

    `new`   the form for a new comment; None: this viewer starts none.
    `under` comment id -> the form under it, to correct one's own or to answer.
    `other` own drafts that stand in none of these forms.
    """

    new: CommentForm | None = None
    under: dict[str, CommentForm] = {}
    other: tuple[DraftLine, ...] = ()
