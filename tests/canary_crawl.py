"""Goes everywhere one persona can go, and remembers every byte."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from flask import Flask
from flask.testing import FlaskClient

from mitid_stub.rehearsal import answer_login
from tests.canary_routes import Route, addresses, links, route_of
from tests.canary_world import CANARY, NUMBER

BASE = "http://127.0.0.1:8000"
PARTIAL = {"HX-Request": "true", "HX-Request-Type": "partial"}
DEPTH = 4
"""Links followed one after the other; months and pages have no end."""


@dataclass
class Visitor:
    """A browser that keeps where it has seen which canary."""

    client: FlaskClient
    seen: dict[str, set[str]] = field(default_factory=dict)
    pages: int = 0
    looked_up: bool = False
    listener: Callable[[str, str], object] | None = None
    """Told of everything that comes."""
    reached: set[str] = field(default_factory=set)
    """The endpoints that answered with more than a refusal."""
    last: int = 0
    last_headers: str = ""
    csrf: str = ""

    @property
    def app(self) -> Flask:
        return self.client.application  # type: ignore[return-value]

    def get(self, path: str, **more: object) -> str:
        part = {"headers": PARTIAL} if path.startswith("/del/") else {}
        answer = self.client.get(path, base_url=BASE, **{**part, **more})  # type: ignore[arg-type]
        body = self._keep("GET " + path, answer)
        route = route_of(self.app, path) if self.last < 400 else None
        self.reached |= {route.endpoint} if route else set()
        return body

    def post(self, path: str, data: dict[str, object]) -> str:
        form = {"csrf_token": self.token(), **data}
        return self._keep("POST " + path, self.client.post(path, base_url=BASE, data=form))

    def follow(self, path: str, data: dict[str, object]) -> str:
        """Post, then go where the answer points."""
        form = {"csrf_token": self.token(), **data}
        answer = self.client.post(path, base_url=BASE, data=form)
        body = self._keep("POST " + path, answer)
        where = answer.headers.get("Location")
        return self.get(where.removeprefix(BASE)) if where else body

    def token(self) -> str:
        """The form token; it holds as long as the session."""
        if self.csrf:
            return self.csrf
        text = self.client.get("/konto", base_url=BASE).get_data(as_text=True)
        found = re.search(r'name="csrf_token" value="([^"]+)"', text)
        self.csrf = found[1] if found else ""
        return self.csrf

    def _keep(self, what: str, answer: object) -> str:
        body: str = answer.get_data(as_text=True)  # type: ignore[attr-defined]
        self.last = answer.status_code  # type: ignore[attr-defined]
        self.last_headers = str(answer.headers)  # type: ignore[attr-defined]
        everything = (self.last_headers + body).replace("\r\n ", "")  # unfold calendars
        self.pages += 1
        if self.listener:
            self.listener(what, everything)
        for word in CANARY.findall(everything.lower()):
            self.seen.setdefault(word, set()).add(what)
        for number in NUMBER.findall(everything):
            self.seen.setdefault(re.sub(r"\D", "", number), set()).add(what)
        return body


def log_in(app: Flask, person: str, door: str = "/log-ind") -> Visitor | None:
    """By way of the provider; None when the portal refuses."""
    client = app.test_client()
    away = client.get(door, base_url=BASE)
    back = answer_login(away.headers["Location"], person)
    came = client.get(back.removeprefix(BASE), base_url=BASE)
    return Visitor(client) if came.status_code == 302 else None


def everywhere(visitor: Visitor, citizens: Iterable[str], thorough: bool = False) -> None:
    """Every address there is, for every citizen there is, permitted or not.

    Not `thorough`: links are followed from the first one's pages alone, one of each kind.
    """
    Crawl(visitor, thorough, only="nobody").visit(addresses(visitor.app))
    follow = True
    for n, citizen in enumerate(citizens):
        if not one(visitor, citizen, thorough, thorough or follow, n):
            continue
        follow = False


def one(
    visitor: Visitor, citizen: str, thorough: bool = False, follow: bool = True, n: int = 0
) -> bool:
    """Every address about one citizen; whether she exists for this visitor."""
    visitor.get(f"/overblik/{citizen}?vent=1")
    if visitor.last in (404, 403):
        _refused(visitor, citizen, thorough, n)
        return False
    crawl = Crawl(visitor, thorough, only=citizen)
    crawl.visit(addresses(visitor.app, citizen), follow)
    return True


class Crawl:
    """One walk: from given addresses along the links, each kind of address as often as it may."""

    def __init__(
        self, visitor: Visitor, thorough: bool, patient: bool = False, only: str = ""
    ) -> None:
        """`patient`: every page is asked to wait for all that is late. `only`: one citizen's."""
        self.visitor, self.most = visitor, 10_000 if thorough else 1
        self.patient, self.only = patient, only
        self.done: set[str] = set()
        self.times: Counter[Route] = Counter()

    def visit(self, start: Iterable[str], follow: bool = True) -> None:
        """Until there is nothing new, or it is too far from the start."""
        ahead = list(start)
        self.times.update(r for p in ahead if (r := route_of(self.visitor.app, p)))
        for _ in range(DEPTH if follow else 1):
            ahead = [link for path in ahead for link in self._step(path)]

    def _step(self, path: str) -> list[str]:
        self.done.add(path)
        body = self.visitor.get(path)
        if self.visitor.last >= 400:
            return []
        found = (
            list(dict.fromkeys(links(path, body)))
            if "text/html" in self.visitor.last_headers
            else []
        )
        found = [waiting(p) for p in found] if self.patient else found
        return [p for p in found if self._wants(p)]

    def _wants(self, path: str) -> bool:
        route = route_of(self.visitor.app, path)
        if route is None or path in self.done or self.times[route] >= self.most:
            return False
        if self.only and dict(route.about).get("citizen", self.only) != self.only:
            return False
        self.done.add(path)
        self.times[route] += 1
        return True


def waiting(path: str) -> str:
    """The same address, waiting for all that is late."""
    return path if "vent=1" in path else f"{path}{'&' if '?' in path else '?'}vent=1"


def _refused(visitor: Visitor, citizen: str, thorough: bool, n: int) -> None:
    """What does not exist, asked for all the same: all of it, or a few addresses by turns."""
    asked = list(addresses(visitor.app, citizen, made_up=True))
    for path in asked if thorough else asked[n % 6 :: 6]:
        visitor.get(path)
    visitor.post(f"/overblik/{citizen}/samtykke/fam", {"handling": "giv"})
    visitor.post(f"/overblik/{citizen}/kommentarer", {"tekst": "hej"})
