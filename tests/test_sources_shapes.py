"""Whatever a FHIR server puts where, the mapping tells it or leaves it out; it never breaks."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from recorded.backend import recorded, settings, source

from portal.records import Answer, State
from portal.sources import Delivery, SourceFailure
from portal.sources.fhir import INCLUDES, FhirSource
from portal.sources.fhir_address import below, within
from portal.sources.fhir_answer import Found, collect
from portal.sources.fhir_graph import Graph
from portal.sources.fhir_hours import hours
from portal.sources.fhir_shape import clean, day, instant, web
from portal.sources.json_in import decode, decode_identity
from portal.sources.marks import Marks
from portal.sources.paragraph import paragraph

JUNK: list[Any] = [
    None, True, 0, -1, 1e308, 10**17, "", "x", "#c", "2026-11-21", "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00", "Organization/o-ppr", "Patient/p2", "R", "\u202e\x00", [], [[]],
    [None], {}, {"reference": "PractitionerRole/r-karin"}, {"text": 3}, {"coding": "x"},
]  # fmt: skip


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key) inside a JSON value."""
    items: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for key, inner in items:
        yield value, key
        yield from places(inner)


@pytest.mark.parametrize("seed", range(300))
def test_any_shape_is_told_or_left_out(seed: int) -> None:
    """The recorded server with three values replaced by something else."""
    chance = random.Random(seed)
    resources = recorded("fhir_everything.json")["resources"]
    for _ in range(3):
        container, key = chance.choice(list(places(resources)))
        container[key] = chance.choice(JUNK)
    config = source()
    fhir = FhirSource(config, Marks(config, settings("", config)))
    bundle = {"resourceType": "Bundle", "entry": [{"resource": r} for r in resources]}
    found = {kind: Found(matches=[], pool={}) for kind in INCLUDES}
    graph = Graph(config.url)
    for kind, some in found.items():
        collect(some, bundle, kind, config.url)
        graph.pool |= some.pool
    told = Delivery.of(fhir.records(found, graph))
    answer = Answer(source="system", state=State.SHOWN, entries=told.entries, holes=told.holes)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(answer), type=Answer) == answer


@given(st.binary(max_size=60))
def test_any_bytes_are_json_or_a_failure(body: bytes) -> None:
    for read in decode, decode_identity:
        try:
            read(body)
        except SourceFailure as failure:
            assert failure.problem == "not json"  # noqa: PT017  # either outcome is right


@pytest.mark.parametrize(
    "body",
    [b'{"a": 1, "a": 2}', b"[NaN]", b"[Infinity]", b"[" + b"9" * 5000 + b"]", b"[" * 99_999],
)
def test_who_it_is_must_be_said_once_and_plainly(body: bytes) -> None:
    with pytest.raises(SourceFailure, match="not json"):
        decode_identity(body)


def test_half_characters_and_control_characters_are_taken_out() -> None:
    assert clean("A\ud800B\x00C\x9bD\u202eE\nF") == "ABCDE\nF"
    assert decode_identity(b'"\\ud800"') == "\ufffd"


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("2026-03-29T00:30:00Z", "2026-03-29"),
        ("2026-10-24T22:30:00Z", "2026-10-25"),
        ("2026-02-29", "None"),
        ("2026", "None"),
        ("20260301", "None"),
        ("2026-W09-1", "None"),
        ("9999-12-31T23:59:59Z", "None"),
    ],
)
def test_days_are_danish_and_whole(said: str, meant: str) -> None:
    assert str(day(said)) == meant


def test_a_time_without_offset_is_local() -> None:
    assert str(instant("2026-07-01T10:00:00")) == "2026-07-01 10:00:00+02:00"


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("Fast kontaktperson, Barnets Lov § 32, stk. 1, nr. 3", "Barnets Lov § 32, stk. 1, nr. 3"),
        ("Serviceloven § 52 a", "Serviceloven § 52 a"),
        ("§32 støtte", "§32"),
        ("Folkeskolelovens § 20, stk. 2", "Folkeskolelovens § 20, stk. 2"),
        ("Uden lov", ""),
    ],
)
def test_paragraphs(said: str, found: str) -> None:
    assert paragraph([said]) == found


@pytest.mark.parametrize(
    ("said", "link"),
    [
        ("https://skolen.example/x", "https://skolen.example/x"),
        ("http://skolen.example", ""),
        ("javascript:alert(1)", ""),
        ("https://", ""),
        ("https://[", ""),
        (None, ""),
    ],
)
def test_links_are_https_with_a_host(said: Any, link: str) -> None:
    assert web(said) == link


def test_hours_in_one_line() -> None:
    times = {"availableStartTime": "08:00:00", "availableEndTime": "15:30"}
    split = [
        {"daysOfWeek": ["mon", "wed", "tue"], **times},
        {"daysOfWeek": ["sun"], "allDay": True},
    ]
    assert hours({"availableTime": split}) == "man-ons 8.00-15.30, søn hele dagen"
    assert hours({"availableTime": [{"daysOfWeek": "mon"}]}) == ""


@pytest.mark.parametrize(
    ("base", "url", "rest"),
    [
        ("https://host.example/fhir", "https://host.example/fhir/Patient/1", "Patient/1"),
        ("https://host.example/fhir", "https://host.example:443/fhir/Patient/1", "Patient/1"),
        ("https://host.example:443/fhir", "https://host.example/fhir/Patient/1", "Patient/1"),
        ("http://host.example/fhir", "HTTP://Host.EXAMPLE:80/fhir/Patient/1", "Patient/1"),
        ("https://Host.example/fhir", "https://host.example/fhir/Patient/1", "Patient/1"),
        ("http://[::1]:80/fhir", "http://[::1]/fhir/Patient/1", "Patient/1"),
        ("https://host.example/fhir", "http://host.example/fhir/Patient/1", ""),
        ("https://host.example/fhir", "https://host.example:8443/fhir/Patient/1", ""),
        ("https://host.example/fhir", "https://host.example/FHIR/Patient/1", ""),
        ("https://host.example/fhir", "https://x@host.example/fhir/Patient/1", ""),
        ("https://host.example/fhir", "https://host.example.evil/fhir/Patient/1", ""),
        ("https://host.example/fhir", "https://host.example:https/fhir/Patient/1", ""),
    ],
)
def test_one_server_may_write_its_address_in_several_ways(base: str, url: str, rest: str) -> None:
    assert within(url, base) is bool(rest)
    assert (below(url, base) == "Patient/1") is bool(rest)
