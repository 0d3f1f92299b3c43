"""The number of a request: in every line of the server's log about it, and on its error page.

Made when it is first asked for. The proxy's own number is used when the file names
the header (`[log] request_id_header`), and only when it looks like one.
"""

from __future__ import annotations

import re
import secrets
from typing import cast

from flask import current_app, g, has_request_context, request

SHOWN = 8
"""So many of its signs stand on a page: it is read aloud on the telephone."""
NUMBER = re.compile(r"[0-9a-f][0-9a-f-]{6,62}[0-9a-f]")
ONLY_DIGITS = re.compile(r"[0-9-]+")
"""Could be anything, even a CPR number."""


def request_id() -> str:
    """The number of the request this thread or task works for; empty when it works for none."""
    if not has_request_context():
        return ""
    return cast(str, g.get("request_id") or g.setdefault("request_id", _given() or _made()))


def reference() -> str:
    """What people quote: the beginning of the number."""
    return request_id()[:SHOWN]


def _given() -> str:
    header = current_app.extensions["portal"].settings.log.request_id_header
    value = request.headers.get(header, "").lower() if header else ""
    return value if NUMBER.fullmatch(value) and not ONLY_DIGITS.fullmatch(value) else ""


def _made() -> str:
    return secrets.token_hex(8)
