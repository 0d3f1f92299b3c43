"""What operators are told of a working portal: the right numbers, and nothing about anybody."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from flask import Flask
from msgspec import structs
from prometheus_client import CollectorRegistry, generate_latest

from portal import access, telemetry
from portal.settings import Settings
from portal.telemetry import REGISTER, Listener, dashboard, layer
from portal.telemetry.metrics import Metrics
from portal.telemetry.recent import EVERY, Lately, Recent, Totals, quantile, totals
from tests.conftest import Browser, Login, staff


@pytest.fixture
def registry(app: Flask) -> Iterator[CollectorRegistry]:
    """A worker with numbers on."""
    found = CollectorRegistry()
    telemetry.listen(Metrics(found))
    layer.install(app)
    yield found
    telemetry.listen()


def value(registry: CollectorRegistry, name: str, **labels: str) -> float:
    return registry.get_sample_value(name, labels) or 0.0


def test_a_journey_is_counted_by_name_and_never_by_whom(
    app: Flask, login: Login, registry: CollectorRegistry
) -> None:
    mette = login("mette")
    ids = mette.citizens()
    assert mette.get("/overblik?vent=1").status_code == 200
    for id in ids.values():
        assert mette.get(f"/overblik/{id}?vent=1").status_code == 200
    karin = staff(login, "karin")
    karin.post("/medarbejder", {"cpr": "0101159995"})
    assert mette.get("/findes/ikke/0101159995").status_code == 404
    assert mette.get("/static/built/nothing.css").status_code == 404
    assert Browser(app.test_client()).get("/log-ind/retur?code=x&state=y").status_code == 400
    seen = {"endpoint": "overview.show", "method": "GET", "status": "200"}
    assert value(registry, "portal_requests_total", **seen) == len(ids)
    assert value(registry, "portal_request_seconds_count", endpoint="overview.show") == len(ids)
    lost = {"endpoint": "none", "method": "GET", "status": "404"}
    assert value(registry, "portal_requests_total", **lost) == 2
    assert value(registry, "portal_logins_total", door="citizen", outcome="in") == 1
    assert value(registry, "portal_logins_total", door="staff", outcome="in") == 1
    assert value(registry, "portal_logins_total", door="-", outcome="invalid") == 1
    assert value(registry, "portal_log_commit_seconds_count") >= len(ids)
    asked = value(registry, "portal_cache_answers_total", result="asked")
    assert asked > value(registry, "portal_cache_answers_total", result="fresh") > 0
    assert value(registry, "portal_source_answers_total", source=REGISTER, outcome="shown") > 0
    text = generate_latest(registry).decode()
    for canary in (*ids, *ids.values(), "Holm", "0101159995", "overblik/"):
        assert canary not in text
    assert not re.search(r"\b[0-9a-f]{32}\b|\b\d{6}-?\d{4}\b(?!\.)", re.sub(r"[\d.e+]+$", "", text))


def test_limits_and_sources_that_fail_are_counted(
    app: Flask, settings: Settings, registry: CollectorRegistry
) -> None:
    limiter = app.extensions["portal"].limiter
    assert [limiter.allows("report", "x") for _ in range(11)][-1] is False
    assert value(registry, "portal_limited_total", what="report") == 1
    for _ in range(3):
        telemetry.tell().source("ppr", "timeout", 2.0)
    telemetry.tell().breaker("ppr", True)
    telemetry.tell().wrong_person("ppr")
    telemetry.tell().shed("full")
    late = lately(registry)["ppr"]
    assert (late.asked, late.failed, late.failures) == (3, 3, (("timeout", 3),))
    assert (late.breaker_open, late.strangers, late.since_success) == (True, 1, None)


def lately(registry: CollectorRegistry) -> dict[str, Lately]:
    return Recent().lately(["ppr", "bup"], totals(registry.collect(), 0.0))


def test_without_anybody_listening_nothing_happens() -> None:
    telemetry.listen()
    for name in (n for n in vars(Listener) if not n.startswith("_")):
        assert getattr(telemetry.tell(), name).__func__ is getattr(Listener, name)


def test_several_may_listen() -> None:
    first, second = CollectorRegistry(), CollectorRegistry()
    telemetry.listen(Metrics(first), Metrics(second))
    telemetry.tell().shed("full")
    telemetry.listen()
    assert [value(r, "portal_shed_total", why="full") for r in (first, second)] == [1, 1]


@pytest.mark.parametrize(
    ("counts", "share", "found"),
    [
        ({}, 0.5, None),
        ({0.1: 0, float("inf"): 0}, 0.5, None),
        ({0.1: 10, 0.2: 10, float("inf"): 10}, 0.5, 0.05),
        ({0.1: 0, 0.2: 10, float("inf"): 10}, 0.5, 0.15),
        ({0.1: 5, 0.2: 10, float("inf"): 10}, 0.95, 0.19),
        ({0.1: 0, 0.2: 0, float("inf"): 4}, 0.95, 0.2),
    ],
)
def test_a_quantile_is_what_prometheus_would_say(counts, share: float, found: float | None) -> None:
    told = quantile(counts, share)
    assert told == (found if found is None else pytest.approx(found))


def test_lately_is_the_last_quarter_of_an_hour_and_no_more() -> None:
    recent = Recent()
    start = recent._kept[0].at
    for n in range(1, 101):
        recent.add(Totals(start + n * EVERY, {("ppr", "timeout"): n}))
    new = Totals(start + 100 * EVERY, {("ppr", "timeout"): 100})
    assert recent.lately(["ppr"], new)["ppr"].failed == 60
    assert recent.minutes(new.at) == 15


STATES = [
    (Lately(asked=0, failures=(), p50=None, p95=None, since_success=None, breaker_open=False, strangers=0), "not asked"),
    (Lately(asked=9, failures=(("timeout", 9),), p50=2, p95=2, since_success=9, breaker_open=True, strangers=0), "left in peace"),
    (Lately(asked=9, failures=(("timeout", 9),), p50=2, p95=2, since_success=9, breaker_open=False, strangers=0), "down"),
    (Lately(asked=9, failures=(("timeout", 5),), p50=2, p95=2, since_success=9, breaker_open=False, strangers=0), "failing"),
    (Lately(asked=9, failures=(("timeout", 1),), p50=2, p95=2, since_success=9, breaker_open=False, strangers=0), "shaky"),
    (Lately(asked=99, failures=(("timeout", 1),), p50=2, p95=2, since_success=9, breaker_open=False, strangers=0), "answers"),
]  # fmt: skip


@pytest.mark.parametrize(("late", "state"), STATES)
def test_each_state_has_its_word_on_the_page(settings: Settings, late: Lately, state: str) -> None:
    found = {i: late for i, _, _ in dashboard.sources(settings)}
    whole = dashboard.Whole(workers=2, checkpoint=5.0)
    page = dashboard.render(settings, found, whole, 15, True)
    assert f"<b>{len(found)}</b> {state}</li>" in page
    assert page.count(f">{state}</span>") == len(found)


def test_an_alarm_stands_first_and_names_are_made_harmless(settings: Settings) -> None:
    odd = structs.replace(settings.source[0], name="<script>alert(1)</script>")
    settings = structs.replace(settings, source=(odd, *settings.source[1:]))
    calm, alarmed = STATES[5][0], STATES[5][0].__class__(**{**vars(STATES[5][0]), "strangers": 2})
    found = {i: calm for i, _, _ in dashboard.sources(settings)} | {odd.id: alarmed}
    page = dashboard.render(settings, found, dashboard.Whole(workers=1, checkpoint=9.0), 1, False)
    assert "answered about somebody else,\n2 times" in page
    assert "<script" not in page
    assert page.index(f">{odd.id} ·") < page.index(f">{REGISTER} ·")


def test_telling_times_is_for_people() -> None:
    told = [dashboard.ago(s) for s in (None, float("inf"), 5, 119, 120, 7200, 200_000)]
    assert told == [
        "never",
        "never",
        "5 s ago",
        "119 s ago",
        "2 min ago",
        "2 hours ago",
        "2 days ago",
    ]
    assert [dashboard.milliseconds(s) for s in (None, 0.0123, 4.87)] == ["–", "12 ms", "4900 ms"]


def test_rules_never_tell() -> None:
    """Who may see what is nobody's number."""
    assert "telemetry" not in vars(access)
