"""A source that could not give all of it: where it gave nothing, the page does not say that there is nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests
from conftest import Login, World

from backend_stub.systems import SYSTEMS

NONE = ("Der er ingen kommende møder.", "Der er ingen planer.", "Der er ingen hjælp i gang.")
SURE = ("Vi har spurgt", "Ingen har sagt, at de er tovholder", "Ingen kommende møder", *NONE)


@pytest.fixture
def half(world: World) -> Iterator[None]:
    """Every system is empty but one, which says that something is missing."""
    for system in (s for s in SYSTEMS if s.connected):
        fault = "outcome" if system.id == "bup-maalinger" else "empty-bundle"
        said = {"system": system.id, "fault": fault}
        assert requests.post(f"{world.backends}/fault", json=said, timeout=20).ok
    yield
    requests.delete(f"{world.backends}/fault", timeout=20)


@pytest.mark.usefixtures("half")
def test_half_an_answer_is_not_none(login: Login) -> None:
    mette = login("mette")
    emil = mette.citizens()["Emil"]
    for part in "", "/moeder", "/indsatser", "/planer", "/kontakter":
        page = mette.get(f"/overblik/{emil}{part}?vent=1").get_data(as_text=True)
        assert 'data-source="bup-maalinger" data-state="shown"' in page
        assert "Men noget mangler i svaret." in page
        assert not [words for words in SURE if words in page], part
    family = mette.get("/overblik?vent=1").get_data(as_text=True)
    (card,) = (c for c in family.split('<li class="card') if f"/overblik/{emil}" in c)
    assert "Ingen kommende møder" not in card


def test_a_system_whose_every_entry_is_unreadable_is_not_empty(login: Login, world: World) -> None:
    said = {"system": "bup-kalender", "fault": "wrong-kinds"}
    assert requests.post(f"{world.backends}/fault", json=said, timeout=20).ok
    try:
        mette = login("mette")
        page = mette.get(f"/overblik/{mette.citizens()['Emil']}?vent=1").get_data(as_text=True)
        assert 'data-source="bup-kalender" data-state="shown"' in page
        assert "Men noget mangler i svaret." in page
    finally:
        requests.delete(f"{world.backends}/fault", timeout=20)
