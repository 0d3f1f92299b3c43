"""Comments as one viewer reads them: who wrote, who may read, and what each stands on."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from portal.comments import Comment, wrote
from portal.family import Family, RegisterDown, UnknownPerson
from portal.handout import Note
from portal.places import Places
from portal.redaction import cut
from portal.standing import Standing, Standings


class Notes:
    """Makes the notes of a page."""

    def __init__(self, family: Family, standings: Standings, places: Places) -> None:
        self._family, self._standings, self._places = family, standings, places

    def names(self, comments: Collection[Comment]) -> dict[str, str]:
        """First names of everybody these comments name; may ask the register."""
        named = {p for c in comments for p in (c.detail.author, *c.detail.persons) if p}
        return {p: self._first_name(p) for p in named}

    def read(
        self, standing: Standing, comment: Comment, told: bool, names: Mapping[str, str]
    ) -> Note:
        """A comment; what it stands on is named only to whom sees that entry (`told`), or wrote."""
        detail, viewer = comment.detail, standing.viewer
        audience = [names[p] for p in sorted(detail.persons)]
        actors = (self._places.name(standing, a) for a in sorted(detail.actors))
        audience += [a for a in actors if a]
        author = names.get(detail.author or "", "")
        mine = wrote(viewer, detail)
        return Note(
            id=comment.id,
            author=author or self._places.name(standing, detail.author_actor),
            mine=mine,
            text=None if detail.text is None else cut(detail.text, standing.guard),
            written=comment.written,
            corrected=comment.corrected,
            audience=tuple(audience),
            about=comment.about,
            about_title=cut(detail.about_title, standing.guard) if told or mine else "",
            owner=self._standings.shown_id(standing, detail.author_actor),
        )

    def _first_name(self, person: str) -> str:
        try:
            return self._family.known(person).first_name
        except (UnknownPerson, RegisterDown):
            return ""
