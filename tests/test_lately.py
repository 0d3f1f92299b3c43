"""A worker remembers for a moment, and does not keep everybody it ever met."""

from __future__ import annotations

import time

import pytest
from msgspec import structs
from sqlalchemy import event

from portal.crypto import Vault
from portal.db import Store
from portal.family import Family
from portal.lately import Lately
from portal.settings import CPR_SYSTEM
from tests.store_world import EverybodyExists, Shop

pytest_plugins = ("tests.store_fixtures",)


def test_what_is_too_old_is_not_given_out_and_then_not_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    lately: Lately[str, int | None] = Lately(60)
    lately.put("a", 1)
    lately.put("b", None)
    assert lately.get("a", 9) == 1 and lately.get("b", 9) is None and lately.get("c", 9) == 9
    clock[0] = 60.0
    assert lately.get("a", 9) == 9
    lately.put("d", 4)
    assert len(lately) == 1 and lately.get("d", 9) == 4


def test_people_are_found_together_and_known_by_either_name(shop: Shop) -> None:
    """A family's first page of the minute looks its people up once, not one by one."""
    numbers = [f"0101{number:03d}900" for number in range(5)]
    ids = [shop.family.identify(CPR_SYSTEM, n).id for n in numbers]
    family = Family(shop.settings, shop.store, shop.vault, EverybodyExists())  # type: ignore[arg-type]
    looked: list[str] = []
    event.listen(shop.store.engine, "begin", lambda _connection: looked.append("look"))
    assert list(family._ids([f"{CPR_SYSTEM}|{n}" for n in numbers]).values()) == ids
    assert [family.known(i).id for i in ids] == ids and all(family.key(i) for i in ids)
    assert len(looked) == 1


def test_a_worker_does_not_keep_everybody_it_ever_met(shop: Shop) -> None:
    """Three hundred people pass by; when the moment is over, they are let go."""
    settings = structs.replace(
        shop.settings, register=structs.replace(shop.settings.register, max_age=0.2)
    )
    store = Store(settings.database, settings.path("."), settings.municipality)
    family = Family(settings, store, Vault(settings.data_keys), EverybodyExists())  # type: ignore[arg-type]
    for number in range(300):
        family.key(family.identify(CPR_SYSTEM, f"0101{number:03d}900").id)
    time.sleep(0.25)
    family.key(family.identify(CPR_SYSTEM, "0202029000").id)
    assert len(family._rows) + len(family._memory) < 20
    store.engine.dispose()
