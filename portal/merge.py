"""One event, one entry: the same meeting or contact from two systems is shown once, naming both.

Runs after the rules, on what this viewer may see: what is hidden must not show
through a merged entry. Rule for meetings: the same start, and the same UID or
overlapping actors; but one system's meetings without a common UID are never one.
For contacts, people and organisations alike: the same name at the same place.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable

import msgspec

from portal.records import AnyEntry, Contact, Meeting

CERTAIN = ("tentative", "all_day")
"""What only holds if both say so: one that knows the hour, or that it is agreed, knows more.
A meeting cancelled in one system is cancelled."""


def merge(entries: Iterable[AnyEntry], apart: Collection[str]) -> tuple[AnyEntry, ...]:
    """Entries with duplicates joined; sources in `apart` are left as they are."""
    kept: list[AnyEntry] = []
    alike: dict[Hashable, list[int]] = {}
    for entry in entries:
        likeness = None if entry.source in apart else _likeness(entry)
        rivals = alike.setdefault(likeness, []) if likeness else []
        twin = next((i for i in rivals if _one_uid(kept[i], entry)), None)
        if twin is None:
            twin = next((i for i in rivals if _same(kept[i], entry)), None)
        if twin is None:
            rivals.append(len(kept))
            kept.append(entry)
        else:
            kept[twin] = _joined(kept[twin], entry)
    return tuple(kept)


def _likeness(entry: AnyEntry) -> Hashable:
    """What two entries must share to be the same at all; None: never the same as another."""
    if isinstance(entry, Meeting):
        return entry.start
    if isinstance(entry, Contact) and entry.name:
        place = ("by", entry.by.casefold()) if entry.by else ("owner", entry.owner)
        return *place, entry.name.casefold()
    return None


def _one_uid(one: AnyEntry, other: AnyEntry) -> bool:
    """What says so itself, before what only looks alike."""
    if not (isinstance(one, Meeting) and isinstance(other, Meeting)):
        return False
    return bool(one.uid) and one.uid == other.uid


def _same(one: AnyEntry, other: AnyEntry) -> bool:
    """Whether two entries of one likeness are the same."""
    if not (isinstance(one, Meeting) and isinstance(other, Meeting)):
        return True
    if other.source in {one.source, *(source for source, _ in one.also)}:
        return False
    return bool({one.owner, *one.actors} & {other.owner, *other.actors})


def _joined(first: AnyEntry, second: AnyEntry) -> AnyEntry:
    """The first, with what only the second knows, and naming both."""
    gaps = {
        name: getattr(second, name)
        for name in first.__struct_fields__
        if name not in CERTAIN and not getattr(first, name) and getattr(second, name)
    }
    gaps |= {n: False for n in CERTAIN if getattr(first, n, False) and not getattr(second, n)}
    gaps["also"] = (*first.also, (second.source, second.owner), *second.also)
    return msgspec.structs.replace(first, **gaps)
