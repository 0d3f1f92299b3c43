"""Who may see what: the list, one place, preview and confirmation, receipt. No script is needed."""

from __future__ import annotations

import secrets
from typing import Any

import msgspec
from flask import (
    Blueprint,
    Response,
    abort,
    g,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue

from portal.consent_pages import FORM_SECONDS
from portal.consents import Changed
from portal.deciding import PREVIEW_SECONDS
from portal.family import RegisterDown
from portal.fhir_consent import as_fhir
from portal.forms import ConsentFields, one
from portal.gate import audience, portal, viewer
from portal.limits import limited, person
from portal.proposal import Proposal
from portal.views.again import fresh, step_up
from portal.views.page import within

consents = Blueprint("consents", __name__, url_prefix="/overblik/<citizen>/samtykke")
LIST_SECONDS = 0.3


@consents.get("")
@audience("citizen")
def show_list(citizen: str) -> ResponseReturnValue:
    pages, done = portal().consent_pages, request.args.get("trukket") == "1"
    try:
        page = pages.list(viewer(), citizen, within(LIST_SECONDS))
    except RegisterDown:
        unasked = pages.list_unasked(viewer(), citizen, done)
        if unasked is None:
            raise
        page = unasked
    return _render("consents/list.html", page, done=done)


@consents.get("/<actor>")
@audience("citizen")
def show(citizen: str, actor: str) -> ResponseReturnValue:
    pages = portal().consent_pages
    try:
        form = pages.form(viewer(), citizen, actor, wait=within(FORM_SECONDS))
    except RegisterDown:
        unasked = pages.form_unasked(viewer(), citizen, actor)
        if unasked is None:
            raise
        form = unasked
    return _render("consents/actor.html", form)


@consents.post("/<actor>")
@audience("citizen")
@limited("consent", by=lambda: "" if one(request.form, "handling") == "traek" else person())
def decide(citizen: str, actor: str) -> ResponseReturnValue:
    steps = {"giv": _propose, "bekraeft": _confirm, "traek": _withdraw}
    step = steps.get(one(request.form, "handling")) or abort(400)
    return step(citizen, actor)


@consents.get("/<actor>/bekraeft")
@audience("citizen")
def preview(citizen: str, actor: str) -> ResponseReturnValue:
    token, proposal = _draft(citizen, actor)
    if proposal is None:
        portal().overviews.standing(viewer(), citizen)  # not yours: 404, not a way back
        return redirect(url_for("consents.show", citizen=citizen, actor=actor))
    wait = within(PREVIEW_SECONDS)
    page = portal().deciding.confirm(viewer(), citizen, proposal, token, wait)
    told = {"login_fresh": fresh(), "login_again": request.args.get("igen") == "1"}
    return _render("consents/confirm.html", page, **told)


@consents.get("/<actor>/kvittering")
@audience("citizen")
def receipt(citizen: str, actor: str) -> ResponseReturnValue:
    page, _event = portal().deciding.receipt(viewer(), citizen, actor)
    return _render("consents/receipt.html", page)


@consents.get("/<actor>/kvittering.json")
@audience("citizen")
def receipt_fhir(citizen: str, actor: str) -> ResponseReturnValue:
    page, event = portal().deciding.receipt(viewer(), citizen, actor)
    body = as_fhir(page, event)
    return Response(msgspec.json.encode(body), content_type="application/fhir+json; charset=utf-8")


def _propose(citizen: str, actor: str) -> ResponseReturnValue:
    fields = ConsentFields(request.form, actor)
    whole, errors = portal().deciding.proposal(viewer(), citizen, fields.proposal, fields.sectors)
    errors = {**errors, **fields.errors}
    form = portal().consent_pages.form(viewer(), citizen, actor, fields, errors)
    if fields.version is not None and fields.version != form.version:
        return _render("consents/actor.html", msgspec.structs.replace(form, changed=True)), 409
    if errors:
        return _render("consents/actor.html", form), 422
    proposal = msgspec.structs.replace(whole, seen=form.version)
    session["draft"] = {
        "token": secrets.token_urlsafe(16),
        "citizen": citizen,
        "place": actor,
        "proposal": msgspec.json.encode(proposal).decode(),
    }
    return redirect(url_for("consents.preview", citizen=citizen, actor=actor), 303)


def _confirm(citizen: str, actor: str) -> ResponseReturnValue:
    token, proposal = _draft(citizen, actor)
    sent = one(request.form, "udkast")
    if proposal is None or not secrets.compare_digest(token.encode(), sent.encode()):
        raise Changed
    if away := step_up(url_for("consents.preview", citizen=citizen, actor=actor, igen=1)):
        return away
    portal().deciding.grant(viewer(), citizen, proposal)
    session.pop("draft", None)
    return redirect(url_for("consents.receipt", citizen=citizen, actor=actor), 303)


def _withdraw(citizen: str, actor: str) -> ResponseReturnValue:
    portal().deciding.withdraw(viewer(), citizen, actor)
    return redirect(url_for("consents.show_list", citizen=citizen, trukket=1), 303)


def _draft(citizen: str, actor: str) -> tuple[str, Proposal | None]:
    draft = session.get("draft") or {}
    if (draft.get("citizen"), draft.get("place")) != (citizen, actor):
        return "", None
    return draft["token"], msgspec.json.decode(draft["proposal"], type=Proposal)


def _render(template: str, page: Any, **more: Any) -> str:
    g.relation = page.citizen.relation.value
    return render_template(template, page=page, citizen=page.citizen, here="consents", **more)
