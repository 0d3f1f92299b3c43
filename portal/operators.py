"""What an operator does to people's access from the command line."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime

from sqlalchemy import delete, insert, select

from portal import audit, join
from portal.access import ADULT, Facts, today_in_copenhagen
from portal.audit import Act, Line
from portal.db import Task, aware, now
from portal.family import SEPARATOR, Family, Known, RegisterDown, UnknownPerson
from portal.journal import Journal, Kept, Shut
from portal.models import access_closed
from portal.proposal import months_ahead
from portal.seen_by import held_back
from portal.settings import CPR_SYSTEM, Settings

LONGEST_HOLD = 366
"""Days; a longer reason is looked at again and said again."""


WHY: dict[type[Exception], str] = {
    UnknownPerson: "the register does not know the person",
    RegisterDown: "the register does not answer",
}


class NothingChanged(Exception):
    """Nothing was done, and why."""


def settle_consents(settings: Settings) -> str:
    """Write down every consent that has ended by itself; for a daily job."""
    portal = join(settings)
    ended = 0
    for citizen in portal.consents.everybody():
        if not portal.family.exists(citizen):  # erased
            continue
        try:
            ended += portal.consents.settle(portal.family.household(citizen))
        except (UnknownPerson, RegisterDown) as e:
            raise NothingChanged(f"{WHY[type(e)]}, after {ended} ended consents") from None
    return f"{ended} consents had ended by themselves."


def close_access(settings: Settings, adult: str, child: str) -> str:
    """Shut an adult out of a child's overview at once; it looks like absence."""
    portal = join(settings)
    try:
        grown, young = (portal.family.identify(CPR_SYSTEM, cpr) for cpr in (adult, child))
    except (UnknownPerson, RegisterDown) as e:
        raise NothingChanged(WHY[type(e)]) from None
    _check_order(grown, young)
    table = access_closed
    where = (table.c.adult == grown.id) & (table.c.citizen == young.id)
    with portal.store.write(grown.id, young.id) as c:
        if c.execute(select(table.c.at).where(where)).first():
            return "It was closed already."
        c.execute(
            insert(table).values(
                tenant=settings.municipality, adult=grown.id, citizen=young.id, at=now()
            )
        )
        line = Line(act=Act.AUTOMATIC, subject="operator", outcome="access closed")
        audit.append(c, settings.municipality, young.id, portal.family.key(young.id), line)
        _journal(settings, adult, child, closed=True)
    return "Closed. It holds from the next page anybody opens."


def _check_order(grown: Known, young: Known) -> None:
    """Two numbers that changed places would close nothing, and be told as closed."""
    today = today_in_copenhagen(now())
    age = Facts(citizen=young.id, born=young.person.born, today=today).age
    if grown.id == young.id:
        raise NothingChanged("both numbers are the same person's")
    if age is not None and age >= ADULT:
        raise NothingChanged("the second number is no child's; the adult's stands first")


def hold_lines(
    settings: Settings, reader: str, citizen: str, actor: str, until: date, reason: str
) -> str:
    """Keep an owner's lines in a citizen's log from one reader, to and with a day; itself logged."""
    today, months = today_in_copenhagen(now()), settings.audit.keep_months
    if not reason.strip() or (until - today).days > LONGEST_HOLD:
        raise NothingChanged(f"a hold needs a reason, and ends within {LONGEST_HOLD} days")
    if months and until >= months_ahead(today, months):
        raise NothingChanged(
            f"the log keeps the hold itself for {months} months ([audit] keep_months): end it before"
        )
    portal = join(settings)
    try:
        who, whose = (portal.family.identify(CPR_SYSTEM, cpr) for cpr in (reader, citizen))
    except (UnknownPerson, RegisterDown) as e:
        raise NothingChanged(WHY[type(e)]) from None
    line = Line(
        act=Act.HOLD,
        subject="operator",
        actors=(actor,),
        outcome=reason.strip(),
        told=who.id,
        until=until,
    )
    with portal.store.write(whose.id) as c:
        key = portal.family.key(whose.id)
        if actor not in settings.actors:  # a place that is gone: what it holds may end
            said = audit.entries(c, settings.municipality, whose.id, key, None)
            if until >= today or actor not in held_back(said, who.id, today):
                raise NothingChanged(f"no [[actor]] has the id {actor!r}")
        audit.append(c, settings.municipality, whose.id, key, line)
        people = {"reader": f"{CPR_SYSTEM}{SEPARATOR}{reader}"}
        people |= {"citizen": f"{CPR_SYSTEM}{SEPARATOR}{citizen}"}
        kept = Kept(**people, actor=actor, until=until, reason=line.outcome, at=now())
        Journal(settings).keep(kept)
    return f"Held back to and with {until}." if until >= today else "No longer held back."


def open_access(settings: Settings, adult: str, child: str) -> str:
    """Undo close_access: the adult sees again what custody gives her."""
    portal = join(settings)
    people = (portal.family.enrolled(CPR_SYSTEM, cpr) for cpr in (adult, child))
    grown, young = (p or "" for p in people)
    table = access_closed
    with portal.store.write(grown, young) as c:
        found = c.execute(
            delete(table).where((table.c.adult == grown) & (table.c.citizen == young))
        )
        if not found.rowcount:
            return "It was not closed."
        line = Line(act=Act.AUTOMATIC, subject="operator", outcome="access opened")
        audit.append(c, settings.municipality, young, portal.family.key(young), line)
        _journal(settings, adult, child, closed=False)
    return "Opened. It holds from the next page anybody opens."


def _journal(settings: Settings, adult: str, child: str, closed: bool) -> None:
    """Before the commit: said again after a crash, the command finds nothing more to do."""
    people = (f"{CPR_SYSTEM}{SEPARATOR}{cpr}" for cpr in (adult, child))
    grown, young = people
    Journal(settings).keep(Shut(adult=grown, child=young, closed=closed, at=now()))


def closed_access(settings: Settings) -> Iterator[str]:
    """Every closed access, a line each, oldest first; each look is logged with the child first."""
    portal = join(settings)
    t = access_closed
    with portal.store.read(task=Task.CLOSED) as c:
        rows = c.execute(select(t.c.adult, t.c.citizen, t.c.at).order_by(t.c.at)).all()
    children = sorted({r.citizen for r in rows})
    with portal.store.write(*children) as c:
        for child in children:
            line = Line(act=Act.LOOK_UP, subject="operator", outcome="closed access listed")
            audit.append(c, settings.municipality, child, portal.family.key(child), line)
    for adult, child, at in rows:
        since: datetime = aware(at)
        names = f"{_name(portal.family, adult)} -> {_name(portal.family, child)}"
        yield f"{since:%Y-%m-%d %H:%M} UTC  {names}"
    if not rows:
        yield "No access is closed."


def _name(family: Family, citizen: str) -> str:
    """As the register has it; the portal's id when it cannot say."""
    try:
        person = family.known(citizen).person
    except (UnknownPerson, RegisterDown):
        return citizen
    return f"{person.name} ({person.born})"


def end_sessions(settings: Settings, cpr: str) -> str:
    """End all sessions, or those of one citizen."""
    portal = join(settings)
    if not cpr:
        return f"Ended {portal.sessions.end_all()} sessions."
    try:
        known = portal.family.identify(CPR_SYSTEM, cpr)
    except (UnknownPerson, RegisterDown) as e:
        raise NothingChanged(WHY[type(e)]) from None
    return f"Ended {portal.sessions.end_person(known.id)} sessions."
