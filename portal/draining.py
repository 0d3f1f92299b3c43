"""Whether this server is being stopped: one byte that the server and its workers share.

Made before the workers are forked, so that all of them see it at once, without a
signal, a file or a question to anybody.
"""

from __future__ import annotations

import mmap

_byte = mmap.mmap(-1, 1)


def begin() -> None:
    """From now on every worker says that it is not ready."""
    _byte[0] = 1


def problem() -> str:
    """Why this worker should be sent nobody new; empty when it may."""
    return "the server is being stopped" if _byte[0] else ""
