"""What must not change when data keys do: hashes of employees, and the key of nobody's chain.

Both stand in lines that are never written again (the log, comments). Before the first
`portal keys rotate` they are derived from the oldest data key; it then stores that
value, sealed, and from there on it no longer hangs on any data key.
"""

from __future__ import annotations

import hmac

from sqlalchemy import Connection, insert, select, update

from portal.crypto import CitizenKey, Vault
from portal.db import Store
from portal.models import lasting_key

CONTEXT = "lasting key"


class Lasting:
    """The lasting key of one municipality; read once, then remembered."""

    def __init__(self, store: Store, vault: Vault, tenant: str) -> None:
        self._store, self._vault, self._tenant = store, vault, tenant
        self._found = b""

    def hash(self, value: str) -> str:
        """The keyed hash of a value that names somebody for good (hex, 64 characters)."""
        return hmac.digest(self._key(), value.encode(), "sha256").hex()

    def nobodys(self) -> CitizenKey:
        """What seals the chain of nobody, also what operators did to the log."""
        return CitizenKey(bytes.fromhex(self.hash("nobody")))

    def keep(self) -> None:
        """Store it under the first data key, or seal what is stored anew. Raises StoreDown."""
        t = lasting_key
        sealed = self._vault.seal(self._key(), f"{CONTEXT} {self._tenant}")
        with self._store.own() as c:
            mine = t.c.tenant == self._tenant
            if c.execute(update(t).where(mine).values(sealed=sealed)).rowcount == 0:
                c.execute(insert(t).values(tenant=self._tenant, sealed=sealed))

    def _key(self) -> bytes:
        if not self._found:
            with self._store.read() as c:
                self._found = _stored(c, self._vault, self._tenant)
        return self._found


def nobodys(c: Connection, vault: Vault, tenant: str) -> CitizenKey:
    """As `Lasting.nobodys`, by what a transaction sees that is not committed yet."""
    return CitizenKey(hmac.digest(_stored(c, vault, tenant), b"nobody", "sha256"))


def _stored(c: Connection, vault: Vault, tenant: str) -> bytes:
    query = select(lasting_key.c.sealed).where(lasting_key.c.tenant == tenant)
    sealed = c.execute(query).scalar()
    return vault.open(sealed, f"{CONTEXT} {tenant}") if sealed else vault.oldest_index
