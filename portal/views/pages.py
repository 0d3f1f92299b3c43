"""The pages anybody may read: front page, help, words, privacy, accessibility, language, health."""

from __future__ import annotations

from flask import Blueprint, abort, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from portal.gate import audience, portal
from portal.glossary import words
from portal.i18n import COOKIE, LANGUAGES
from portal.identity.browser import set_cookie
from portal.identity.session import Account

pages = Blueprint("pages", __name__)
YEAR = 365 * 24 * 3600


@pages.get("/")
@audience("anyone")
def front() -> ResponseReturnValue:
    return render_template("pages/front.html", cancelled=request.args.get("login") == "afbrudt")


@pages.get("/hjaelp")
@audience("anyone")
def help_() -> ResponseReturnValue:
    return render_template("pages/help.html")


@pages.get("/ordliste")
@audience("anyone")
def glossary() -> ResponseReturnValue:
    return render_template("pages/glossary.html", words=words())


@pages.get("/privatliv")
@audience("anyone")
def privacy() -> ResponseReturnValue:
    return render_template("pages/privacy.html")


@pages.get("/tilgaengelighed")
@audience("anyone")
def accessibility() -> ResponseReturnValue:
    return render_template("pages/accessibility.html")


@pages.get("/was")
@audience("anyone")
def was() -> ResponseReturnValue:
    """The short address that every public site has for its statement (BEK 904/2019)."""
    url = portal().settings.accessibility_statement_url
    return redirect(url or url_for("pages.accessibility"))


@pages.get("/sprog")
@audience("anyone")
def languages() -> ResponseReturnValue:
    return render_template("pages/languages.html")


@pages.post("/sprog")
@audience("anyone")
def choose_language() -> ResponseReturnValue:
    chosen = request.form.get("sprog", "")
    if chosen not in LANGUAGES:
        abort(400)
    if account := getattr(session, "account", None):
        session["language"] = chosen
        if account.person:
            portal().family.chose_language(account.person, chosen)
    response = redirect(_home(account))
    set_cookie(response, portal().settings, COOKIE, chosen, YEAR)
    return response


def _home(account: Account | None) -> str:
    if account is None:
        return "/"
    return "/overblik" if account.person else "/medarbejder"


@pages.get("/healthz")
@audience("anyone")
def healthz() -> ResponseReturnValue:
    return {"status": "alive"}


@pages.get("/readyz")
@audience("anyone")
def readyz() -> ResponseReturnValue:
    """Able to serve: the database answers, has the right schema and our keys. Sources are not asked."""
    problem = portal().unready()
    return ({"status": problem}, 503) if problem else {"status": "ready"}
