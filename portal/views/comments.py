"""Comments: reading, writing, correcting, taking back, answering."""

from __future__ import annotations

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.conversation import Refused
from portal.forms import TextForm, read, text_of
from portal.gate import audience, portal, viewer
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
    form = None
    if page.may_comment:
        form = portal().conversation.form(viewer(), page, request.args.get("om", ""))
    return _render(page, form)


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
            return redirect(url_for("comments.show", citizen=citizen, _anchor=f"k{id}"), 303)
        except Refused as refused:
            errors = {"tekst": refused.why}
    page = _open(citizen, FORM_SECONDS)
    again = portal().conversation.form(viewer(), page, about, text_of(form), to, errors)
    return _render(page, again), 422


@comments.post("/<comment>")
@audience("citizen")
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
            return redirect(url_for("comments.show", citizen=citizen, _anchor=f"k{comment}"), 303)
        except Refused as refused:
            errors = {"tekst": refused.why}
    page = _open(citizen, FORM_SECONDS)
    again = CommentForm(citizen=page.citizen, text=text_of(form), errors=errors, comment=comment)
    return _render(page, again), 422


def _reply(citizen: str, form: TextForm) -> ResponseReturnValue:
    if read(form):
        page = _open(citizen, FORM_SECONDS)
        return _render(page, None), 422
    thread = request.form.get("svar", "")
    portal().conversation.reply(viewer(), look(citizen), citizen, thread, text_of(form))
    return redirect(url_for("comments.show", citizen=citizen), 303)


def _open(citizen: str, wait: float | None) -> Overview:
    page = portal().overviews.open(viewer(), citizen, _look(citizen, wait))
    if Category.COMMENTS not in page.opens:
        abort(404)
    g.relation = page.citizen.relation.value
    return page


def _look(citizen: str, wait: float | None) -> Look:
    return look(citizen, wait=wait, categories=(Category.COMMENTS,))


def _render(page: Overview, form: CommentForm | None) -> str:
    return render_template(
        "overview/comments.html", overview=page, citizen=page.citizen, form=form, here="comments"
    )
