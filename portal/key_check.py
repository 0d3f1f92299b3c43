"""Whether the data keys open what the database holds. With others everybody would be somebody new:
nobody's consents would stand, and no closed access would hold.
"""

from __future__ import annotations

from sqlalchemy import func, select

from portal.crypto import Unreadable, Vault
from portal.db import Store, StoreDown, Task
from portal.lasting import nobodys
from portal.models import person


class KeyCheck:
    """Of one municipality. One person is enough, and is asked for until there is one."""

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
        t = person.c
        sealed = select(t.id, t.identifier).where(
            t.tenant == self._tenant, func.length(t.identifier) > 0
        )  # of an erased person nothing is left
        with self._store.read(task=Task.ROTATE) as c:
            nobodys(c, self._vault, self._tenant)
            found = c.execute(sealed.limit(1)).first()
        if found:
            self._vault.open(found.identifier, f"identifier {found.id}")
        return found is not None
