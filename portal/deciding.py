"""Deciding: from a ticked form to a yes, and from a yes to a no.

Proposal -> preview and full sentences -> grant -> receipt. Cancelling anywhere
changes nothing; withdrawing needs no form, and no register for one's own yes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import msgspec
from flask_babel import format_date

from portal import consent_state
from portal.access import ADULT, DECIDES_ON_HEALTH, PARTY, Viewer
from portal.access_staff import ANY_OWNER, Scope
from portal.audit import Act
from portal.consent_pages import ConsentPages, age_note, person_of
from portal.consent_places import ConsentPlaces
from portal.consent_state import OWNERLESS, Event, asked
from portal.consents import Consents
from portal.family import RegisterDown
from portal.handout import Relation
from portal.handout_consent import ConsentConfirm, ConsentReceipt
from portal.i18n import REVIEWED, choose
from portal.involved import Involved
from portal.overview import Look, Overviews
from portal.proposal import Proposal, problems
from portal.records import Category, Sector
from portal.settings import Settings
from portal.speech import gettext as _
from portal.speech import spoken_as
from portal.standing import NotFound, Standing
from portal.words import configured_word, joined, opened_word

PREVIEW_SECONDS = 2.0


class Deciding:
    """What a family member can do about an actor."""

    def __init__(
        self,
        settings: Settings,
        overviews: Overviews,
        consents: Consents,
        places: ConsentPlaces,
        pages: ConsentPages,
    ) -> None:
        self._settings, self._overviews = settings, overviews
        self._consents, self._places, self._pages = consents, places, pages

    def proposal(
        self, viewer: Viewer, citizen: str, wanted: Proposal, sectors: Iterable[Sector]
    ) -> tuple[Proposal, Mapping[str, str]]:
        """The proposal with whole areas written out as owners, and what is wrong with it."""
        standing, involved = self._pages.stand(viewer, citizen, PREVIEW_SECONDS)
        actor = self._places.named(standing, wanted.actor)
        if not self._pages.decides(standing):
            raise NotFound
        possible = self._pages.owners(standing, actor)
        owners = {self._overviews.meant(standing, o) for o in wanted.owners}
        owners |= {o.id for o in possible if o.sector in set(sectors)}
        owners -= {actor}
        delivered = self._delivering(owners, involved)
        whole = msgspec.structs.replace(
            wanted,
            actor=actor,
            owners=frozenset(owners),
            sources=frozenset(source for source, _ in delivered),
            delivered=delivered,
        )
        found = problems(whole, standing.home.facts, person_of(viewer), self._settings)
        errors = {p.field: _problem_word(p.field, p.why) for p in found}
        if not owners <= {o.id for o in possible}:
            errors["ejer"] = _(
                "Du kan ikke bestemme over oplysninger fra alle de steder, du har valgt."
            )
        return whole, errors

    def confirm(
        self,
        viewer: Viewer,
        citizen: str,
        proposal: Proposal,
        token: str,
        wait: float | None = PREVIEW_SECONDS,
    ) -> ConsentConfirm:
        """The preview and the sentences to say yes to."""
        pairs = _pairs(proposal)
        scope = Scope(
            actor=proposal.actor,
            pairs=pairs,
            sources=asked(proposal.sources, proposal.delivered, pairs),
            excluded=proposal.excluded,
            purpose=proposal.purpose,
            until=proposal.until,
        )
        look = Look(
            wait=wait,
            act=Act.PREVIEW,
            categories=tuple(sorted(proposal.categories)),
            for_actor=proposal.actor,
            scopes=(scope,),
        )
        preview = self._overviews.open(viewer, citizen, look)
        standing = self._overviews.standing(viewer, citizen)
        return ConsentConfirm(
            citizen=self._overviews.citizen(standing),
            place=self._overviews.place(standing, proposal.actor),
            sentences=self._sentences(standing, proposal),
            danish=self._danish(standing, proposal),
            overview=preview,
            joint=_joint(standing),
            token=token,
        )

    def grant(self, viewer: Viewer, citizen: str, proposal: Proposal) -> None:
        """Say yes. Raises Changed, NotAllowed, NotFound, RegisterDown, StoreDown."""
        standing = self._overviews.standing(viewer, citizen, Look(fresh=True))
        said = (self._sentences(standing, proposal), self._danish(standing, proposal))
        text = "\n\n".join("\n".join(sentences) for sentences in said if sentences)
        self._consents.grant(standing.home, person_of(viewer), proposal, text, choose())

    def withdraw(self, viewer: Viewer, citizen: str, actor: str) -> None:
        """Say no; one's own yes can be taken back when the register is down too.

        Raises NotAllowed, NotFound, RegisterDown, StoreDown.
        """
        person = person_of(viewer)
        answered = self._places.answered(citizen, person, actor)
        try:
            standing = self._overviews.standing(viewer, citizen)
        except RegisterDown:
            if not answered or self._consents.shut_out(citizen, person):
                raise
        else:
            if not answered and not self._pages.decides(standing):
                raise NotFound
            answered = answered or self._places.named(standing, actor)
        self._consents.withdraw(citizen, person, answered, decides=True)

    def receipt(self, viewer: Viewer, citizen: str, actor: str) -> tuple[ConsentReceipt, Event]:
        """The viewer's standing yes about an actor, in the words she saw. Raises NotFound."""
        standing = self._overviews.glance(viewer, citizen)
        person = person_of(viewer)
        actor = self._overviews.meant(standing, actor) or self._places.gone(standing, actor)
        events = self._consents.events(citizen)
        event = consent_state.latest(events, actor).get(person)
        if event is None or event.grant is None:
            raise NotFound
        before = consent_state.predecessor(events, event)
        row = self._consents.row(standing.home, person, actor)
        seen, _blank, danish = event.grant.text.partition("\n\n")
        receipt = ConsentReceipt(
            citizen=self._overviews.citizen(standing),
            place=self._places.shown(standing, actor),
            sentences=tuple(seen.splitlines()),
            danish=tuple(danish.splitlines()),
            language=event.grant.language,
            at=event.at,
            owners=tuple(self._places.shown(standing, o) for o in sorted(event.grant.owners)),
            state=row.mine.value,
            age_note=age_note(standing),
            number=self._consents.number(citizen, event),
            replaces=self._consents.number(citizen, before) if before else "",
            undo_until=row.undo_until,
        )
        return receipt, event

    def _delivering(
        self, owners: Collection[str], involved: Involved
    ) -> frozenset[tuple[str, str]]:
        """The systems connected today that deliver for these owners, each with whose; later ones
        need a new yes."""
        configured = {(s.id, s.actor) for s in self._settings.source if s.actor in owners}
        met = {(s, o) for o in owners for s in involved.systems.get(o, ())}
        return frozenset(configured | met)

    def _danish(self, standing: Standing, proposal: Proposal) -> tuple[str, ...]:
        """The Danish beside a text that no translator has read: it is the Danish that counts."""
        if choose() in REVIEWED:
            return ()
        with spoken_as("da"):
            return self._sentences(standing, proposal)

    def _sentences(self, standing: Standing, proposal: Proposal) -> tuple[str, ...]:
        """The full sentences of a yes, exactly as stored with it."""
        place = self._places.shown(standing, proposal.actor).name
        names = sorted(self._places.shown(standing, o).name for o in proposal.owners)
        purpose = next(
            (configured_word(p.text) for p in self._settings.purpose if p.id == proposal.purpose),
            "",
        )
        found = [
            _(
                "%(place)s må se %(what)s om %(name)s.",
                place=place,
                what=joined(map(opened_word, sorted(proposal.categories))),
                name=standing.home.citizen.first_name,
            )
        ]
        if names:
            found.append(_("Oplysningerne kommer fra: %(owners)s.", owners=joined(names)))
        if proposal.excluded:
            kinds = joined(sorted(map(configured_word, proposal.excluded)))
            found.append(_("Også det, der ellers er holdt udenfor: %(kinds)s.", kinds=kinds))
        found.append(_("Formålet er: %(purpose)s.", purpose=purpose))
        found += _child_says(standing, proposal)
        until = format_date(proposal.until, "long")
        found.append(_("Samtykket gælder til og med %(until)s.", until=until))
        found.append(
            _(
                "Du kan altid trække det tilbage. Så kan de ikke se mere fra det øjeblik, "
                "men det, de allerede har læst, kan ikke tages tilbage."
            )
        )
        if self._consents.row(standing.home, person_of(standing.viewer), proposal.actor).open:
            found.append(
                _(
                    "Det nye ja erstatter det, du har givet før. Det gamle kommer ikke igen, "
                    "heller ikke hvis du fortryder."
                )
            )
        if _joint(standing):
            found.append(_("Det gælder først, når alle, der skal sige ja, har sagt ja."))
        return tuple(found)


