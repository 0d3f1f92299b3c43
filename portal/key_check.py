"""Whether the data keys open what the database holds. With others everybody would be somebody new:
nobody's consents would stand, and no closed access would hold.
"""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from portal.crypto import LABEL, Unreadable, Vault
from portal.db import Store, StoreDown, Task
from portal.lasting import nobodys
from portal.models import person


class KeyCheck:
    """Of one municipality. One person for each key that sealed somebody; asked for until there is one."""

    def __init__(self, store: Store, vault: Vault, tenant: str) -> None:
        self._store, self._vault, self._tenant = store, vault, tenant
        self._opened = False

    def problem(self) -> str:
        """Why nobody can be served with these keys; empty when all is well, or nothing held yet."""
        try:
            self._opened = self._opened or self._opens()
        except Unreadable:
            return "the data keys do not open what the database holds"
        except StoreDown:
            return "the database does not answer"
        return ""

    def _opens(self) -> bool:
        """Whether there was somebody to try them on. Raises Unreadable, StoreDown."""
        with self._store.read(task=Task.ROTATE) as c:
            return opens(c, self._vault, self._tenant)


def opens(c: Connection, vault: Vault, tenant: str) -> bool:
    """The same in a transaction that has Task.ROTATE. Raises Unreadable.

    What is half rotated needs both keys. Of an erased person nothing is left to open.
    """
    t = person.c
    nobodys(c, vault, tenant)
    ours = (t.tenant == tenant) & (func.length(t.identifier) > 0)
    one_each = select(func.min(t.id)).where(ours).group_by(func.substr(t.identifier, 1, LABEL))
    ids = c.execute(one_each).scalars().all()
    for row in c.execute(select(t.id, t.identifier).where(t.id.in_(ids))).all():
        vault.open(row.identifier, f"identifier {row.id}")
    return bool(ids)
