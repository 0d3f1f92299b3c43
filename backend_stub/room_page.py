"""The room's own page on the backends' port: `/rum`. Links into the portal, and a switch for scenes."""

from __future__ import annotations

import asyncio
import re
from html import escape
from itertools import groupby
from urllib.parse import urljoin

import requests
from aiohttp import web

from backend_stub.faults import FaultSwitch
from backend_stub.room import EMPLOYEES, SCENES, Scene, Stop, stops
from backend_stub.world import World
from mitid_stub.personas import Persona, personas
from mitid_stub.rehearsal import answer_login, new_browser

LINK = re.compile(r'<h3 class="name"><a href="(/overblik/[0-9a-f]+)">([^<]+)</a>')
OWN = re.compile(r'href="(/overblik/[0-9a-f]{32})/mine-rettigheder"')
HEAD = """<!doctype html><html lang="da"><head><meta charset="utf-8">
<title>Prøverummet</title><meta name="viewport" content="width=device-width">
<style>body{font:18px/1.6 system-ui,sans-serif;margin:0 auto;max-width:48rem;padding:1rem}
a,button{font:inherit;display:inline-block;min-height:44px;padding:.4rem .2rem}
button{padding:.4rem 1rem}form{display:inline-block;margin:0 .5rem .5rem 0}
[aria-current]{font-weight:bold;text-decoration:underline}</style></head><body><main>
<h1>Prøverummet: alle sider i alle tilstande</h1>
<p>Vælg først, hvordan systemerne skal opføre sig. Log så ind som den person, der står over
linkene, og åbn siderne. <span lang="en">Choose how the systems behave, log in as the person
named, and open the pages.</span></p>
"""


class Room:
    """Knows the portal's addresses of the demo's children by asking as their parents."""

    def __init__(self, portal: str, world: World, switch: FaultSwitch) -> None:
        self.portal, self.world, self.switch = portal, world, switch
        self.scene = "rask"
        self.people: dict[str, Persona] = {p.key: p for p in personas()}
        self._addresses: dict[tuple[str, str], str] = {}

    def add_routes(self, app: web.Application) -> None:
        app.router.add_get("/rum", self.index)
        app.router.add_post("/rum", self.change)

    async def index(self, request: web.Request) -> web.Response:
        """The list of the scene that plays now."""
        found = list(stops(self.scene))
        await asyncio.to_thread(self._learn, found)
        return web.Response(text=self._page(found), content_type="text/html")

    async def change(self, request: web.Request) -> web.Response:
        """Play another scene."""
        wanted = str((await request.post()).get("scene", ""))
        if wanted not in SCENES:
            raise web.HTTPBadRequest(text="Den scene findes ikke.")
        await asyncio.to_thread(self._play, wanted, SCENES[wanted])
        raise web.HTTPSeeOther("/rum")

    def _play(self, name: str, scene: Scene) -> None:
        self.switch.now.clear()
        self.switch.only.clear()
        if scene.first:
            self._learn(found := list(stops(name)))
            for person, own in groupby(sorted(found), key=lambda stop: stop.person):
                self._fetch(person, [self._address(stop) for stop in own])
        self.switch.now.update(scene.faults)
        self.scene = name

    def _learn(self, found: list[Stop]) -> None:
        """Ask the portal where each child's overview is; the ids are random."""
        wanted = {s.person for s in found if s.child and (s.person, s.child) not in self._addresses}
        ill, self.switch.now = self.switch.now, {}
        try:
            for person in sorted(wanted):
                family = self._fetch(person, ["/overblik"])
                if own := OWN.search(family):  # one citizen only: led to her own overview at once
                    self._addresses[person, person] = own[1]
                for path, name in LINK.findall(family):
                    for key, known in self.people.items():
                        if known.name.split()[0] == name:
                            self._addresses[person, key] = path
        finally:
            self.switch.now.update(ill)

    def _fetch(self, person: str, paths: list[str]) -> str:
        """Log in by script, open the pages and wait for all sources; the last page's text."""
        browser = new_browser()
        asked = browser.get(f"{self.portal}/log-ind", allow_redirects=False, timeout=30)
        back = answer_login(urljoin(self.portal, asked.headers["Location"]), person)
        browser.get(back, timeout=30)
        text = ""
        for path in paths:
            text = self._text(browser, path)
        return text

    def _text(self, browser: requests.Session, path: str) -> str:
        return browser.get(f"{self.portal}{path}?vent=1", timeout=30).text

    def _address(self, stop: Stop) -> str:
        return self._addresses.get((stop.person, stop.child), "") + stop.path

    def _page(self, found: list[Stop]) -> str:
        parts = [HEAD, "<h2>Systemerne nu</h2>", *map(self._button, SCENES), "<h2>Siderne</h2>"]
        for person, own in groupby(found, key=lambda stop: stop.person):
            parts.append(self._who(person))
            parts += ["<ul>", *(self._line(stop) for stop in own), "</ul>"]
        return "".join(parts) + self._by_hand() + "</main></body></html>"

    def _button(self, name: str) -> str:
        now = ' aria-current="true"' if name == self.scene else ""
        return (f'<form method="post" action="/rum"><input type="hidden" name="scene" value="{name}">'
                f"<button{now}>{escape(SCENES[name].title)}</button></form>")

    def _who(self, person: str) -> str:
        if not person:
            return "<h3>Uden at være logget ind</h3>"
        door = "/log-ind/medarbejder" if person in EMPLOYEES else "/log-ind"
        name = escape(self.people[person].name)
        return (f"<h3>Som {name}</h3><p>Er du logget ind som en anden, så log ud først. "
                f'<a href="{self.portal}{door}">Log ind som {name}</a></p>')

    def _line(self, stop: Stop) -> str:
        return f'<li><a href="{self.portal}{self._address(stop)}">{escape(stop.shows)}</a></li>'

    def _by_hand(self) -> str:
        emil = self.world.cpr("emil")
        return (
            "<h2>Det, en adresse ikke kan vise</h2><ul>"
            "<li>Fejl i en formular: åbn et steds samtykke, vælg intet, og tryk på Se, hvad stedet "
            "kan se.</li><li>Bekræftelse og kvittering: vælg en slags oplysninger, et sted, et "
            "formål, og gå videre.</li><li>Medarbejderens overblik: log ind som medarbejder, slå "
            f"{emil} op (Emil, opdigtet), og vælg et formål.</li><li>Session, der er slut: log ud i "
            "en anden fane, og send en kommentar.</li><li>Afbrudt login: vælg Afbryd hos "
            "MitID-stubben.</li><li>Én fejl ved ét system: "
            '<a href="/">systemernes egen side</a>.</li></ul>')
