"""Employees belong to the actors that their unit is configured for, and to no other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hostile_provider import Bend, Json, Provider
from sign_in_app import METTE, UNIT, log_in, make_app, make_settings
from sqlalchemy import select

from portal.identity.session import Account, Session
from portal.models import session
from portal.settings import BeforeConsent

pytest_plugins = ("sign_in_fixtures",)
P_NUMBER = "http://p-nummer.dk"
STS = "https://sts.example"
CVR = "http://cvr.dk"


def arrive(hostile: Provider, folder: Path, userinfo: Json, **staff: Any) -> tuple[int, Json]:
    """Status of the answer, and who is then logged in."""
    hostile.person = {"sub": "sub-poul", "userinfo": userinfo}
    settings = make_settings(folder, hostile.issuer, staff=staff)
    visitor = make_app(settings).test_client()
    status = log_in(visitor, hostile, "/log-ind/medarbejder").status_code
    return status, visitor.get("/me").get_json()


RIGHT: dict[str, tuple[Json, Json]] = {
    "value": ({"unit": "1003000002"}, {"unit_system": P_NUMBER}),
    "number": ({"unit": 1003000002}, {"unit_system": P_NUMBER}),
    "list": ({"unit": ["1", "1003000002"]}, {"unit_system": P_NUMBER}),
    "list-with-cvr": ({"unit": ["29189420", "1003000002"]}, {"unit_system": P_NUMBER}),
    "whole-identifier": ({"unit": f"{P_NUMBER}|1003000002"}, {"unit_system": "other"}),
    "uuid": ({"unit": f"urn:uuid:{UNIT}"}, {"unit_system": STS}),
    "uuid-in-capitals": ({"unit": f"urn:uuid:{UNIT.upper()}"}, {"unit_system": STS}),
    "whole-uuid": ({"unit": f"{STS}|urn:uuid:{UNIT.upper()}"}, {}),
}


@pytest.mark.parametrize("case", RIGHT)
def test_the_unit_leads_to_its_actor(case: str, hostile: Provider, tmp_path: Path) -> None:
    userinfo, staff = RIGHT[case]
    status, me = arrive(hostile, tmp_path, {**userinfo, "name": "Poul Riis"}, **staff)
    assert status == 302
    assert (me["actors"], me["person"], me["name"]) == (["ppr"], None, "Poul Riis")


WRONG: dict[str, tuple[Json, Json]] = {
    "none": ({}, {"unit_system": P_NUMBER}),
    "unknown": ({"unit": "1003999999"}, {"unit_system": P_NUMBER}),
    "empty": ({"unit": ""}, {"unit_system": P_NUMBER}),
    "another-system": ({"unit": "1003000002"}, {"unit_system": "http://other"}),
    "no-system": ({"unit": "1003000002"}, {}),
    "system-in-capitals": ({"unit": f"{P_NUMBER.upper()}|1003000002"}, {}),
    "with-a-tail": ({"unit": "10030000020"}, {"unit_system": P_NUMBER}),
    "cvr": ({"unit": "29189420"}, {"unit_system": CVR}),
    "cvr-whole": ({"unit": f"{CVR}|29189420"}, {}),
    "cvr-with-country": ({"unit": "DK29189420"}, {"unit_system": CVR}),
    "cvr-passed-off-as-p-number": ({"unit": "29189420"}, {"unit_system": P_NUMBER}),
    "a-thing": ({"unit": {"id": "1003000002"}}, {"unit_system": P_NUMBER}),
}


@pytest.mark.parametrize("case", WRONG)
def test_no_unit_no_session(case: str, hostile: Provider, tmp_path: Path) -> None:
    userinfo, staff = WRONG[case]
    status, me = arrive(hostile, tmp_path, userinfo, **staff)
    assert (status, me["name"], me["session"]) == (403, None, None)


def test_role_and_pseudonym(hostile: Provider, tmp_path: Path) -> None:
    """An employee with name protection arrives without a name."""
    userinfo = {"unit": "1003000002", "role": "psykolog\u0000\u202e"}
    status, me = arrive(hostile, tmp_path, userinfo, unit_system=P_NUMBER, role_claim="role")
    assert status == 302 and me["name"] == "" and "\u202e" not in me["role"]


def at_work(hostile: Provider, visitor: FlaskClient, person: str, **claims: Any) -> None:
    """An employee logs in, whom the provider calls `person` beside the usual `sub`."""
    userinfo = {"unit": f"{P_NUMBER}|1003000002", "uuid": person, "dk.cpr": METTE}
    hostile.person = {"sub": "sub-mette", "userinfo": userinfo, **claims}
    assert log_in(visitor, hostile, "/log-ind/medarbejder").status_code == 302


def account(app: Flask, visitor: FlaskClient) -> Account:
    cookie = visitor.get_cookie("session")
    assert cookie is not None
    found = app.extensions["portal"].sessions.load(cookie.value)
    assert isinstance(found, Session)
    return found.account


def test_an_employee_is_who_person_claim_says(hostile: Provider, tmp_path: Path) -> None:
    """Two people with one `sub` are two, and one person with another `sub` is one."""
    app = make_app(make_settings(tmp_path, hostile.issuer, staff={"person_claim": "uuid"}))
    poul, lis, again = (app.test_client() for _ in range(3))
    at_work(hostile, poul, "poul")
    at_work(hostile, lis, "lis")
    at_work(hostile, again, "poul", sub="sub-new")
    one, two, three = (account(app, visitor) for visitor in (poul, lis, again))
    assert one.subject == three.subject != two.subject
    sessions = app.extensions["portal"].sessions
    assert {x.id for x in sessions.list(one)} == {one.session, three.session}
    assert [x.id for x in sessions.list(two)] == [two.session]
    assert not sessions.end_own(two, one.session) and sessions.end_own(three, one.session)


@pytest.mark.parametrize("person_claim", ["", "sub", "uuid"])
def test_an_employee_is_never_taken_together_with_a_citizen(
    hostile: Provider, tmp_path: Path, person_claim: str
) -> None:
    """The same `sub` at both doors: two names for her in the log, and two lists of logins."""
    staff = {"person_claim": person_claim}
    app = make_app(make_settings(tmp_path, hostile.issuer, staff=staff))
    home, work = app.test_client(), app.test_client()
    at_work(hostile, work, "mette")
    assert log_in(home, hostile).status_code == 302
    citizen, employee = account(app, home), account(app, work)
    assert citizen.subject != employee.subject
    sessions = app.extensions["portal"].sessions
    assert [x.id for x in sessions.list(employee)] == [employee.session]
    assert [x.id for x in sessions.list(citizen)] == [citizen.session]
    assert not sessions.end_own(employee, citizen.session)
    with app.extensions["portal"].store.read() as connection:
        rows = connection.execute(select(session)).all()
    assert len({row.issuer_subject[:32] for row in rows}) == 2
    assert len({row.issuer_subject[32:] for row in rows}) == 2
    assert len({row.provider_session for row in rows}) == 2


@pytest.mark.parametrize(
    "named", [{}, {"sid": None}, {"sub": None}], ids=["sub-and-sid", "sub", "sid"]
)
def test_the_provider_ends_an_employees_session(
    hostile: Provider, tmp_path: Path, named: Json
) -> None:
    app = make_app(make_settings(tmp_path, hostile.issuer, staff={"person_claim": "uuid"}))
    home, work, other = (app.test_client() for _ in range(3))
    at_work(hostile, work, "mette")
    assert log_in(home, hostile).status_code == 302
    hostile.sid = "another"
    at_work(hostile, other, "poul", sub="sub-poul")
    token = hostile.logout_token(**{"sid": "provider-session", **named})
    assert home.post("/log-ind/bagkanal", data={"logout_token": token}).status_code == 200
    standing = [v.get("/me").get_json()["session"] is not None for v in (home, work, other)]
    assert standing == [False, False, True]


ROLES: dict[str, tuple[Json, str, str]] = {
    "the-one-that-opens": ({"role": ["laerer", "koordinator"]}, "role", "koordinator"),
    "else-the-first": ({"role": ["laerer", "pedel"]}, "role", "laerer"),
    "a-text": ({"role": "koordinator"}, "role", "koordinator"),
    "keycloak": (
        {"realm_access": {"roles": ["offline_access", "koordinator"]}},
        "realm_access.roles",
        "koordinator",
    ),
    "a-dot-inside-a-name": (
        {"resource_access": {"min.klient": {"roles": ["koordinator"]}}},
        "resource_access.min.klient.roles",
        "koordinator",
    ),
    "the-literal-name-comes-first": (
        {"a.b": "literal", "a": {"b": "nested"}},
        "a.b",
        "literal",
    ),
    "nothing-there": ({"realm_access": ["roles"]}, "realm_access.roles", ""),
}


@pytest.mark.parametrize("case", ROLES)
def test_of_several_roles_the_one_that_opens_something_counts(
    case: str, hostile: Provider, tmp_path: Path
) -> None:
    userinfo, claim, role = ROLES[case]
    hostile.person = {"sub": "sub-poul", "userinfo": {"unit": "1003000002", **userinfo}}
    settings = make_settings(
        tmp_path,
        hostile.issuer,
        staff={"unit_system": P_NUMBER, "role_claim": claim},
        before_consent=BeforeConsent(basis="en hjemmel", role="koordinator"),
    )
    visitor = make_app(settings).test_client()
    assert log_in(visitor, hostile, "/log-ind/medarbejder").status_code == 302
    assert visitor.get("/me").get_json()["role"] == role


def test_every_claim_may_lie_inside_another(hostile: Provider, tmp_path: Path) -> None:
    at = {"unit_claim": "work.unit", "person_claim": "work.id", "name_claim": "work.name"}
    userinfo = {"work": {"unit": ["1003000002"], "id": "poul", "name": "Poul Riis", "loa": "gold"}}
    levels = {"loa_claim": "work.loa", "loa_values": {"substantial": ["gold"]}}
    status, me = arrive(hostile, tmp_path, userinfo, unit_system=P_NUMBER, **at, **levels)
    assert (status, me["actors"], me["name"]) == (302, ["ppr"], "Poul Riis")


def test_the_broker_says_that_it_was_a_private_login(hostile: Provider, tmp_path: Path) -> None:
    userinfo = {"nemlogin.p_number": "1003000002", "identity_type": "private"}
    level = "https://data.gov.dk/concept/core/nsis/Substantial"
    staff = {"profile": "neb", "unit_claim": ""}
    hostile.bend = Bend(claims=lambda f: {**f, "loa": level})
    assert arrive(hostile, tmp_path, userinfo, **staff)[0] == 403
    missing = {k: v for k, v in userinfo.items() if k != "identity_type"}
    assert arrive(hostile, tmp_path, missing, **staff)[0] == 403


def test_the_broker_says_that_it_was_an_employee(hostile: Provider, tmp_path: Path) -> None:
    userinfo = {
        "nemlogin.p_number": "1003000002",
        "identity_type": "professional",
        "idp": "mitid_erhverv",
    }
    level = "https://data.gov.dk/concept/core/nsis/Substantial"
    hostile.bend = Bend(claims=lambda f: {**f, "loa": level})
    status, me = arrive(hostile, tmp_path, userinfo, profile="neb", unit_claim="")
    assert status == 302 and me["actors"] == ["ppr"]


def test_an_employee_is_never_looked_up_in_the_register(
    hostile: Provider, door_visitor: FlaskClient
) -> None:
    hostile.person["userinfo"]["unit"] = "http://p-nummer.dk|1003000002"
    log_in(door_visitor, hostile, "/log-ind/medarbejder")
    assert door_visitor.get("/me").get_json()["person"] is None
