"""Who may call which address, and what every request and answer must carry.

Every view declares its audience; one that forgets is closed. Below the gate
views get an explicit, immutable Viewer; nothing reads a thread-local.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast
from urllib.parse import urlsplit

from flask import (
    Flask,
    Response,
    abort,
    current_app,
    g,
    redirect,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import Forbidden, TooManyRequests, Unauthorized

from portal.access import Viewer
from portal.drafts import Ticket
from portal.forms import clean
from portal.htmx import PortalRequest

if TYPE_CHECKING:
    from portal import Portal
    from portal.settings import Settings

Audience = Literal["anyone", "citizen", "staff", "logged-in"]
View = TypeVar("View", bound=Callable[..., Any])

NO_SESSION = frozenset(
    {"pages.healthz", "pages.readyz", "calendar.feed", "sign_in.keys", "account.left"}
    | {"phone.offline", "phone.manifest"}
)
"""Answered without looking at a session: they must work when its store does not, have none, or
may hold nothing of it."""

NO_CSRF = frozenset({"sign_in.back_channel"})
"""Called by the provider's server, not by a browser; it proves itself by a signed token."""


def audience(who: Audience) -> Callable[[View], View]:
    """Declare who may call a view; without it the gate answers 404 and a test fails."""

    def mark(view: View) -> View:
        view.audience = who  # type: ignore[attr-defined]
        return view

    return mark


def portal() -> Portal:
    """The services of this app, as joined in create_app."""
    return cast("Portal", current_app.extensions["portal"])


def viewer() -> Viewer:
    """Who is asking; only behind an audience other than "anyone"."""
    return cast(Viewer, g.viewer)


class NotLoggedIn(Unauthorized):
    """A part of a page was asked for by nobody: the whole page is to go to this door."""

    def __init__(self, door: str) -> None:
        super().__init__()
        self.door = door

    def get_headers(self, *args: Any, **more: Any) -> list[tuple[str, str]]:
        return [*super().get_headers(*args, **more), ("HX-Redirect", self.door)]


HSTS = "max-age=63072000; includeSubDomains"


def guard(app: Flask) -> None:
    """Put the gate before every view and the headers on every answer."""
    app.before_request(_refuse_forgeries)
    app.before_request(_let_in)
    app.after_request(_headers)


def _let_in() -> ResponseReturnValue | None:
    g.viewer = None
    if "\0" in request.path:  # names nothing, and no database takes it
        abort(404)
    if request.endpoint is None or request.endpoint == "static":
        return None
    view = current_app.view_functions[request.endpoint]
    who = getattr(view, "audience", None)
    if request.endpoint in NO_SESSION:
        return None
    account = getattr(session, "account", None)
    if who == "anyone":
        g.viewer = _viewer(account) if account else None
        return None
    if who is None:
        abort(404)
    if account is None:
        return _to_the_door()
    g.viewer = _viewer(account)
    if (who == "citizen" and g.viewer.staff) or (who == "staff" and not g.viewer.staff):
        abort(404)
    return None


def _viewer(account: Any) -> Viewer:
    return Viewer(
        person=account.person,
        subject=account.subject,
        name=account.name,
        actors=frozenset(account.actors),
        role=account.role,
        related=frozenset(session.get("related", ())),
        session=account.session,
        seen=session.get("seen", ""),
    )


def _to_the_door() -> ResponseReturnValue:
    """Raises NotLoggedIn where a part was asked for."""
    kept = None if request.method == "GET" else kept_draft()
    back = request.full_path.rstrip("?") if request.method == "GET" else _form_of(kept)
    staff = kept.staff if kept else request.path.startswith("/medarbejder")
    door = "sign_in.staff" if staff else "sign_in.citizen"
    if wants_fragment():
        back = _form_of(kept) or urlsplit(request.headers.get("HX-Current-URL", "")).path
        raise NotLoggedIn(url_for(door, **_return_key(back)))
    return redirect(url_for(door, **_return_key(back)))


def _return_key(path: str) -> dict[str, Any]:
    key = portal().oidc.returns.key(path) if path else ""
    return {"retur": key} if key else {}


