"""The provider's own calls to its clients: plain HTTP, short patience, never through a proxy."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode
from urllib.request import OpenerDirector, ProxyHandler, Request, build_opener

_PATIENCE = 3  # seconds


def fetch_json(url: str) -> Any:
    """The JSON found there; OSError or ValueError when there is none."""
    with _opener().open(url, timeout=_PATIENCE) as answer:
        return json.load(answer)


def post_form(url: str, form: dict[str, str]) -> int:
    """The status answered; OSError when it is an error or nobody answers."""
    request = Request(url, data=urlencode(form).encode(), method="POST")
    with _opener().open(request, timeout=_PATIENCE) as answer:
        return int(answer.status)


def _opener() -> OpenerDirector:
    return build_opener(ProxyHandler({}))
