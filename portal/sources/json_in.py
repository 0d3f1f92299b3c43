"""JSON from strangers: a value or a SourceFailure, whatever the bytes are."""

from __future__ import annotations

import json
import re
from typing import Any, Never

import msgspec

from portal.sources import SourceFailure

MAX_DIGITS = 18
BOM = b"\xef\xbb\xbf"
HALF = b"\\ud"
ESCAPED = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # a pair is one character
    rb"|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\[^u]"
)


def decode(body: bytes) -> Any:
    """Any JSON value. No NaN, no infinite numbers, no endless nesting.

    Raises SourceFailure.
    """
    try:
        return msgspec.json.decode(body.removeprefix(BOM))
    except (ValueError, RecursionError):
        mended = _mended(body)
        if mended == body:
            raise SourceFailure("not json") from None
    return decode(mended)


def decode_identity(body: bytes) -> Any:
    """As `decode`, and a key that stands twice is refused: who it is must be said once.

    Raises SourceFailure.
    """
    try:
        return json.loads(
            _mended(body.removeprefix(BOM)).decode(),
            object_pairs_hook=_no_key_twice,
            parse_constant=_refuse,
            parse_int=_short_int,
        )
    except (ValueError, RecursionError):
        raise SourceFailure("not json") from None


def _mended(body: bytes) -> bytes:
    """Half a character, as where a long text was cut in an emoji, becomes the mark for one that is lost."""
    return (
        ESCAPED.sub(lambda m: b"\\ufffd" if m[1] else m[0], body) if HALF in body.lower() else body
    )


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
