"""The portal served as in production, with a bare view beside it and a meter on it.

    PORTAL_CONFIG=FILE python -m bench.served PORT WORKERS [CERTIFICATE]

`/-/bare` is a plain Flask view that renders the overview's own template from
the values the portal last handed out: what is left is the template and the
server. `/-/meter` tells this process' CPU seconds and SQL statements so far.
Nothing of this is in the product.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, render_template
from flask_babel import Babel
from granian import Granian
from granian.constants import HTTPModes
from jinja2 import Template
from sqlalchemy import event

import portal
from portal import create_app, speech, templating
from portal.config import load
from portal.front import Front
from portal.handout import Overview
from portal.refusals import Refusals
from portal.serving import HOW, settle

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


def application() -> Front:
    """The portal, and the two addresses of the bench."""
    product = create_app(load(Path(os.environ["PORTAL_CONFIG"]), os.environ))
    services = product.extensions["portal"]
    last: list[Overview] = []
    statements = [0]
    _remember_last(services.overviews, last)

    def counted(*_: object) -> None:
        statements[0] += 1

    event.listen(services.store.engine, "before_cursor_execute", counted)
    bare = _bare(last, statements)

    def dispatch(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        ours = environ["PATH_INFO"].startswith("/-/")
        return (bare if ours else product)(environ, start)

    return Front(dispatch, Refusals(product))


def _remember_last(overviews: Any, last: list[Overview]) -> None:
    opened = overviews.open

    def remembered(*args: Any, **kwargs: Any) -> Overview:
        page: Overview = opened(*args, **kwargs)
        last[:] = [page]
        return page

    overviews.open = remembered


def _bare(last: list[Overview], statements: list[int]) -> Flask:
    """The template from ready values: no session, no gate, no rules, no log."""
    app = Flask(portal.__name__, static_folder=None)
    templating.install(app)
    app.jinja_env.template_class = Template  # as anybody's Flask: nobody takes turns
    Babel(app, locale_selector=lambda: "da", default_timezone="Europe/Copenhagen")
    speech.install(app)
    reader = {"kind": "guardian", "name": "Camilla Bech", "first_name": "Camilla"}
    words = {
        "viewer": reader, "body_viewer": "guardian", "service_name": "Familieoverblik",
        "authority": "Kommunen", "quick_exit_url": "https://www.dr.dk", "session_seconds": 1800,
        "locale": "da", "text_dir": "ltr", "languages": {"da": "Dansk"},
        "csrf_token": lambda: "0" * 80, "part": "all", "here": "overview",
    }  # fmt: skip

    @app.get("/-/bare")
    def bare() -> str | tuple[str, int]:
        if not last:
            return "nothing was opened in this process yet", 503
        page = last[0]
        late = f"/del/overblik/{page.citizen.id}"
        return render_template(
            "overview/show.html", overview=page, citizen=page.citizen, late_url=late, **words
        )

    @app.get("/-/meter")
    def meter() -> Response:
        told = {"cpu": time.process_time(), "statements": statements[0], "pid": os.getpid()}
        return Response(json.dumps(told), content_type="application/json")

    return app


def main() -> None:
    """Serve until stopped, as portal.serving does; with a certificate over TLS and HTTP/2."""
    certificate = Path(sys.argv[3]) if len(sys.argv) > 3 else None
    Granian(
        "bench.served:app",
        port=int(sys.argv[1]),
        workers=int(sys.argv[2]),
        ssl_cert=certificate,
        ssl_key=certificate,
        **HOW | ({"http": HTTPModes.auto} if certificate else {}),
    ).serve()


if __name__ == "__main__":
    main()
else:
    app = application()
    settle()
