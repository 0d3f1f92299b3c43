"""The sessions: rows on the server, so that ending one ends every copy of its cookie at once.

A token is 256 random bits; only its hash is stored. What a session holds is
sealed. Idle 30 minutes (or less, as configured) and 12 hours in all (NIST SP 800-63B-4, AAL2).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    delete,
    insert,
    or_,
    select,
    update,
)

from portal.crypto import Unreadable, Vault, new_id, token_hash
from portal.db import Store, Task, aware, now
from portal.identity.arrival import Arrival
from portal.identity.checks import LogoutNotice
from portal.identity.failures import Invalid
from portal.identity.once import spend
from portal.identity.profile import Door
from portal.lasting import Lasting
from portal.models import session
from portal.settings import Settings

ABSOLUTE = timedelta(hours=12)
NOTED = timedelta(minutes=1)  # how exactly `used` is kept: one write a minute, not one a click
LOGOUT_TOKEN_SECONDS = 600
HALF = 32  # of a keyed hash of 64 hex digits: 128 bits still name one


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """Who is logged in. `person` is None for staff; `subject` is `Sessions.subject`."""

    session: str
    person: str | None
    subject: str
    name: str
    first_name: str
    actors: tuple[str, ...] = ()
    role: str = ""
    auth_time: int
    language: str = ""


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """One session as it is stored: who, by which door, the hint for logging out, and its data."""

    account: Account
    door: Door
    id_token: str = ""
    data: dict[str, Any] = {}


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A line in "where you are logged in"."""

    id: str
    created: datetime
    used: datetime


