"""The synthetic town of the benchmarks is what the portal itself would have stored, and its country knows everybody."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest
from msgspec import structs
from sqlalchemy.engine import make_url

from backend_stub.country import SIZE, Country
from bench import town_fill
from bench.town import Town
from portal.access import Viewer
from portal.checkpoints import Checkpoints
from portal.consent_state import Kind
from portal.identity.session import Sessions
from portal.settings import CPR_SYSTEM, Settings
from tests.store_world import Shop, open_shop

if TYPE_CHECKING:
    from tests.store_fixtures import Server

pytest_plugins = ("tests.store_fixtures",)

TODAY = date(2026, 11, 24)
COUNTRY = Country(851, TODAY)


@pytest.fixture
def town(stored: Settings, request: pytest.FixtureRequest) -> tuple[Town, Shop]:
    made = Town(COUNTRY, 40, stored.municipality, datetime.now(UTC))
    url = make_url(stored.database)
    if url.get_backend_name() == "sqlite":
        into = town_fill.sqlite(stored.path(url.database or ""))
    else:
        server: Server = request.getfixturevalue("postgresql")
        into = town_fill.postgresql(f"host={server.socket} user=postgres dbname={url.database}")
    with into as open_into:
        filled = town_fill.fill(open_into, made, stored.data_keys)
    assert sum(filled.rows.values()) == 40 * 10 + made.logged_in
    return made, open_shop(stored)


def test_the_portal_reads_a_town_as_its_own(town: tuple[Town, Shop]) -> None:
    made, shop = town
    home = COUNTRY.household(3)
    mother, child = home.citizens[0], home.citizens[2]
    hers, id = made.id(3, 0), made.id(3, 2)
    assert shop.family.enrolled(CPR_SYSTEM, mother.cpr) == hers
    assert shop.family.enrolled(CPR_SYSTEM, child.cpr) == id
    read = shop.comments.readable(id, Viewer(person=hers))
    assert len(read) == 3 and all(home.citizens[0].mark in str(c.detail.text) for c in read)
    events = shop.consents.events(id)
    assert len(events) == 3 and events[0].kind is Kind.GRANTED and events[0].grant
    session = Sessions(shop.settings, shop.store, shop.vault).load(made.token(3))
    assert session and session.account.person == hers


def test_the_log_of_a_town_verifies(town: tuple[Town, Shop]) -> None:
    _, shop = town
    place = structs.replace(shop.settings.audit, checkpoints="cp", key="key.pem")
    checkpoints = Checkpoints(structs.replace(shop.settings, audit=place), shop.store)
    signed = checkpoints.make(first=True)
    assert signed and signed.chains == 40 and not signed.faults
    assert not checkpoints.check(checkpoints.sealed()).faults


@pytest.mark.parametrize("household", [0, 1, 24, 9_999, 249_999, 1_400_000])
def test_a_cpr_number_and_a_citizen_lead_to_each_other(household: int) -> None:
    home = COUNTRY.household(household)
    assert [COUNTRY.citizen(c.cpr) for c in home.citizens] == list(home.citizens)
    assert {c.cpr[6] for c in home.citizens} == {"9"}
    assert all(c.born.year + 18 > TODAY.year for c in home.citizens if c.child)
    assert all(5 <= len(COUNTRY.systems(c)) <= 45 for c in home.citizens if c.child)


def test_nobody_shares_a_number_or_an_id() -> None:
    homes = [COUNTRY.household(n) for n in range(5000)]
    assert len({c.cpr for home in homes for c in home.citizens}) == 5000 * SIZE
    made = Town(COUNTRY, 4000, "0851", datetime.now(UTC))
    places = [made.household_at(p) for p in range(1000)]
    assert sorted(places) == list(range(1000))
    ids = [made.id(n, slot) for n in places for slot in range(SIZE)]
    assert ids == sorted(set(ids))


def test_a_stranger_is_nobody() -> None:
    for number in ("0101889001", "3113809000", "", "abcdefghij"):
        found = COUNTRY.citizen(number)
        assert found is None or found.cpr == number
