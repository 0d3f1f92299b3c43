"""The surface: looking changes nothing, a careless cache mixes nobody up, and hostile texts stay texts."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest
from flask import Flask, Response, request
from msgspec import structs
from werkzeug.test import TestResponse

from backend_stub import app as backend_app
from backend_stub.app import create_app as create_backends
from backend_stub.demo import write_config
from backend_stub.serving import run_in_thread
from mitid_stub.personas import personas
from portal import create_app
from portal.config import load
from portal.settings import Settings
from tests import stores
from tests.conftest import PORT, Browser, Login, World, staff
from tests.page_checks import check
from tests.payloads import Poison, PoisonedSwitch
from tests.proving import dice, times
from tests.test_routes import every, stored

MOST_PAGES = times(120, 600)
PERSONAS = ("mette", "jonas", "sofie", "camilla")


@pytest.mark.parametrize("person", ["mette", "sofie", "karin"])
def test_looking_twice_at_everything_changes_nothing_but_the_log(
    app: Flask, login: Login, person: str
) -> None:
    employee = person == "karin"
    browser = staff(login, person) if employee else login(person)
    citizens = [] if employee else list(browser.citizens().values())[: times(1, 9)]
    crawl(browser, "/medarbejder" if employee else "/overblik")  # whom it meets first is enrolled
    before = stored(app)
    audiences = ("staff",) if employee else ("citizen",)
    for _ in range(2):
        for citizen in citizens or ["0" * 32]:
            for path in every(app, "GET", *audiences, "logged-in", "anyone", citizen=citizen):
                if not path.startswith("/log-ind"):
                    browser.get(path)
        crawl(browser, "/medarbejder" if employee else "/overblik")
    assert stored(app) == before


class Cache:
    """A cache in front that does what it may by Cache-Control, and has never heard of Vary."""

    def __init__(self) -> None:
        self.kept: dict[str, TestResponse] = {}
        self.hits = 0

    def get(self, browser: Browser, path: str) -> TestResponse:
        if path in self.kept:
            self.hits += 1
            return self.kept[path]
        answer = browser.get(path)
        said = answer.headers.get("Cache-Control", "")
        if answer.status_code in (200, 301, 404) and not re.search("no-store|private", said):
            self.kept[path] = answer
        return answer


def stamp(app: Flask) -> None:
    """Every answer says for which cookie it was made; a cache would say it of another's."""

    def whose(answer: Response) -> Response:
        answer.headers["X-Made-For"] = mark(request.cookies.get("session"))
        return answer

    app.after_request_funcs.setdefault(None, []).insert(0, whose)


def mark(cookie: str | None) -> str:
    return hashlib.sha256((cookie or "nobody").encode()).hexdigest()[:16]


def mixed(app: Flask, login: Login, count: int) -> tuple[Cache, int]:
    """So many requests of several people in any order; how many got what was made for another."""
    stamp(app)
    roll, cache = dice("cache"), Cache()
    people = [*map(login, PERSONAS), staff(login, "karin"), Browser(app.test_client())]
    cookies = [
        mark(getattr(p.client.get_cookie("session", domain="127.0.0.1"), "value", None))
        for p in people
    ]
    ids = people[0].citizens().values()
    paths = {p for i in ids for p in every(app, "GET", "citizen", "logged-in", "anyone", citizen=i)}
    built = re.findall(r'"(/static/built/[^"]+)"', people[0].get("/konto").get_data(as_text=True))
    addresses = sorted(p for p in paths if not p.startswith("/log-ind")) + built * 4
    mixed_up = 0
    for _ in range(count):
        n = roll.randrange(len(people))
        made_for = cache.get(people[n], roll.choice(addresses)).headers.get("X-Made-For")
        mixed_up += made_for not in (None, cookies[n])
    return cache, mixed_up


@pytest.mark.proof
def test_a_cache_that_ignores_vary_gives_nobody_anothers_bytes(
    app: Flask, login: Login, record_property: pytest.FixtureRequest
) -> None:
    count = times(200, 10_000)
    cache, mixed_up = mixed(app, login, count)
    assert mixed_up == 0
    assert cache.hits, "a cache that keeps nothing proves nothing"
    assert all(p.startswith("/static/built/") for p in cache.kept)
    record_property("figure", f"{count} requests, {cache.hits} from the cache, 0 mixed up")  # type: ignore[operator]


def test_without_no_store_the_same_cache_would_mix_them_up(app: Flask, login: Login) -> None:
    """So that the proof above can fail."""

    def careless(answer: Response) -> Response:
        answer.headers["Cache-Control"] = "max-age=60"
        return answer

    app.after_request_funcs.setdefault(None, []).insert(0, careless)
    assert mixed(app, login, 120)[1] > 0


def test_a_name_of_a_file_behind_a_page_is_not_the_page(login: Login) -> None:
    """Web cache deception: what looks like a style sheet is nothing."""
    mette = login("mette")
    emil = mette.citizens()["Emil"]
    for path in ("/overblik/x.css", f"/overblik/{emil}/x.css", f"/overblik/{emil};x.css", f"/overblik/{emil}.js", "/konto/a.png", "/konto%0a.css"):  # fmt: skip
        answer = mette.get(path)
        assert answer.status_code == 404, path
        assert "no-store" in answer.headers["Cache-Control"]


