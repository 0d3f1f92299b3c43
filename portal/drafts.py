"""Comments that are being written, kept for a day so that no session's end loses them.

Every form to write in carries a ticket: sealed, and saying to whom, on whose
overview and for which form it was made. A text that arrives with a ticket is
kept for that person and nobody else, whoever is logged in by then, or nobody: two
parents share a phone. A ticket lets nothing be read, and sends nothing.
"""

from __future__ import annotations

import base64
import binascii
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import ColumnElement, and_, delete, insert, select

from portal.access import Viewer
from portal.crypto import CitizenKey, Unreadable, Vault
from portal.db import Store, Task, now
from portal.family import Family, UnknownPerson
from portal.models import draft
from portal.settings import Settings

LIFE = timedelta(hours=24)
LONGEST = 20_000
"""Characters kept; more than may be sent, so that what was too long can be shortened."""
MOST_READERS = 60
CONTEXT = "draft ticket"


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a form was made for, and which.

    `place` is "om:<entry>" (empty entry: the whole overview), "ret:<comment>", "svar:<comment>",
    or "fejl:<entry>" for a message that something is wrong.
    """

    whose: str
    staff: bool
    citizen: str
    place: str
    at: datetime


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A text not sent yet: what is sealed, and what its writer gets back."""

    place: str
    text: str
    to: tuple[str, ...]
    at: datetime


class Drafts:
    """The drafts of one municipality."""

    def __init__(self, settings: Settings, store: Store, family: Family, vault: Vault) -> None:
        self._tenant, self._store = settings.municipality, store
        self._family, self._vault = family, vault

    def ticket(self, viewer: Viewer, citizen: str, place: str) -> str:
        """For a hidden field of a form to write in."""
        made = Ticket(
            whose=whose(viewer),
            staff=viewer.staff,
            citizen=citizen,
            place=place,
            at=now(),
        )
        sealed = self._vault.seal(msgspec.msgpack.encode(made), CONTEXT)
        return base64.urlsafe_b64encode(sealed).decode()

    def read(self, ticket: str) -> Ticket | None:
        """What a ticket says; None for whatever we did not make, or made too long ago."""
        try:
            opened = self._vault.open(base64.urlsafe_b64decode(ticket.encode()), CONTEXT)
            found = msgspec.msgpack.decode(opened, type=Ticket)
        except (Unreadable, ValueError, binascii.Error, msgspec.DecodeError):
            return None
        return found if now() - found.at < LIFE else None

    def keep(self, ticket: Ticket, text: str, to: tuple[str, ...]) -> None:
        """Keep a text for whom the ticket names; an empty one deletes. Raises StoreDown."""
        try:
            key = self._family.key(ticket.citizen)
        except UnknownPerson:
            return
        slot = key.ref("draft", ticket.whose, ticket.place)
        kept = Draft(
            place=ticket.place,
            text=text[:LONGEST],
            to=to[:MOST_READERS],
            at=now(),
        )
        with self._store.write(ticket.citizen) as c:
            c.execute(delete(draft).where(self._at(ticket.whose, slot)))
            if text.strip():
                c.execute(insert(draft).values(self._row(ticket, slot, key, kept)))

    def of(self, viewer: Viewer, citizen: str) -> dict[str, Draft]:
        """This person's drafts on one overview, by place."""
        key, mine = self._family.key(citizen), whose(viewer)
        where = and_(draft.c.whose == mine, draft.c.citizen == citizen, draft.c.until > now())
        with self._store.read(citizen) as c:
            rows = c.execute(select(draft.c.slot, draft.c.detail).where(where)).all()
        found = (self._open(key, mine, row.slot, row.detail) for row in rows)
        return {d.place: d for d in sorted(found, key=lambda d: d.at, reverse=True)}

    def drop(self, viewer: Viewer, citizen: str, place: str) -> None:
        """Sent, or not wanted any more."""
        slot = self._family.key(citizen).ref("draft", whose(viewer), place)
        with self._store.write(citizen) as c:
            c.execute(delete(draft).where(self._at(whose(viewer), slot)))

    @staticmethod
    def moment() -> datetime:
        """Now, as drafts are dated."""
        return now()

    def tidy(self) -> None:
        """Remove what is older than a day."""
        with self._store.write(task=Task.TIDY) as c:
            old = and_(draft.c.tenant == self._tenant, draft.c.until <= now())
            c.execute(delete(draft).where(old))

    def _at(self, mine: str, slot: str) -> ColumnElement[bool]:
        return and_(draft.c.tenant == self._tenant, draft.c.whose == mine, draft.c.slot == slot)

    def _row(self, ticket: Ticket, slot: str, key: CitizenKey, kept: Draft) -> dict[str, object]:
        return {
            "tenant": self._tenant,
            "whose": ticket.whose,
            "slot": slot,
            "citizen": ticket.citizen,
            "until": kept.at + LIFE,
            "detail": key.seal(msgspec.msgpack.encode(kept), _context(ticket.whose, slot)),
        }

    @staticmethod
    def _open(key: CitizenKey, mine: str, slot: str, sealed: bytes) -> Draft:
        return msgspec.msgpack.decode(key.open(sealed, _context(mine, slot)), type=Draft)


def whose(viewer: Viewer) -> str:
    """Who gets a text back: a citizen by portal id, an employee by the keyed hash of her login."""
    return viewer.person or viewer.subject


def _context(mine: str, slot: str) -> str:
    return f"draft {mine} {slot}"
