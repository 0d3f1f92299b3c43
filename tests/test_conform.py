"""The vendor's kit and the operator's check, used on the demo's systems, well and ill; and what they never print."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from click.testing import CliRunner, Result
from conftest import World
from flask import Flask
from hostile_bodies import LATE, SYSTEMS, emil, switch
from proving import dice, times
from recorded.backend import CPR, OTHER_CPR, Backend, patient, running_backend, serve_fhir

import portal.sources as sources
from backend_stub.fault_edits import STRANGER
from backend_stub.faults import FAULTS
from portal.access import today_in_copenhagen
from portal.cli import main
from portal.db import now
from portal.records import Person
from portal.settings import CPR_SYSTEM, Settings, SourceConfig
from portal.sources.in_words import in_words
from portal.sources_check import UNKNOWN, _not_asked

NUMBER = emil().identifiers[CPR_SYSTEM]
PATHS = {
    "fhir": ("familieafd/fhir",),
    "icalendar": ("familieafd-moeder/kalender.ics", "--body", "borger={subject}"),
    "hentsagsliste": (
        *("familieafd-sager/hentsagsliste/v2.0.0", "--profile", "hentsagsliste"),
        *("--body", '{"CPR-nr": "{subject}"}'),
    ),
    "planer": (
        *("en-plan/planer", "--profile", "kommunale_planer"),
        *("--body", '{"cpr": "{subject}"}'),
    ),
}
CONTENT = ("Emil", "Holm", "Krogh", "Barnets plan", "EN ANDENS", STRANGER, NUMBER, NUMBER[:6])


@pytest.fixture
def backends(world: World) -> Iterator[str]:
    yield world.backends
    requests.delete(f"{world.backends}/fault", timeout=20)


def conform(backends: str, kind: str, *more: str, timeout: str = "20") -> Result:
    path, *options = PATHS[kind]
    arguments = ["sources", "conform", f"{backends}/{path}", *options, "--as", "-"]
    return CliRunner().invoke(
        main, [*arguments, "--timeout", timeout, *more], input=f"{NUMBER}\n", catch_exceptions=False
    )


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("fhir", "As fhir, within 20 s"),
        ("fhir", "Goal: supported, 3 resources"),
        ("fhir", "Encounter: not delivered"),
        ("fhir", "restriction: 2 carry V"),
        ("fhir", "organisations that no [[actor]] has an identifier of"),
        ("icalendar", "As icalendar"),
        ("icalendar", "events: 1 VEVENT"),
        ("hentsagsliste", "interventions: 1 items"),
        ("planer", "plans.goals: 1 items"),
        ("planer", "understood: 1 contact, 1 goal, 1 intervention, 1 plan"),
    ],
)
def test_a_healthy_service_passes(backends: str, kind: str, said: str) -> None:
    told = conform(backends, kind)
    assert (told.exit_code, "FAIL" in told.output) == (0, False), told.output
    assert said in told.output
    assert not [c for c in CONTENT if c in told.output]


@pytest.mark.parametrize(
    ("kind", "fault", "said"),
    [
        ("fhir", "401", "authorised: it refused our proof"),
        ("fhir", "redirect", "write the final address in url"),
        ("fhir", "alien", "it does not name the person asked about"),
        ("fhir", "bad-dates", "Appointment: not shown: 4 x start is no time that can be read"),
        ("fhir", "away", "has its next page at another address"),
        ("fhir", "html", "answers something that is no JSON"),
        ("icalendar", "secondly", "RRULE finer than a day: FREQ 'SECONDLY'"),
        ("icalendar", "html", "answers something that is no iCalendar"),
        ("icalendar", "huge-ints", "cannot be read or expanded (broken: 'RRULE')"),
        ("planer", "wrong-person", "answers about somebody else"),
        ("planer", "alien", "some items name somebody else"),
        ("planer", "null", "the mapped place holds nothing"),
        ("hentsagsliste", "wrong-kinds", "a lone object, where a list is expected"),
    ],
)
def test_an_ill_service_is_told_why(backends: str, kind: str, fault: str, said: str) -> None:
    switch(backends, SYSTEMS[kind], fault)
    told = conform(backends, kind, *(("--kind", kind) if kind == "fhir" else ()))
    assert told.exit_code == 1 and said in told.output
    assert not [c for c in CONTENT if c in told.output]


HERS = {"identifier": {"system": CPR_SYSTEM, "value": CPR}}
SCORE = {"valueQuantity": {"value": 4}, "code": {"text": "Trivsel"}}


def observed(number: int = 1, /, **more: Any) -> dict[str, Any]:
    found = {"resourceType": "Observation", "id": f"o{number}", "status": "final", "subject": HERS}
    return found | {"effectiveDateTime": "2026-10-02"} | more


@pytest.mark.parametrize(
    ("resource", "mark", "said"),
    [
        (observed(), "note", "no number of well-being"),
        (observed(effectiveDateTime="2026-10"), "note", "no number of well-being"),
        (observed(**SCORE, effectiveDateTime="2026-10"), "note", "a month or a year and no day"),
        (observed(**SCORE, effectiveDateTime="2026"), "note", "a month or a year and no day"),
        (observed(**SCORE, effectiveDateTime="i går"), "FAIL", "no day that can be read"),
        (observed(**SCORE, status="cancelled"), "note", "status 'cancelled'"),
        (observed(**SCORE | {"code": {}}), "note", "without code.text"),
        (observed(**SCORE, category=[{"coding": [{"code": "exam"}]}]), "note", "no number of well"),
        (
            observed(
                subject={"reference": "#her"},
                contained=[patient("her", CPR)],
            ),
            "note",
            "no number of well-being",
        ),
    ],
)
def test_whose_it_is_the_adapter_has_compared(
    resource: dict[str, Any], mark: str, said: str
) -> None:
    """A reference by number names the person as well as one by address does."""
    with running_backend() as backend:
        serve_fhir(backend, patient(), resource)
        told = vendor(backend)
    line = next(x for x in told.output.splitlines() if "Observation: not shown" in x)
    assert line.startswith(mark) and said in line, told.output
    assert told.exit_code == (mark == "FAIL") and "not name the person" not in told.output


def test_beside_somebody_elses_it_still_tells_them_apart() -> None:
    """By number, by address, and by nothing at all."""
    other = {"identifier": {"system": CPR_SYSTEM, "value": OTHER_CPR}}
    hers = {"identifier": {"system": CPR_SYSTEM, "value": f"{CPR[:6]}-{CPR[6:]}"}}
    with running_backend() as backend:
        found = [
            observed(1, subject=hers),
            observed(2, subject={"reference": "Patient/p1"}),
            observed(3, subject=other),
            observed(4, subject={"reference": "Patient/p2"}),
            observed(5, subject={}),
            observed(6, subject=other | {"reference": "Patient/p1"}),
        ]
        serve_fhir(backend, patient(), *found)
        told = vendor(backend)
    lines = [x for x in told.output.splitlines() if "Observation: not shown" in x]
    assert [x.split()[0] for x in lines] == ["FAIL", "note"], told.output
    assert "4 x it does not name the person" in lines[0] and "2 x no number" in lines[1]
    assert not [c for c in (CPR, OTHER_CPR) if c in told.output]


def vendor(backend: Backend) -> Result:
    arguments = ["sources", "conform", f"{backend.url}/fhir", "--kind", "fhir", "--as", "-"]
    return CliRunner().invoke(main, [*arguments, "--timeout", "20"], input=f"{CPR}\n")


@pytest.mark.proof
def test_no_fault_makes_the_kit_fail_itself_or_tell_content(backends: str) -> None:
    everything = [(kind, fault) for kind in SYSTEMS for fault in FAULTS]
    for kind, fault in dice("kit").sample(everything, times(8, len(everything))):
        switch(backends, SYSTEMS[kind], fault)
        late = "0.5" if fault in LATE else "20"
        told = conform(backends, kind, *(("--kind", kind) if kind == "fhir" else ()), timeout=late)
        switch(backends, SYSTEMS[kind], "")
        assert told.exit_code in (0, 1), (kind, fault)
        assert not [c for c in CONTENT if c in told.output], (kind, fault, told.output)


def test_the_kind_is_found_out_or_asked_for(backends: str) -> None:
    unclear = ["sources", "conform", f"{backends}/en-plan/planer"]
    told = CliRunner().invoke(main, unclear)
    assert told.exit_code == 1 and "--profile or --mapping for JSON" in told.output
    assert "plain http is refused" in _said("http://vendor.example/fhir")
    assert "give either an address" in _said("")


def _said(url: str) -> str:
    return CliRunner().invoke(main, ["sources", "conform", *([url] if url else [])]).output


def test_an_own_mapping_and_words_nobody_mapped(backends: str, tmp_path: Path) -> None:
    file = tmp_path / "mapping.toml"
    file.write_text(
        'person = "borger.cpr"\n[plans]\nitems = "planer"\ntitle = "titel"\nstatus = "status"\n'
        'start = "titel"\n[meetings]\nitems = "findes.ikke"\ntitle = "t"\nstart = "s"\n'
    )
    arguments = ["sources", "conform", f"{backends}/en-plan/planer", "--mapping", str(file)]
    body = ["--body", '{"cpr": "{subject}"}', "--as", "-", "--timeout", "20"]
    told = CliRunner().invoke(main, [*arguments, *body], input=f"{NUMBER}\n")
    assert told.exit_code == 0, told.output
    assert "status 'aktiv' is not mapped" in told.output
    assert "start cannot be read: left out" in told.output
    assert "meetings: items finds nothing" in told.output


def test_a_source_of_the_file_with_its_own_proof(app: Flask, settings: Settings) -> None:
    arguments = ["sources", "conform", "--config", settings.file, "--source"]
    told = CliRunner().invoke(main, [*arguments, "neuro"], env=settings.environ)
    assert "authorised: it takes our proof (smart_backend)" in told.output, told.output
    assert "no test person given" in told.output
    none = CliRunner().invoke(main, [*arguments, "findes-ikke"], env=settings.environ)
    assert none.exit_code == 1 and "no connected [[source]]" in none.output


def test_the_check_has_one_line_for_each_and_says_what_is_wrong(
    app: Flask, settings: Settings, backends: str
) -> None:
    switch(backends, "bup", "401")
    switch(backends, "ppr", "html")
    switch(backends, "en-plan", "alien")
    told = CliRunner().invoke(
        main,
        ["sources", "check", "--config", settings.file, "--as", "-"],
        env=settings.environ,
        input=f"{NUMBER}\n",
    )
    lines = {line.split()[0]: line for line in told.output.splitlines()}
    assert told.exit_code == 1
    assert {"register", *(s.id for s in settings.source)} <= lines.keys()
    assert "FAILED   refused our proof" in lines["bup"]
    assert "FAILED   answers something that is no JSON" in lines["ppr"]
    assert "FAILED   also tells about somebody else" in lines["en-plan"]
    assert "authorised (smart_backend), nothing" in lines["neuro"]
    assert re.search(r"ok {7}4 contact, 3 goal, .* ms of 3 s", lines["familieafd"])
    assert not [c for c in CONTENT if c in told.output]


def test_the_check_asks_nobody_about_somebody_unknown(app: Flask, settings: Settings) -> None:
    told = CliRunner().invoke(
        main,
        ["sources", "check", "--config", settings.file, "--as", "-"],
        env=settings.environ,
        input="0101999999\n",
    )
    assert told.exit_code == 1 and "no source was asked" in told.output
    assert len(told.output.splitlines()) == 2


@pytest.mark.parametrize(
    ("years", "asked"), [(0, False), (3, True), (11, True), (12, False), (None, False)]
)
def test_the_check_asks_only_about_whom_a_page_would(years: int | None, asked: bool) -> None:
    today = today_in_copenhagen(now())
    born = None if years is None else today.replace(year=today.year - years, day=1)
    person = Person(name="A", born=born, identifiers=UNKNOWN.identifiers)
    config = SourceConfig(id="s", name="S", kind="fhir", actor="a", url="https://x", ages=(3, 11))
    assert (_not_asked(config, person) == "") is asked
    assert not _not_asked(config, UNKNOWN), "a number nobody has is of no age"


def test_every_machine_word_has_words() -> None:
    folder = Path(sources.__file__).parent
    said = {
        word
        for file in folder.glob("*.py")
        for word in re.findall(r'SourceFailure\(\s*"([^"]+)"', file.read_text(encoding="utf-8"))
    }
    said |= {"breaker", "busy"}
    assert len(said) > 20
    for word in said:
        assert in_words(word) != f"failed [{word}]", word
    assert in_words("status 401").startswith("refused our proof")
    assert in_words("status 503").startswith("failed itself")
    assert in_words("token status 400").startswith("has a token endpoint that refused us")
