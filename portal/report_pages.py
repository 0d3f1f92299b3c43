"""Telling a place that something is missing or wrong, and reading that one was told.

Employees write nothing here: the family reads in the log and beside its own message
that it was read, and says itself when the matter is in order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import chain

from portal.access import Viewer
from portal.counter import Counter
from portal.family import Family, UnknownPerson
from portal.handout import Choice, Overview, Place, Shown
from portal.handout_report import ReportForm, ReportLine, ReportPage, Told
from portal.overview import Overviews
from portal.reports import KINDS, Detail, Report, Reports
from portal.settings import Settings
from portal.speech import gettext as _
from portal.standing import NotFound, Standing
from portal.words import record_word


class Unsendable(Exception):
    """What is wrong with a message, by field, for its author."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__("unsendable")
        self.errors = errors


class ReportPages:
    """Messages about one citizen's page, as the family and the places meet them."""

    def __init__(
        self,
        settings: Settings,
        overviews: Overviews,
        counter: Counter,
        reports: Reports,
        family: Family,
    ) -> None:
        self._settings, self._overviews, self._counter = settings, overviews, counter
        self._reports, self._family = reports, family
        self._actors = settings.actors

    def page(
        self,
        viewer: Viewer,
        page: Overview,
        about: str,
        filled: ReportForm | None = None,
    ) -> ReportPage:
        """The form and one's own messages. `filled`: what was sent and could not be used."""
        standing = self._overviews.standing(viewer, page.citizen.id)
        read = self._reports.read_since(viewer, page.citizen.id)
        return ReportPage(
            citizen=page.citizen,
            form=self._form(standing, page, about, filled or ReportForm()),
            lines=tuple(
                self._line(standing, r, read) for r in self._reports.own(viewer, page.citizen.id)
            ),
            complete=page.complete,
            failed=bool(page.failed),
        )

    def send(self, viewer: Viewer, page: Overview, about: str, filled: ReportForm) -> str:
        """Send a message about an entry on the page, or about the page to the place chosen.

        Raises Unsendable.
        """
        citizen = page.citizen.id
        standing = self._overviews.standing(viewer, citizen)
        shown = find(page, about)
        chosen = next((c.value for c in filled.kinds if c.ticked), "")
        actor = shown.entry.owner if shown else self._chosen(standing, page, filled)
        errors = {}
        if chosen not in KINDS:
            errors["hvad"] = _("Vælg, hvad der er galt.")
        if about and shown is None:
            errors["sted"] = _("Det, du skriver om, er ikke på siden lige nu. Prøv igen om lidt.")
        elif not actor or not self._counter.reachable(actor):
            errors["sted"] = _("Vælg, hvem der skal have det at vide.")
        if self._overviews.tells_address(standing, filled.text):
            errors["tekst"] = _(
                "Teksten ser ud til at fortælle, hvor nogen med beskyttet adresse bor. "
                "Fjern det, eller ring i stedet. Intet er sendt."
            )
        if errors:
            raise Unsendable(errors)
        detail = Detail(
            kind=chosen,
            text=filled.text,
            record=record_word(shown.entry) if shown else "",
            title=title_of(shown) if shown else "",
        )
        return self._reports.send(viewer, citizen, actor, about if shown else "", detail)

    def close(self, viewer: Viewer, citizen: str, id: str) -> None:
        """It is in order now, or was a mistake. Raises NotFound."""
        self._overviews.standing(viewer, citizen)
        if not self._reports.close(viewer, citizen, id):
            raise NotFound

    # --- the other side ---

    def waiting(self, viewer: Viewer) -> int:
        """How many messages an employee's places have."""
        return self._reports.count(self._mine(viewer))

    def told(self, viewer: Viewer) -> tuple[Told, ...]:
        """What families have told an employee's places; logged to each author before it is shown."""
        found = self._reports.to(self._mine(viewer))
        lines = [line for r in found if (line := self._told(viewer, r))]
        shown = {line.id for line in lines}
        self._counter.messages_read(viewer, ((r.citizen, r.person) for r in found if r.id in shown))
        return tuple(lines)

    def _mine(self, viewer: Viewer) -> list[str]:
        return [a for a in sorted(viewer.actors) if self._counter.reachable(a)]

    def _told(self, viewer: Viewer, report: Report) -> Told | None:
        try:
            home = self._family.household(report.citizen)
            author = self._family.known(report.person)
        except UnknownPerson:
            return None
        if home.facts.deceased:
            return None
        return Told(
            id=report.id,
            citizen=report.citizen,
            name=home.citizen.person.name,
            author=author.person.name,
            own=report.person == report.citizen,
            record=report.detail.record,
            title=report.detail.title,
            kind=kind_word(report.detail.kind),
            text=report.detail.text,
            at=report.at,
            place=self._actors[report.actor].name,
            opens=self._counter.may_open(viewer, report.citizen),
        )

    # --- the form ---

    def _form(
        self, standing: Standing, page: Overview, about: str, filled: ReportForm
    ) -> ReportForm:
        shown = find(page, about)
        places = () if shown else tuple(self._choices(standing, page, filled.chosen))
        place = self._overviews.place(standing, shown.entry.owner) if shown else None
        phone, name = self._phone(shown, place)
        return ReportForm(
            about=about if shown else "",
            title=title_of(shown) if shown else "",
            kinds=filled.kinds or kinds(),
            place=place,
            places=places,
            reachable=self._counter.reachable(shown.entry.owner) if shown else bool(places),
            phone=phone,
            phone_name=name,
            text=filled.text,
            chosen=filled.chosen,
            errors=filled.errors,
        )

    def _phone(self, shown: Shown | None, place: Place | None) -> tuple[str, str]:
        own = getattr(shown.entry, "phone", "") if shown else ""
        if place and (own or place.phone):
            return own or place.phone, place.name
        return self._settings.contact.phone, self._settings.authority

    def _choices(self, standing: Standing, page: Overview, chosen: str) -> Iterator[Choice]:
        """The places that something on the page comes from, and that can read a message."""
        actors = dict.fromkeys(s.entry.owner for s in entries(page))
        for actor in actors:
            if self._counter.reachable(actor):
                place = self._overviews.place(standing, actor)
                yield Choice(
                    value=place.id,
                    label=place.name,
                    ticked=place.id == chosen,
                    sector=place.sector,
                )

    def _chosen(self, standing: Standing, page: Overview, filled: ReportForm) -> str:
        possible = {c.value for c in self._choices(standing, page, "")}
        sent = filled.chosen
        return self._overviews.meant(standing, sent) if sent in possible else ""

    def _line(self, standing: Standing, report: Report, read: dict[str, datetime]) -> ReportLine:
        known = report.actor in self._actors
        place = self._overviews.place(standing, report.actor) if known else None
        when = read.get(report.actor)
        return ReportLine(
            id=report.id,
            title=report.detail.title,
            kind=kind_word(report.detail.kind),
            text=report.detail.text,
            place=place.name if place else "",
            phone=place.phone if place else "",
            at=report.at,
            read=when if when and when > report.at else None,
            closed=report.closed,
        )


def kinds(chosen: str = "") -> tuple[Choice, ...]:
    """What can be wrong, in everyday words."""
    return tuple(Choice(value=k, label=kind_word(k), ticked=k == chosen) for k in KINDS)


def kind_word(kind: str) -> str:
    words = {
        "forkert": _("Noget står forkert"),
        "mangler": _("Noget mangler"),
        "slut": _("Det gælder ikke mere"),
        "andet": _("Noget andet"),
    }
    return words.get(kind, words["andet"])


def entries(page: Overview) -> Iterable[Shown]:
    """Everything on a page that somebody answers for."""
    sections = (page.contacts, page.meetings, page.past_meetings, page.interventions, page.plans)
    for shown in chain(*sections, page.loose_goals, page.measurements):
        yield shown
        yield from shown.goals


def find(page: Overview, ref: str) -> Shown | None:
    """The entry behind an id, among what this viewer sees."""
    return next((s for s in entries(page) if s.ref == ref), None) if ref else None


def title_of(shown: Shown) -> str:
    """What an entry is called."""
    entry = shown.entry
    return next((t for n in ("title", "name", "scale") if (t := getattr(entry, n, ""))), "")
