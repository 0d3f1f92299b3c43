"""Joins the provider, its endpoints and its pages into one Flask application."""

from __future__ import annotations

import time
from collections.abc import Sequence
from urllib.parse import urlsplit

from flask import Flask, Response

from mitid_stub.browser import browser
from mitid_stub.clients import Client
from mitid_stub.keys import Algorithm
from mitid_stub.machine import machine
from mitid_stub.memory import Clock
from mitid_stub.personas import Persona
from mitid_stub.provider import Bend, Provider


def create_app(
    *,
    issuer: str,
    clients: Sequence[Client],
    personas: Sequence[Persona],
    algorithm: Algorithm = "RS256",
    clock: Clock = time.time,
    bend: Bend | None = None,
) -> Flask:
    """The provider as an app; the `Provider` behind it is `app.extensions["provider"]`."""
    provider = Provider(
        issuer=issuer,
        clients=clients,
        personas=personas,
        algorithm=algorithm,
        clock=clock,
        bend=bend,
    )
    path = urlsplit(issuer).path
    app = Flask(__name__, static_url_path=f"{path}/static")
    app.json.sort_keys = False  # type: ignore[attr-defined]  # the recorded order is kept
    app.config["MAX_CONTENT_LENGTH"] = 65_536
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.extensions["provider"] = provider
    app.register_blueprint(machine(provider), url_prefix=path)
    app.register_blueprint(browser(provider), url_prefix=path)
    policy = _policy(clients)

    @app.after_request
    def protect(answer: Response) -> Response:
        answer.headers.setdefault("Content-Security-Policy", policy)
        answer.headers.setdefault("X-Content-Type-Options", "nosniff")
        answer.headers.setdefault("Referrer-Policy", "no-referrer")
        if answer.mimetype == "text/html":
            answer.headers.setdefault("Cache-Control", "no-store")
        return answer

    return app


def _policy(clients: Sequence[Client]) -> str:
    """No scripts, our own style; forms may end at the clients, since approving redirects there."""
    ends = {_origin(uri) for client in clients for uri in client.redirect_uris}
    return (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; "
        f"frame-ancestors 'none'; form-action 'self' {' '.join(sorted(ends))}"
    )


def _origin(uri: str) -> str:
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}"
