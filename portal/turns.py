"""One thread of a worker makes a page at a time, and the others wait without waking it.

Python lets one thread compute at once. Those that want to wake the one that does, two
thousand times a second each: thirty pages at once cost a third more than thirty one
after the other, and all of them came late. So what only computes takes a turn.
"""

from __future__ import annotations

import threading

TURN = threading.RLock()
"""Held by whoever computes. Nobody may wait for anything while holding it: no source, no database, no lock."""
