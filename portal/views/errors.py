"""Every trouble as an honest page in the reader's language, with a reference and no stack trace."""

from __future__ import annotations

import logging
from typing import Any

from flask import Flask, Response, g, render_template, request, session
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.exceptions import HTTPException

from portal.comments import TooMany
from portal.consents import Changed, NotAllowed
from portal.db import StoreDown, Unfit
from portal.family import RegisterDown, UnknownPerson
from portal.gate import kept_draft
from portal.i18n import of_browser
from portal.standing import NotFound, PurposeMissing
from portal.telemetry import where
from portal.telemetry.reference import reference
from portal.views.caseworker import ask_purpose

log = logging.getLogger(__name__)
HOUR = 3600


def install(app: Flask) -> None:
    """Answer every named trouble, and everything else, with a page."""
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(NotFound, lambda e: answer(404))
    app.register_error_handler(UnknownPerson, lambda e: answer(404))
    app.register_error_handler(NotAllowed, lambda e: answer(404))
    app.register_error_handler(TooMany, _too_many)
    app.register_error_handler(Changed, lambda e: answer(409))
    app.register_error_handler(Unfit, lambda e: answer(400))
    app.register_error_handler(StoreDown, lambda e: answer(503, retry=10))
    app.register_error_handler(RegisterDown, lambda e: answer(503, "register", retry=30))
    app.register_error_handler(PurposeMissing, _purpose)
    app.register_error_handler(Exception, _bug)
    app.log_exception = _bug_in_answering  # type: ignore[assignment, method-assign]


def answer(status: int, kind: str = "", retry: int = 0) -> Response:
    """The error page or fragment for a status, and a line in the server's log."""
    log.info("answered %s %s", status, kind or "-", extra={"status": status})
    return written(status, kind, retry)


def written(status: int, kind: str = "", retry: int = 0) -> Response:
    """The error page or fragment for a status."""
    g.viewer = None
    g.language = g.get("language") or of_browser()  # the session itself may be the trouble
    title, text = _words(status, kind)
    # an address of parts that is opened as a page is answered by a whole page
    part = request.headers.get("HX-Request-Type") == "partial"
    template = "errors/_error.html" if part else "errors/error.html"
    body = render_template(
        template, status=status, title=title, text=text, reference=reference(), citizen=None
    )
    response = Response(body, status, content_type="text/html; charset=utf-8")
    if retry:
        response.headers["Retry-After"] = str(retry)
    return response


def _words(status: int, kind: str) -> tuple[str, str]:
    if kind == "register":
        return (
            _("Vi kan ikke slå op i registret lige nu"),
            _(
                "Vi skal vide, hvem der hører sammen, før vi viser noget. "
                "Det kan vi ikke lige nu. Prøv igen om et øjeblik."
            ),
        )
    if kind == "busy":
        return (
            _("Der er mange herinde lige nu"),
            _("Vent et par sekunder, og prøv igen. Intet er ændret."),
        )
    if kind == "slow":
        return (
            _("Det kom ikke helt frem"),
            _("Forbindelsen var for langsom. Gå tilbage, og prøv igen. Intet er ændret."),
        )
    if kind == "hasty":
        return (
            _("Det gik lidt for hurtigt"),
            _("Teksten er ikke sendt, men gemt. Vent et øjeblik, og prøv igen."),
        )
    if kind == "kept":
        return (
            _("Siden var for gammel"),
            _(
                "Intet er sendt. Teksten er gemt som udkast i et døgn hos den, der åbnede siden. "
                "Log ind som dig selv, så finder du den under Kommentarer."
            ),
        )
    texts = {
        400: (_("Det forstod vi ikke"), _("Adressen eller formularen var ikke rigtig.")),
        401: (_("Log ind"), _("Du er ikke logget ind. Log ind, så kan du gå videre.")),
        403: (
            _("Siden var for gammel"),
            _("Gå tilbage, hent siden igen, og prøv en gang til. Intet er ændret."),
        ),
        404: (
            _("Vi kan ikke finde siden"),
            _("Siden findes ikke, eller den er ikke til dig."),
        ),
        405: (_("Det kan man ikke her"), _("Adressen kan ikke bruges på den måde.")),
        409: (
            _("Noget er ændret imens"),
            _("Dit svar er ændret, siden du hentede siden. Hent den igen, og se efter."),
        ),
        413: (_("Det var for meget"), _("Teksten eller formularen er for stor.")),
        429: (_("Det gik lidt for hurtigt"), _("Vent et øjeblik, og prøv igen.")),
        503: (
            _("Vi kan ikke vise siden lige nu"),
            _("Noget hos os virker ikke. Dine oplysninger er der stadig. Prøv igen om lidt."),
        ),
    }
    return texts.get(status, (_("Noget gik galt hos os"), _("Prøv igen om lidt.")))


def _http(e: HTTPException) -> ResponseReturnValue:
    if e.response is not None or (e.code or 500) < 400:
        return e
    why = e.description if e.description in ("kept", "hasty") else ""
    response = answer(e.code or 500, why)
    for name, value in e.get_headers():
        if name in ("Allow", "Retry-After", "HX-Redirect"):
            response.headers[name] = value
    return response


def _too_many(e: TooMany) -> ResponseReturnValue:
    """What was written is kept for its writer."""
    return answer(429, "hasty" if kept_draft() else "", retry=HOUR)


def _purpose(e: PurposeMissing) -> ResponseReturnValue:
    """403 with the one thing that is missing: a purpose to choose."""
    citizen = (request.view_args or {}).get("citizen", "")
    return Response(ask_purpose(citizen), 403, content_type="text/html; charset=utf-8")


def _bug(e: Exception) -> ResponseReturnValue:
    """A bug crashes loudly in the log, without values that may be personal, and honestly on screen."""
    session.modified = False
    log.error("bug %s (%s)", where(e), request.endpoint)
    return answer(500)


def _bug_in_answering(told: Any) -> None:
    """Flask's own words would hold the address asked."""
    log.error("bug %s in answering another", where(told[1]))
