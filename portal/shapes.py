"""What our records hold is found out before there are threads.

msgspec (0.22) does it when a class is first read into, without a lock: two threads that
read the same class for the first time end the process, so a busy portal lost a worker
within its first second.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec


def find_out() -> None:
    """Look at every class there is; one that was looked at costs nothing more."""
    for each in _below(msgspec.Struct):
        msgspec.json.Decoder(each)


def _below(base: type[msgspec.Struct]) -> Iterator[type[msgspec.Struct]]:
    for each in base.__subclasses__():
        yield each
        yield from _below(each)