class Sessions:
    """All sessions of one municipality."""

    def __init__(self, settings: Settings, store: Store, vault: Vault) -> None:
        self._tenant = settings.municipality
        self._store, self._vault = store, vault
        self._lasting = Lasting(store, vault, self._tenant)
        self._idle = timedelta(seconds=settings.idle_seconds)
        self._noted = min(NOTED, self._idle / 30)

    def create(
        self,
        arrival: Arrival,
        *,
        person: str | None,
        name: str,
        first_name: str,
        language: str = "",
        replacing: Account | None = None,
        data: Mapping[str, Any] | None = None,
    ) -> str:
        """A new session and its token; the session it replaces is gone in the same moment."""
        token = secrets.token_urlsafe(32)
        account = Account(
            session=new_id(),
            person=person,
            subject=self.subject(arrival),
            name=name,
            first_name=first_name,
            actors=arrival.actors,
            role=arrival.role,
            auth_time=arrival.auth_time,
            language=language,
        )
        kept = dict(data or {})
        new = Session(account=account, door=arrival.door, id_token=arrival.id_token, data=kept)
        row = self._row(token_hash(token), new, arrival)
        with self._store.write(task=Task.SESSIONS) as connection:
            self._sweep(connection)
            if replacing:
                self._delete(connection, session.c.id == replacing.session)
            connection.execute(insert(session).values(row))
        return token

    def subject(self, arrival: Arrival) -> str:
        """The keyed hash of who this is at the provider: (iss, sub), never sub alone.

        An employee is who `person_claim` says, and nobody the citizens' door knows.
        """
        if arrival.door == "staff":
            return self._hash("staff", arrival.issuer, arrival.person)
        return self._hash(arrival.issuer, arrival.subject)

    def load(self, token: str, *, used: bool = True) -> Session | None:
        """The session of this token, if it stands; its use is noted, unless told that it is none.

        Raises StoreDown.
        """
        hashed = token_hash(token)
        with self._store.read(task=Task.SESSIONS) as connection:
            row = connection.execute(select(session).where(self._mine(hashed))).first()
        if row is None:
            return None
        moment = now()
        if self._left(row.used, row.created) <= timedelta():
            self._end(session.c.token == hashed)
            return None
        if used and moment - aware(row.used) >= self._noted:
            with self._store.write(task=Task.SESSIONS) as connection:
                connection.execute(update(session).where(self._mine(hashed)).values(used=moment))
        return self._open(hashed, row.data)

    def seconds_left(self, token: str) -> int:
        """How long this session stands if nobody uses it; asking is no use. 0 when it is over."""
        query = select(session.c.used, session.c.created).where(self._mine(token_hash(token)))
        with self._store.read(task=Task.SESSIONS) as connection:
            row = connection.execute(query).first()
        return max(0, int(self._left(row.used, row.created).total_seconds())) if row else 0

    def _left(self, used: datetime, created: datetime) -> timedelta:
        return min(aware(used) + self._idle, aware(created) + ABSOLUTE) - now()

    def change(self, token: str, values: Mapping[str, Any], gone: Iterable[str]) -> bool:
        """Set and remove keys of a session's data; False, and nothing, if it has ended.

        Only what this request touched: another request's keys are left as they are.
        """
        hashed = token_hash(token)
        with self._store.write(task=Task.SESSIONS) as connection:
            query = select(session.c.data).where(self._mine(hashed)).with_for_update()
            sealed = connection.execute(query).scalar()
            kept = self._open(hashed, sealed) if sealed else None
            if kept is None:
                return False
            data = {k: v for k, v in {**kept.data, **values}.items() if k not in set(gone)}
            changed = self._seal(hashed, msgspec.structs.replace(kept, data=data))
            connection.execute(update(session).where(self._mine(hashed)).values(data=changed))
        return True

    def list(self, account: Account) -> tuple[Listed, ...]:
        """Where this person is logged in, latest use first."""
        columns = (session.c.id, session.c.created, session.c.used)
        standing = and_(session.c.used > now() - self._idle, session.c.created > now() - ABSOLUTE)
        query = select(*columns).where(self._of(account), standing)
        with self._store.read(task=Task.SESSIONS) as connection:
            rows = connection.execute(query.order_by(session.c.used.desc())).all()
        return tuple(Listed(id=r.id, created=aware(r.created), used=aware(r.used)) for r in rows)

    def end(self, session_id: str) -> bool:
        """End one session, by its public id."""
        return self._end(session.c.id == session_id) > 0

    def end_own(self, account: Account, session_id: str) -> bool:
        """End one session, if it is this person's."""
        return self._end(and_(session.c.id == session_id, self._of(account))) > 0

    def end_person(self, person: str) -> int:
        """End every session of a citizen."""
        return self._end(session.c.person == person)

    def end_all(self) -> int:
        """End every session of this municipality."""
        return self._end(session.c.tenant == self._tenant)

    def end_provider_session(self, notice: LogoutNotice) -> int:
        """End what the provider says has ended. Raises Invalid when it said so before."""
        once = f"{self._tenant} {notice.issuer} {notice.jti}"
        with self._store.write(task=Task.SESSIONS) as connection:
            if not spend(connection, "logout", once, LOGOUT_TOKEN_SECONDS):
                raise Invalid("logout token used before")
            return self._delete(connection, self._meant(notice))

    def _meant(self, notice: LogoutNotice) -> ColumnElement[bool]:
        """By subject, by the provider's session, or both, at whichever door.

        With both, a session of the subject whose provider session we were never told ends too.
        """
        issuer, sub, sid = notice.issuer, notice.subject, notice.provider_session
        employee = self._hash("staff sub", issuer, sub)[:HALF]
        by_subject = or_(
            session.c.issuer_subject == self._hash(issuer, sub),
            session.c.issuer_subject.between(employee + "0" * HALF, employee + "f" * HALF),
        )
        by_sid = session.c.provider_session.in_(
            (self._hash(issuer, sid), self._hash("staff sid", issuer, sid))
        )
        if not notice.subject:
            return by_sid
        if not notice.provider_session:
            return by_subject
        return and_(by_subject, or_(by_sid, session.c.provider_session == ""))

    def _hash(self, *parts: str) -> str:
        return self._lasting.hash("\x1f".join(parts))

    def _mine(self, hashed: str) -> ColumnElement[bool]:
        return and_(session.c.token == hashed, session.c.tenant == self._tenant)

    def _of(self, account: Account) -> ColumnElement[bool]:
        whose = (
            session.c.person == account.person
            if account.person
            else and_(
                session.c.person.is_(None),
                session.c.issuer_subject.endswith(account.subject[:HALF]),
            )
        )
        return and_(whose, session.c.tenant == self._tenant)

    def _end(self, which: ColumnElement[bool]) -> int:
        with self._store.write(task=Task.SESSIONS) as connection:
            return self._delete(connection, which)

    def _delete(self, connection: Connection, which: ColumnElement[bool]) -> int:
        mine = session.c.tenant == self._tenant
        return int(connection.execute(delete(session).where(mine, which)).rowcount)

    def _sweep(self, connection: Connection) -> None:
        old = or_(session.c.used <= now() - self._idle, session.c.created <= now() - ABSOLUTE)
        self._delete(connection, old)

    def _row(self, hashed: str, kept: Session, arrival: Arrival) -> dict[str, Any]:
        moment, subject, sid = now(), kept.account.subject, ""
        staff, at = arrival.door == "staff", arrival.issuer
        if staff:  # half of what the provider will name, half of who it is here
            subject = self._hash("staff sub", at, arrival.subject)[:HALF] + subject[:HALF]
        if told := arrival.provider_session:
            sid = self._hash("staff sid", at, told) if staff else self._hash(at, told)
        return {
            "token": hashed,
            "tenant": self._tenant,
            "id": kept.account.session,
            "person": kept.account.person,
            "issuer_subject": subject,
            "provider_session": sid,
            "data": self._seal(hashed, kept),
            "created": moment,
            "used": moment,
        }

    def _seal(self, hashed: str, kept: Session) -> bytes:
        return self._vault.seal(msgspec.json.encode(kept), f"session {hashed}")

    def _open(self, hashed: str, sealed: bytes) -> Session | None:
        try:
            return msgspec.json.decode(self._vault.open(sealed, f"session {hashed}"), type=Session)
        except (Unreadable, msgspec.DecodeError):
            return None
