"""Every address, every kind of visitor: who gets in, what everybody else meets, what each answer carries."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from portal.models import metadata
from tests import stores
from tests.conftest import BASE, Browser, Login, staff
from tests.page_checks import check

REFERENCE = re.compile(r"\b[0-9a-f]{8}\b")
NOBODY = "0" * 32
PARTS = (
    "kontakter",
    "moeder",
    "indsatser",
    "planer",
    "trivsel",
    "oplysninger",
    "netvaerk",
    "tidslinje",
)
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
PARTIAL = {"HX-Request": "true", "HX-Request-Type": "partial"}
AUDIENCES = {"anyone", "citizen", "staff", "logged-in"}


def rules(app: Flask, *audiences: str) -> list[Rule]:
    return [r for r in app.url_map.iter_rules() if audience_of(app, r) in audiences]


def audience_of(app: Flask, rule: Rule) -> str:
    return getattr(app.view_functions[rule.endpoint], "audience", "")


def paths(app: Flask, rule: Rule, citizen: str = NOBODY) -> Iterator[str]:
    """Every address of a rule, about this citizen."""
    known = {"citizen": citizen, "actor": "ppr"}
    for part in PARTS if "part" in rule.arguments else ("",):
        values = {a: known.get(a, part if a == "part" else NOBODY) for a in rule.arguments}
        with app.test_request_context(base_url=BASE):
            yield app.url_map.bind("127.0.0.1").build(rule.endpoint, values)


def every(app: Flask, method: str, *audiences: str, citizen: str = NOBODY) -> list[str]:
    found = [r for r in rules(app, *audiences) if method in (r.methods or ())]
    return [p for r in found for p in paths(app, r, citizen)]


def plain(answer: TestResponse) -> str:
    """An answer's text without what differs each time: the reference number and tokens."""
    text = re.sub(r"\b[0-9a-f]{8}\b", "REF", check(answer))
    return re.sub(r'(csrf_token" value=")[^"]+', r"\1", text)


def test_every_view_says_whom_it_is_for(app: Flask) -> None:
    nameless = [r.rule for r in app.url_map.iter_rules() if audience_of(app, r) not in AUDIENCES]
    assert not nameless


def test_a_view_that_forgets_its_audience_is_closed(app: Flask, login: Login) -> None:
    app.add_url_rule("/glemt", "forgotten", lambda: "secret")
    app.add_url_rule("/overblik/glemt/alt", "forgotten_too", lambda: "secret")
    mette = login("mette")
    for path in ("/glemt", "/overblik/glemt/alt"):
        for visitor in (Browser(app.test_client()), mette):
            answer = visitor.get(path)
            assert answer.status_code == 404
            assert "secret" not in check(answer)


def test_anonymous_visitors_are_led_to_the_door_and_back(app: Flask) -> None:
    visitor = Browser(app.test_client())
    for path in every(app, "GET", "citizen", "staff", "logged-in"):
        answer = visitor.get(path)
        check(answer)
        if path.startswith("/del/"):
            assert answer.status_code == 401, path
            assert answer.headers["HX-Redirect"].startswith("/log-ind"), path
            assert REFERENCE.search(answer.get_data(as_text=True)), path
            continue
        door = "/log-ind/medarbejder" if path.startswith("/medarbejder") else "/log-ind"
        assert answer.status_code == 302, path
        assert re.fullmatch(re.escape(door) + r"\?retur=[\w.~%-]+", answer.headers["Location"]), (
            path
        )
        assert NOBODY not in answer.headers["Location"], "a person's id travels in an address"


def test_anonymous_fragments_and_posts_get_no_page(app: Flask) -> None:
    visitor = Browser(app.test_client())
    for path in every(app, "GET", "citizen", "logged-in"):
        answer = visitor.part(path)
        assert answer.status_code == 401, path
        assert answer.headers["HX-Redirect"].startswith("/log-ind"), path
        text = check(answer)
        assert "<html" not in text and "Du er ikke logget ind" in text and REFERENCE.search(text)
    visitor.post("/sprog", {"sprog": "en"})
    assert "You are not logged in" in check(visitor.part(path))
    for path in every(app, "POST", "citizen", "staff", "logged-in"):
        answer = visitor.client.post(path, base_url=BASE)
        assert (answer.status_code, answer.headers["Location"].split("?")[0]) in (
            (302, "/log-ind"),
            (302, "/log-ind/medarbejder"),
        ), path


