"""Every few minutes of a worker's life the log is signed and old drafts go, on a thread nobody waits for."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from portal.checkpoints import Checkpoints
from portal.db import Store, StoreDown
from portal.second_place import Unsignable
from portal.settings import Settings
from portal.verifier import Untrue

log = logging.getLogger(__name__)

EVERY = 300.0
"""Seconds between two checkpoints of a running portal."""
FIRST = 60.0
"""Seconds after its start that a worker looks for the first time."""


class Clerk:
    """Who signs and tidies, between requests."""

    def __init__(
        self, settings: Settings, store: Store, tidy: Callable[[], None] = lambda: None
    ) -> None:
        self.checkpoints, self._tidy = Checkpoints(settings, store), tidy
        self._sign = settings.audit.sign
        self._next = time.monotonic() + FIRST
        self._lock = threading.Lock()

    def nudge(self) -> None:
        """Called after every request; nearly always there is nothing to do, and nobody waits."""
        if time.monotonic() < self._next or not self._lock.acquire(blocking=False):
            return
        self._next = time.monotonic() + EVERY
        threading.Thread(target=self._work, name="checkpoint", daemon=True).start()

    def _work(self) -> None:
        try:
            self._tidy()
            if not self._sign or self.checkpoints.age() < EVERY / 2:  # another's work
                return
            made = self.checkpoints.make()
            for fault in made.faults if made else ():
                log.error("access log, entry %s of a chain: %s", fault.seq, fault.problem)
        except (Unsignable, Untrue, StoreDown, OSError) as e:
            log.error("no checkpoint of the access log: %s", e)
        finally:
            self._lock.release()
