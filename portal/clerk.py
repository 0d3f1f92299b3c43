"""Has the log signed every few minutes of a worker's life, on a thread of its own: nobody waits for it."""

from __future__ import annotations

import logging
import threading
import time

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
    """Who signs, between requests."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self.checkpoints = Checkpoints(settings, store)
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
            if self.checkpoints.age() < EVERY / 2:  # another worker's
                return
            made = self.checkpoints.make()
            for fault in made.faults if made else ():
                log.error("access log %s entry %s: %s", fault.citizen, fault.seq, fault.problem)
        except (Unsignable, Untrue, StoreDown, OSError) as e:
            log.error("no checkpoint of the access log: %s", e)
        finally:
            self._lock.release()
