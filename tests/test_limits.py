"""How often is too often, at every door; and that a school's shared address harms nobody."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from limits import parse
from limits.storage import MemoryStorage
from msgspec import structs
from werkzeug.test import TestResponse

from portal import create_app
from portal.limits import LIMITS, Limiter
from portal.settings import Settings
from tests.conftest import BASE, Browser, Login, staff
from tests.page_checks import check
from tests.test_drafts import form_of

FEW = 3
module = import_module("portal.comments")
"""Not the blueprint of that name."""
Act = Callable[[Browser, str, str], TestResponse]


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """From now on so few a minute."""

    def lower(*names: str) -> None:
        for name in names:
            monkeypatch.setitem(LIMITS, name, parse(f"{FEW}/minute"))

    return lower


def post(path: str, **form: object) -> Act:
    return lambda who, child, token: who.client.post(
        path.format(child), base_url=BASE, data={"csrf_token": token, **form}
    )


def get(path: str) -> Act:
    return lambda who, child, token: who.get(path.format(child))


ANONYMOUS = {
    "front page": ("visit", get("/")),
    "login": ("door", get("/log-ind")),
    "login of staff": ("door", get("/log-ind/medarbejder")),
    "callback": ("door", get("/log-ind/retur?state=x&code=y")),
    "back channel": ("visit", post("/log-ind/bagkanal", logout_token="x")),
    "one calendar": ("feed", get("/kalender/et-link.ics")),
    "calendars": ("visit", get("/kalender/et-andet.ics")),
    "a page that is none": ("visit", get("/findes-ikke")),
    "a page of somebody": ("visit", get("/overblik")),
    "a form": ("visit", post("/overblik/{}/kommentarer", tekst="x")),
    "our keys": ("visit", get("/.well-known/jwks.json")),
}
KNOWN = {
    "overview": ("page", get("/overblik/{}")),
    "family": ("page", get("/overblik")),
    "consents": ("page", get("/overblik/{}/samtykke")),
    "access log": ("page", get("/overblik/{}/hvem-har-set")),
    "own page": ("page", get("/konto")),
    "search": ("search", post("/overblik/{}/soeg", q="hej")),
    "consent": ("consent", post("/overblik/{}/samtykke/ppr", handling="giv")),
    "comment": ("comment", post("/overblik/{}/kommentarer", tekst="")),
    "correction": ("comment", post("/overblik/{}/kommentarer/" + "0" * 32, handling="ret")),
    "report": ("report", post("/overblik/{}/mangler", tekst="")),
    "one meeting": ("export", get("/overblik/{}/moeder/" + "0" * 32 + ".ics")),
    "what to bring": ("export", get("/overblik/{}/moeder/" + "0" * 32 + "/tag-med")),
    "one contact": ("export", get("/overblik/{}/kontakter/" + "0" * 32 + ".vcf")),
}


def too_often(act: Callable[[], TestResponse]) -> TestResponse:
    """The answer after the few that are allowed."""
    for _ in range(FEW):
        assert act().status_code != 429
    refused = act()
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    return refused


@pytest.mark.parametrize("door", ANONYMOUS)
def test_every_open_door_of_an_address(app: Flask, few: Callable[..., None], door: str) -> None:
    what, act = ANONYMOUS[door]
    few(what)
    refused = too_often(lambda: act(Browser(app.test_client()), "0" * 32, ""))
    assert "Det gik lidt for hurtigt" in check(refused)


@pytest.mark.parametrize("door", KNOWN)
def test_every_door_of_a_person(login: Login, few: Callable[..., None], door: str) -> None:
    what, act = KNOWN[door]
    mette = login("mette")
    child, token = mette.citizens()["Emil"], mette.token()
    few(what)
    refused = too_often(lambda: act(mette, child, token))
    assert "Det gik lidt for hurtigt" in check(refused)


def test_a_part_of_a_page_is_refused_as_a_part_in_her_language(
    login: Login, few: Callable[..., None]
) -> None:
    mette = login("mette")
    child = mette.citizens()["Emil"]
    mette.post("/sprog", {"sprog": "en"})
    few("page")
    refused = too_often(lambda: mette.part(f"/del/overblik/{child}"))
    text = check(refused)
    assert "<html" not in text and "That was a little too fast" in text


def test_a_look_up_is_refused_for_the_employee(login: Login, few: Callable[..., None]) -> None:
    lone = staff(login, "lone")
    form: dict[str, object] = {"cpr": "0101889001", "csrf_token": lone.token()}
    few("look-up")
    too_often(lambda: lone.client.post("/medarbejder", base_url=BASE, data=form))


def test_behind_one_address_nobody_pays_for_another(
    app: Flask, login: Login, few: Callable[..., None]
) -> None:
    """A school's families: what one does too often, the others may still do."""
    mette, jonas = login("mette"), login("jonas")
    child = mette.citizens()["Emil"]
    few("page", "search", "comment")
    too_often(lambda: mette.get(f"/overblik/{child}"))
    assert jonas.get(f"/overblik/{child}").status_code == 200
    assert login("viggo").get("/overblik").status_code in (200, 302)
    assert app.test_client().get("/", base_url=BASE).status_code == 200


