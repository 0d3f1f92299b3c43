"""When something is wrong: an honest page, in the reader's language, that tells nobody's secrets."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterator
from urllib.request import Request, urlopen

import pytest
from flask import Flask
from msgspec import structs

from portal import create_app
from portal.settings import Settings
from portal.telemetry.logs import Json
from tests import stores
from tests.acts import grant, propose, shut_out, state, withdraw
from tests.conftest import BASE, Browser, Login, World, staff
from tests.page_checks import check


def switch(world: World, system: str, fault: str) -> None:
    """Make a system ill, or well again."""
    body = json.dumps({"system": system, "fault": fault}).encode()
    headers = {"Content-Type": "application/json"}
    urlopen(Request(f"{world.backends}/fault", body, headers)).close()


@pytest.fixture
def register_down(world: World) -> Iterator[Callable[[], None]]:
    """A switch for the register; whatever happens, it is up again afterwards."""
    yield lambda: switch(world, "register", "500")
    switch(world, "register", "")


def forget(app: Flask) -> None:
    """As after a minute: what was known about custody has to be read again."""
    app.extensions["portal"].family._memory.clear()


def test_register_down_opens_nothing_new_and_withdrawing_still_works(
    app: Flask, login: Login, register_down
) -> None:
    camilla = login("camilla")
    noah = camilla.citizens()["Noah"]
    grant(camilla, noah, "ppr")
    register_down()
    forget(app)
    for path in ("/overblik", f"/overblik/{noah}", f"/overblik/{noah}/moeder"):
        answer = camilla.get(path)
        assert answer.status_code == 503, path
        text = check(answer)
        assert "Noah" not in text and "registret" in text
        assert answer.headers["Retry-After"]
    assert propose(camilla, noah, "jobcenter").status_code == 503
    own = camilla.get(f"/overblik/{noah}/samtykke")
    assert own.status_code == 200
    page = check(own)
    assert 'data-actor="ppr"' in page and "traek" in page and "Noah" not in page
    assert withdraw(camilla, noah, "ppr").status_code == 303
    assert withdraw(camilla, noah, "jobcenter").status_code == 503


def test_register_down_says_that_the_last_yes_is_taken_back(
    app: Flask, login: Login, register_down
) -> None:
    """She must know that it worked, though the register has nothing to say about her any more."""
    camilla, viggo = login("camilla"), login("viggo")
    noah = camilla.citizens()["Noah"]
    grant(camilla, noah, "ppr")
    register_down()
    forget(app)
    said = withdraw(camilla, noah, "ppr")
    answer = camilla.get(said.headers["Location"])
    assert answer.status_code == 200
    page = check(answer)
    assert "Samtykket er trukket tilbage. Det gælder fra nu." in page
    assert "Vi kan ikke slå op i registret lige nu" in page
    assert "Noah" not in page and "data-actor" not in page
    assert "Vi kender ingen steder endnu." not in page
    assert camilla.get(f"/overblik/{noah}/samtykke").status_code == 503, "nothing to take back"
    assert viggo.get(said.headers["Location"]).status_code == 503, "and nothing was his to say"


def test_register_down_shows_how_to_take_back_one_place_alone(
    app: Flask, login: Login, register_down
) -> None:
    camilla, viggo = login("camilla"), login("viggo")
    noah = camilla.citizens()["Noah"]
    grant(camilla, noah, "ppr")
    address = f"/overblik/{noah}/samtykke/ppr"
    register_down()
    forget(app)
    answer = camilla.get(address)
    assert answer.status_code == 200
    page = check(answer)
    assert 'data-actor="ppr" data-consent="pending"' in page and 'value="traek"' in page
    assert "Vi kan ikke slå op i registret lige nu." in page
    assert "Vi kan ikke se lige nu, om det gælder." in page
    assert 'value="giv"' not in page and "Noah" not in page
    assert camilla.get(f"/overblik/{noah}/samtykke/jobcenter").status_code == 503
    assert viggo.get(address).status_code == 503
    assert withdraw(camilla, noah, "ppr").status_code == 303
    assert camilla.get(address).status_code == 503


def test_register_down_knows_who_looks_at_her_own(app: Flask, login: Login, register_down) -> None:
    sofie = login("sofie")
    own = re.findall("[0-9a-f]{32}", sofie.get("/overblik").headers["Location"])[0]
    grant(sofie, own, "ppr")
    register_down()
    forget(app)
    for path in ("samtykke", "samtykke/ppr"):
        answer = sofie.get(f"/overblik/{own}/{path}")
        assert answer.status_code == 200
        assert 'data-viewer="self"' in check(answer)


def test_register_down_names_no_hidden_place(app: Flask, login: Login, register_down) -> None:
    jonas = login("jonas")
    emil = jonas.citizens()["Emil"]
    text = check(jonas.get(f"/overblik/{emil}/samtykke"))
    place = re.search(r'data-actor="(sted-[0-9a-f]{12})"', text)
    assert place
    grant(jonas, emil, place[1])
    register_down()
    forget(app)
    page = check(jonas.get(f"/overblik/{emil}/samtykke"))
    assert place[1] in page
    assert "skovbakke" not in page.lower() and "skovmusen" not in page.lower()
    alone = check(jonas.get(f"/overblik/{emil}/samtykke/{place[1]}"))
    assert place[1] in alone and 'value="traek"' in alone
    assert "skovbakke" not in alone.lower() and "skovmusen" not in alone.lower()
    assert withdraw(jonas, emil, place[1]).status_code == 303


def test_register_down_is_no_way_round_a_closed_access(
    app: Flask, login: Login, register_down
) -> None:
    """Somebody who is shut out meets what a stranger meets, and says nothing in the child's log."""
    camilla, viggo = login("camilla"), login("viggo")
    noah = camilla.citizens()["Noah"]
    grant(camilla, noah, "ppr")
    shut_out(app, camilla, "Noah")
    before = app.extensions["portal"].consents.events(noah)
    register_down()
    forget(app)
    for who in (camilla, viggo):
        for path in ("samtykke", "samtykke?trukket=1", "samtykke/ppr"):
            assert who.get(f"/overblik/{noah}/{path}").status_code == 503
        assert withdraw(who, noah, "ppr").status_code == 503
    assert app.extensions["portal"].consents.events(noah) == before


