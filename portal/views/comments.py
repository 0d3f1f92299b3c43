"""Comments: reading, writing, correcting, taking back, answering; and what is not sent yet."""

from __future__ import annotations

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.conversation import Refused
from portal.family import RegisterDown
from portal.forms import TextForm, one, read, text_of
from portal.gate import audience, kept_draft, portal, viewer
from portal.handout import CommentForm, Overview
from portal.limits import limited
from portal.overview import Look
from portal.records import Category
from portal.views.page import look, patience

comments = Blueprint("comments", __name__, url_prefix="/overblik/<citizen>/kommentarer")
FORM_SECONDS = 0.5


@comments.get("")
@audience("logged-in")
def show(citizen: str) -> ResponseReturnValue:
    page = _open(citizen, patience() if request.args.get("vent") else FORM_SECONDS)
    return _render(page, request.args.get("om", ""))


@comments.post("")
@audience("logged-in")
@limited("comment")
def write(citizen: str) -> ResponseReturnValue:
    form = TextForm(request.form)
    if viewer().staff:
        return _reply(citizen, form)
    about, to = request.form.get("om", ""), tuple(x for x in form.modtager.data or () if x != "mig")
    errors = read(form)
    if not errors:
        try:
            at = _look(citizen, FORM_SECONDS)
            id = portal().conversation.write(viewer(), at, citizen, about, text_of(form), to)
            return _sent(citizen, id)
        except Refused as refused:
            errors = {"tekst": refused.why}
        except RegisterDown:
            kept_draft()
            raise
    page = _open(citizen, FORM_SECONDS)
    again = portal().conversation.form(viewer(), page, about, text_of(form), to, errors)
    return _wrong(page, again)


@comments.post("/<comment>")
@audience("citizen")
@limited("comment")
def change(citizen: str, comment: str) -> ResponseReturnValue:
    """`handling=ret` with a new text, or `handling=fortryd` to take it back."""
    acts = {"ret": False, "fortryd": True}
    back = acts.get(request.form.get("handling", ""))
    if back is None:
        abort(400)
    form = TextForm(request.form)
    errors = {} if back else read(form)
    if not errors:
        try:
            text = None if back else text_of(form)
            portal().conversation.correct(viewer(), citizen, comment, text)
            return _sent(citizen, comment)
        except Refused as refused:
            errors = {"tekst": refused.why}
        except RegisterDown:
            kept_draft()
            raise
    page = _open(citizen, FORM_SECONDS)
    return _wrong(page, _under(page, comment, form, errors))


@comments.post("/udkast")
@audience("logged-in")
def keep(citizen: str) -> ResponseReturnValue:
    """Keep what is written so far; `handling=slet` deletes it. The ticket says whose it is."""
    ticket = portal().drafts.read(one(request.form, "billet"))
    if ticket is None or ticket.citizen != citizen:
        abort(404)
    if one(request.form, "handling") == "slet":
        portal().drafts.drop(viewer(), citizen, ticket.place)
        return redirect(url_for("comments.show", citizen=citizen), 303)
    kept_draft()
    return render_template("comments/_kept.html", at=portal().drafts.moment())


def _reply(citizen: str, form: TextForm) -> ResponseReturnValue:
    thread = request.form.get("svar", "")
    errors = read(form)
    if not errors:
        try:
            at = look(citizen)
            portal().conversation.reply(viewer(), at, citizen, thread, text_of(form))
            return _sent(citizen, thread)
        except Refused as refused:
            errors = {"tekst": refused.why}
        except RegisterDown:
            kept_draft()
            raise
    page = _open(citizen, FORM_SECONDS)
    return _wrong(page, _under(page, thread, form, errors))


def _under(page: Overview, comment: str, form: TextForm, errors: dict[str, str]) -> CommentForm:
    return CommentForm(citizen=page.citizen, text=text_of(form), errors=errors, comment=comment)


def _sent(citizen: str, id: str) -> ResponseReturnValue:
    """The text is where it should be: it is no draft any more."""
    ticket = portal().drafts.read(one(request.form, "billet"))
    if ticket and ticket.citizen == citizen:
        portal().drafts.drop(viewer(), citizen, ticket.place)
    return redirect(url_for("comments.show", citizen=citizen, _anchor=f"k{id}"), 303)


def _wrong(page: Overview, form: CommentForm) -> ResponseReturnValue:
    kept_draft()
    return _render(page, form.about, form), 422


def _open(citizen: str, wait: float | None) -> Overview:
    page = portal().overviews.open(viewer(), citizen, _look(citizen, wait))
    if Category.COMMENTS not in page.opens:
        abort(404)
    g.relation = page.citizen.relation.value
    return page


def _look(citizen: str, wait: float | None) -> Look:
    return look(citizen, wait=wait, categories=(Category.COMMENTS,))


def _render(page: Overview, about: str, failed: CommentForm | None = None) -> str:
    return render_template(
        "overview/comments.html",
        overview=page,
        citizen=page.citizen,
        desk=portal().desks.of(viewer(), page, about, failed),
        here="comments",
    )