def test_a_school_of_families_logs_in_at_once(app: Flask, login: Login) -> None:
    """Eight hundred in a minute from one address, and none is held back."""
    limiter = app.extensions["portal"].limiter
    assert all(limiter.allows("door", "school") for _ in range(800))
    assert all(limiter.allows("visit", "school") for _ in range(4000))


def test_addresses_are_the_visitors_own_and_forged_ones_are_not(
    settings: Settings, few: Callable[..., None]
) -> None:
    """Behind our proxy each address has its own count; past it, whatever is written, one."""
    app = create_app(structs.replace(settings, trusted_proxies=("10.0.0.7/32",)))
    few("visit")

    def visit(speaker: str, said: str) -> TestResponse:
        asked = {"X-Forwarded-For": said, "Forwarded": f"for={said}", "X-Real-IP": said}
        return app.test_client().get(
            "/", base_url=BASE, headers=asked, environ_base={"REMOTE_ADDR": speaker}
        )

    too_often(lambda: visit("10.0.0.7", "203.0.113.1"))
    assert visit("10.0.0.7", "203.0.113.2").status_code == 200
    forged = iter(f"203.0.113.{n}" for n in range(10, 99))
    too_often(lambda: visit("198.51.100.1", next(forged)))
    too_often(lambda: visit("10.0.0.7", f"{next(forged)}, 203.0.113.3"))


def test_health_is_never_held_back(app: Flask, few: Callable[..., None]) -> None:
    few("visit")
    for path in ("/healthz", "/readyz") * 4:
        assert app.test_client().get(path, base_url=BASE).status_code == 200


def test_taking_back_is_never_held_back(login: Login, few: Callable[..., None]) -> None:
    mette = login("mette")
    child, token = mette.citizens()["Emil"], mette.token()
    few("consent")
    for _ in range(FEW * 2):
        taken = mette.client.post(
            f"/overblik/{child}/samtykke/ppr",
            base_url=BASE,
            data={"csrf_token": token, "handling": "traek"},
        )
        assert taken.status_code != 429


def test_a_text_that_came_too_often_is_kept(login: Login, few: Callable[..., None]) -> None:
    mette = login("mette")
    child = mette.citizens()["Emil"]
    form = form_of(mette, child)
    few("comment")
    path = f"/overblik/{child}/kommentarer"
    refused = too_often(lambda: mette.client.post(path, base_url=BASE, data=form))
    assert "Teksten er ikke sendt, men gemt" in check(refused)
    assert str(form["tekst"]) in check(mette.get(path + "?vent=1"))


def test_a_draft_kept_too_often_after_the_session_ended(
    app: Flask, login: Login, few: Callable[..., None]
) -> None:
    mette = login("mette")
    form = form_of(mette, mette.citizens()["Emil"])
    few("draft")
    path, nobody = f"/overblik/{'0' * 32}/kommentarer", app.test_client()
    refused = too_often(lambda: nobody.post(path, base_url=BASE, data=form))
    assert "Det gik lidt for hurtigt" in check(refused)


def test_so_many_comments_about_one_child_in_a_day(
    login: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST", FEW)
    mette, jonas = login("mette"), login("jonas")
    child = mette.citizens()["Emil"]
    path, mine, his = f"/overblik/{child}/kommentarer", form_of(mette, child), form_of(jonas, child)
    for _ in range(FEW):
        assert mette.client.post(path, base_url=BASE, data=mine).status_code == 303
    refused = mette.client.post(path, base_url=BASE, data=mine | {"tekst": "en til"})
    assert refused.status_code == 429 and refused.headers["Retry-After"] == "3600"
    assert "Teksten er ikke sendt, men gemt" in check(refused)
    assert "en til" in check(mette.get(path + "?vent=1"))
    assert jonas.client.post(path, base_url=BASE, data=his).status_code == 303
    monkeypatch.setattr(module, "DAY", timedelta(0))
    assert mette.client.post(path, base_url=BASE, data=mine).status_code == 303


def test_many_who_come_at_once_are_counted_and_none_meets_a_bug(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library's counters in memory tidy up on a thread, and two askers started the same one."""

    def switched(storage: Any, timer: object) -> None:
        storage.__dict__["timer"] = timer
        time.sleep(0.002)  # another thread's turn, just there

    made = property(lambda storage: storage.__dict__["timer"], switched)
    monkeypatch.setattr(MemoryStorage, "timer", made, raising=False)
    limiter = Limiter(settings)
    time.sleep(0.1)  # longer than that thread lives
    with ThreadPoolExecutor(8) as askers:
        asked = [askers.submit(limiter.allows, "comment", "mor") for _ in range(40)]
        assert [a.result() for a in asked].count(True) == LIMITS["comment"].amount


def test_the_limits_stand_in_the_guide() -> None:
    guide = Path("docs/operator.md").read_text()
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| [^|]+ \| (\d+) a minute", guide, re.MULTILINE))
    assert rows == {what: str(item.amount) for what, item in LIMITS.items()}
    assert f"and {module.MOST} about one child in a day and night" in guide
