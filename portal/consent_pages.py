"""What a family member meets when she decides: the list of places, and one place's page.

Composes finished values from standing, events and settings; nothing is ticked
beforehand, health stands last and apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import msgspec

from portal.access import (
    ADULT,
    DECIDES_ON_HEALTH,
    PARTY,
    Viewer,
    decided_sectors,
    today_in_copenhagen,
)
from portal.consent_choices import (
    Filled,
    category_choices,
    excluded_choices,
    last_health,
    sector_choices,
)
from portal.consent_places import ConsentPlaces
from portal.consent_state import Kind, Mine
from portal.consents import Consents, Row
from portal.db import now
from portal.handout import Choice, Citizen, Relation
from portal.handout_consent import ConsentForm, ConsentList, ConsentRow, HistoryLine
from portal.i18n import REVIEWED, choose
from portal.involved import Involved, Involvement
from portal.overview import Look, Overviews
from portal.proposal import months_ahead
from portal.records import Actor, Category, Sector
from portal.settings import Settings
from portal.speech import gettext as _
from portal.speech import spoken_as
from portal.standing import NotFound, Standing
from portal.words import configured_word

FORM_SECONDS = 0.5
ORDER = ("active", "pending", "none", "expired", "withdrawn")


class ConsentPages:
    """The consent pages of one municipality."""

    def __init__(
        self,
        settings: Settings,
        overviews: Overviews,
        involvement: Involvement,
        consents: Consents,
        places: ConsentPlaces,
    ) -> None:
        self._settings, self._overviews, self._involvement = settings, overviews, involvement
        self._consents, self._places = consents, places
        self._actors = settings.actors

    def list(self, viewer: Viewer, citizen: str, wait: float | None) -> ConsentList:
        """Every actor one can name, with this viewer's own answer. Raises NotFound, RegisterDown."""
        standing, involved = self.stand(viewer, citizen, wait)
        rows = self._consents.rows(standing.home, person_of(viewer))
        nameable = [
            a for a in self._settings.actor if self._places.nameable(standing, a.id) or a.id in rows
        ]
        found = [
            self._row(standing, rows.get(a.id), a.id, a.id in involved.systems) for a in nameable
        ]
        gone = [
            self._row(standing, rows[a], a, False)
            for a in sorted(rows.keys() - self._actors.keys())
        ]
        return ConsentList(
            citizen=self._overviews.citizen(standing),
            rows=tuple(sorted((*found, *gone), key=_row_order)),
            may_decide=bool(self.decides(standing)),
            age_note=age_note(standing),
            custodians=len(standing.home.custodians or ()),
            complete=involved.complete,
        )

    def form(
        self,
        viewer: Viewer,
        citizen: str,
        actor: str,
        sent: Filled | None = None,
        errors: Mapping[str, str] | None = None,
        changed: bool = False,
        wait: float | None = FORM_SECONDS,
    ) -> ConsentForm:
        """One actor's page. Raises NotFound, RegisterDown."""
        standing, involved = self.stand(viewer, citizen, wait)
        if gone := self._places.gone(standing, actor):
            return self._farewell(standing, gone)
        actor = self._places.named(standing, actor)
        form = self._form(standing, involved, actor, sent, errors, changed)
        if choose() in REVIEWED:
            return form
        with spoken_as("da"):
            danish = self._form(standing, involved, actor, sent, errors, changed)
        return msgspec.structs.replace(form, danish=danish)

    def _form(
        self,
        standing: Standing,
        involved: Involved,
        actor: str,
        sent: Filled | None,
        errors: Mapping[str, str] | None,
        changed: bool,
    ) -> ConsentForm:
        filled = sent.proposal if sent else None
        ticked = sent.owners if sent else frozenset()
        row = self._consents.row(standing.home, person_of(standing.viewer), actor)
        latest = months_ahead(standing.home.facts.today, self._settings.consents.months)
        owners = self.owners(standing, actor)
        age = standing.home.facts.age or 0
        return ConsentForm(
            citizen=self._overviews.citizen(standing),
            row=self._row(standing, row, actor, actor in involved.systems),
            categories=category_choices(filled),
            sectors=sector_choices(owners, ticked),
            owners=tuple(
                Choice(
                    value=self._overviews.place(standing, o.id).id,
                    label=self._overviews.place(standing, o.id).name,
                    ticked=self._overviews.place(standing, o.id).id in ticked,
                    sector=o.sector,
                    help="" if o.id in involved.systems else _("Har ikke noget om jer endnu"),
                )
                for o in sorted(
                    owners, key=lambda o: (last_health(o.sector), o.id not in involved.systems)
                )
            ),
            excluded=excluded_choices(self._settings, filled),
            purposes=tuple(
                Choice(
                    value=p.id,
                    label=configured_word(p.text),
                    ticked=bool(filled and filled.purpose == p.id),
                )
                for p in self._settings.purpose
            ),
            until=sent.until if sent else latest.isoformat(),
            latest=latest,
            version=row.version,
            may_decide=bool(self.decides(standing)),
            age_note=age_note(standing),
            asks_child=PARTY <= age < 15 and standing.relation is Relation.GUARDIAN,
            child_says=filled.child_says if filled else "",
            without_consent=self._without(standing, actor),
            history=self.history(standing, actor),
            errors=dict(errors or {}),
            changed=changed,
            complete=involved.complete,
        )

    def _farewell(self, standing: Standing, actor: str) -> ConsentForm:
        """A place gone from the configuration: what was said, and the way to take it back."""
        row = self._consents.row(standing.home, person_of(standing.viewer), actor)
        return ConsentForm(
            citizen=self._overviews.citizen(standing),
            row=self._row(standing, row, actor, False),
            latest=standing.home.facts.today,
            version=row.version,
            may_decide=False,
            age_note=age_note(standing),
            history=self.history(standing, actor),
        )

    # --- without the register nothing is shown of the citizen, but a yes can still be taken back ---

    def list_unasked(self, viewer: Viewer, citizen: str, done: bool) -> ConsentList | None:
        """What the viewer has said yes to; nothing at all only when she has just taken it back."""
        rows = self._unasked(viewer, citizen, Kind.GRANTED)
        if not rows and not (done and self._unasked(viewer, citizen, Kind.WITHDRAWN)):
            return None
        somebody = _unasked_citizen(viewer, citizen)
        return ConsentList(citizen=somebody, rows=rows, may_decide=False, register_down=True)

    def form_unasked(self, viewer: Viewer, citizen: str, shown: str) -> ConsentForm | None:
        """One of those places alone, by the id she met."""
        actor = self._places.answered(citizen, person_of(viewer), shown)
        if not actor:
            return None
        place = self._places.unplaced(citizen, actor)
        rows = [r for r in self._unasked(viewer, citizen, Kind.GRANTED) if r.place == place]
        if not rows:
            return None
        return ConsentForm(
            citizen=_unasked_citizen(viewer, citizen),
            row=rows[0],
            latest=today_in_copenhagen(now()),
            version=0,
            may_decide=False,
            register_down=True,
        )

    def _unasked(self, viewer: Viewer, citizen: str, kind: Kind) -> tuple[ConsentRow, ...]:
        """The places where this was the viewer's last word, by the events alone."""
        person = person_of(viewer)
        if self._consents.shut_out(citizen, person):
            return ()
        words = {e.actor: e for e in self._consents.events(citizen) if e.by == person}
        return tuple(
            ConsentRow(place=self._places.unplaced(citizen, a), state=Mine.PENDING.value)
            for a, e in words.items()
            if e.kind is kind
        )

    # --- shared with the acts (deciding.py) ---

    def stand(
        self, viewer: Viewer, citizen: str, wait: float | None, fresh: bool = False
    ) -> tuple[Standing, Involved]:
        """Where the viewer stands, and which actors the sources name; staff decide nothing."""
        if viewer.staff:
            raise NotFound
        look = Look(wait=wait, categories=(), fresh=fresh)
        return self._involvement.of(viewer, citizen, look)

    def decides(self, standing: Standing) -> frozenset[Sector]:
        """The sectors whose data the viewer can open."""
        return decided_sectors(person_of(standing.viewer), standing.home.facts)

    def owners(self, standing: Standing, actor: str) -> tuple[Actor, ...]:
        """The actors whose data the viewer can open to `actor`."""
        mine = self.decides(standing)
        return tuple(
            a
            for a in self._settings.actor
            if a.sector in mine and a.id != actor and self._places.nameable(standing, a.id)
        )

    # --- the parts of a page ---

    def _row(self, standing: Standing, row: Row | None, actor: str, involved: bool) -> ConsentRow:
        place = self._places.shown(standing, actor)
        if row is None:
            return ConsentRow(place=place, state=Mine.NONE.value, involved=involved)
        owners = {o for s in row.scopes for _c, o in s.pairs if o in self._actors}
        purpose = row.scopes[0].purpose if row.scopes else ""
        until = min((s.until for s in row.scopes), default=None)
        remind = timedelta(days=self._settings.consents.remind_days)
        return ConsentRow(
            place=place,
            state=row.mine.value,
            categories=tuple(
                c for c in Category if any(c == p for s in row.scopes for p, _o in s.pairs)
            ),
            owners=tuple(sorted(self._places.shown(standing, o).name for o in owners)),
            until=until,
            ends_soon=bool(until and until - standing.home.facts.today <= remind),
            purpose=next(
                (configured_word(p.text) for p in self._settings.purpose if p.id == purpose), ""
            ),
            involved=involved,
            undo_until=row.undo_until,
            may_withdraw=row.version > 0 or bool(self.decides(standing)),
        )

    def _without(self, standing: Standing, actor: str) -> tuple[str, ...]:
        name = self._places.shown(standing, actor).name
        first = standing.home.citizen.first_name
        found = [
            _(
                "%(place)s ser altid sin egen sag om %(name)s. Det kræver ikke samtykke, "
                "fordi det er deres eget arbejde.",
                place=name,
                name=first,
            )
        ]
        before = self._settings.before_consent
        same = self._actors[actor].municipality == self._settings.municipality
        if before and same:
            found.append(
                _(
                    "Nogle medarbejdere kan også se, hvilken hjælp der er i gang, og hvem man kan "
                    "ringe til. Det følger af: %(basis)s",
                    basis=before.basis,
                )
            )
        return tuple(found)

    def history(self, standing: Standing, actor: str) -> tuple[HistoryLine, ...]:
        """The viewer's own answers about one actor, newest first."""
        person = person_of(standing.viewer)
        events = self._consents.events(standing.home.citizen.id)
        mine = [e for e in events if e.actor == actor and e.by == person]
        return tuple(
            HistoryLine(
                at=e.at,
                kind=e.kind.value,
                categories=tuple(sorted(e.grant.categories)) if e.grant else (),
                owners=tuple(sorted(self._places.shown(standing, o).name for o in e.grant.owners))
                if e.grant
                else (),
                until=e.grant.until if e.grant else None,
                text=e.grant.text if e.grant else "",
            )
            for e in reversed(mine)
        )


def _unasked_citizen(viewer: Viewer, citizen: str) -> Citizen:
    own = citizen == viewer.person
    relation = Relation.SELF if own else Relation.GUARDIAN
    return Citizen(id=citizen, name="", first_name="", relation=relation)


def person_of(viewer: Viewer) -> str:
    """The portal id of a family member; staff decide nothing."""
    if viewer.person is None:
        raise NotFound
    return viewer.person


def _row_order(row: ConsentRow) -> tuple[object, ...]:
    sector = list(Sector).index(row.place.sector)
    return (
        not row.involved and row.state == "none",
        sector,
        ORDER.index(row.state),
        row.place.name,
    )


def age_note(standing: Standing) -> str:
    """Who has to say yes, by age: what `ConsentList.age_note` holds."""
    age = standing.home.facts.age or 0
    if standing.relation is Relation.GUARDIAN:
        return "health-self" if age >= DECIDES_ON_HEALTH else ""
    if age < DECIDES_ON_HEALTH:
        return "child"
    return "joint-young" if age < ADULT else ""
