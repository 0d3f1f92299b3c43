"""One mapped JSON item -> one record; a value of the wrong kind is as good as absent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Any, cast
from zoneinfo import ZoneInfo

import msgspec

from portal.records import (
    DECIDED,
    AnyEntry,
    Audience,
    Entry,
    Goal,
    Hole,
    Intervention,
    Meeting,
    Status,
)
from portal.settings import SourceConfig
from portal.sources import SourceFailure
from portal.sources.fhir_shape import COPENHAGEN, clean, day, instant, web
from portal.sources.marks import Marks, Organization
from portal.sources.paragraph import paragraph
from portal.sources.rest_mapping import Section, search

AUDIENCES = {a.value.lower(): a for a in Audience}


MOST_ITEMS = 1000


class Trouble(Enum):
    """What is wrong with a list, beside the entries in it."""

    STRANGER = "an item about somebody else"
    NOBODY = "an item of which it cannot be read whom it is about"
    CUT = "more items than are read"


class Asked(msgspec.Struct, frozen=True):
    """Whose answer is read: the identifier asked for, at which source."""

    value: str
    config: SourceConfig
    marks: Marks


Told = AnyEntry | Hole | Trouble


def records(
    section: Section, holder: Any, asked: Asked, number: str = "", around: Entry | None = None
) -> list[Told] | None:
    """What the section's items tell; None where the holder has none.

    Raises SourceFailure when what stands there is no list, and no entry alone.
    """
    found = search(section.items, holder)
    if found is None:
        return None
    told = list(_each(section, found.items, asked, number, around))
    if found.alone and all(isinstance(t, Hole) for t in told):
        raise SourceFailure("unexpected shape")
    return told


def _each(
    section: Section, items: list[Any], asked: Asked, number: str, around: Entry | None
) -> Iterator[Told]:
    """Of each item its record, then those inside it; nothing of one about somebody else."""
    if len(items) > MOST_ITEMS:
        yield Trouble.CUT
    for n, item in enumerate(items[:MOST_ITEMS]):
        try:
            stranger = somebody_else(search(section.person, item), asked.value)
        except SourceFailure:
            yield Trouble.NOBODY
            continue
        if stranger:
            yield Trouble.STRANGER
        else:
            yield from _with_inside(section, item, f"{number}{n}", asked, around)


def somebody_else(said: Any, value: str) -> bool:
    """Whether anybody is named but who is asked about. CPR numbers are written with and without the hyphen."""
    return any(_plain(n) != _plain(value) for n in _list(said))


def _plain(value: Any) -> str:
    return str(value).replace("-", "").strip().lower()


def _with_inside(
    section: Section, item: Any, number: str, asked: Asked, around: Entry | None
) -> Iterator[Told]:
    told = record(section, item, number, asked.config, asked.marks, around)
    yield told
    if isinstance(told, Hole):  # what is inside would hang on nothing
        return
    for part in section.inside:
        try:
            yield from records(part, item, asked, f"{number}.", told) or ()
        except SourceFailure:
            yield _unread(part, told)


def _unread(section: Section, around: Entry) -> Hole:
    """What stands for items that are there and are no list."""
    common = {name: getattr(around, name) for name in Entry.__struct_fields__}
    running = getattr(around, "status", Status.RUNNING) in DECIDED
    return Hole(**common, of=_tag(section), running=running and getattr(around, "running", True))


def _tag(section: Section) -> str:
    return section.record.__name__.lower()


def record(
    section: Section,
    item: Any,
    number: str,
    config: SourceConfig,
    marks: Marks,
    around: Entry | None = None,
) -> AnyEntry | Hole:
    """A hole when a field that a record needs, or what decides who may see it, cannot be read."""
    said, failed = values(section, item)
    if failed & {"audience", "kinds"}:
        said["audience"] = Audience.OWNER_ONLY.value
    common = _common(section, said, number, marks)
    fields = read_fields(section, said, config)
    if section.record is Meeting:
        fields |= _whole_days(said)
    if around:
        common |= _inherited(common, said, around)
        fields |= {"plan": around.key} if section.record is Goal else {}
    undecided = bool(failed & {"owner", "kinds"})
    if undecided or any(fields.get(n) in (None, "") for n in section.required):
        running = fields.get("status", Status.RUNNING) in DECIDED and fields.get("running", True)
        return Hole(**common, of=_tag(section), running=running)
    if section.record is Intervention and not fields.get("paragraph"):
        fields["paragraph"] = paragraph([fields["title"]])
    found: Any = section.record(**common, **fields)  # one of the seven, as SECTIONS says
    return cast("AnyEntry", found)


def values(section: Section, item: Any) -> tuple[dict[str, Any], set[str]]:
    """What each expression finds; and the names of those that the item's shape defeats."""
    failed: set[str] = set()
    names = section.names if isinstance(item, dict) else {}
    said = {name: item.get(own) for name, own in names.items()}
    for name, expression in section.others.items():
        try:
            said[name] = search(expression, item)
        except SourceFailure:
            failed.add(name)
    return said, failed


