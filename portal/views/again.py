"""Logging in once more, before what lets others see more (ASVS v5.0.0-7.5.3).

The POST that needs it changes nothing: it leads to a page that says why, and from there by a
link to the provider. A form that led there itself would be stopped by the browser, whose rules
(form-action) follow every hop of a login. Coming back, the person stands where she
was and presses once more. Somebody else's answer ends the session (reception.py).
"""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.gate import audience, portal
from portal.identity.browser import current
from portal.identity.fresh import is_fresh

again = Blueprint("again", __name__)


def fresh() -> bool:
    """Whether this person proved who she is within the last five minutes."""
    own = current().account
    return own is not None and is_fresh(own)


def step_up(path: str) -> ResponseReturnValue | None:
    """The way to a fresh login and back to `path`; None when the login is fresh."""
    own = current().account
    if own is None or fresh():
        return None
    key = portal().oidc.returns.key(path, own.subject)
    return redirect(url_for("again.ask", retur=key), 303)


@again.get("/log-ind/igen")
@audience("anyone")
def ask() -> ResponseReturnValue:
    """Why a login is asked for again, and the two ways on."""
    own, key = current().account, request.args.get("retur", "")
    back = portal().oidc.returns.read(key)
    if own is None or not back.path or back.subject != own.subject:
        return redirect(url_for("account.show"))
    return render_template("sign_in/again.html", retur=key, back=back.path)
