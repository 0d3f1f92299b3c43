"""A connection to PostgreSQL that gives up on a server which falls silent: libpq waits for ever.

It also says what a transaction is about in the same breath as it begins it: a page
has three of them, and each way to the server and back costs.
"""

from __future__ import annotations

import select
from typing import Any

import psycopg
from psycopg.pq import Escaping, TransactionStatus

OPENS = "SELECT set_config("
"""How the statement begins that opens a transaction (engines.SCOPE)."""


class Opening(psycopg.Cursor[Any]):
    """Sends BEGIN and that statement together; whatever else, as ever."""

    def execute(self, query: Any, params: Any = None, **how: Any) -> Opening:
        """With `OPENS` outside of a transaction no rows are to be had: none are wanted."""
        link = self.connection
        idle = link.pgconn.transaction_status == TransactionStatus.IDLE
        if not (link.autocommit and idle and isinstance(query, str) and query.startswith(OPENS)):
            super().execute(query, params, **how)
            return self
        values = tuple(_quoted(link, v) for v in params)
        begin = "BEGIN READ ONLY" if link.read_only else "BEGIN"
        super().execute(f"{begin}; {query % values}".encode(), prepare=False)
        return self


def _quoted(link: psycopg.Connection[Any], value: str) -> str:
    """Raises psycopg.DataError for what no text of PostgreSQL holds; libpq would end at such a sign."""
    try:
        text = value.encode()
    except UnicodeEncodeError as e:
        raise psycopg.DataError("half a sign") from e
    if b"\0" in text:
        raise psycopg.DataError("NUL")
    return bytes(Escaping(link.pgconn).escape_literal(text)).decode()


class Attentive(psycopg.Connection[Any]):
    """Waits `seconds` for each answer (None: for ever), also of a server that keeps the line open."""

    seconds: float | None = None

    def quiet(self) -> bool:
        """Whether the server has said nothing since its last answer: one that is gone has said goodbye.

        Costs no way to the server and back; what such a look cannot see, `wait` ends in time.
        """
        line = select.poll()
        line.register(self.pgconn.socket, select.POLLIN)
        return not line.poll(0)

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """Raises psycopg.OperationalError when nothing came in time; the connection is then closed."""
        try:
            return super().wait(gen, interval, self.seconds if timeout is None else timeout)
        except psycopg.OperationalError:
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                self.pgconn.finish()  # nobody knows what became of it: of no use to anybody else
            raise
