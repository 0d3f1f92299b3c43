"""The portal's words: what one family overview is made of.

Everything a source delivers becomes one of the frozen structs below. They are
what every other part speaks; they know nothing about HTTP, databases or rules.
Times are aware datetimes, days are dates, texts are as the source wrote them.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

import msgspec


class Sector(StrEnum):
    """The area of life an actor works in."""

    SOCIAL = "social"
    SCHOOL = "school"
    HEALTH = "health"
    EMPLOYMENT = "employment"
    OTHER = "other"


class Category(StrEnum):
    """The seven kinds of information a consent can open."""

    CONTACTS = "contacts"
    MEETINGS = "meetings"
    INTERVENTIONS = "interventions"
    PLANS = "plans"
    WELLBEING = "wellbeing"
    MASTER_DATA = "master_data"
    COMMENTS = "comments"


class Audience(StrEnum):
    """A restriction that the source put on one entry, or on itself."""

    CITIZEN_FROM_15 = "R"
    OWNER_ONLY = "V"
    NOT_FOR_GUARDIANS = "not-for-guardians"
    NOT_FOR_CHILD = "not-for-child"
    STAFF_ONLY = "staff-only"


class Status(StrEnum):
    """How far something has come; one vocabulary for every source."""

    PROPOSED = "proposed"
    PLANNED = "planned"
    WAITING = "waiting"
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


RUNNING = frozenset(
    {
        Status.PROPOSED,
        Status.PLANNED,
        Status.WAITING,
        Status.RUNNING,
        Status.PAUSED,
        Status.UNKNOWN,
    }
)

DECIDED = RUNNING - {Status.PROPOSED}


class Actor(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A place that helps families: an authority's unit, a school, a practice.

    `identifiers` are "system|value" pairs; `municipality` is the four-digit
    code, absent for regions, practices and private providers. `locates` tells
    whether the place's name says where a family lives; unset, schools, clinics
    and private places do, an authority's own offices do not.
    """

    id: str
    name: str
    sector: Sector
    municipality: str | None = None
    identifiers: tuple[str, ...] = ()
    phone: str = ""
    hours: str = ""
    url: str = ""
    locates: bool | None = None


class Entry(msgspec.Struct, frozen=True, kw_only=True, tag_field="record", tag="entry"):
    """What every entry carries, whatever it is.

    `key`      unique within (source, citizen), e.g. "Appointment/17".
    `owner`    id of the configured actor that answers for the entry.
    `by`       the owner's name as the source gave it, when it is not that
               actor's own name (an organisation nobody configured).
    `kinds`    what the operator's [[kind]] table says it is: "concern",
               "document", "application", "refused", "collection",
               "excluded:<name>".
    `audience` restrictions; empty means none.
    `also`     (source id, owner id) of other systems that deliver the same.
    `lang`     BCP 47 language of the texts, when the source says it.
    """

    key: str
    source: str
    owner: str
    by: str = ""
    kinds: frozenset[str] = frozenset()
    audience: frozenset[Audience] = frozenset()
    also: tuple[tuple[str, str], ...] = ()
    lang: str = ""


class Contact(Entry, frozen=True, kw_only=True, tag="contact"):
    """A person or desk the family can reach."""

    name: str
    role: str = ""
    responsible_for: str = ""
    coordinator: bool = False
    phone: str = ""
    email: str = ""
    hours: str = ""
    address: str = ""
    url: str = ""
    stands_in: str = ""
    running: bool = True


class Meeting(Entry, frozen=True, kw_only=True, tag="meeting"):
    """A meeting with a time. `all_day` meetings start at local midnight.

    `moved_from` is the time it had before, where the source tells that it was moved.
    """

    title: str
    start: datetime
    end: datetime | None = None
    all_day: bool = False
    moved_from: datetime | None = None
    cancelled: bool = False
    tentative: bool = False
    place: str = ""
    people: tuple[str, ...] = ()
    actors: tuple[str, ...] = ()
    instruction: str = ""
    uid: str = ""
    url: str = ""


class Goal(Entry, frozen=True, kw_only=True, tag="goal"):
    """What is worked towards. `progress` is 0-100 if the source says so."""

    title: str
    status: Status = Status.RUNNING
    achievement: str = ""
    progress: int | None = None
    due: date | None = None
    followed_up: date | None = None
    plan: str = ""
    """Key of the plan or intervention it belongs to, if any."""


