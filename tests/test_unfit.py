"""Values that no row can hold: refused as what they are, never as a fault of our own database."""

from __future__ import annotations

import itertools

import pytest
from flask import Flask
from limits import parse

from portal import limits
from portal.db import StoreDown, Unfit
from tests.conftest import Login, staff
from tests.page_checks import check
from tests.store_world import PEOPLE, Shop

pytest_plugins = ("tests.store_fixtures",)

ODD = ("\0", "a\0b", "x" * 300, "9" * 40, "-1", "'; drop table person; --")
ACTS = (
    "giv",
    "bekraeft",
    "traek",
    "ret",
    "fortryd",
    "luk",
    "glem",
    "ny-kalender",
    "luk-kalender",
    "slet",
    "udkast",
)
FIELDS = (
    "kategori", "ejer", "undtaget", "formaal", "til", "version", "barnet_siger", "udkast", "cpr", "modtager", "om",
    "borger", "hvad", "sted", "ord", "billet", "sprog", "id", "link", "sted_id", "set",
)  # fmt: skip
NOT_THESE = {"sign_in.log_out", "sign_in.back_channel"}


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    for what in limits.LIMITS:
        monkeypatch.setitem(limits.LIMITS, what, parse("1000000/minute"))


@pytest.mark.parametrize("person", ["mette", "poul"])
def test_no_value_anybody_sends_is_our_databases_fault(
    app: Flask, login: Login, person: str
) -> None:
    """Every form of the portal, every field of it, every odd value, known citizen or not."""
    who = staff(login, person) if person == "poul" else login(person)
    emil = login("mette").citizens()["Emil"]
    token, asked = who.token(), 0
    for rule in app.url_map.iter_rules():
        if "POST" not in (rule.methods or ()) or rule.endpoint in NOT_THESE:
            continue
        for odd, act, citizen in itertools.product(ODD, ACTS, (emil, "odd")):
            values = dict.fromkeys(rule.arguments, odd) | (
                {"citizen": emil} if citizen == emil else {}
            )
            path = app.url_map.bind("127.0.0.1").build(rule.endpoint, values, method="POST")
            form = {
                "csrf_token": token,
                "handling": act,
                "tekst": f"hej{odd}",
                **dict.fromkeys(FIELDS, odd),
            }
            status = who.client.post(path, base_url="http://127.0.0.1:8000", data=form).status_code
            assert status < 500, (rule.endpoint, odd, act)
            asked += 1
            if not rule.arguments - {"citizen"} and "citizen" not in rule.arguments:
                break
    assert asked > 500


def test_an_address_with_a_sign_that_no_text_has_is_no_address(app: Flask, login: Login) -> None:
    mette = login("mette")
    emil = mette.citizens()["Emil"]
    for path in (f"/overblik/{emil}%00", f"/overblik/{emil}/moeder/%00.ics", "/kalender/%00.ics"):
        answer = mette.get(path)
        assert answer.status_code == 404, path
        check(answer)
    for query in ("om=%00", "om=" + "x" * 300, "vent=%00", "maaned=%00", "side=" + "9" * 40):
        for part in ("", "/kommentarer", "/moeder", "/mangler", "/hvem-har-set"):
            assert mette.get(f"/overblik/{emil}{part}?{query}").status_code < 500, (part, query)


def test_what_does_not_fit_is_told_from_a_database_that_is_down(shop: Shop) -> None:
    citizen = shop.person(PEOPLE[2])
    if not shop.store.sqlite:
        for unfit in ("\0", "mor\0far", "\ud800"):
            with pytest.raises(Unfit), shop.store.read(unfit) as c:
                c.exec_driver_sql("SELECT 1")
            with pytest.raises(Unfit), shop.store.write(citizen, unfit) as c:
                c.exec_driver_sql("SELECT 1")
    with pytest.raises(Unfit), shop.store.read(f"{citizen},{'0' * 32}"):
        pass
    with pytest.raises(Unfit), shop.store.write(citizen, keys=("a,b",)):
        pass
    with pytest.raises(StoreDown), shop.store.read(citizen) as c:
        c.exec_driver_sql("SELECT 1 FROM there_is_none")
