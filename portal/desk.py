"""What there is to write in on the page of comments: empty, as it was left, or as it came back wrong."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from portal.access import Viewer
from portal.conversation import Conversation, find, title_of
from portal.drafts import Draft, Drafts
from portal.handout import CommentForm, Desk, DraftLine, Note, Overview

NEW, CORRECTION, ANSWER = "om:", "ret:", "svar:"


class Desks:
    """Forms with what their writer left in them."""

    def __init__(self, conversation: Conversation, drafts: Drafts) -> None:
        self._conversation, self._drafts = conversation, drafts

    def of(
        self, viewer: Viewer, page: Overview, about: str, failed: CommentForm | None = None
    ) -> Desk:
        """Every form of the page. `failed`: one that was sent and could not be used."""
        said = {n.text for n in page.notes if n.mine}
        found = self._drafts.of(viewer, page.citizen.id)
        drafts = {place: d for place, d in found.items() if d.text not in said}
        under = {
            n.id: self._under(viewer, page, n, drafts, failed)
            for n in page.notes
            if n.text is not None and n.mine is not viewer.staff
        }
        new = self._new(viewer, page, about, drafts, failed) if page.may_comment else None
        return Desk(new=new, under=under, other=_elsewhere(page, drafts, new))

    def _new(
        self,
        viewer: Viewer,
        page: Overview,
        about: str,
        drafts: Mapping[str, Draft],
        failed: CommentForm | None,
    ) -> CommentForm:
        if failed and not failed.comment:
            return self._with_ticket(viewer, failed, NEW + failed.about)
        draft = drafts.get(NEW + about)
        text, to = (draft.text, draft.to) if draft else ("", ())
        form = self._conversation.form(viewer, page, about, text, to)
        if draft and not form.about:  # its entry is late or gone: the text still belongs to it
            form = msgspec.structs.replace(form, about=about)
        form = msgspec.structs.replace(form, kept=draft.at if draft else None)
        return self._with_ticket(viewer, form, NEW + form.about)

    def _under(
        self,
        viewer: Viewer,
        page: Overview,
        note: Note,
        drafts: Mapping[str, Draft],
        failed: CommentForm | None,
    ) -> CommentForm:
        place = (ANSWER if viewer.staff else CORRECTION) + note.id
        draft = drafts.get(place)
        form = CommentForm(
            citizen=page.citizen,
            text=draft.text if draft else "" if viewer.staff else note.text or "",
            comment=note.id,
            kept=draft.at if draft else None,
        )
        if failed and failed.comment == note.id:
            form = failed
        return self._with_ticket(viewer, form, place)

    def _with_ticket(self, viewer: Viewer, form: CommentForm, place: str) -> CommentForm:
        ticket = self._drafts.ticket(viewer, form.citizen.id, place)
        return msgspec.structs.replace(form, ticket=ticket)


def _elsewhere(
    page: Overview, drafts: Mapping[str, Draft], new: CommentForm | None
) -> tuple[DraftLine, ...]:
    """Drafts of new comments that this page's form does not hold."""
    here = NEW + new.about if new else ""
    lines = []
    for place, draft in drafts.items():
        if new and place.startswith(NEW) and place != here:
            entry = find(page, place.removeprefix(NEW))
            title = title_of(entry) if entry else ""
            lines.append(DraftLine(about=place.removeprefix(NEW), title=title, at=draft.at))
    return tuple(lines)