class Intervention(Entry, frozen=True, kw_only=True, tag="intervention"):
    """Help that is given. `paragraph` is the law's, e.g. "Barnets Lov § 32"."""

    title: str
    status: Status = Status.RUNNING
    paragraph: str = ""
    codes: tuple[str, ...] = ()
    goal: str = ""
    responsible: str = ""
    phone: str = ""
    start: date | None = None
    end: date | None = None
    url: str = ""
    description: str = ""


class Assessment(Entry, frozen=True, kw_only=True, tag="assessment"):
    """That an examination runs, who does it, since and until when; never its content."""

    title: str
    status: Status = Status.RUNNING
    responsible: str = ""
    phone: str = ""
    start: date | None = None
    end: date | None = None
    url: str = ""


class Plan(Entry, frozen=True, kw_only=True, tag="plan"):
    """A plan (barnets plan, ungeplan, behandlingsplan) with a link to the owner's system."""

    title: str
    status: Status = Status.RUNNING
    description: str = ""
    responsible: str = ""
    start: date | None = None
    end: date | None = None
    followed_up: date | None = None
    next_follow_up: date | None = None
    url: str = ""


class Measurement(Entry, frozen=True, kw_only=True, tag="measurement"):
    """One point on a well-being line, with the words the source supplied."""

    scale: str
    day: date
    value: float
    unit: str = ""
    words: str = ""
    phase: str = ""
    """"before", "during", "after" or empty."""
    low: float | None = None
    high: float | None = None


AnyEntry = Contact | Meeting | Goal | Intervention | Assessment | Plan | Measurement


class Hole(Entry, frozen=True, kw_only=True, tag="hole"):
    """What stands for an entry that is there and cannot be read: `of` is the tag of what it would be.

    Only who may see the entry may know that something is missing.
    """

    of: str
    running: bool = True

    @classmethod
    def instead_of(cls, entry: AnyEntry | Hole) -> Hole:
        """What is left of an entry that may not be shown as it was read."""
        if isinstance(entry, Hole):
            return entry
        common = {name: getattr(entry, name) for name in Entry.__struct_fields__}
        status = getattr(entry, "status", Status.RUNNING)
        running = getattr(entry, "running", status in DECIDED)
        return cls(**common, of=str(entry.__struct_config__.tag), running=running)


KIND_OF: dict[str, type[Entry]] = {str(k.__struct_config__.tag): k for k in AnyEntry.__args__}
"""Tag -> record: "meeting" -> Meeting."""

CATEGORY_OF: dict[type[Entry], Category] = {
    Contact: Category.CONTACTS,
    Meeting: Category.MEETINGS,
    Intervention: Category.INTERVENTIONS,
    Assessment: Category.INTERVENTIONS,
    Plan: Category.PLANS,
    Measurement: Category.WELLBEING,
}
"""A goal has no line of its own: it is opened by `interventions` or by `plans`."""


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """A person as the register knows her.

    `identifiers` maps identifier system to value (the CPR among them);
    `protected` is name and address protection (CPR-loven § 28);
    `born` is None when the register does not say or contradicts itself.
    """

    name: str
    born: date | None
    gender: str = ""
    address: str = ""
    postcode: str = ""
    city: str = ""
    protected: bool = False
    deceased: bool = False
    identifiers: dict[str, str] = {}


class State(StrEnum):
    """The states of what comes from a source, never confused."""

    SHOWN = "shown"
    STALE = "stale"
    UNAVAILABLE = "unavailable"
    WITHHELD = "withheld"
    EMPTY = "empty"
    WAITING = "waiting"


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What one source said about one citizen, before any rule was applied.

    `state` is SHOWN, STALE, UNAVAILABLE, EMPTY or WAITING. `fetched` is when
    the entries left the source (for STALE: the earlier time); `problem` is a
    short machine word for operators ("timeout", "status 500", "wrong person"),
    never text from the source.
    """

    source: str
    state: State
    entries: tuple[AnyEntry, ...] = ()
    fetched: datetime | None = None
    problem: str = ""
    partial: bool = False
    """Something may be missing, of whatever kind: all may know that."""
    holes: tuple[Hole, ...] = ()
