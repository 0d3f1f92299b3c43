"""Goes everywhere one persona can go, and remembers every byte."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from flask import Flask
from flask.testing import FlaskClient

from mitid_stub.rehearsal import answer_login
from tests.canary_world import CANARY, PLACES

BASE = "http://127.0.0.1:8000"
PARTS = [
    "kontakter",
    "moeder",
    "indsatser",
    "planer",
    "trivsel",
    "oplysninger",
    "kommentarer",
    "netvaerk",
    "tidslinje",
    "hvem-har-set",
    "samtykke",
]
PARTIAL = {"HX-Request": "true", "HX-Request-Type": "partial"}


@dataclass
class Visitor:
    """A browser that keeps where it has seen which canary."""

    client: FlaskClient
    seen: dict[str, set[str]] = field(default_factory=dict)
    pages: int = 0
    looked_up: bool = False
    listener: Callable[[str, str], object] | None = None
    """Told of everything that comes."""

    def get(self, path: str, **more: object) -> str:
        return self._keep("GET " + path, self.client.get(path, base_url=BASE, **more))  # type: ignore[arg-type]

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
        text = self.client.get("/konto", base_url=BASE).get_data(as_text=True)
        found = re.search(r'name="csrf_token" value="([^"]+)"', text)
        return found[1] if found else ""

    def _keep(self, what: str, answer: object) -> str:
        body = answer.get_data(as_text=True)  # type: ignore[attr-defined]
        self.last = answer.status_code  # type: ignore[attr-defined]
        headers = str(answer.headers)  # type: ignore[attr-defined]
        everything = (headers + body).replace("\r\n ", "")  # unfold calendars
        self.pages += 1
        if self.listener:
            self.listener(what, everything)
        for word in CANARY.findall(everything.lower()):
            self.seen.setdefault(word, set()).add(what)
        return body


def log_in(app: Flask, person: str, door: str = "/log-ind") -> Visitor | None:
    """By way of the provider; None when the portal refuses."""
    client = app.test_client()
    away = client.get(door, base_url=BASE)
    back = answer_login(away.headers["Location"], person)
    came = client.get(back.removeprefix(BASE), base_url=BASE)
    return Visitor(client) if came.status_code == 302 else None


def everywhere(visitor: Visitor, citizens: Iterable[str], thorough: bool = False) -> None:
    """Every address there is, for every citizen there is, permitted or not."""
    for path in ("/", "/overblik", "/overblik?vent=1", "/medarbejder", "/konto", "/hjaelp", "/nej"):
        visitor.get(path)
    visitor.get("/del/overblik?vent=1", headers=PARTIAL)
    for citizen in citizens:
        one(visitor, citizen, thorough)


def one(visitor: Visitor, citizen: str, thorough: bool = False) -> None:
    """Every address about one citizen; not `thorough`: each kind of address once."""
    base = f"/overblik/{citizen}"
    visitor.get(base)
    if visitor.last in (404, 403):
        _refused(visitor, citizen, thorough)
        return
    visitor.get(f"{base}?vent=1")
    refs: set[str] = set()
    for part in PARTS:
        body = visitor.get(f"{base}/{part}?vent=1")
        if thorough:
            visitor.get(f"/del{base}?part={part}&vent=1", headers=PARTIAL)
        refs |= set(re.findall(r"om=([0-9a-f]+)", body)) | set(re.findall(r'id="m-(\w+)"', body))
    visitor.get(f"/del{base}?vent=1", headers=PARTIAL)
    for ref in sorted(refs) if thorough else sorted(refs)[:1]:
        visitor.get(f"{base}/moeder/{ref}.ics")
        visitor.get(f"{base}/moeder/{ref}/tag-med")
        visitor.get(f"{base}/kommentarer?om={ref}")
    _consents(visitor, base, thorough)


def _consents(visitor: Visitor, base: str, thorough: bool) -> None:
    listed = visitor.get(f"{base}/samtykke")
    met = sorted(set(re.findall(rf"{base}/samtykke/([\w.-]+)", listed)))
    given = set(re.findall(r'data-actor="([\w.-]+)" data-consent="(?!none)', listed))
    for place in met if thorough else sorted(given):
        for end in ("", "/kvittering", "/kvittering.json", "/bekraeft"):
            visitor.get(f"{base}/samtykke/{place}{end}")
    for place in sorted({p.id for p in PLACES} - set(met)):
        visitor.get(f"{base}/samtykke/{place}")
        visitor.get(f"{base}/hvem-har-set?sted={place}")


def _refused(visitor: Visitor, citizen: str, thorough: bool) -> None:
    """What does not exist, asked for all the same."""
    for part in PARTS if thorough else ("oplysninger", "samtykke"):
        visitor.get(f"/overblik/{citizen}/{part}?vent=1")
        visitor.get(f"/del/overblik/{citizen}?part={part}&vent=1", headers=PARTIAL)
    for end in ("fam", "fam/kvittering", "fam/kvittering.json", "fam/bekraeft"):
        visitor.get(f"/overblik/{citizen}/samtykke/{end}")
    visitor.post(f"/overblik/{citizen}/samtykke/fam", {"handling": "giv"})
    visitor.post(f"/overblik/{citizen}/kommentarer", {"tekst": "hej"})
