"""Runs the provider over real HTTP, many requests at a time, for the demo and for tests."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from flask import Flask
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from mitid_stub.app import create_app
from mitid_stub.clients import Client
from mitid_stub.keys import Algorithm
from mitid_stub.personas import Persona
from mitid_stub.provider import Bend, Provider


class _Quiet(WSGIRequestHandler):
    """Logs nothing: addresses carry codes and hints."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        return None


def threaded(host: str, port: int) -> BaseWSGIServer:
    """A bound server without an app yet, since the issuer's name needs the port first."""
    return make_server(host, port, Flask("unborn"), threaded=True, request_handler=_Quiet)


@contextmanager
def serving(
    clients: Sequence[Client],
    personas: Sequence[Persona],
    *,
    port: int = 0,
    algorithm: Algorithm = "RS256",
    bend: Bend | None = None,
) -> Iterator[Provider]:
    """A running provider on a free loopback port; its address is `provider.issuer`."""
    server = threaded("127.0.0.1", port)
    issuer = f"http://127.0.0.1:{server.port}/op"
    app = create_app(
        issuer=issuer, clients=clients, personas=personas, algorithm=algorithm, bend=bend
    )
    server.app = app
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield app.extensions["provider"]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