def test_strangers_meet_the_same_page_whether_the_child_exists_or_not(
    app: Flask, login: Login
) -> None:
    emil = login("mette").citizens()["Emil"]
    for visitor in (login("viggo"), login("camilla"), staff(login, "karin"), staff(login, "steen")):
        for method in ("GET", "POST"):
            theirs = every(app, method, "citizen", "logged-in", citizen=emil)
            none = every(app, method, "citizen", "logged-in", citizen=NOBODY)
            for path, nowhere in zip(theirs, none, strict=True):
                if path == nowhere or path.startswith("/del/"):
                    continue
                call = visitor.get if method == "GET" else _granting(visitor)
                answer, other = call(path), call(nowhere)
                assert answer.status_code == 404, (method, path)
                assert plain(answer) == plain(other).replace(NOBODY, emil), path
                assert "Emil" not in answer.get_data(as_text=True)


def _granting(visitor: Browser):
    data = {"csrf_token": visitor.token(), "tekst": "hej", "formaal": "moede"}

    def post(path: str) -> TestResponse:
        act = "traek" if "samtykke" in path else "fortryd"
        return visitor.client.post(path, base_url=BASE, data=data | {"handling": act})

    return post


def test_strangers_get_no_fragment(login: Login) -> None:
    emil = login("mette").citizens()["Emil"]
    for visitor in (login("viggo"), staff(login, "karin")):
        for citizen in (emil, NOBODY):
            assert visitor.part(f"/del/overblik/{citizen}").status_code == 404


def test_the_wrong_kind_of_visitor_finds_nothing(app: Flask, login: Login) -> None:
    mette, karin = login("mette"), staff(login, "karin")
    for visitor, closed in ((mette, "staff"), (karin, "citizen")):
        token = visitor.token()
        for path in every(app, "GET", closed):
            assert visitor.get(path, headers=PARTIAL).status_code == 404, path
        for path in every(app, "POST", closed):
            posted = visitor.client.post(path, base_url=BASE, data={"csrf_token": token})
            assert posted.status_code == 404, path


def test_other_methods_are_405_and_say_which_are_right(app: Flask, login: Login) -> None:
    allowed: dict[str, set[str]] = {}
    for rule in rules(app, *AUDIENCES):
        for path in paths(app, rule):
            allowed.setdefault(path, set()).update(rule.methods or ())
    mette = login("mette")
    headers = {"X-CSRFToken": mette.token()}
    for visitor in (Browser(app.test_client()), mette):
        for path, right in allowed.items():
            for method in set(METHODS) - right:
                answer = visitor.client.open(path, method=method, base_url=BASE, headers=headers)
                assert answer.status_code == 405, (method, path)
                assert set(answer.headers["Allow"].split(", ")) == right, path
                check(answer)


def test_every_page_of_a_guardian_passes_every_check_and_changes_nothing(
    app: Flask, login: Login
) -> None:
    mette = login("mette")
    emil = mette.citizens()["Emil"]
    mette.get(f"/overblik/{emil}?vent=1")
    before = stored(app)
    seen = 0
    for path in every(app, "GET", "citizen", "logged-in", "anyone", citizen=emil):
        if path.startswith("/log-ind"):
            continue  # a login is a visit to the provider, and its return makes a session
        for address in (path, path + "?vent=1"):
            answer = mette.get(address)
            assert answer.status_code in (200, 302, 400, 404), address
            seen += answer.status_code == 200
            check(answer)
    assert seen > 30
    assert stored(app) == before


def stored(app: Flask) -> dict[str, list[tuple[object, ...]]]:
    """All rows of all tables but the access log and the sessions' last use."""
    found = {}
    with stores.everything(app.extensions["portal"].store) as c:
        for table in metadata.sorted_tables:
            if table.name != "access_entry":
                columns = [col for col in table.c if (table.name, col.name) != ("session", "used")]
                found[table.name] = sorted(map(tuple, c.execute(select(*columns))), key=repr)
    return found


def test_a_fragment_opened_directly_is_no_half_page(login: Login) -> None:
    mette = login("mette")
    emil = mette.citizens()["Emil"]
    for path in ("/del/overblik", f"/del/overblik/{emil}", f"/del/overblik/{emil}?part=moeder"):
        opened = mette.get(path)
        assert opened.status_code == 400 or "<html" in opened.get_data(as_text=True)
        asked = mette.part(path)
        assert asked.status_code == 200, path
        assert "<html" not in check(asked)


