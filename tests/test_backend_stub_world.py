"""The demo world holds together: references, custody, ages, numbers; the portal's file loads."""

from __future__ import annotations

import base64
import json
import re
import secrets
import stat
from datetime import date
from pathlib import Path

import pytest

from backend_stub import run_in_thread
from backend_stub.calendar_days import Days
from backend_stub.cast import CPR, CUSTODY, LIVES_WITH, PROTECTED, citizens, home_of, people
from backend_stub.demo import bench_config, write_config
from backend_stub.register import resources
from backend_stub.shapes import Json
from backend_stub.systems import PLACE_OF, PLACES, SYSTEMS, asked_about
from backend_stub.world import World, build
from portal.config import load
from portal.records import State
from portal.settings import Settings
from portal.sources import Subject
from portal.sources.gather import Gatherer

TODAY = date(2026, 11, 21)
CHILDREN = ("sofie", "emil", "noah", "layla", "omar", "freja", "ida")
OF_THE_ROOM = ("bartholomaeus", "io")
"""Those whom only the testers' room needs: too long names, and nothing at all."""


@pytest.fixture(scope="module")
def world() -> World:
    return build(TODAY)


def settings(file: Path) -> Settings:
    return load(
        file,
        {
            "PORTAL_SECRET_KEYS": secrets.token_urlsafe(40),
            "PORTAL_DATA_KEYS": base64.b64encode(secrets.token_bytes(32)).decode(),
        },
    )


def fhir_stores(world: World) -> dict[str, dict[str, dict[str, Json]]]:
    return {s.id: world.fhir(s.id).resources for s in SYSTEMS if s.kind == "fhir"}


def everything(world: World) -> str:
    """All that any system can say, as one text."""
    cprs = [p.cpr for p in people(TODAY).values()]
    calendars = [
        world.calendar(s.id).feed(c).decode()
        for s in SYSTEMS
        if s.kind == "icalendar"
        for c in cprs
    ]
    municipal = [content.answer(c) for content in world.municipal.values() for c in cprs]
    told = json.dumps([fhir_stores(world), municipal, resources(TODAY)], ensure_ascii=False)
    return told + "".join(calendars)


def test_every_reference_leads_somewhere_in_the_same_system(world: World) -> None:
    for system, store in fhir_stores(world).items():
        for target in re.findall(r'"reference": "([^"]+)"', json.dumps(store)):
            kind, _, number = target.partition("/")
            assert number in store[kind], (system, target)


def test_no_cpr_like_number_but_the_synthetic_ones(world: World) -> None:
    known = {p.cpr for p in people(TODAY).values()}
    units = {p.p_number for p in PLACES}
    found = set(re.findall(r"(?<!\d)\d{6}-?\d{4}(?!\d)", everything(world))) - units
    assert found and found <= known
    assert all(cpr[6] == "9" for cpr in found)


def test_phone_numbers_are_eight_digits_of_the_made_up_series(world: World) -> None:
    told = json.dumps([fhir_stores(world)])
    phones = re.findall(r'"system": "phone", "value": "([^"]*)"', told)
    assert phones and all(re.fullmatch(r"9999\d{4}", p) for p in phones)


def test_ages_and_homes_are_as_the_cast_says() -> None:
    known = people(TODAY)
    ages = {
        k: TODAY.year - p.born.year - ((TODAY.month, TODAY.day) < (p.born.month, p.born.day))
        for k, p in known.items()
    }
    expected = {
        "sofie": 16,
        "emil": 9,
        "noah": 12,
        "layla": 14,
        "omar": 6,
        "freja": 18,
        "ida": 11,
        "mette": 38,
        "viggo": 71,
    }
    assert {k: ages[k] for k in expected} == expected
    assert home_of("emil") == home_of("sofie") == home_of("mette") != home_of("jonas")
    assert {k for k, p in known.items() if p.protected} <= PROTECTED
    assert set(LIVES_WITH) <= set(known)


