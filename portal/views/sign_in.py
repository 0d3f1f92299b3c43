"""The doors: to the provider, back from it, out again, and the provider's own word that it is over."""

from __future__ import annotations

import logging

from flask import (
    Blueprint,
    abort,
    g,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
)
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response as Answer

from portal.gate import audience, may_lead_to, portal
from portal.i18n import choose, chosen
from portal.identity.browser import cookie_name, current, set_cookie
from portal.identity.failures import (
    Cancelled,
    Invalid,
    LoginFailed,
    ProviderDown,
    WrongPerson,
)
from portal.identity.profile import Door
from portal.identity.reception import receive
from portal.limits import address, limited
from portal.telemetry import tell
from portal.telemetry.reference import reference

sign_in = Blueprint("sign_in", __name__)
log = logging.getLogger(__name__)
ATTEMPT_SECONDS = 600
HOME = {"citizen": "/overblik", "staff": "/medarbejder"}
TOKEN_LENGTH = 20_000


@sign_in.get("/log-ind")
@audience("anyone")
@limited("door", by=address)
def citizen() -> ResponseReturnValue:
    """To the provider, as a citizen."""
    return _depart("citizen")


@sign_in.get("/log-ind/medarbejder")
@audience("anyone")
@limited("door", by=address)
def staff() -> ResponseReturnValue:
    """To the provider, as an employee."""
    return _depart("staff")


@sign_in.get("/log-ind/retur")
@audience("anyone")
@limited("door", by=address)
def back() -> ResponseReturnValue:
    """Back from the provider; right or wrong, this attempt is over."""
    browser = current()
    arrival = portal().oidc.finish(_attempts(), dict(request.args.lists()))
    token = receive(arrival, portal().family, portal().sessions, browser.stored, choose())
    browser.become(token)
    who = portal().sessions.subject(arrival)
    log.info("login outcome=in who=%s", who, extra={"door": arrival.door, "outcome": "in"})
    tell().login(arrival.door, "in")
    return _over(redirect(arrival.return_to or HOME[arrival.door], code=302))


@sign_in.post("/log-ud")
@audience("anyone")
def leave() -> ResponseReturnValue:
    """End the session here, then at the provider."""
    browser = current()
    stored = browser.stored
    where = "/"
    if stored:
        portal().sessions.end(stored.account.session)
        where = portal().oidc.end_session_url(stored.door, stored.id_token)
    browser.leave()
    response = redirect(where, code=303) if may_lead_to(where) else _onwards(where)
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


@sign_in.post("/log-ind/bagkanal")
@audience("anyone")
def back_channel() -> ResponseReturnValue:
    """The provider's server says that a session is over (OpenID Connect Back-Channel Logout)."""
    tokens = request.form.getlist("logout_token")
    try:
        if len(tokens) != 1 or len(tokens[0]) > TOKEN_LENGTH:
            raise Invalid("not one logout token")
        portal().sessions.end_provider_session(portal().oidc.logout(tokens[0]))
    except LoginFailed as e:
        log.warning("back-channel logout refused: %s", e.reason)
        status = 503 if isinstance(e, ProviderDown) else 400
        return _unstored(make_response(jsonify(error="invalid_request"), status))
    return _unstored(make_response("", 200, {"Content-Type": "text/plain; charset=utf-8"}))


@sign_in.get("/.well-known/jwks.json")
@audience("anyone")
def keys() -> ResponseReturnValue:
    """Our public keys, for the provider."""
    return jsonify(portal().oidc.public_keys())


@sign_in.errorhandler(LoginFailed)
def failed(failure: LoginFailed) -> ResponseReturnValue:
    """Each failure in plain words, with a number to quote; cancelling is none."""
    told = {"outcome": failure.code}
    log.warning("login outcome=%s: %s", failure.code, failure.reason, extra=told)
    tell().login("-", failure.code)  # a stray answer belongs to no door
    g.viewer = None  # error pages speak to nobody in particular
    if isinstance(failure, WrongPerson):
        current().leave()
    if isinstance(failure, Cancelled):
        return _over(redirect(failure.back or "/?login=afbrudt", code=302))
    doors = portal().oidc.doors
    page = render_template(
        "sign_in/problem.html", code=failure.code, reference=reference(), doors=doors
    )
    response = make_response(page, failure.status)
    # Another tab may be in the middle of a login: a stray answer must not end that one too.
    return response if isinstance(failure, Invalid) else _over(response)


def _onwards(where: str) -> Answer:
    """A page of our own that leads on by itself: the browser stops a form that led there (gate.py)."""
    g.viewer = None
    page = render_template("sign_in/onwards.html", where=where)
    return make_response(page, {"Refresh": f"0; url={where}"})


def _depart(door: Door) -> ResponseReturnValue:
    if request.headers.get("Sec-Fetch-Mode", "navigate") != "navigate":
        raise Invalid("a login is begun by going to a page, not by a picture or a script")
    oidc, settings = portal().oidc, portal().settings
    if door not in oidc.doors:
        abort(404)
    return_to = oidc.returns.read(request.args.get("retur", ""))
    departure = oidc.begin(door, return_to, chosen().tag, _attempts())
    response = redirect(departure.url, code=302)
    set_cookie(response, settings, "login", departure.cookie, ATTEMPT_SECONDS)
    return response


def _attempts() -> str:
    return request.cookies.get(cookie_name(portal().settings, "login"), "")


def _over(response: Answer) -> Answer:
    """Right or wrong, this attempt is over; those of other tabs stand."""
    left = portal().oidc.over(_attempts(), request.args.get("state", ""))
    set_cookie(response, portal().settings, "login", left, ATTEMPT_SECONDS)
    return response


def _unstored(response: Answer) -> Answer:
    response.headers["Cache-Control"] = "no-store"
    return response
