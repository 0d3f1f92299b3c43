"""The portal as it is served, with addresses beside it that take as long as they are told.

PORTAL_CONFIG=FILE python -m tests.front_app PORT
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from granian import Granian

from portal.front import Front
from portal.refusals import Refusals
from portal.serving import HOW

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

PIECE = 10_000
PIECES = 2_000


def served(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
    """`.../-/sleep?SECONDS`, `/-/told` (what the application was told), `/-/long`; else the product."""
    where = environ["PATH_INFO"]
    if "/-/" not in where:
        return app(environ, start)
    start("200 OK", [("Content-Type", "text/plain; charset=utf-8")])
    if where.endswith("/-/long"):
        return (b"x" * PIECE for _ in range(PIECES))
    if where.endswith("/-/sleep"):
        time.sleep(float(environ["QUERY_STRING"].removeprefix("vent=1&")))
    body = environ["wsgi.input"].read()
    told = {k: v for k, v in environ.items() if k.isupper()} | {"BODY": len(body)}
    return [repr(told).encode()]


if __name__ == "__main__":
    Granian(
        "tests.front_app:front", port=int(sys.argv[1]), workers=1, log_level="warning", **HOW
    ).serve()
else:
    from portal.wsgi import app

    front = Front(served, Refusals(app))