def kept_draft() -> Ticket | None:
    """Keep the text of this request for whom its ticket names, whoever is logged in, or nobody."""
    form = request.form
    ticket = portal().drafts.read(form.get("billet", "")) if "tekst" in form else None
    if ticket:
        limiter = portal().limiter
        if not limiter.allows("draft", ticket.whose):
            raise TooManyRequests(retry_after=limiter.wait("draft", ticket.whose))
        portal().drafts.keep(ticket, clean(form["tekst"]), tuple(form.getlist("modtager")))
    return ticket


def _form_of(ticket: Ticket | None) -> str:
    """The page where a kept text stands in its form again."""
    if ticket is None:
        return ""
    kind, _, entry = ticket.place.partition(":")
    page = "reports.show" if kind == "fejl" else "comments.show"
    about = entry if kind in ("om", "fejl") and entry else None
    return url_for(page, citizen=ticket.citizen, om=about)


def wants_fragment() -> bool:
    """Whether this is htmx asking for a part, or an address that only serves parts."""
    return request.path.startswith("/del/") or cast(PortalRequest, request).wants_part


# --- forged requests -------------------------------------------------------------------


def csrf_token() -> str:
    """A fresh token bound to this session; masked anew each time (BREACH)."""
    account = getattr(session, "account", None)
    if account is None:
        return ""
    salt = secrets.token_hex(8)
    return salt + _sign(portal().settings.secret_keys[0], salt, account.session)


def _sign(key: str, salt: str, bound: str) -> str:
    return hmac.new(key.encode(), f"csrf {salt} {bound}".encode(), sha256).hexdigest()


def _valid(token: str, bound: str) -> bool:
    salt, signed = token[:16], token[16:]
    keys = portal().settings.secret_keys
    return any(hmac.compare_digest(signed.encode(), _sign(k, salt, bound).encode()) for k in keys)


def _refuse_forgeries() -> ResponseReturnValue | None:
    """Every change must come from our own pages: Sec-Fetch-Site, Origin, and a token.

    A text written in a page of an earlier session is not sent, but not lost either.
    """
    if request.method in ("GET", "HEAD", "OPTIONS") or request.endpoint in NO_CSRF:
        return None
    if request.routing_exception:  # nothing can run here: 404 or 405 is the honest answer
        return None
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        abort(403, "csrf")
    origin = request.headers.get("Origin")
    if origin is not None and origin != portal().settings.origin:
        abort(403, "csrf")
    account = getattr(session, "account", None)
    if account is None:
        return None
    token = request.form.get("csrf_token") or request.headers.get("X-CSRFToken", "")
    if _valid(token, account.session):
        return None
    kept = kept_draft()
    if kept and kept.whose == (account.person or account.subject) and not wants_fragment():
        return redirect(_form_of(kept), 303)
    raise Forbidden("kept" if kept else "csrf")


# --- what every answer carries ---------------------------------------------------------


def _headers(response: Response) -> Response:
    h = response.headers
    settings = portal().settings
    h["Cache-Control"] = "no-store"
    h["Vary"] = "Cookie, Accept-Language, HX-Request, HX-Request-Type"
    h["Content-Security-Policy"] = portal().policy
    h["X-Content-Type-Options"] = "nosniff"
    h["Referrer-Policy"] = "same-origin"
    h["Cross-Origin-Opener-Policy"] = "same-origin"
    h["Cross-Origin-Resource-Policy"] = "same-origin"
    h["X-Frame-Options"] = "DENY"
    h["Permissions-Policy"] = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
    if settings.secure:
        h["Strict-Transport-Security"] = HSTS
    h.pop("ETag", None)
    h.pop("Last-Modified", None)
    return response


def form_targets(settings: Settings) -> tuple[str, ...]:
    """Where our own forms may lead: the provider's origin, for logging out."""
    providers = (settings.identity.citizen, settings.identity.staff)
    return tuple(sorted({_origin(p.issuer) for p in providers if p}))


def may_lead_to(where: str) -> bool:
    """Whether a form of ours that is redirected there gets there: `form-action` follows it."""
    return _origin(where) in ("", portal().settings.origin, *form_targets(portal().settings))


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""


def policy(targets: tuple[str, ...]) -> str:
    """The content security policy: nothing inline, nothing foreign."""
    forms = " ".join(("'self'", *targets))
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
        "connect-src 'self'; manifest-src 'self'; worker-src 'self'; object-src 'none'; "
        f"base-uri 'none'; frame-ancestors 'none'; form-action {forms}"
    )
