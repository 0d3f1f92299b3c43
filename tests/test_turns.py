"""Pages are made one at a time, and nobody waits for anything while making one."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from conftest import Login
from flask import Flask

from portal.db import Store
from portal.sources.gather import Gatherer
from portal.sources.register import Register
from portal.turns import TURN


def test_two_pages_are_not_made_at_once(app: Flask) -> None:
    at_work, most = [0], []

    def slow() -> str:
        at_work[0] += 1
        most.append(at_work[0])
        time.sleep(0.02)
        at_work[0] -= 1
        return "x"

    page = app.jinja_env.from_string("{{ slow() }}")
    threads = [threading.Thread(target=page.render, args=({"slow": slow},)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 6


def test_a_page_within_a_page_does_not_wait_for_itself(app: Flask) -> None:
    inner = app.jinja_env.from_string("inde")
    outer = app.jinja_env.from_string("{{ inner.render() }}")
    made: list[str] = []
    thread = threading.Thread(target=lambda: made.append(outer.render(inner=inner)), daemon=True)
    thread.start()
    thread.join(5)
    assert made == ["inde"]


def test_nobody_waits_for_anything_while_it_is_her_turn(
    login: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cold and warm, with comments by others, the family's page and an employee's."""
    asked: list[tuple[str, bool]] = []

    def watched(owner: type, name: str) -> None:
        real: Any = getattr(owner, name)

        def ask(*args: Any, **values: Any) -> Any:
            asked.append((f"{owner.__name__}.{name}", TURN._is_owned()))  # type: ignore[attr-defined]
            return real(*args, **values)

        monkeypatch.setattr(owner, name, ask)

    for name in ("read", "write"):
        watched(Store, name)
    for name in ("person", "in_custody_of", "custodians_of"):
        watched(Register, name)
    watched(Gatherer, "ask")
    mette, jonas = login("mette"), login("jonas")
    emil = mette.citizens()["Emil"]
    for who in (mette, jonas):
        said = {"tekst": f"Hej fra {id(who)}", "modtager": []}
        assert who.post(f"/overblik/{emil}/kommentarer", said).status_code in (200, 302, 303)
    for who in (mette, jonas, login("lone", "/log-ind/medarbejder")):
        for path in ("", "?vent=1", "/moeder", "/kommentarer", "/hvem-har-set", "/samtykke"):
            who.get(f"/overblik/{emil}{path}")
        who.get("/overblik?vent=1")
    seen = {what for what, _ in asked}
    assert seen >= {"Store.read", "Store.write", "Gatherer.ask", "Register.person"}
    assert [what for what, in_turn in asked if in_turn] == []
