"""The portal as it is served, on as many processes as one wants; only its counters of haste are off.

    PORTAL_CONFIG=FILE python -m tests.race_app PORT WORKERS

Every answer names the process that gave it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from granian import Granian
from limits import parse

from portal import limits
from portal.front import Front
from portal.refusals import Refusals
from portal.serving import HOW

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


def served(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
    """The product's own application, and the number of its process."""

    def told(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
        return start(status, [*headers, ("X-Process", str(os.getpid()))], *more)

    return app(environ, told)


def main() -> None:
    """Serve until stopped, as portal.serving does."""
    Granian(
        "tests.race_app:front",
        port=int(sys.argv[1]),
        workers=int(sys.argv[2]),
        log_level="warning",
        **HOW,
    ).serve()


if __name__ == "__main__":
    main()
else:
    from portal.wsgi import app

    front = Front(served, Refusals(app))
    limits.LIMITS.update({what: parse("1000000/minute") for what in limits.LIMITS})
