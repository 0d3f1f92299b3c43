"""The server's own log: every line tells of its request, and none of anybody."""

from __future__ import annotations

import ast
import io
import json
import logging
import re
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from flask import Flask
from msgspec import structs

from backend_stub.cast import people
from portal import create_app, telemetry
from portal.settings import LogSettings, Settings
from portal.telemetry.logs import Json, Text, config, formatter
from tests.conftest import BASE, Browser, Login, staff
from tests.leaks import listening, none_about_anybody

CPR = re.compile(r"\b\d{6}-?\d{4}\b")


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    with listening() as out:
        yield out


def lines(written: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in written.getvalue().splitlines()]


def test_journeys_leave_nothing_about_anybody(
    app: Flask, login: Login, settings: Settings, written: io.StringIO
) -> None:
    mette = login("mette")
    ids = mette.citizens()
    emil = ids["Emil"]
    assert mette.get("/overblik?vent=1").status_code == 200
    for path in ("", "/samtykke", "/hvem-har-set", "/kommentarer", "/tidslinje"):
        assert mette.get(f"/overblik/{emil}{path}?vent=1").status_code == 200
    mette.post(f"/overblik/{emil}/kommentarer", {"tekst": "zqtekst om Emil", "modtager": "mig"})
    mette.get(f"/overblik/{'f' * 32}")
    mette.get("/soeg?q=zqsoeg")
    karin = staff(login, "karin")
    karin.post("/medarbejder", {"cpr": "1708179911"})
    karin.get(f"/overblik/{emil}")
    stray = Browser(app.test_client()).get("/log-ind/retur?code=zqkode&state=zqstate")
    assert stray.status_code == 400
    cookies = [c.value for c in mette.client._cookies.values()]  # type: ignore[attr-defined]
    mette.post("/log-ud")
    text = written.getvalue()
    assert [x for x in lines(written) if x.get("outcome") == "in"], "logins are told of"
    secrets = (*settings.secret_keys, *cookies)
    for canary in (*ids, *ids.values(), *secrets, "Holm", "Krogh", "Karin", "zq", "f" * 32):
        assert not canary or canary not in text, canary
    assert not CPR.search(re.sub(r'"(time|pid)": [^,]+', "", text))


@pytest.mark.parametrize("form", ["{}{}", "{}-{}"])
def test_the_watch_over_every_test_notices(tmp_path: Path, form: str) -> None:
    """`tests/leaks.py` stands around each portal of the tests; here it is given something to find."""
    cpr = people(date(2026, 11, 28))["mette"].cpr
    number = form.format(cpr[:6], cpr[6:])
    with pytest.raises(AssertionError, match=r"log: .'mette'"), none_about_anybody(tmp_path):
        logging.getLogger("portal.sources").debug("asked about %s", number)
    with pytest.raises(AssertionError, match=r"a\.db: .'mette'"), none_about_anybody(tmp_path):
        (tmp_path / "a.db").write_bytes(b"\x00" + number.encode() + b"\x00")


def test_the_number_on_the_page_is_the_number_in_the_log(
    app: Flask, login: Login, written: io.StringIO
) -> None:
    page = login("mette").get("/findes-ikke").get_data(as_text=True)
    shown = re.search(r"\b[0-9a-f]{8}\b", page)
    (line,) = [x for x in lines(written) if x.get("status") == 404]
    assert shown and str(line["request"]).startswith(shown[0])
    assert line["message"] == "answered 404 -"


@pytest.mark.parametrize(
    ("header", "sent", "taken"),
    [
        ("X-Request-Id", "4f1d9c0a7b6e5d4c3b2a190807f6e5d4", True),
        ("X-Request-Id", "4F1D9C0A-7B6E-5D4C-3B2A-190807F6E5D4", True),
        ("X-Request-Id", "0101159995", False),
        ("X-Request-Id", "010115-9995", False),
        ("X-Request-Id", "emil krogh", False),
        ("X-Request-Id", "abc", False),
        ("X-Request-Id", "a" * 65, False),
        ("", "4f1d9c0a7b6e5d4c3b2a190807f6e5d4", False),
    ],
)
def test_a_proxys_number_is_taken_only_where_the_file_says_so(
    settings: Settings, written: io.StringIO, header: str, sent: str, taken: bool
) -> None:
    settings = structs.replace(settings, log=LogSettings(request_id_header=header))
    browser = Browser(create_app(settings).test_client())
    browser.get("/findes-ikke", headers={"X-Request-Id": sent})
    (line,) = [x for x in lines(written) if x.get("status") == 404]
    assert (line["request"] == sent.lower()) is taken
    assert taken or sent not in written.getvalue()


