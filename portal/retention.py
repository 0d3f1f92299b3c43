"""What is past its time goes: the log's oldest lines, sessions, drafts, marks and reports.

The log is cut below a line that a checkpoint had signed when the time began
(`[audit] keep_months`). First a new checkpoint says that the chain begins there, and
only then the database lets the older lines go: whoever verifies finds a chain that
begins where a signature says so. The newest line of a chain always stays.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
from sqlalchemy import Connection, delete, insert, or_, select

from portal import audit
from portal.audit import Act, Line
from portal.checkpoints import Checkpoints
from portal.crypto import Vault
from portal.db import Store, Task, now
from portal.family import NOBODY
from portal.identity.session import ABSOLUTE
from portal.lasting import Lasting
from portal.models import access_entry, draft, log_start, report, seen, session, spent
from portal.proposal import months_ahead
from portal.reports import LIFE as REPORT
from portal.second_place import Unsignable
from portal.seen import LIFE as SEEN
from portal.settings import Settings
from portal.verifier import Head


class Tidied(msgspec.Struct, frozen=True, kw_only=True):
    """What was removed; `lines` of `chains` of the log, written before `before`."""

    before: datetime | None
    lines: int
    chains: int
    rest: dict[str, int]


class Retention:
    """Tidies one municipality's database, by the tables' owner."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings, self._store = settings, store
        self._tenant = settings.municipality
        self._checkpoints = Checkpoints(settings, store)

    def tidy(self) -> Tidied:
        """Remove everything whose time is over. Raises Unsignable, Untrue, StoreDown."""
        rest = self._rest()
        months, before, cut = self._settings.audit.keep_months, None, {}
        if months:
            before = _ago(now(), months)
            cut = self._cut(before)
        tidied = Tidied(before=before, lines=sum(cut.values()), chains=len(cut), rest=rest)
        if tidied.lines:
            self._log(tidied)
        self._store.settle()
        return tidied

    def _rest(self) -> dict[str, int]:
        moment, idle = now(), timedelta(seconds=self._settings.idle_seconds)
        over = {
            "sessions": (
                session,
                or_(session.c.used <= moment - idle, session.c.created <= moment - ABSOLUTE),
            ),
            "drafts": (draft, draft.c.until <= moment),
            "marks of what was seen": (seen, seen.c.at < moment - SEEN),
            "reports": (report, report.c.at < moment - REPORT),
            "spent tokens": (spent, spent.c.until < moment),
        }
        with self._store.own(task=Task.TIDY) as c:
            return {n: c.execute(delete(t).where(w)).rowcount for n, (t, w) in over.items()}

    def _cut(self, before: datetime) -> dict[str, int]:
        """Lines removed from each chain that was longer than it may be."""
        begins = self._begins(before)
        if not begins:
            return {}
        if not self._checkpoints.make(begins=begins):
            raise Unsignable("another checkpoint was made at the same moment; try again")
        removed = {}
        with self._store.own(task=Task.TIDY) as c:
            for citizen, head in sorted(begins.items()):
                removed[citizen] = self._remove(c, citizen, head)
        return removed

    def _begins(self, before: datetime) -> dict[str, Head]:
        """Each chain's line that was signed as its newest then, if older ones stand before it."""
        signed = self._checkpoints.sealed(before).heads
        t = access_entry
        with self._store.read(task=Task.LOG) as c:
            query = select(t.c.citizen).where(t.c.tenant == self._tenant, t.c.at < before)
            long = set(c.execute(query.distinct()).scalars())
            return {
                citizen: head
                for citizen, head in signed.items()
                if citizen in long and self._longer(c, citizen, head)
            }

    def _longer(self, c: Connection, citizen: str, head: Head) -> bool:
        t = access_entry
        hers = (t.c.tenant == self._tenant) & (t.c.citizen == citizen)
        older = c.execute(select(t.c.seq).where(hers, t.c.seq < head.seq).limit(1)).first()
        return older is not None

    def _remove(self, c: Connection, citizen: str, head: Head) -> int:
        s, t = log_start, access_entry
        c.execute(delete(s).where(s.c.tenant == self._tenant, s.c.citizen == citizen))
        values = {"tenant": self._tenant, "citizen": citizen, "seq": head.seq, "at": now()}
        c.execute(insert(s).values(**values))
        hers = (t.c.tenant == self._tenant) & (t.c.citizen == citizen)
        return int(c.execute(delete(t).where(hers, t.c.seq < head.seq)).rowcount)

    def _log(self, tidied: Tidied) -> None:
        outcome = f"log cut: {tidied.lines} lines of {tidied.chains} chains"
        line = Line(act=Act.AUTOMATIC, subject="operator", outcome=outcome)
        vault = Vault(self._settings.data_keys)
        key = Lasting(self._store, vault, self._tenant).nobodys()
        with self._store.write(NOBODY) as c:
            audit.append(c, self._tenant, NOBODY, key, line)


def _ago(moment: datetime, months: int) -> datetime:
    """The same time of day so many months before."""
    day = moment.date()
    earlier = months_ahead(day, -months)
    return moment - timedelta(days=(day - earlier).days)
