"""The provider for a synthetic town: the first adults of the first households can log in.

python -m bench.door PORT SEED DAY HOUSEHOLDS KEYS_URL REDIRECT ...
"""

from __future__ import annotations

import contextlib
import sys
from datetime import date
from uuid import NAMESPACE_URL, uuid5

from backend_stub.country import Citizen, Country
from mitid_stub.app import create_app
from mitid_stub.clients import Client
from mitid_stub.personas import Persona
from mitid_stub.server import threaded


def persona(citizen: Citizen) -> Persona:
    """A citizen as the provider knows her; her number is her key."""
    return Persona(
        key=str(citizen.number),
        name=citizen.name,
        cpr=citizen.cpr,
        born=citizen.born,
        gender="female" if citizen.gender == "female" else "male",
        kind="citizen",
        uuid=str(uuid5(NAMESPACE_URL, f"urn:town:{citizen.number}")),
        protected=citizen.protected,
        login=True,
        blurb_da="",
        blurb_en="",
    )


def main() -> None:
    """Serve until stopped."""
    port, seed, day, households, keys_url, *redirects = sys.argv[1:]
    country = Country(int(seed), date.fromisoformat(day))
    people = [persona(country.household(n).citizens[0]) for n in range(int(households))]
    client = Client(client_id="familieoverblik", redirect_uris=redirects, jwks_url=keys_url)
    server = threaded("127.0.0.1", int(port))
    server.app = create_app(issuer=f"http://127.0.0.1:{port}/op", clients=[client], personas=people)
    with contextlib.suppress(KeyboardInterrupt):
        server.serve_forever()


if __name__ == "__main__":
    main()