def _inherited(common: dict[str, Any], said: dict[str, Any], around: Entry) -> dict[str, Any]:
    """What surrounds an item restricts it too, and owns it unless it names an owner itself."""
    own = "owner" in said or "owner_name" in said
    return {
        "kinds": common["kinds"] | around.kinds,
        "audience": common["audience"] | around.audience,
        "lang": common["lang"] or around.lang,
    } | ({} if own else {"owner": around.owner, "by": around.by})


def _common(section: Section, said: dict[str, Any], number: str, marks: Marks) -> dict[str, Any]:
    kind = section.record.__name__
    key = said.get("key")
    name = str(key) if isinstance(key, (str, int)) and str(key) else f"#{number}"
    owners = tuple(t for t in map(_text, _list(said.get("owner"))) if t)
    owner_name = _text(said.get("owner_name"))
    organization = Organization(owners, owner_name) if owners or owner_name else None
    return marks.entry(
        f"{kind}/{name[:200]}",
        organization,
        marks.said(t for t in map(_text, _list(said.get("kinds"))) if t),
        restrictions(said.get("audience")),
        _text(said.get("lang")),
    )


def restrictions(said: Any) -> frozenset[Audience]:
    """What is there and not understood is the strictest; null, false and a blank text are not there."""
    return frozenset(_restriction(s) for s in _list(said) if not _absent(s))


def _restriction(said: Any) -> Audience:
    return AUDIENCES.get(clean(said).lower(), Audience.OWNER_ONLY)


def _absent(said: Any) -> bool:
    return said is None or said is False or (isinstance(said, str) and not said.strip())


def read_fields(section: Section, said: dict[str, Any], config: SourceConfig) -> dict[str, Any]:
    """Those of the mapped values that can be read as their field's type."""
    zone = ZoneInfo(config.timezone)
    found = {}
    for name, kind in section.types.items():
        if (value := said.get(name)) is None:
            continue
        if words := section.values.get(name):
            value = words.get(str(value).casefold(), value)
        if (read := READERS[kind](value, zone)) is not None:
            found[name] = read
    if "url" in section.types:
        found["url"] = web(found.get("url")) or config.journal_url
    return found


def _whole_days(said: dict[str, Any]) -> dict[str, Any]:
    """A day without an hour is a whole one; as the end, it is the last."""
    found: dict[str, Any] = {"all_day": True} if _bare_day(said.get("start")) else {}
    if last := _bare_day(said.get("end")):
        found["end"] = _midnight(last + timedelta(days=1))
    return found


def _bare_day(value: Any) -> date | None:
    return None if instant(value) else day(value)


def _midnight(whole: date) -> datetime:
    return datetime(whole.year, whole.month, whole.day, tzinfo=COPENHAGEN)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, bool) or value is None:
        return ""
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, list):
        return ", ".join(t for t in map(_text, value) if t)
    return ""


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _texts(value: Any, zone: ZoneInfo) -> tuple[str, ...]:
    return tuple(t for t in map(_text, _list(value)) if t)


def _instant(value: Any, zone: ZoneInfo) -> datetime | None:
    if found := instant(value, zone):
        return found
    whole = day(value)
    return _midnight(whole) if whole else None


def _number(value: Any) -> float | None:
    if isinstance(value, str):
        try:
            value = float(value.replace(",", "."))
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if abs(value) < 1e9 else None


def _percent(value: Any) -> int | None:
    found = _number(value)
    return round(found) if found is not None and 0 <= found <= 100 else None


def _bool(value: Any) -> bool:
    return value is True or str(value).lower() in ("true", "1", "ja")


def _status(value: Any) -> Status:
    return Status(value) if value in set(Status) else Status.UNKNOWN


READERS: dict[Any, Callable[[Any, ZoneInfo], Any]] = {
    str: lambda v, z: _text(v),
    bool: lambda v, z: _bool(v),
    datetime: _instant,
    datetime | None: _instant,
    date: lambda v, z: day(v),
    date | None: lambda v, z: day(v),
    float: lambda v, z: _number(v),
    float | None: lambda v, z: _number(v),
    int | None: lambda v, z: _percent(v),
    tuple[str, ...]: _texts,
    Status: lambda v, z: _status(v),
}
"""How a value is read as a field's type."""
