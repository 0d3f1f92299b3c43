"""Things that may be used once: login attempts and logout tokens."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, delete
from sqlalchemy.dialects import postgresql, sqlite

from portal.crypto import token_hash
from portal.db import now
from portal.models import spent


def spend(connection: Connection, what: str, value: str, seconds: int) -> bool:
    """True the first time; remembered for `seconds`, after which it must be too old anyway."""
    moment = now()
    _forget(connection, moment)
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    row = {"token": token_hash(f"{what} {value}"), "until": moment + timedelta(seconds=seconds)}
    query = dialect.insert(spent).values(row).on_conflict_do_nothing()
    # without asking for it, psycopg's count of an INSERT is not kept (-1)
    made = connection.execute(query, execution_options={"preserve_rowcount": True})
    return made.rowcount == 1


def _forget(connection: Connection, moment: datetime) -> None:
    connection.execute(delete(spent).where(spent.c.until < moment))