def test_a_page_address_has_one_shape(login: Login) -> None:
    """htmx asking for a page's address gets the page, so that no cache can mix the two."""
    mette = login("mette")
    emil = mette.citizens()["Emil"]
    answer = mette.part(f"/overblik/{emil}/moeder?vent=1")
    assert "<html" in check(answer)
    assert "HX-Request-Type" in answer.headers["Vary"]


def test_unknown_addresses_and_hosts(app: Flask, login: Login) -> None:
    mette = login("mette")
    for path in (
        "/findes-ikke",
        "/overblik/",
        "/overblik/x/y/z",
        "/overblik/%00",
        "/static/x.css",
        "/../etc/passwd",
        "/overblik/" + "a" * 500,
        "/kalender/x",
    ):
        for visitor in (Browser(app.test_client()), mette):
            answer = visitor.get(path)
            assert answer.status_code in (302, 404), path
            if answer.status_code == 404:
                check(answer)
    for host in ("http://evil.example", "http://127.0.0.1.evil.example:8000"):
        answer = app.test_client().get("/", base_url=host)
        assert answer.status_code == 400
        assert "evil" not in answer.get_data(as_text=True)


POSTS = ("/overblik/{emil}/samtykke/ppr", "/overblik/{emil}/kommentarer", "/log-ud", "/sprog")


@pytest.mark.parametrize("path", POSTS)
def test_forged_posts_are_refused_and_change_nothing(app: Flask, login: Login, path: str) -> None:
    mette, jonas = login("mette"), login("jonas")
    path = path.format(emil=mette.citizens()["Emil"])
    form = {"handling": "traek", "tekst": "hej", "sprog": "en"}
    good = form | {"csrf_token": mette.token()}
    before = stored(app)
    for data in (
        form,
        form | {"csrf_token": ""},
        form | {"csrf_token": "x" * 80},
        form | {"csrf_token": "æ" * 80},
        form | {"csrf_token": jonas.token()},
    ):
        answer = mette.client.post(path, base_url=BASE, data=data)
        assert answer.status_code == 403, data
        check(answer)
    for headers in (
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:8001"},
    ):
        answer = mette.client.post(path, base_url=BASE, data=good, headers=headers)
        assert answer.status_code == 403, headers
        check(answer)
    assert stored(app) == before
    right = {"Origin": BASE, "Sec-Fetch-Site": "same-origin"}
    answer = mette.client.post(path, base_url=BASE, data=good, headers=right)
    assert answer.status_code in (302, 303)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_what_nothing_answers_is_no_forgery(app: Flask, login: Login, method: str) -> None:
    """With a session and without a token: nothing could run, so the honest answer is given."""
    for who in login("mette"), Browser(app.test_client()):
        for path, status in (("/overblik", 405), ("/hjaelp", 405), ("/findes-ikke", 404)):
            answer = who.client.open(path, method=method, base_url=BASE)
            assert answer.status_code == status, path
            assert status == 404 or "GET" in answer.headers["Allow"]
            check(answer)


def test_anonymous_foreign_posts_are_refused(app: Flask) -> None:
    client = app.test_client()
    answer = client.post(
        "/sprog", base_url=BASE, data={"sprog": "en"}, headers={"Origin": "https://x.example"}
    )
    assert answer.status_code == 403
    check(answer)


def test_too_much_is_413(login: Login) -> None:
    mette = login("mette")
    emil = mette.citizens()["Emil"]
    answer = mette.post(f"/overblik/{emil}/kommentarer", {"tekst": "x" * 70_000})
    assert answer.status_code == 413
    check(answer)


def test_error_pages_speak_to_nobody_in_particular(login: Login) -> None:
    mette = login("mette")
    text = check(mette.get("/findes-ikke"))
    assert 'data-viewer="anonymous"' in text
    assert "Mette" not in text
    assert REFERENCE.search(text), "no reference number"


def test_health_tells_nothing_and_needs_no_source(app: Flask) -> None:
    client = app.test_client()
    assert client.get("/healthz", base_url=BASE).json == {"status": "alive"}
    assert client.get("/readyz", base_url=BASE).json == {"status": "ready"}
    for path in ("/healthz", "/readyz"):
        check(client.get(path, base_url=BASE))
