"""A connection to PostgreSQL that gives up on a server which falls silent: libpq waits for ever."""

from __future__ import annotations

import select
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus


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