def _child_says(standing: Standing, proposal: Proposal) -> list[str]:
    """From 10 the child is a party: what she says stands in every yes about her; it blocks none."""
    name, age = standing.home.citizen.first_name, standing.home.facts.age or 0
    if standing.relation is not Relation.GUARDIAN or not PARTY <= age < DECIDES_ON_HEALTH:
        return []
    said = " ".join(proposal.child_says.split())
    if not said:
        return [_("Du har ikke skrevet, hvad %(name)s siger.", name=name)]
    return [_("%(name)s siger: %(words)s", name=name, words=said)]


def _pairs(proposal: Proposal) -> frozenset[tuple[Category, str]]:
    owned = proposal.categories - OWNERLESS
    pairs = {(c, o) for c in owned for o in proposal.owners}
    return frozenset(pairs | {(c, ANY_OWNER) for c in proposal.categories & OWNERLESS})


def _joint(standing: Standing) -> bool:
    """Whether somebody else must say yes too."""
    age = standing.home.facts.age or 0
    others = len(standing.home.facts.guardians)
    if standing.relation is Relation.GUARDIAN:
        return others > 1 or age >= DECIDES_ON_HEALTH
    return DECIDES_ON_HEALTH <= age < ADULT


def _problem_word(field: str, why: str) -> str:
    """The message beside a field."""
    if why == "not yours":
        return _("Du kan ikke bestemme over oplysninger fra alle de steder, du har valgt.")
    if why == "period":
        return _("Vælg en dato efter i dag og højst et år frem.")
    return {
        "kategori": _("Vælg mindst én slags oplysninger."),
        "ejer": _("Vælg mindst ét sted, oplysningerne må komme fra."),
        "formaal": _("Vælg, hvad oplysningerne skal bruges til."),
        "undtaget": _("Vælg blandt dem, der står på listen, og hver kun én gang."),
    }.get(field, _("Se feltet igennem."))
