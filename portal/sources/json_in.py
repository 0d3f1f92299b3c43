"""JSON from strangers: a value or a SourceFailure, whatever the bytes are."""

from __future__ import annotations

import json
from typing import Any, Never

import msgspec

from portal.sources import SourceFailure

MAX_DIGITS = 18
BOM = b"\xef\xbb\xbf"


def decode(body: bytes) -> Any:
    """Any JSON value. No NaN, no infinite numbers, no endless nesting.

    Raises SourceFailure.
    """
    try:
        return msgspec.json.decode(body.removeprefix(BOM))
    except (ValueError, RecursionError):
        raise SourceFailure("not json") from None


def decode_identity(body: bytes) -> Any:
    """As `decode`, and a key that stands twice is refused: who it is must be said once.

    Raises SourceFailure.
    """
    try:
        return json.loads(
            body.removeprefix(BOM).decode(),
            object_pairs_hook=_no_key_twice,
            parse_constant=_refuse,
            parse_int=_short_int,
        )
    except (ValueError, RecursionError):
        raise SourceFailure("not json") from None


def _no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _refuse(text: str) -> Never:
    raise ValueError(text)


def _short_int(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise ValueError("number too long")
    return int(text)