def test_all_lines_of_a_request_carry_its_number(
    app: Flask, login: Login, settings: Settings, written: io.StringIO
) -> None:
    """Those of the thread that asks the sources too."""
    deaf = structs.replace(settings.source[0], url="http://127.0.0.1:9/fhir")
    gatherer = create_app(structs.replace(settings, source=(deaf, *settings.source[1:])))
    mette = login("mette", app=gatherer)
    mette.get("/overblik?vent=1")
    failed = [x for x in lines(written) if x.get("source") == deaf.id]
    assert failed and all(x["problem"] == "no connection" and x["request"] for x in failed)


def test_an_exception_is_told_by_kind_and_place(written: io.StringIO) -> None:
    log = logging.getLogger("portal.test")
    try:
        raise ValueError("Emil 170817-9911")
    except ValueError:
        log.exception("it broke\nin two lines")
    (line,) = lines(written)
    assert line["message"] == "it broke / in two lines"
    assert str(line["error"]).startswith("ValueError in test_an_exception_is_told")
    assert "Emil" not in written.getvalue()
    assert telemetry.where(KeyError("Emil")) == "KeyError"


def test_the_servers_own_stack_traces_are_cut() -> None:
    told = "Application callable raised an exception\nTraceback ...\nValueError: Emil"
    record = logging.LogRecord("_granian", 40, "x", 1, told, None, None)
    assert json.loads(Json().format(record))["message"] == told.partition("\n")[0]
    assert "Emil" not in Text().format(record)


@pytest.mark.parametrize(
    ("form", "terminal", "kind"),
    [("auto", True, Text), ("auto", False, Json), ("json", True, Json), ("text", False, Text)],
)
def test_people_get_text_and_machines_json(
    monkeypatch: pytest.MonkeyPatch, form: str, terminal: bool, kind: type
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal, raising=False)
    assert type(formatter(form)) is kind


def test_libraries_only_tell_their_troubles() -> None:
    """At DEBUG they would tell what they were given: parameters, addresses, tokens."""
    told = config(LogSettings(level="DEBUG"))
    assert told["root"]["level"] == "WARNING"
    assert {n for n, x in told["loggers"].items() if x["level"] == "DEBUG"} == {"portal"}


def test_a_bug_while_answering_tells_no_address(
    app: Flask, monkeypatch: pytest.MonkeyPatch, written: io.StringIO
) -> None:
    from portal.views import errors

    whole, asked = errors.render_template, []

    def broken(*names: object, **values: object) -> str:
        asked.append(names)
        if len(asked) == 1:
            raise ValueError("Emil")
        return str(whole(*names, **values))  # type: ignore[arg-type]

    monkeypatch.setattr(errors, "render_template", broken)
    assert app.test_client().get("/zq/0101159995", base_url=BASE).status_code == 500
    assert "zq" not in written.getvalue() and "Emil" not in written.getvalue()
    assert "bug ValueError" in written.getvalue()


def test_the_guide_lists_every_line() -> None:
    """ASVS 16.1.1: read out of the source, so that a new line has to be told of."""
    guide = Path("docs/operator.md").read_text()
    listed = guide.split("## What is logged")[1].split("\n## ")[0]
    said = {
        call.args[0].value
        for file in Path("portal").rglob("*.py")
        for call in ast.walk(ast.parse(file.read_text()))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and ast.unparse(call.func.value) == "log"
        and isinstance(call.args[0], ast.Constant)
    }
    assert len(said) > 10
    assert said == set(re.findall(r"(?m)^\| `([^`]+)` \|", listed))


def test_it_goes_to_standard_error_and_nowhere_else() -> None:
    """ASVS 16.2.3."""
    built = config(LogSettings())
    assert [(h["class"], h["stream"]) for h in built["handlers"].values()] == [
        ("logging.StreamHandler", "ext://sys.stderr")
    ]
    named = [*built["loggers"].values(), built["root"]]
    assert {h for one in named for h in one.get("handlers", ())} == {"console"}


def test_a_forged_form_is_a_line(app: Flask, login: Login, written: io.StringIO) -> None:
    """ASVS 16.3.3: an attempt to get round a control is told of."""
    mette = login("mette")
    form = {"handling": "ny-kalender", "csrf_token": "zq"}
    sent = mette.client.post("/konto", base_url=BASE, data=form)
    assert sent.status_code == 403
    (line,) = [x for x in lines(written) if x.get("status") == 403]
    assert line["level"] == "info" and "zq" not in written.getvalue()
