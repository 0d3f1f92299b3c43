"""One event, one entry: the same meeting or contact from two systems is shown once, naming both.

Runs after the rules, on what this viewer may see: what is hidden must not show
through a merged entry. Rule for meetings: the same UID, or the same start and
overlapping actors. For contacts: the same name at the same actor.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import TypeVar

import msgspec

from portal.records import AnyEntry, Contact, Meeting

Record = TypeVar("Record", bound=AnyEntry)


def merge(entries: Iterable[AnyEntry], apart: Collection[str]) -> tuple[AnyEntry, ...]:
    """Entries with duplicates joined; sources in `apart` are left as they are."""
    kept: list[AnyEntry] = []
    for entry in entries:
        same = _SAME.get(type(entry))
        twin = None
        if same and entry.source not in apart:
            twin = next(
                (i for i, k in enumerate(kept) if k.source not in apart and same(k, entry)), None
            )
        if twin is None:
            kept.append(entry)
        else:
            kept[twin] = _joined(kept[twin], entry)
    return tuple(kept)


def _same_meeting(one: AnyEntry, other: AnyEntry) -> bool:
    if not (isinstance(one, Meeting) and isinstance(other, Meeting)):
        return False
    if one.start != other.start:
        return False
    if one.uid and one.uid == other.uid:
        return True
    if one.source == other.source:
        return False
    return bool({one.owner, *one.actors} & {other.owner, *other.actors})


def _same_contact(one: AnyEntry, other: AnyEntry) -> bool:
    if not (isinstance(one, Contact) and isinstance(other, Contact)):
        return False
    return one.owner == other.owner and bool(one.name) and one.name.casefold() == other.name.casefold()


_SAME: dict[type, Callable[[AnyEntry, AnyEntry], bool]] = {
    Meeting: _same_meeting,
    Contact: _same_contact,
}


def _joined(first: AnyEntry, second: AnyEntry) -> AnyEntry:
    """The first, with what only the second knows, and naming both."""
    gaps = {
        f.name: getattr(second, f.name)
        for f in msgspec.structs.fields(type(first))
        if not getattr(first, f.name) and getattr(second, f.name)
    }
    gaps["also"] = (*first.also, (second.source, second.owner), *second.also)
    return msgspec.structs.replace(first, **gaps)
