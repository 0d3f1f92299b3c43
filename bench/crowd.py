"""Many families at once, each with her own session: what they ask, how long it takes, and whose answer it is.

One loop and one connection pool, small beside what it measures; its own share of the
processor is measured too. Everything said about a household carries the household's
mark, so an answer that reaches somebody else shows.
"""

from __future__ import annotations

import asyncio
import html
import random
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from bench.towns import Served

LATE = re.compile(r'data-hx-get="(/del/overblik[^"]*)"')
MARK = re.compile(r"Hus\d{7}")
PART = {"HX-Request": "true", "HX-Request-Type": "partial"}
PATIENCE = 60.0
MOST_TRIES = 6
PAGES = {"overview": 55, "family": 15, "comments": 15, "log": 10, "consents": 5}
"""What families ask for, in percent."""
OTHER_CHILD = 0.25
LATE_PARTS = 3


class Tally:
    """What came of it."""

    def __init__(self) -> None:
        self.times: dict[str, list[float]] = {}
        self.errors: Counter[str] = Counter()
        self.answers = self.refused = self.mixed = self.nameless = self.bytes = 0

    def took(self, kind: str, seconds: float) -> None:
        self.times.setdefault(kind, []).append(seconds)

    def pages(self) -> list[float]:
        """All first answers, whatever was asked."""
        return sorted(t for kind, several in self.times.items() if kind != "late" for t in several)

    @property
    def wrong(self) -> int:
        """Answers that were neither right nor an honest refusal."""
        return sum(self.errors.values())


class Family:
    """One household's first adult in one browser."""

    def __init__(
        self, http: aiohttp.ClientSession, served: Served, number: int, tally: Tally
    ) -> None:
        self._http, self._tally, self.number = http, tally, number
        self._base = f"http://127.0.0.1:{served.port}"
        self._cookie = {"Cookie": served.cookie(number)}
        self._mark = f"Hus{number:07d}"
        self._children = served.town.children(number)

    async def look(self, page: str, child: int = 0) -> None:
        """Open a page, and the parts of it that come late, as a browser does."""
        text = await self._get(self._path(page, child), page)
        for _ in range(LATE_PARTS):
            late = LATE.search(text)
            if late is None:
                return
            text = await self._get(html.unescape(late[1]), "late")

    async def anything(self, dice: random.Random) -> None:
        """One of the pages, as often as families ask for it."""
        (page,) = dice.choices(list(PAGES), list(PAGES.values()))
        await self.look(page, int(dice.random() < OTHER_CHILD))

    def _path(self, page: str, child: int) -> str:
        own = f"/overblik/{self._children[child]}"
        return {
            "overview": own,
            "family": "/overblik",
            "comments": f"{own}/kommentarer",
            "log": f"{own}/hvem-har-set",
            "consents": f"{own}/samtykke",
        }[page]

    async def _get(self, path: str, kind: str) -> str:
        headers = self._cookie | (PART if kind == "late" else {})
        for _ in range(MOST_TRIES):
            began = time.perf_counter()
            try:
                async with self._http.get(
                    self._base + path, headers=headers, allow_redirects=False
                ) as answer:
                    text = await answer.text()
            except (aiohttp.ClientError, TimeoutError) as e:
                self._tally.errors[type(e).__name__] += 1
                return ""
            self._tally.answers += 1
            self._tally.bytes += len(text)
            if answer.status == 200:
                self._tally.took(kind, time.perf_counter() - began)
                self._whose(text)
                return text
            if answer.status != 503 or not answer.headers.get("Retry-After", "").isdigit():
                self._tally.errors[f"status {answer.status}"] += 1
                return ""
            self._tally.refused += 1
            await asyncio.sleep(int(answer.headers["Retry-After"]))
        self._tally.errors["refused too often"] += 1
        return ""

    def _whose(self, text: str) -> None:
        """Only her own household's mark may stand on her page; with nothing from anywhere, none does."""
        marks = set(MARK.findall(text))
        self._tally.mixed += bool(marks - {self._mark})
        self._tally.nameless += not marks


@asynccontextmanager
async def browsers(*, passing: bool = False) -> AsyncIterator[aiohttp.ClientSession]:
    """One pool of connections for everybody; nobody's cookies are kept.

    `passing`: a connection for every question, so that a few of them meet every worker.
    """
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, force_close=passing),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=PATIENCE),
        trust_env=False,
    ) as http:
        yield http


def together(work: Callable[[], Coroutine[Any, Any, None]]) -> tuple[float, float]:
    """Run it on a loop; seconds it took, and the share of one processor that asking took itself."""
    began, spent = time.perf_counter(), time.process_time()
    asyncio.run(work())
    took = time.perf_counter() - began
    return took, (time.process_time() - spent) / took


def nth(ordered: list[float], share: float) -> float:
    """A percentile of ordered values, in milliseconds."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000 if ordered else 0.0