def test_register_comes_back(app: Flask, login: Login, world: World, register_down) -> None:
    camilla = login("camilla")
    noah = camilla.citizens()["Noah"]
    register_down()
    forget(app)
    assert camilla.get(f"/overblik/{noah}").status_code == 503
    switch(world, "register", "")
    assert camilla.get(f"/overblik/{noah}").status_code == 200
    assert state(camilla, noah, "ppr") == "none"


def test_a_bug_is_an_honest_page_and_a_line_without_personal_data(
    app: Flask, login: Login, caplog: pytest.LogCaptureFixture
) -> None:
    from portal.gate import audience

    @app.get("/fejl")
    @audience("logged-in")
    def wrong() -> str:
        raise ValueError("Emil Holm Krogh 170817-9911")

    mette = login("mette")
    caplog.handler.setFormatter(Json())
    with caplog.at_level(logging.INFO):
        answer = mette.get("/fejl")
    assert answer.status_code == 500
    text = check(answer)
    assert "ValueError" not in text and "Emil" not in text
    reference = re.search(r"\b[0-9a-f]{8}\b", text)
    assert reference and reference[0] in caplog.text
    assert "ValueError" in caplog.text
    assert "Emil" not in caplog.text and "170817" not in caplog.text
    assert mette.get("/overblik").status_code == 200


def test_our_own_database_down_is_503(app: Flask, login: Login) -> None:
    mette = login("mette")
    emil = mette.citizens()["Emil"]
    store = app.extensions["portal"].store
    with stores.everything(store) as c:
        c.exec_driver_sql("ALTER TABLE consent_event RENAME TO gone")
    for path in (f"/overblik/{emil}", f"/overblik/{emil}/samtykke"):
        answer = mette.get(path)
        assert answer.status_code == 503
        assert answer.headers["Retry-After"]
        assert "Emil" not in check(answer)
    assert mette.part(f"/del/overblik/{emil}").status_code == 503


def test_readyz_tells_when_the_schema_is_old(app: Flask) -> None:
    with stores.everything(app.extensions["portal"].store) as c:
        c.exec_driver_sql("UPDATE alembic_version SET version_num = '0000'")
    answer = app.test_client().get("/readyz", base_url=BASE)
    assert answer.status_code == 503
    assert "portal db upgrade" in answer.get_data(as_text=True)
    assert app.test_client().get("/healthz", base_url=BASE).status_code == 200


@pytest.mark.parametrize("fault", ["500", "html", "wrong-person", "reset"])
def test_a_failing_source_is_named_and_never_reads_as_nothing(
    settings: Settings, app: Flask, login: Login, world: World, fault: str
) -> None:
    noah = login("camilla").citizens()["Noah"]
    forgetful = structs.replace(settings, cache="memory://")
    camilla = login("camilla", app=create_app(forgetful))  # a worker that remembers no answers
    switch(world, "ppr", fault)
    try:
        text = check(camilla.get(f"/overblik/{noah}?vent=1"))
    finally:
        switch(world, "ppr", "")
    assert 'data-source="ppr" data-state="unavailable"' in text
    assert 'data-state="waiting"' not in text
    line = text.split('data-source="ppr"')[1].split("</li>")[0]
    assert "PPR" in line and "prøv igen" in line.lower()
    for other in ("familieafd", "bup", "laege"):
        assert re.search(rf'data-source="{other}" data-state="(shown|empty)"', text), other


def test_errors_are_in_the_readers_language_and_shape(app: Flask, login: Login) -> None:
    client = app.test_client()
    danish = check(client.get("/findes-ikke", base_url=BASE))
    english = check(client.get("/findes-ikke", base_url=BASE, headers={"Accept-Language": "en"}))
    assert 'lang="da"' in danish and 'lang="en"' in english
    fragment = login("mette").part("/del/overblik/" + "0" * 32)
    assert fragment.status_code == 404
    text = check(fragment)
    assert text and "<html" not in text


def test_an_anonymous_visitor_meets_no_error_that_knows_more(app: Flask) -> None:
    visitor = Browser(app.test_client())
    for path, status in (("/log-ind/retur", 400), ("/findes-ikke", 404)):
        answer = visitor.get(path)
        assert answer.status_code == status
        assert 'data-viewer="anonymous"' in check(answer)


def test_cancelling_the_login_leads_back_to_the_door(app: Flask) -> None:
    client = app.test_client()
    away = client.get("/log-ind", base_url=BASE).headers["Location"]
    asked = re.search(r"state=([\w-]+)", away)
    if asked:  # pushed requests hide the state from the address
        back = client.get(f"/log-ind/retur?error=access_denied&state={asked[1]}", base_url=BASE)
        assert back.status_code in (302, 400)
    assert "Du afbrød login" in check(client.get("/?login=afbrudt", base_url=BASE))


def test_staff_pages_are_unknown_to_the_other_kind(login: Login) -> None:
    assert login("mette").get("/medarbejder").status_code == 404
    assert staff(login, "karin").get("/overblik").status_code == 404
