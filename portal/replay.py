"""What a restored database must be told before anybody sees it: every no that is not in it.

In the transaction that restores. Each thing done is a line in the log of the citizen it is
about; what the database holds already, or never held, is left as it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import Connection, RowMapping, Table, delete, func, insert, select, update

from portal import audit
from portal.audit import Act, Line
from portal.comments import Detail
from portal.consent_state import BY_ITSELF, Kind
from portal.crypto import CitizenKey, Vault, new_id
from portal.db import Task, aware, now, scope
from portal.erasure import wipe
from portal.family import NOBODY, SEPARATOR
from portal.journal import Ended, Entry, Erased, Kept, Mark, No, Said, Shut
from portal.lasting import nobodys
from portal.models import access_closed, comment, consent_event, feed, person, report

LATE = timedelta(minutes=15)
"""How much earlier than a backup a no may say it was, and yet have been committed after it."""


def since(entries: Iterable[Entry], backup: str) -> list[No] | None:
    """What may not be in a backup, oldest first; None when the journal does not reach back to it."""
    found = list(entries)
    marks = [e.at for e in found if isinstance(e, Mark) and e.id == backup]
    if not marks:
        return None
    return ordered(e for e in found if e.at >= marks[0] - LATE)


def ordered(entries: Iterable[Entry]) -> list[No]:
    """By time: several nodes may each have a journal of their own."""
    return sorted((e for e in entries if not isinstance(e, Mark)), key=lambda e: e.at)


class Replay:
    """Tells one database, in one transaction; `done` counts what was not in it, by name."""

    def __init__(self, c: Connection, tenant: str, vault: Vault) -> None:
        self.done: Counter[str] = Counter()
        self._c, self._tenant, self._vault = c, tenant, vault

    def all(self, entries: Iterable[No]) -> None:
        """Every one of them, in their order."""
        for entry in entries:
            if isinstance(entry, Said):
                self._said(entry)
            elif isinstance(entry, Shut):
                self._shut(entry)
            elif isinstance(entry, Kept):
                self._kept(entry)
            elif isinstance(entry, Erased):
                self._erased(entry)
            else:
                self._ended(entry)

    def close_everything(self) -> None:
        """When there is no journal: every yes ends, every calendar link goes."""
        t = consent_event
        scope(self._c, self._tenant, task=Task.SETTLE)
        mine = select(t.c.citizen, t.c.actor, t.c.by, t.c.kind).where(t.c.tenant == self._tenant)
        words = self._c.execute(mine.order_by(t.c.citizen, t.c.seq)).all()
        last = {(w.citizen, w.actor, w.by): w.kind for w in words}
        for (citizen, actor, by), kind in last.items():
            key = self._key(citizen)
            if kind == Kind.GRANTED and key:
                self._end(citizen, actor, by, Kind.ENDED, now(), key)
        scope(self._c, self._tenant, task=Task.TIDY)
        links = select(feed.c.id, feed.c.person).where(feed.c.tenant == self._tenant)
        for link in self._c.execute(links).all():
            self._feed(link.person, link.id)

    # --- consents ---

    def _said(self, said: Said) -> None:
        t, key = consent_event, self._key(said.citizen)
        if key is None:
            return  # not in it yet, or erased: there is no yes
        same = (t.c.citizen == said.citizen) & (t.c.actor == said.actor) & (t.c.by == said.by)
        this = select(t.c.seq).where(same, t.c.kind == said.kind.value, t.c.at == said.at)
        if self._c.execute(this).first() is None:
            self._end(said.citizen, said.actor, said.by, said.kind, said.at, key)

    def _end(
        self,
        citizen: str,
        actor: str,
        by: str | None,
        kind: Kind,
        at: datetime,
        key: CitizenKey,
    ) -> None:
        t = consent_event
        top = select(func.max(t.c.seq)).where(t.c.citizen == citizen)
        seq = (self._c.execute(top).scalar() or 0) + 1
        row = {"tenant": self._tenant, "citizen": citizen, "seq": seq, "actor": actor, "by": by}
        self._c.execute(insert(t).values(**row, kind=kind.value, at=at, detail=None))
        act = Act.AUTOMATIC if kind in BY_ITSELF else Act.CONSENT
        self._log(citizen, key, Line(act=act, person=by, outcome=kind.value, about=actor))
        self.done["consents ended"] += 1

    # --- closed accesses, holds and erasures ---

    def _shut(self, shut: Shut) -> None:
        adult, child = (self._found(p) for p in (shut.adult, shut.child))
        if not shut.closed and not (adult and child):
            return
        adult, child = adult or self._enrolled(shut.adult), child or self._enrolled(shut.child)
        t = access_closed
        scope(self._c, self._tenant, adult, child)
        this = (t.c.adult == adult) & (t.c.citizen == child)
        stands = self._c.execute(select(t.c.at).where(this)).first() is not None
        if stands == shut.closed:
            return
        if shut.closed:
            row = {"tenant": self._tenant, "adult": adult, "citizen": child, "at": shut.at}
            self._c.execute(insert(t).values(**row))
        else:
            self._c.execute(delete(t).where(this))
        outcome = "access closed" if shut.closed else "access opened"
        if key := self._key(child):
            self._log(child, key, Line(act=Act.AUTOMATIC, subject="operator", outcome=outcome))
        self.done[f"{outcome.split()[1]} accesses"] += 1

    def _kept(self, kept: Kept) -> None:
        """A hold again, when another word about it, or none, is the newest in the log.

        Whom the backup does not hold is not enrolled for it: she may have been erased since.
        """
        reader, citizen = self._found(kept.reader), self._found(kept.citizen)
        key = self._key(citizen)
        if not reader or key is None:
            self.done["holds to make again (portal access hold): of people not in the backup"] += 1
            return
        line = Line(
            act=Act.HOLD,
            subject="operator",
            actors=(kept.actor,),
            outcome=kept.reason,
            told=reader,
            until=kept.until,
        )
        lines = (e.line for e in audit.entries(self._c, self._tenant, citizen, key, None))
        about = (x for x in lines if (x.act, x.told, x.actors) == (line.act, reader, line.actors))
        if next(about, None) != line:
            self._log(citizen, key, line)
            self.done["lines held back"] += 1

    def _erased(self, erased: Erased) -> None:
        old, key = erased.citizen, self._key(erased.citizen)
        if key is None:
            return
        hers = (access_closed.c.citizen == old) | (access_closed.c.adult == old)
        closed = self._c.execute(select(access_closed).where(hers)).all()
        fresh = (erased.fresh or new_id()) if closed else ""
        others = {p for r in closed for p in (r.adult, r.citizen)}
        told = Line(act=Act.AUTOMATIC, subject="operator", outcome="erased", about=old)
        self._log(old, key, told)
        scope(self._c, self._tenant, NOBODY)
        self._log(NOBODY, nobodys(self._c, self._vault, self._tenant), told)
        scope(self._c, self._tenant, *{old, fresh, *others} - {""})
        wipe(self._c, self._tenant, self._vault, old, fresh)
        self.done["people erased"] += 1

    # --- what was ended or taken back ---

    def _ended(self, ended: Ended) -> None:
        scope(self._c, self._tenant, ended.citizen)
        if ended.thing == "feed":
            self._feed(ended.citizen, ended.id)
        elif ended.thing == "report":
            self._report(ended)
        elif row := self._row(comment, ended):
            self._take_back(row, ended)

    def _feed(self, whose: str, id: str) -> None:
        scope(self._c, self._tenant, whose)
        gone = self._c.execute(delete(feed).where(feed.c.id == id)).rowcount
        self.done["calendar links closed"] += gone

    def _report(self, ended: Ended) -> None:
        this, key = (report.c.id == ended.id) & report.c.closed.is_(None), self._key(ended.citizen)
        author = self._c.execute(select(report.c.person).where(this)).scalar()
        if author and key:
            scope(self._c, self._tenant, ended.citizen, author)
            self._c.execute(update(report).where(this).values(closed=ended.at))
            line = Line(act=Act.REPORT, person=author, outcome="closed")
            self._log(ended.citizen, key, line)
            self.done["reports ended"] += 1

    def _take_back(self, row: RowMapping, ended: Ended) -> None:
        key, id, version = self._key(ended.citizen), row["id"], row["version"]
        if key is None:
            return
        opened = key.open(row["detail"], f"comment {id} {version}")
        detail = msgspec.msgpack.decode(opened, type=Detail)
        if detail.text is None:
            return
        gone = msgspec.msgpack.encode(msgspec.structs.replace(detail, text=None))
        sealed = key.seal(gone, f"comment {id} {version + 1}")
        values = {**row, "version": version + 1, "at": ended.at, "detail": sealed}
        self._c.execute(insert(comment).values(**values))
        line = Line(
            act=Act.COMMENT, person=detail.author, subject=detail.subject, outcome="taken back"
        )
        self._log(ended.citizen, key, line)
        self.done["comments taken back"] += 1

    def _row(self, table: Table, ended: Ended) -> RowMapping | None:
        newest = select(table).where(table.c.id == ended.id).order_by(table.c.version.desc())
        return self._c.execute(newest.limit(1)).mappings().first()

    # --- people ---

    def _key(self, citizen: str) -> CitizenKey | None:
        """Her key, and from here on the transaction is about her; None when she has none here."""
        scope(self._c, self._tenant, citizen)
        sealed = self._c.execute(select(person.c.key).where(person.c.id == citizen)).scalar()
        return CitizenKey(self._vault.open(sealed, f"key {citizen}")) if sealed else None

    def _found(self, who: str) -> str:
        """The portal id of a "system|value"; empty when she is not in it."""
        indexes = self._vault.indexes(f"{self._tenant}{SEPARATOR}{who}")
        scope(self._c, self._tenant, task=Task.FIND, keys=indexes)
        this = (person.c.tenant == self._tenant) & person.c.index.in_(indexes)
        return self._c.execute(select(person.c.id).where(this)).scalar() or ""

    def _enrolled(self, who: str) -> str:
        """A row for somebody whom the portal had met, and the backup had not."""
        id = new_id()
        row = {
            "id": id,
            "tenant": self._tenant,
            "index": self._vault.index(f"{self._tenant}{SEPARATOR}{who}"),
            "identifier": self._vault.seal(who.encode(), f"identifier {id}"),
            "key": self._vault.seal(bytes.fromhex(new_id() + new_id()), f"key {id}"),
            "created": now(),
        }
        scope(self._c, self._tenant, id)
        self._c.execute(insert(person).values(**row))
        return id

    def _log(self, citizen: str, key: CitizenKey, line: Line) -> None:
        audit.append(self._c, self._tenant, citizen, key, line)


def unsaid(c: Connection, tenant: str, entries: Iterable[No]) -> int:
    """How many nos a database does not obey: a yes that is older, and stands. For a drill."""
    t, count = consent_event, 0
    for no in entries:
        if isinstance(no, Said):
            scope(c, tenant, no.citizen)
            hers = (t.c.citizen == no.citizen) & (t.c.actor == no.actor) & (t.c.by == no.by)
            last = c.execute(select(t.c.kind, t.c.at).where(hers).order_by(t.c.seq.desc())).first()
            count += last is not None and last.kind == Kind.GRANTED and aware(last.at) <= no.at
    return count
