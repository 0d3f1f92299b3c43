"""What the report is made of: remarks, and which codes may stand in them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from portal.records import AnyEntry
from portal.settings import SourceConfig

Mark = Literal["ok", "note", "FAIL"]
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9:_.-]{0,39}")
MOST = 12


class Remark(NamedTuple):
    """One line: well, worth knowing, or a hindrance."""

    mark: Mark
    words: str


def code(value: object) -> str:
    """A code as it stands, or what kind of thing stands there: a text may be about somebody."""
    if isinstance(value, str) and _CODE.fullmatch(value) and not re.search(r"\d{5}", value):
        return f"'{value}'"
    if value in (None, ""):
        return "nothing"
    return {str: "a text", bool: "true or false"}.get(type(value), f"a {type(value).__name__}")


def counted(words: Iterable[str]) -> Iterator[str]:
    """ "17 x words", most frequent first, not endlessly many."""
    found = Counter(words).most_common()
    yield from (f"{n} x {text}" for text, n in found[:MOST])
    if len(found) > MOST:
        yield f"... and {len(found) - MOST} kinds of remarks more"


def of_entries(entries: tuple[AnyEntry, ...], config: SourceConfig) -> Iterator[Remark]:
    """What was understood, whose it is, and from whom it is kept."""
    kinds = Counter(type(e).__name__.lower() for e in entries)
    if not entries:
        yield Remark(
            "note", "understood: nothing; give the number of a test person who has something"
        )
        return
    yield Remark("ok", "understood: " + ", ".join(f"{n} {k}" for k, n in sorted(kinds.items())))
    for (owner, named), n in Counter((e.owner, bool(e.by)) for e in entries).items():
        if named:
            words = (
                f"{n} belong to organisations that no [[actor]] has an identifier of: shown by name"
            )
            yield Remark("note", f"owner: {words}, nothing can be granted to them")
        else:
            yield Remark("ok", f"owner: {n} belong to the actor '{owner}'"
                         + (" (the source's own)" if owner == config.actor else ""))  # fmt: skip
    restricted = Counter(a.value for e in entries for a in e.audience)
    for audience, n in restricted.items():
        yield Remark("ok", f"restriction: {n} carry {audience}")
    if not restricted:
        yield Remark(
            "note", "restriction: none was found on anything; is nothing kept from anybody?"
        )
    for kind, n in Counter(k for e in entries for k in e.kinds).items():
        yield Remark("ok", f"kind: {n} are '{kind}' by the [[kind]] table or by their status")
