"""The pages of those who are not let in: written at the start, so that a full house costs nothing."""

from __future__ import annotations

from flask import Flask
from werkzeug.wrappers import Request

from portal.i18n import COOKIE, LANGUAGES, of_browser
from portal.identity.browser import cookie_name
from portal.views.errors import written

AGAIN_SECONDS = 5
STATUS = {"busy": 503, "slow": 408}

Refusal = tuple[int, list[tuple[str, str]], bytes]


class Refusals:
    """Each reason as a page and as a part of a page, in every language; needs no store."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._written = {
            (why, code, part): _write(app, why, code, part)
            for why in STATUS
            for code in LANGUAGES
            for part in (False, True)
        }

    def find(self, why: str, request: Request) -> Refusal:
        """In the language this browser asks for."""
        part = request.headers.get("HX-Request-Type") == "partial"
        with self._app.app_context():
            return self._written[why, of_browser(request), part]


def _write(app: Flask, why: str, code: str, part: bool) -> Refusal:
    settings = app.extensions["portal"].settings
    asked = {"Cookie": f"{cookie_name(settings, COOKIE)}={code}"}
    headers = asked | ({"HX-Request-Type": "partial"} if part else {})
    with app.test_request_context("/", base_url=settings.base_url, headers=headers):
        response = app.process_response(written(STATUS[why], why, retry=AGAIN_SECONDS))
    told = [*response.headers.items(), ("Connection", "close")]
    return response.status_code, told, response.get_data()