def test_custody_in_the_register() -> None:
    held: dict[str, set[str]] = {}
    for r in resources(TODAY)["RelatedPerson"].values():
        runs = r["period"].get("end", "9999") >= TODAY.isoformat()
        if runs and "PARAUTH" in str(r["relationship"]):
            child = r["patient"]["reference"].removeprefix("Patient/person-")
            held.setdefault(child, set()).add(r["name"][0]["text"].split()[0].lower())
    assert held == {
        "sofie": {"mette", "jonas"},
        "emil": {"mette", "jonas"},
        "noah": {"camilla"},
        "layla": {"amira", "yusuf"},
        "omar": {"amira", "yusuf"},
        "ida": {"peter"},
    } | {key: {"maximiliane-alexandra"} for key in OF_THE_ROOM}
    assert {c.child for c in CUSTODY} == {*CHILDREN, *OF_THE_ROOM}
    assert set(citizens(TODAY)).isdisjoint({"karin", "poul", "birgit", "lone", "steen"})


def test_every_child_but_ida_has_one_tovholder(world: World) -> None:
    leading: dict[str, int] = dict.fromkeys(CHILDREN, 0)
    for system, store in fhir_stores(world).items():
        for key in CHILDREN:
            mine = world.fhir(system).patient(key)
            for team in store["CareTeam"].values():
                if team["subject"]["reference"] == mine:
                    leading[key] += str(team["participant"]).count("'code': 'coordinator'")
            for episode in store["EpisodeOfCare"].values():
                if episode["patient"]["reference"] == mine:
                    leading[key] += "careManager" in episode
    assert leading == dict.fromkeys(CHILDREN, 1) | {"ida": 0}


def test_the_world_is_never_out_of_date() -> None:
    for today in date(2028, 2, 29), date(2027, 1, 1), date(2026, 3, 28), date(2031, 10, 26):
        later = build(today)
        meeting = next(iter(later.fhir("familieafd").resources["Appointment"].values()))
        assert meeting["start"][:10] == later.days.day(1).isoformat()


def test_places_and_systems_are_told_apart() -> None:
    assert len(PLACE_OF) == len(PLACES)
    assert len({p.p_number for p in PLACES}) == len(PLACES)
    assert len({s.path for s in SYSTEMS}) == len(SYSTEMS)
    assert all(0.05 <= s.latency <= 0.6 for s in SYSTEMS)
    assert set(PLACE_OF) == {s.place for s in SYSTEMS}


class TestPortalFile:
    def test_it_loads_and_keeps_its_keys(self, tmp_path: Path) -> None:
        file = write_config(tmp_path, portal_port=9000, idp_port=9001, backend_port=9002)
        found = settings(file)
        assert (found.base_url, found.municipality) == ("http://127.0.0.1:9000", "0851")
        assert [x.id for x in found.source if not x.connected] == ["tandplejen"]
        assert found.identity.staff and found.identity.staff.unit_system == "http://p-nummer.dk"
        key = tmp_path / "keys" / "portal.jwk.json"
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
        kept = key.read_text()
        write_config(tmp_path)
        assert key.read_text() == kept and json.loads(kept)["alg"] == "ES256"

    def test_no_person_stands_in_an_address(self, tmp_path: Path) -> None:
        for source in settings(write_config(tmp_path)).source:
            assert "{subject}" not in source.url

    def test_a_bench_file_has_as_many_equal_sources_as_asked(self, tmp_path: Path) -> None:
        found = settings(bench_config(tmp_path, 45, 0.2))
        assert len(found.source) == 45 and "/200/" in found.source[0].url


def test_the_portal_reads_29_places_in_45_systems_about_noah(tmp_path: Path) -> None:
    with run_in_thread() as base:
        port = int(base.rpartition(":")[2])
        found = settings(write_config(tmp_path, backend_port=port))
        noah = people(Days().today)["noah"]
        asked = [s.id for s in asked_about(12)]
        answers = Gatherer(found).ask(
            asked, Subject(citizen="noah", identifiers={CPR: noah.cpr}), None
        )
    assert {a.source: a.state for a in answers.values()} == dict.fromkeys(asked, State.SHOWN)
    assert len(answers) == 45
    assert len({e.owner for a in answers.values() for e in a.entries}) == 29
