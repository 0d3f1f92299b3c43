"""Which letters a calendar's bytes are: declared beside it (RFC 5545, 3.1.4), else UTF-8."""

from __future__ import annotations

import codecs
import re

_CHARSET = re.compile(r";\s*charset\s*=\s*\"?([\w.:-]+)", re.IGNORECASE)
_SINGLE = {"iso8859-1": "cp1252", "iso8859-15": "iso8859-15", "cp1252": "cp1252"}
"""What is called ISO 8859-1 is often Windows' own, which has all its letters."""


def declared(content_type: str) -> str:
    """The charset that a Content-Type names, or ""."""
    found = _CHARSET.search(content_type)
    return found[1] if found else ""


def in_utf8(body: bytes, charset: str) -> bytes:
    """Written anew from one of the few charsets that are believed; what is UTF-8 stays so, whatever
    it is called: garbled, a protected address would be found by nobody."""
    try:
        known = _SINGLE.get(codecs.lookup(charset).name)
    except LookupError:
        return body
    try:
        body.decode()
    except UnicodeDecodeError:
        return body.decode(known, "replace").encode() if known else body
    return body
