"""What an operator does to people's access from the command line."""

from __future__ import annotations

from sqlalchemy import insert, select

from portal import audit, join
from portal.audit import Act, Line
from portal.db import now
from portal.family import RegisterDown, UnknownPerson
from portal.models import access_closed
from portal.settings import CPR_SYSTEM, Settings


class NothingChanged(Exception):
    """The register does not know the person, or does not answer."""


def settle_consents(settings: Settings) -> str:
    """Write down every consent that has ended by itself; for a daily job."""
    portal = join(settings)
    ended = 0
    for citizen in portal.consents.everybody():
        try:
            ended += portal.consents.settle(portal.family.household(citizen))
        except (UnknownPerson, RegisterDown) as e:
            raise NothingChanged(f"{type(e).__name__} after {ended} ended consents") from None
    return f"{ended} consents had ended by themselves."


def close_access(settings: Settings, adult: str, child: str) -> str:
    """Shut an adult out of a child's overview at once; it looks like absence."""
    portal = join(settings)
    try:
        grown, young = (portal.family.identify(CPR_SYSTEM, cpr) for cpr in (adult, child))
    except (UnknownPerson, RegisterDown) as e:
        raise NothingChanged(type(e).__name__) from None
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
    return "Closed. It holds from the next page anybody opens."


def end_sessions(settings: Settings, cpr: str) -> str:
    """End all sessions, or those of one citizen."""
    portal = join(settings)
    if not cpr:
        return f"Ended {portal.sessions.end_all()} sessions."
    try:
        known = portal.family.identify(CPR_SYSTEM, cpr)
    except (UnknownPerson, RegisterDown) as e:
        raise NothingChanged(type(e).__name__) from None
    return f"Ended {portal.sessions.end_person(known.id)} sessions."
