"""What the consent pages are handed: finished values, as handout.py's."""

from __future__ import annotations

from datetime import date, datetime

import msgspec

from portal.handout import Choice, Citizen, Overview, Place
from portal.records import Category


class ConsentRow(msgspec.Struct, frozen=True, kw_only=True):
    """One actor on the consent list.

    `state` is `data-consent`: none, pending, active, expired or withdrawn,
    the viewer's own answer only. `categories`, `owners` (names) and `until`
    tell what applies now (state active); `named` whether sources know the actor.
    """

    place: Place
    state: str
    categories: tuple[Category, ...] = ()
    owners: tuple[str, ...] = ()
    until: date | None = None
    purpose: str = ""
    involved: bool = True
    undo_until: datetime | None = None
    ends_soon: bool = False
    """It runs out within the reminder time: offer to renew it."""
    may_withdraw: bool = True
    """The viewer can take it back: a child under 15 sees her parents' yes, but it is theirs."""


class ConsentList(msgspec.Struct, frozen=True, kw_only=True):
    """`/overblik/<id>/samtykke`. `may_decide` False: a child under 15 only looks."""

    citizen: Citizen
    rows: tuple[ConsentRow, ...]
    may_decide: bool
    age_note: str = ""
    """"" | "health-self" (guardian of 15-17) | "joint-young" (15-17 self) | "child"."""
    custodians: int = 1
    register_down: bool = False
    complete: bool = True
    """No source is still waiting: all that are involved are known."""


class ConsentForm(msgspec.Struct, frozen=True, kw_only=True):
    """`/overblik/<id>/samtykke/<actor>`: fields kategori, ejer, undtaget, formaal, til, version.

    `owners` are single actors grouped by sector (health last and apart),
    `sectors` whole areas; `without_consent` sentences on what the actor sees
    already and why; `errors` field -> message (422); `history` sentences.
    """

    citizen: Citizen
    row: ConsentRow
    categories: tuple[Choice, ...] = ()
    sectors: tuple[Choice, ...] = ()
    owners: tuple[Choice, ...] = ()
    excluded: tuple[Choice, ...] = ()
    purposes: tuple[Choice, ...] = ()
    until: str = ""
    latest: date
    version: int
    may_decide: bool
    age_note: str = ""
    """As on the list."""
    asks_child: bool = False
    child_says: str = ""
    without_consent: tuple[str, ...] = ()
    history: tuple[HistoryLine, ...] = ()
    errors: dict[str, str] = {}
    changed: bool = False
    """409: the viewer's own answer changed after this form was shown."""
    register_down: bool = False
    """Nothing is known but that the viewer has said yes, which she can take back."""
    complete: bool = True
    """As on the list."""
    danish: ConsentForm | None = None
    """The same in Danish, which counts, where no translator has read the reader's language."""


class HistoryLine(msgspec.Struct, frozen=True, kw_only=True):
    """One event of the viewer's own consent history with one actor."""

    at: datetime
    kind: str
    """granted | refused | withdrawn | expired | ended | superseded"""
    categories: tuple[Category, ...] = ()
    owners: tuple[str, ...] = ()
    until: date | None = None
    purpose: str = ""
    text: str = ""


class ConsentConfirm(msgspec.Struct, frozen=True, kw_only=True):
    """Preview and confirmation: `overview` is what the actor would see, `sentences` what is said yes to."""

    citizen: Citizen
    place: Place
    sentences: tuple[str, ...]
    danish: tuple[str, ...] = ()
    """The same in Danish, which counts, where no translator has read the reader's language."""
    overview: Overview
    joint: bool
    token: str
    """Hidden field `udkast`: the draft this confirmation belongs to."""


class ConsentReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """Page, print and (at /kvittering.json) FHIR R4 Consent."""

    citizen: Citizen
    place: Place
    sentences: tuple[str, ...]
    danish: tuple[str, ...] = ()
    language: str = "da"
    """Of `sentences`, as they were shown then; `danish` stood beside them."""
    owners: tuple[Place, ...] = ()
    at: datetime
    state: str
    age_note: str = ""
    number: str
    replaces: str = ""
    """The number of the yes that this one replaced while it stood."""
    undo_until: datetime | None = None
