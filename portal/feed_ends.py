"""Calendar links go when their owner may not look any more; such a link opens nothing meanwhile."""

from __future__ import annotations

from sqlalchemy import delete, select

from portal.access import Viewer, relation
from portal.crypto import Vault
from portal.db import Store, Task, now
from portal.family import Family, RegisterDown, UnknownPerson
from portal.journal import Ended, Journal
from portal.models import feed
from portal.settings import Settings
from portal.sources.gather import Gatherer
from portal.sources.register import Register


def tidy(settings: Settings, store: Store) -> int:
    """For a command: asks the register about each link; how many went. Raises StoreDown."""
    register = Register(settings, Gatherer(settings))
    family = Family(settings, store, Vault(settings.data_keys), register)
    return remove_ended(settings.municipality, store, family, Journal(settings))


def remove_ended(tenant: str, store: Store, family: Family, journal: Journal) -> int:
    """Doubt keeps a link. Raises StoreDown."""
    query = select(feed.c.id, feed.c.person, feed.c.citizen).where(feed.c.tenant == tenant)
    with store.read(task=Task.TIDY) as c:
        rows = c.execute(query).all()
    ended = [r for r in rows if _ended(family, r.person, r.citizen)]
    for row in ended:
        with store.write(row.person, row.citizen) as c:
            c.execute(delete(feed).where(feed.c.id == row.id))
        journal.keep(Ended(thing="feed", id=row.id, citizen=row.person, at=now()))
    return len(ended)


def _ended(family: Family, person: str, citizen: str) -> bool:
    try:
        facts = family.household(citizen, fresh=True).facts
    except UnknownPerson:
        return True
    except RegisterDown:
        return False
    known = facts.custodians is not None or person == citizen
    return known and relation(Viewer(person=person), facts) is None
