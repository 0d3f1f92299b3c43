"""A small app around the real sign-in views, sessions and OpenID client, with an invented register."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from flask import Flask, jsonify, request
from flask.testing import FlaskClient
from flask.typing import ResponseReturnValue
from flask_babel import Babel
from hostile_provider import CLIENT, Provider
from jinja2 import ChoiceLoader, DictLoader, PackageLoader
from joserfc.jwk import ECKey
from sqlalchemy import insert, inspect
from werkzeug.test import TestResponse

from portal.crypto import Vault
from portal.db import Store, now
from portal.family import Known, RegisterDown, UnknownPerson
from portal.identity.browser import Interface, current
from portal.identity.oidc import Oidc
from portal.identity.session import Sessions
from portal.limits import Limiter
from portal.models import metadata, person
from portal.records import Actor, Person, Sector
from portal.settings import CPR_SYSTEM, Identity, Register, Settings
from portal.settings import Provider as ProviderSettings
from portal.views.sign_in import sign_in

CLIENT_KEY = ECKey.generate_key("P-256", {"kid": "ours", "alg": "ES256"})
UNIT = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"
METTE, JONAS = "0101889001", "0202859002"
ACTORS = (
    Actor(
        id="ppr",
        name="PPR",
        sector=Sector.SCHOOL,
        identifiers=("http://p-nummer.dk|1003000002", f"https://sts.example|urn:uuid:{UNIT}"),
    ),
    Actor(
        id="kommune",
        name="Kommunen",
        sector=Sector.SOCIAL,
        identifiers=("http://cvr.dk|29189420", "http://p-nummer.dk|29189420"),
    ),
)


class Register_:
    """`Family.identify` over two invented people."""

    def __init__(self, store: Store) -> None:
        self.down = False
        self.people = {
            METTE: Known(
                id="1" * 32,
                person=Person(name="Mette Holm", born=date(1988, 1, 1)),
                patient="Patient/1",
            ),
            JONAS: Known(
                id="2" * 32,
                person=Person(name="Jonas Krogh", born=date(1985, 2, 2)),
                patient="Patient/2",
            ),
        }
        with store.write() as connection:
            for cpr, known in self.people.items():
                row = {"id": known.id, "tenant": "0851", "index": cpr, "identifier": b""}
                connection.execute(insert(person).values(**row, created=now()))

    def language(self, citizen: str) -> str:
        """Nobody here ever chose one."""
        return ""

    def identify(self, system: str, value: str) -> Known:
        if self.down:
            raise RegisterDown("timeout")
        if system != CPR_SYSTEM or value not in self.people:
            raise UnknownPerson
        return self.people[value]


def make_settings(folder: Path, issuer: str, **changes: Any) -> Settings:
    """Settings for one provider at both doors; `citizen` and `staff` change a door."""
    key = folder / "client.jwk.json"
    key.write_text(json.dumps(CLIENT_KEY.as_dict(private=True)))
    common = {"issuer": issuer, "client_id": CLIENT, "client_key": key.name}
    citizen = {**common, **changes.pop("citizen", {})}
    staff = {**common, "unit_claim": "unit", **changes.pop("staff", {})}
    defaults: dict[str, Any] = {
        "base_url": "http://127.0.0.1:8000",
        "database": "sqlite:///portal.db",
        "municipality": "0851",
        "register": Register(url="http://127.0.0.1:1/fhir"),
        "secret_keys": ("s" * 40,),
        "data_keys": (bytes(range(32)),),
        "actor": ACTORS,
        "folder": str(folder),
    }
    doors = Identity(citizen=ProviderSettings(**citizen), staff=ProviderSettings(**staff))
    return Settings(**{**defaults, "identity": doors, **changes})


def make_app(settings: Settings) -> Flask:
    """The app; two of them over one database are two workers."""
    store = Store(settings.database, Path(settings.folder))
    first = not inspect(store.engine).has_table("person")
    metadata.create_all(store.engine)
    vault = Vault(settings.data_keys)
    sessions = Sessions(settings, store, vault)
    app = Flask("sign_in_app")
    base = "{% block title %}{% endblock %}{% block main %}{% endblock %}"
    app.jinja_env.loader = ChoiceLoader(
        [DictLoader({"base.html": base}), PackageLoader("portal", "templates")]
    )
    app.jinja_env.globals["icon"] = lambda name: ""
    app.jinja_env.add_extension("jinja2.ext.i18n")
    Babel(app, default_locale="da")
    family = Register_(store) if first else SimpleNamespace()
    app.extensions["portal"] = SimpleNamespace(
        settings=settings,
        store=store,
        vault=vault,
        sessions=sessions,
        family=family,
        oidc=Oidc(settings, store, vault),
        limiter=Limiter(settings),
    )
    app.session_interface = Interface(settings, sessions)
    app.register_blueprint(sign_in)
    _own_views(app)
    return app


def _own_views(app: Flask) -> None:
    @app.get("/me")
    def me() -> ResponseReturnValue:
        account = current().account
        return jsonify(
            name=account.name if account else None,
            session=account.session if account else None,
            person=account.person if account else None,
            actors=account.actors if account else None,
            role=account.role if account else None,
            first_name=account.first_name if account else None,
            data=dict(current()),
        )

    @app.post("/note")
    def note() -> ResponseReturnValue:
        current()[request.form["name"]] = request.form["value"]
        return ""


def log_in(client: FlaskClient, provider: Provider, start: str = "/log-ind") -> TestResponse:
    """Go to the provider, approve, come back: the answer of the callback."""
    gone = client.get(start)
    if gone.status_code != 302:
        return gone
    return client.get("/log-ind/retur", query_string=provider.authorize(gone.headers["Location"]))


def who(client: FlaskClient) -> Any:
    """The name of whoever is logged in in this browser, or None."""
    return client.get("/me").get_json()["name"]