@pytest.fixture
def poisoned(
    world: World, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Settings, Poison]]:
    """The same portal, pointed at systems and a register that all lie in every text."""
    poison = Poison(dice("payloads"))
    monkeypatch.setattr(backend_app, "FaultSwitch", lambda: PoisonedSwitch(poison))
    with run_in_thread(create_backends(latency=0)) as backends:
        port = urlsplit(backends).port or 0
        folder = settings.path(".")
        file = write_config(folder, portal_port=PORT, idp_port=world.idp_port, backend_port=port)
        found = load(file, world.secrets)
        patient = tuple(structs.replace(s, timeout=20.0) for s in found.source)
        found = structs.replace(found, source=patient, database=settings.database)
        yield structs.replace(found, page_seconds=25.0), poison


@pytest.mark.proof
def test_hostile_texts_in_every_field_stay_texts(
    poisoned: tuple[Settings, Poison],
    app: Flask,
    login: Login,
    record_property: pytest.FixtureRequest,
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings, poison = poisoned
    enough, pages, rounds = times(1500, 10_000), 0, 0
    while poison.dealt < enough:
        fresh = create_app(settings)  # nothing is in its cache: every text is dealt anew
        browser = login(PERSONAS[rounds % 2], app=fresh)
        write_everywhere(browser, poison)
        pages += crawl(browser, "/overblik?vent=1", harmless)
        if rounds % 3 == 0:
            pages += crawl(
                login("karin", "/log-ind/medarbejder", app=fresh), "/medarbejder", harmless
            )
        rounds += 1
    assert pages > 40
    stored_bytes = b"".join(f.read_bytes() for f in settings.path("var").rglob("*") if f.is_file())
    stored_bytes += stores.content(app.extensions["portal"].store)
    assert "zqhit" not in caplog.text
    assert b"zqhit" not in stored_bytes
    for person in personas():
        assert not person.cpr or person.cpr not in caplog.text
        assert not person.cpr or person.cpr.encode() not in stored_bytes
    record_property("figure", f"{poison.dealt} payloads, {pages} answers, 0 of them more than text")  # type: ignore[operator]


def write_everywhere(browser: Browser, poison: Poison) -> None:
    """Every form of a family's, with a payload in every field a person fills in."""
    for citizen in list(browser.citizens().values())[:2]:
        forms = (
            ("kommentarer", {"tekst": 2, "modtager": 1}),
            ("samtykke/ppr", {"kategori": 1, "ejer": 1, "formaal": 1, "til": 1, "barnet": 1, "handling": 1}),
            ("soeg", {"ord": 1}),
            ("mangler", {"tekst": 1, "hvad": 1, "sted": 1}),
        )  # fmt: skip
        for path, fields in forms:
            data = {name: poison.text() for name, n in fields.items() for _ in range(n)}
            answer = browser.post(f"/overblik/{citizen}/{path}", data)
            assert answer.status_code < 500
            if answer.status_code in (400, 422) or answer.mimetype == "text/html":
                harmless(browser, answer)
    harmless(browser, browser.get("/", query_string={poison.text(): poison.text()}))
    harmless(browser, browser.get("/" + poison.text().replace("\r", "").replace("\n", "")))
    header = poison.text().encode("ascii", "ignore").decode().replace("\r", "").replace("\n", "")
    harmless(browser, browser.get("/konto", headers={"Referer": header, "Accept-Language": header}))


def crawl(browser: Browser, start: str, look: object = None) -> int:
    """Follow every link of ours from here; the number of answers."""
    waiting, met = [start], {start}
    while waiting and len(met) < MOST_PAGES:
        path = waiting.pop(0)
        answer = browser.get(path)
        assert answer.status_code < 500, path
        if callable(look):
            look(browser, answer)
        if answer.mimetype != "text/html":
            continue
        for link in re.findall(r'(?:href|hx-get)="(/[^"#]*)', answer.get_data(as_text=True)):
            link = link.replace("&amp;", "&")
            if (
                link not in met
                and "/log-ud" not in link
                and not link.startswith(("/static", "/log-ind", "/sprog"))
            ):
                met.add(link)
                waiting.append(link)
    return len(met)


class Elements(HTMLParser):
    """Where a payload's mark stands: as text, as a told value, or as something that does something."""

    TOLD = frozenset({"value", "title", "aria-label", "alt", "placeholder", "content"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.doing: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if "zqhit" in name.lower() or ("zqhit" in (value or "") and name not in self.TOLD):
                if name == "href" and re.match(r"(mailto|tel):", value or ""):
                    continue  # opens a letter or a call, and nothing of ours
                self.doing.append(f"<{tag} {name}={value!r}>")
        if tag in ("base", "iframe", "object", "embed", "math", "frame"):
            self.doing.append(f"<{tag}>")


def harmless(browser: Browser, answer: TestResponse) -> None:
    """No mark in a header, an element, an attribute that does something, or a calendar's structure."""
    path = answer.request.path
    for name, value in answer.headers:
        assert "zqhit" not in (name + value).lower(), (path, name, value)
    text = answer.get_data(as_text=True)
    if answer.mimetype == "text/html":
        check(answer)
        found = Elements()
        found.feed(text)
        assert not found.doing, (path, found.doing[:3])
        products = {str(7 * int("7919" + n)) for n in re.findall(r"7919(\d+)", text)}
        assert not [p for p in products if re.search(rf"(?<!\d){p}(?!\d)", text)], path
    elif answer.mimetype in ("text/calendar", "text/vcard"):
        lines = re.sub(r"\r\n[ \t]", "", text).split("\r\n")
        assert not [x for x in lines if re.match(r"x-zq", x, re.IGNORECASE)], path
        assert not [x for x in lines if "\n" in x or "\r" in x], path
        begun = [x for x in lines if x.startswith(("BEGIN:", "END:"))]
        assert len(begun) % 2 == 0 and begun[0].startswith("BEGIN:"), path
    assert not re.search("[\u202a-\u202e\x00-\x08\x1b]", text), path
