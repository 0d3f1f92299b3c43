"""`python -m mitid_stub`: the provider as its own process, as `make demo` runs it."""

from __future__ import annotations

import argparse
import contextlib

from mitid_stub.app import create_app
from mitid_stub.clients import Client
from mitid_stub.personas import personas
from mitid_stub.server import threaded


def main() -> None:
    asked = _arguments()
    client = Client(
        client_id=asked.client_id,
        redirect_uris=asked.redirect_uri,
        post_logout_uris=asked.post_logout,
        backchannel_uri=asked.backchannel,
        jwks_url=asked.client_jwks_url,
        secret=asked.client_secret,
        name=asked.client_name,
    )
    server = threaded(asked.host, asked.port)
    issuer = asked.issuer or f"http://{asked.host}:{server.port}/op"
    server.app = create_app(
        issuer=issuer, clients=[client], personas=personas(), algorithm=asked.algorithm
    )
    print(f"Prøvelogin: {issuer}", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        server.serve_forever()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="mitid_stub", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8001)
    parser.add_argument("--issuer", help="if another address than host and port is used")
    parser.add_argument("--algorithm", choices=["RS256", "ES256"], default="RS256")
    parser.add_argument("--client-id", default="familieoverblik")
    parser.add_argument("--client-name", default="Familieoverblik")
    parser.add_argument("--redirect-uri", action="append", required=True)
    parser.add_argument("--post-logout", action="append", default=[])
    parser.add_argument("--backchannel", default="")
    parser.add_argument("--client-jwks-url", default="")
    parser.add_argument("--client-secret", default="")
    return parser.parse_args()


if __name__ == "__main__":
    main()
