"""Writing and reading comments: who can be named, what may not be said, what a page shows."""

from __future__ import annotations

from flask_babel import gettext as _

from portal.access import OWN_LOGIN, Viewer
from portal.access_staff import ANY_OWNER
from portal.comments import Comments, Detail, NotYours
from portal.consents import Consents
from portal.family import Family
from portal.handout import Choice, CommentForm, Overview, Relation, Shown
from portal.overview import Look, Overviews
from portal.records import Category
from portal.standing import NotFound, Standing


class Refused(Exception):
    """The text cannot be sent; `why` is for its author."""

    def __init__(self, why: str) -> None:
        super().__init__("refused")
        self.why = why


class Conversation:
    """Comments on one citizen's overview, as a viewer meets them."""

    def __init__(
        self, overviews: Overviews, comments: Comments, consents: Consents, family: Family
    ) -> None:
        self._overviews, self._comments = overviews, comments
        self._consents, self._family = consents, family

    def form(
        self,
        viewer: Viewer,
        page: Overview,
        about: str,
        text: str = "",
        chosen: tuple[str, ...] = (),
        errors: dict[str, str] | None = None,
    ) -> CommentForm:
        """The form for a new comment on this page."""
        standing = self._overviews.standing(viewer, page.citizen.id)
        entry = find(page, about)
        return CommentForm(
            citizen=page.citizen,
            about=about if entry else "",
            about_title=title_of(entry) if entry else "",
            text=text,
            readers=self.readers(standing, chosen),
            errors=errors or {},
        )

    def readers(self, standing: Standing, chosen: tuple[str, ...] = ()) -> tuple[Choice, ...]:
        """Those who can be named: the family, and the places that hold `comments` now."""
        me, home = standing.viewer.person, standing.home
        people = [*(home.custodians or ()), home.citizen]
        age = home.facts.age or 0
        family = [
            p
            for p in people
            if p.id != me
            and p.id not in home.facts.closed
            and (p.id != home.citizen.id or age >= OWN_LOGIN)
            and (p.id == home.citizen.id or age < 18)
        ]
        found = [Choice(value=p.id, label=p.first_name, ticked=p.id in chosen) for p in family]
        for actor, scopes in sorted(self._consents.applies(home.citizen.id, home.facts).items()):
            if any((Category.COMMENTS, ANY_OWNER) in s.pairs for s in scopes):
                place = self._overviews.place(standing, actor)
                found.append(Choice(value=place.id, label=place.name, ticked=place.id in chosen))
        return tuple(found)

    def write(
        self, viewer: Viewer, look: Look, citizen: str, about: str, text: str, to: tuple[str, ...]
    ) -> str:
        """Send; the overview is opened only to find what it is about.

        Raises Refused, NotFound, StoreDown.
        """
        standing = self._overviews.standing(viewer, citizen)
        possible = {c.value for c in self.readers(standing)}
        if not set(to) <= possible:
            raise Refused(_("En af dem, du har valgt, kan ikke læse kommentarer her."))
        meant = {t: self._overviews.meant(standing, t) for t in to}
        actors = frozenset(a for a in meant.values() if a)
        persons = frozenset(t for t, actor in meant.items() if not actor)
        self._check(standing, persons, text)
        entry = find(self._overviews.open(viewer, citizen, look), about) if about else None
        detail = Detail(
            author=viewer.person,
            persons=persons,
            actors=actors,
            text=text,
            about_title=title_of(entry) if entry else "",
        )
        return self._comments.write(citizen, viewer, about if entry else "", detail)

    def reply(self, viewer: Viewer, look: Look, citizen: str, comment: str, text: str) -> str:
        """An employee answers a comment she may read; she starts no threads."""
        standing = self._overviews.standing(viewer, citizen, look)
        thread = next((c for c in self._overviews.comments(standing) if c.id == comment), None)
        if thread is None or standing.relation is not Relation.STAFF:
            raise NotFound
        persons = thread.detail.persons | ({thread.detail.author} - {None})
        self._check(standing, frozenset(p for p in persons if p), text)
        detail = Detail(
            author=None,
            subject=viewer.subject,
            author_actor=min(thread.detail.actors & viewer.actors, default=""),
            persons=frozenset(p for p in persons if p),
            actors=thread.detail.actors,
            text=text,
            about_title=thread.detail.about_title,
        )
        return self._comments.write(citizen, viewer, thread.about, detail)

    def correct(self, viewer: Viewer, citizen: str, comment: str, text: str | None) -> None:
        """Correct one's own comment, or take it back with None. Raises NotFound, Refused."""
        standing = self._overviews.standing(viewer, citizen)
        mine = {c.id: c for c in self._overviews.comments(standing)}
        if comment not in mine:
            raise NotFound
        if text is not None:
            self._check(standing, mine[comment].detail.persons, text)
        try:
            self._comments.correct(citizen, viewer, comment, text)
        except NotYours:
            raise NotFound from None

    def _check(self, standing: Standing, persons: frozenset[str], text: str) -> None:
        """A protected address is sent to nobody, a place not to whom it is kept from."""
        if self._overviews.tells_address(standing, text):
            raise Refused(
                _(
                    "Teksten ser ud til at fortælle, hvor nogen med beskyttet adresse bor. "
                    "Fjern det, eller ring i stedet. Intet er sendt."
                )
            )
        if any(self._overviews.reveals(standing, reader, text) for reader in persons):
            raise Refused(
                _(
                    "Teksten ser ud til at fortælle, hvor nogen med beskyttet adresse bor eller "
                    "færdes. Fjern stedet, eller vælg andre, der må læse den. Intet er sendt."
                )
            )


def find(page: Overview, ref: str) -> Shown | None:
    """The entry a comment stands on, among what this viewer sees."""
    everything = (
        *page.contacts,
        *page.meetings,
        *page.past_meetings,
        *page.interventions,
        *page.plans,
    )
    return next((s for s in everything if s.ref == ref), None) if ref else None


def title_of(shown: Shown) -> str:
    """What an entry is called."""
    return getattr(shown.entry, "title", "") or getattr(shown.entry, "name", "")
