"""The pages a person meets: choose who you are, approve or cancel, log out, something is wrong."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Answer

from mitid_stub.asked import LEVELS, Asked, Level, Refused
from mitid_stub.provider import Provider
from mitid_stub.texts import texts

COOKIE = "stub_session"


def browser(provider: Provider) -> Blueprint:
    """The pages as a blueprint bound to one provider."""
    routes = Blueprint("browser", __name__)

    def bound(rule: str, view: Callable[[Provider], Answer], method: str) -> None:
        def answer() -> Answer:
            return view(provider)

        routes.add_url_rule(rule, view.__name__, answer, methods=[method])

    bound("/connect/authorize", authorize, "GET")
    bound("/login", choose, "GET")
    bound("/login", decide, "POST")
    bound("/connect/endsession", end_session, "GET")
    bound("/Account/Logout", ask_log_out, "GET")
    bound("/Account/Logout", log_out, "POST")
    bound("/Error", error, "GET")
    return routes


def authorize(provider: Provider) -> Answer:
    """Check what is asked; wrong requests end at our own error page, never at the client."""
    try:
        asked = provider.asked(request.args)
    except Refused as refused:
        return redirect(url_for(".error", errorId=provider.errors.put(str(refused))))
    session = provider.reusable(asked, _sid())
    if session is not None:
        return redirect(provider.success(asked, session))
    if "none" in asked.prompt:
        return redirect(provider.failure(asked, "login_required"))
    return redirect(url_for(".choose", attempt=provider.attempts.put(asked)))


def choose(provider: Provider) -> Answer:
    """First everybody who can log in; once one is chosen, that person and two buttons."""
    attempt = request.args.get("attempt", "")
    asked = provider.attempts.get(attempt)
    if asked is None:
        return _page("used.html", status=400)
    language = request.args.get("language", asked.language)
    person = provider.personas.get(request.args.get("person", ""))
    if person is not None and person.kind in asked.kinds:
        levels = LEVELS[:2] if person.kind == "employee" else LEVELS
        return _page(
            "approve.html",
            language=language,
            attempt=attempt,
            asked=asked,
            person=person,
            levels=levels,
            level=asked.level if asked.level in levels else levels[-1],
        )
    groups = {
        kind: [one for one in provider.personas.values() if one.kind == kind]
        for kind in asked.kinds
    }
    return _page("choose.html", language=language, attempt=attempt, asked=asked, groups=groups)


def decide(provider: Provider) -> Answer:
    """Approve or cancel; either way the attempt is over."""
    attempt = request.form.get("attempt", "")
    asked = provider.attempts.get(attempt)
    approved = request.form.get("action") == "approve"
    person = provider.personas.get(request.form.get("person", ""))
    if asked is not None and approved and (person is None or person.kind not in asked.kinds):
        return redirect(url_for(".choose", attempt=attempt), code=303)
    asked = provider.attempts.take(attempt)
    if asked is None:
        return _page("used.html", status=400)
    if not approved or person is None:
        gone = provider.failure(asked, "access_denied", "mitid_user_aborted")
        return redirect(gone, code=303)
    session = provider.log_in(asked, person, _level(asked), _sid())
    answer = redirect(provider.success(asked, session), code=303)
    _remember(answer, provider, session.sid)
    return answer


def end_session(provider: Provider) -> Answer:
    """Only a usable id_token_hint logs out and brings the person back; others are stranded."""
    hint = provider.hinted(request.args.get("id_token_hint", ""))
    if hint is None:
        return redirect(url_for(".ask_log_out"))
    provider.log_out(hint["sid"])
    wanted = request.args.get("post_logout_redirect_uri", "")
    if wanted in provider.clients[hint["aud"]].post_logout_uris:
        return redirect(_with_state(wanted))
    return _page("logged_out.html")


def ask_log_out(provider: Provider) -> Answer:
    return _page("log_out.html")


def log_out(provider: Provider) -> Answer:
    provider.log_out(_sid())
    answer = _page("logged_out.html")
    _remember(answer, provider, "")
    return answer


def error(provider: Provider) -> Answer:
    cause = provider.errors.get(request.args.get("errorId", ""))
    return _page("error.html", status=400, cause=cause)


def _page(template: str, *, status: int = 200, language: str = "", **values: object) -> Response:
    words = texts(language or request.args.get("language", "da"))
    return make_response(render_template(template, t=words, **values), status)


def _level(asked: Asked) -> Level:
    wanted = request.form.get("level", "")
    return wanted if wanted in LEVELS else asked.level


def _remember(answer: Answer, provider: Provider, sid: str) -> None:
    """Our path only: the portal of the demo has the same host, and cookies know no ports."""
    here = urlsplit(provider.issuer)
    answer.set_cookie(
        COOKIE,
        sid,
        max_age=None if sid else 0,
        path=here.path,
        secure=here.scheme == "https",
        httponly=True,
        samesite="Lax",
    )


def _sid() -> str:
    return request.cookies.get(COOKIE, "")


def _with_state(address: str) -> str:
    state = request.args.get("state")
    joint = "&" if "?" in address else "?"
    return f"{address}{joint}{urlencode({'state': state})}" if state else address
