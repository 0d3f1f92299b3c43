"""Mapped JSON systems: the two ready profiles, own mappings, safe questions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from aiohttp import web
from recorded.backend import (
    ACTORS,
    CPR,
    Backend,
    lost,
    recorded,
    running_backend,
    settings,
    source,
    subject,
)

from portal.records import (
    Actor,
    Answer,
    Audience,
    Contact,
    Goal,
    Intervention,
    Measurement,
    Meeting,
    Plan,
    Sector,
    State,
    Status,
)
from portal.settings import ConfigError, KindRule
from portal.sources import Subject
from portal.sources.gather import Gatherer

DK = ZoneInfo("Europe/Copenhagen")
HEADS = {"content_type": "application/json"}
CASES = HEADS | {"profile": "hentsagsliste", "body": '{"CPR-nr": "{subject}"}'}
PLANS = HEADS | {"profile": "kommunale_planer", "body": '{"cpr": "{subject}"}'}
MEETINGS = {"meetings": {"items": "m[]", "title": "t", "start": "s"}}


@pytest.fixture
def backend() -> Iterator[Backend]:
    with running_backend() as running:
        yield running


def ask(backend: Backend, said: str = CPR, **more: Any) -> Answer:
    config = source(backend, "rest", **more)
    person = Subject(citizen="borger", identifiers={config.subject: said})
    return Gatherer(settings(backend.url, config)).ask(["system"], person, None)["system"]


def test_hentsagsliste(backend: Backend) -> None:
    backend.answers["/svar"] = recorded("hentsagsliste.json")
    found = ask(backend, **CASES, journal_url="https://familie.example/")
    assert (found.state, found.partial) == (State.SHOWN, False)
    help_, teeth, refused = (e for e in found.entries if isinstance(e, Intervention))
    assert (help_.title, help_.status) == ("Støttende indsats i hjemmet", Status.RUNNING)
    assert (help_.paragraph, help_.codes) == ("Barnets Lov § 32, stk. 1, nr. 2", ("27.24.00",))
    assert (help_.responsible, help_.phone) == ("Karin Thomsen", "99990101")
    assert (help_.url, help_.start) == ("https://familieafdelingen.example/", date(2026, 2, 1))
    assert teeth.kinds == {"application", "excluded:tandpleje"}
    assert (teeth.audience, teeth.url) == ({Audience.CITIZEN_FROM_15}, "https://familie.example/")
    assert (refused.kinds, refused.audience) == ({"refused"}, {Audience.OWNER_ONLY})
    first, second = (e for e in found.entries if isinstance(e, Meeting))
    assert first.start == datetime(2026, 12, 1, 10, tzinfo=DK)
    assert first.people == ("Karin Thomsen", "Poul Riis")
    assert (first.place, first.cancelled, second.cancelled) == ("Rådhuset, lokale 2", False, True)


@pytest.mark.parametrize(
    ("status", "kinds"),
    [(1, {"application"}), ("1", {"application"}), (5, {"refused"}), ("5", {"refused"}), ("2", set())],
)  # fmt: skip
def test_hentsagsliste_knows_an_application_however_its_number_is_written(
    backend: Backend, status: Any, kinds: set[str]
) -> None:
    case = {"SagUUID": "s", "Sagstitel": "Sag", "Sagstatus": status}
    backend.answers["/svar"] = {"CPR-nr": CPR, "BorgervendtSag": [case]}
    (found,) = ask(backend, **CASES).entries
    assert found.kinds == kinds


@pytest.mark.parametrize("number", ["27.54", 27.54])
def test_hentsagsliste_with_a_number_from_the_plan_of_subjects(
    backend: Backend, number: Any
) -> None:
    case = {"SagUUID": "s", "Sagstitel": "Sag", "Sagstatus": 2, "KLE": number}
    backend.answers["/svar"] = {"CPR-nr": CPR, "BorgervendtSag": [case]}
    aids = KindRule(coding="http://kle-online.dk|27.54*", is_="excluded:hjælpemidler")
    config = source(backend, "rest", **CASES)
    asks = Gatherer(settings(backend.url, config, kind=(aids,)))
    (found,) = asks.ask(["system"], subject(), None)["system"].entries
    assert isinstance(found, Intervention) and found.codes == ("27.54",)
    assert found.kinds == {"excluded:hjælpemidler"}


def test_kommunale_planer(backend: Backend) -> None:
    backend.answers["/svar"] = recorded("kommunale_planer.json")
    found = ask(backend, **PLANS)
    entries = {e.key: e for e in found.entries}
    plan = entries["Plan/p-1"]
    assert isinstance(plan, Plan)
    assert (plan.status, plan.next_follow_up) == (Status.RUNNING, date(2027, 2, 1))
    contact, goal, point = (entries[k] for k in ("Contact/p-1", "Goal/m-1", "Measurement/t-1"))
    assert isinstance(contact, Contact) and contact.responsible_for == "Barnets plan"
    assert isinstance(goal, Goal) and (goal.progress, goal.plan) == (40, "Plan/p-1")
    assert isinstance(point, Measurement) and (point.phase, point.words) == ("before", "på vej")
    assert lost(found) == ["measurement"], "it had no day"


def test_what_is_inside_a_restricted_plan_is_restricted(backend: Backend) -> None:
    backend.answers["/svar"] = recorded("kommunale_planer.json")
    inside = {
        e.key: e for e in ask(backend, **PLANS).entries if e.key in ("Goal/m-2", "Intervention/i-2")
    }
    assert {e.audience for e in inside.values()} == {frozenset({Audience.OWNER_ONLY})}
    assert inside["Intervention/i-2"].kinds == {"excluded:tandpleje"}


def test_an_own_mapping_with_owners_and_words(backend: Backend) -> None:
    backend.answers["/svar"] = {
        "hvem": "010816-9995",
        "m": [
            {"t": "Et", "s": "2026-12-01", "e": "http://p-nummer.dk|1003000001", "n": "Nogen"},
            {"t": "To", "s": "2026-12-01T10:00:00Z", "e": "urn:x|1", "n": "Fremmede"},
            {"t": "", "s": "2026-12-01"},
            {"t": "Uden tid"},
            "ikke et møde",
        ],
    }
    mapping = {
        "person": "hvem",
        "meetings": MEETINGS["meetings"] | {"owner": "e", "owner_name": "n"},
    }
    found = ask(backend, mapping=mapping)
    assert [(e.title, e.owner, e.by) for e in found.entries if isinstance(e, Meeting)] == [
        ("Et", "familie", ""),
        ("To", "familie", "Fremmede"),
    ]
    assert lost(found) == ["meeting"]


V, R = Audience.OWNER_ONLY, Audience.CITIZEN_FROM_15


@pytest.mark.parametrize(
    ("said", "understood"),
    [
        *((x, set()) for x in (None, "", "  ", False, [], [None, "", False])),
        ("R", {R}),
        (["r", " V "], {R, V}),
        *((x, {V}) for x in (True, 0, 1, {"kode": "V"}, {}, [{"kode": "R"}], [[]], "fortrolig")),
    ],
)
def test_a_restriction_that_is_not_understood_is_the_strictest(
    backend: Backend, said: Any, understood: set[Audience]
) -> None:
    backend.answers["/svar"] = {"m": [{"t": "Et", "s": "2026-12-01", "a": said}]}
    (found,) = ask(backend, **meetings(audience="a")).entries
    assert found.audience == understood


def test_an_item_about_somebody_else_fails_all(backend: Backend) -> None:
    backend.answers["/svar"] = {"m": [{"t": "Et", "s": "2026-12-01", "cpr": "0201919990"}]}
    mapping = {"meetings": MEETINGS["meetings"] | {"person": "cpr"}}
    found = ask(backend, mapping=mapping)
    assert (found.state, found.problem, found.entries) == (State.UNAVAILABLE, "wrong person", ())


ONE = {"t": "Et", "s": "2026-12-01"}
SHAPES = ("m[]", "m[*]", "m", "m[?t!='x']", "m[0:9]", "m[] | [?t!='x']")


@pytest.mark.parametrize("items", SHAPES)
def test_an_object_where_a_list_is_meant_is_a_list_of_one(backend: Backend, items: str) -> None:
    backend.answers["/svar"] = {"m": ONE, "p": []}
    plans = {"items": "p[]", "title": "t"}
    mapping = {"meetings": MEETINGS["meetings"] | {"items": items}, "plans": plans}
    found = ask(backend, mapping=mapping)
    assert [e.key for e in found.entries] == ["Meeting/#0"] and not found.holes


@pytest.mark.parametrize("said", [{"error": "x"}, {}, "x", 3, True])
@pytest.mark.parametrize("items", SHAPES)
def test_what_is_no_list_is_never_read_as_nothing(backend: Backend, items: str, said: Any) -> None:
    backend.answers["/svar"] = {"m": said, "p": []}
    plans = {"items": "p[]", "title": "t"}
    mapping = {"meetings": MEETINGS["meetings"] | {"items": items}, "plans": plans}
    found = ask(backend, mapping=mapping)
    assert (found.state, found.problem) == (State.UNAVAILABLE, "unexpected shape")
    backend.answers["/svar"] = {"m": None, "p": []}
    assert ask(backend, mapping=mapping).state is State.EMPTY


def test_inside_an_item_too(backend: Backend) -> None:
    goals = {"items": "g[]", "title": "t"}
    mapping = {"plans": {"items": "p[]", "title": "t", "audience": "a", "goals": goals}}
    backend.answers["/svar"] = {"p": [{"t": "Plan", "g": {"t": "Mål"}}, {"t": "Uden", "g": None}]}
    found = ask(backend, mapping=mapping)
    assert [e.key for e in found.entries] == ["Plan/#0", "Goal/#0.0", "Plan/#1"]
    assert not found.holes and not found.partial
    backend.answers["/svar"] = {"p": [{"t": "Plan", "a": "V", "g": {"error": "x"}}]}
    assert lost(ask(backend, mapping=mapping)) == ["goal V"]
    backend.answers["/svar"] = {"p": [{"t": "Plan", "a": "R", "g": "se bilag"}]}
    assert lost(ask(backend, mapping=mapping)) == ["goal R"]


@pytest.mark.parametrize(
    ("start", "end", "all_day", "last"),
    [
        ("2026-10-05", None, True, None),
        ("2026-10-05", "2026-10-08", True, datetime(2026, 10, 9, tzinfo=DK)),
        ("2026-10-24", "2026-10-24", True, datetime(2026, 10, 25, tzinfo=DK)),
        ("2026-10-05T00:00:00", "2026-10-05T01:00", False, datetime(2026, 10, 5, 1, tzinfo=DK)),
        ("2026-10-05T16:00", "2026-10-07", False, datetime(2026, 10, 8, tzinfo=DK)),
    ],
)
def test_a_day_without_an_hour_is_a_whole_one(
    backend: Backend, start: str, end: str | None, all_day: bool, last: datetime | None
) -> None:
    backend.answers["/svar"] = {"m": [{"t": "Lejr", "s": start, "e": end}]}
    (found,) = ask(backend, **meetings(end="e", all_day="hele")).entries
    assert isinstance(found, Meeting) and (found.all_day, found.end) == (all_day, last)


OWNER = "join('|', ['http://p-nummer.dk', e.p])"
DOCUMENTED = "e.p && join('|', ['http://p-nummer.dk', to_string(e.p)])"


@pytest.mark.parametrize(
    ("field", "expression", "held", "missed"),
    [
        ("owner", OWNER, {"p": None}, ["meeting"]),
        ("owner", OWNER, {"p": 1003000001}, ["meeting"]),
        ("kinds", OWNER, {"p": None}, ["meeting V"]),
        ("person", "join('', [e.p])", {"p": None}, []),
        ("start", "join('T', [s, e.p])", {"p": None}, ["meeting"]),
    ],
)
def test_an_expression_that_fails_on_one_item_costs_no_other(
    backend: Backend, field: str, expression: str, held: Any, missed: list[str]
) -> None:
    whole = ONE | {"e": {"p": {"person": CPR, "start": "10:00"}.get(field, "1003000001")}}
    backend.answers["/svar"] = {"m": [whole, ONE | {"t": "To", "e": held}]}
    found = ask(backend, **meetings(**{field: expression}))
    assert [e.title for e in found.entries if isinstance(e, Meeting)] == ["Et"]
    assert lost(found) == missed and found.partial == (not missed)


def test_an_expression_that_fails_spoils_its_own_field_alone(backend: Backend) -> None:
    backend.answers["/svar"] = {"m": [ONE | {"e": {"p": None}}]}
    (found,) = ask(backend, **meetings(place=OWNER, key=OWNER, owner_name=OWNER)).entries
    assert isinstance(found, Meeting) and (found.place, found.key) == ("", "Meeting/#0")
    (found,) = ask(backend, **meetings(audience=OWNER)).entries
    assert found.audience == {V}


@pytest.mark.parametrize(("number", "owner"), [("2", "ppr"), (2, "ppr"), (None, "familie")])
def test_the_documented_owner(backend: Backend, number: Any, owner: str) -> None:
    place = Actor(id="ppr", name="PPR", sector=Sector.SCHOOL, identifiers=("http://p-nummer.dk|2",))
    backend.answers["/svar"] = {"m": [ONE | {"e": {"p": number}}]}
    config = source(backend, "rest", **meetings(owner=DOCUMENTED))
    actors = (*(a for a in ACTORS if a.id != "ppr"), place)
    asks = Gatherer(settings(backend.url, config, actor=actors))
    (found,) = asks.ask(["system"], subject(), None)["system"].entries
    assert found.owner == owner


def test_no_content_is_empty(backend: Backend) -> None:
    backend.answers["/svar"] = 204
    assert ask(backend, mapping=MEETINGS).state is State.EMPTY


@pytest.mark.parametrize("said", ['a"b', "a&b=c", "æ ø", "{subject}", "</x>"])
def test_the_identifier_is_put_in_safely(backend: Backend, said: str) -> None:
    bodies: list[bytes] = []

    async def echo(request: web.Request) -> web.Response:
        bodies.append(await request.read())
        return web.json_response({"m": []})

    backend.answers["/svar"] = echo
    assert ask(backend, said, mapping=MEETINGS, **HEADS, body='{"a": ["{subject}"]}').problem == ""
    assert json.loads(bodies[0]) == {"a": [said]}
    ask(backend, said, mapping=MEETINGS, body="a={subject}&b=1")
    assert bodies[1].count(b"&") == 1
    ask(backend, said, mapping=MEETINGS, content_type="text/xml", body="<a>{subject}</a>")
    assert bodies[2].count(b"<") == 2


def test_another_identifier_may_stand_in_the_address(backend: Backend) -> None:
    backend.answers["/svar/a/b"] = {"m": []}
    url = f"{backend.url}/svar/{{subject}}"
    found = ask(backend, "a/b", mapping=MEETINGS, url=url, method="GET", subject="urn:elev")
    assert found.state is State.EMPTY


def meetings(**more: Any) -> dict[str, Any]:
    return {"mapping": {"meetings": MEETINGS["meetings"] | more}}


def plans(values: dict[str, Any]) -> dict[str, Any]:
    told = {"items": "p", "title": "t", "status": "s", "values": values}
    return {"mapping": {"plans": told}}


@pytest.mark.parametrize(
    ("more", "key"),
    [
        (
            {"mapping": {"meetings": {"items": "m[", "title": "t", "start": "s"}}},
            "mapping.meetings.items",
        ),
        ({"mapping": {"meetings": {"items": "m", "title": "t"}}}, "mapping.meetings.start"),
        (
            {"mapping": {"meetings": {"items": "m", "title": "t", "start": 3}}},
            "mapping.meetings.start",
        ),
        ({"mapping": {"meetings": {"items": "m", "titel": "t"}}}, "mapping.meetings.titel"),
        ({"mapping": {"møder": {}}}, "mapping.møder"),
        (
            {"mapping": {"meetings": MEETINGS["meetings"] | {"values": {"title": 3}}}},
            "mapping.meetings.values",
        ),
        (meetings(title="upper(t)"), "mapping.meetings.title"),
        (meetings(title="join(t)"), "mapping.meetings.title"),
        (meetings(place="a | b[?keys(@, c)]"), "mapping.meetings.place"),
        (meetings(values={"status": {"a": "running"}}), "mapping.meetings.values.status"),
        (plans({"status": {"aktiv": "kører"}}), "mapping.plans.values.status.aktiv"),
        ({"kind": "icalendar", "mapping": MEETINGS}, "mapping"),
        ({"kind": "fhir", "profile": "hentsagsliste"}, "profile"),
        ({}, "mapping"),
        ({"profile": "../config"}, "profile"),
        ({"mapping": MEETINGS, "body": "{{subject}", **HEADS}, "body"),
        ({"mapping": MEETINGS, "auth": {"kind": "bearer", "token_env": "NONE"}}, "auth.token_env"),
    ],
)
def test_a_wrong_setting_is_named_at_start(more: dict[str, Any], key: str) -> None:
    import msgspec

    from portal.settings import SourceAuth

    if "auth" in more:
        more = more | {"auth": msgspec.convert(more["auth"], SourceAuth)}
    with pytest.raises(ConfigError) as e:
        Gatherer(settings("http://127.0.0.1:9", source(None, **{"kind": "rest"} | more)))
    assert e.value.key == f"source.system.{key}"
