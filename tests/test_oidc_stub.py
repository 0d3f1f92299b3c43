"""The login against the demo's own MitID-style provider: both doors, cancelling, logging out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from flask.testing import FlaskClient
from sign_in_app import CLIENT_KEY, make_app, make_settings, who
from werkzeug.test import TestResponse

from mitid_stub.clients import Client
from mitid_stub.personas import personas
from mitid_stub.provider import Provider
from mitid_stub.rehearsal import answer_login
from mitid_stub.server import serving
from portal.family import Known
from portal.records import Actor, Person, Sector

PEOPLE = {p.key: p for p in personas()}


@pytest.fixture(scope="module")
def stub() -> Iterator[Provider]:
    client = Client(
        client_id="familieoverblik",
        redirect_uris=["http://127.0.0.1:8000/log-ind/retur"],
        post_logout_uris=["http://127.0.0.1:8000/"],
        jwks={"keys": [CLIENT_KEY.as_dict(private=False)]},
    )
    with serving([client], personas()) as provider:
        yield provider


@pytest.fixture
def visitor(stub: Provider, tmp_path: Path) -> FlaskClient:
    unit = f"http://p-nummer.dk|{PEOPLE['poul'].p_number}"
    settings = make_settings(
        tmp_path,
        stub.issuer,
        citizen={"profile": "neb"},
        staff={"profile": "neb", "unit_claim": ""},
        actor=(Actor(id="ppr", name="PPR", sector=Sector.SCHOOL, identifiers=(unit,)),),
    )
    app = make_app(settings)
    mette = PEOPLE["mette"]
    register = app.extensions["portal"].family
    register.people = {mette.cpr: register.people.popitem()[1]}
    known = register.people[mette.cpr]
    person = Person(name=mette.name, born=mette.born)
    register.people[mette.cpr] = Known(id=known.id, person=person, patient="Patient/mette")
    return app.test_client()


def go(visitor: FlaskClient, person: str, door: str = "/log-ind", **how: Any) -> TestResponse:
    gone = visitor.get(door)
    assert gone.status_code == 302, gone.text
    answered = answer_login(gone.headers["Location"], person, **how)
    return visitor.get("/log-ind/retur", query_string=dict(parse_qsl(urlsplit(answered).query)))


def test_a_citizen_logs_in_and_out(visitor: FlaskClient) -> None:
    back = go(visitor, "mette")
    assert (back.status_code, back.headers["Location"]) == (302, "/overblik")
    assert who(visitor) == PEOPLE["mette"].name
    out = visitor.post("/log-ud")
    assert "id_token_hint" in out.headers["Location"]
    assert who(visitor) is None


def test_an_employee_comes_in_by_the_unit(visitor: FlaskClient) -> None:
    back = go(visitor, "poul", "/log-ind/medarbejder")
    assert (back.status_code, back.headers["Location"]) == (302, "/medarbejder")
    me = visitor.get("/me").get_json()
    assert me["actors"] == ["ppr"] and me["person"] is None and me["name"] == PEOPLE["poul"].name


def test_an_employee_of_a_unit_nobody_configured_gets_a_page_and_no_session(
    visitor: FlaskClient,
) -> None:
    back = go(visitor, "steen", "/log-ind/medarbejder")
    assert back.status_code == 403
    assert who(visitor) is None


def test_cancelling_leads_back_to_the_front_page(visitor: FlaskClient) -> None:
    back = go(visitor, "mette", action="cancel")
    assert back.headers["Location"] == "/?login=afbrudt"
    assert who(visitor) is None


def test_a_low_level_is_refused(visitor: FlaskClient) -> None:
    back = go(visitor, "mette", level="low")
    assert back.status_code == 403 and "sikkert nok" in back.text
    assert who(visitor) is None


def test_somebody_the_register_does_not_know(visitor: FlaskClient) -> None:
    assert go(visitor, "jonas").status_code == 403
    assert who(visitor) is None
