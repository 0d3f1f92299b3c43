"""Hostile texts, each with a number of its own, and a world whose every system puts them into every field."""

from __future__ import annotations

import itertools
import os
import random
from typing import Any

import msgspec
from aiohttp import web

from backend_stub.faults import FaultSwitch, Handler

MARK = "zq"
KINDS = (
    "<script>fetch('/zqhit{n}')</script>",
    "<img src=/zqhit{n} onerror=fetch('/zqhit{n}')>",
    "\"><svg/onload=fetch('/zqhit{n}')>",
    "' autofocus onfocus=fetch('/zqhit{n}') x='",
    '" onmouseover="fetch(\'/zqhit{n}\')" style="position:fixed;inset:0',
    '<div hx-get="/zqhit{n}" hx-trigger="load">zq</div>',
    '<b data-hx-post="/zqhit{n}" data-hx-trigger="load delay:1ms">zq</b>',
    "<i hx-on::load=\"fetch('/zqhit{n}')\" hx-on:click=\"fetch('/zqhit{n}')\">zq</i>",
    '" hx-get=/zqhit{n} hx-trigger=load x="',
    "<a href=javascript:fetch('/zqhit{n}')>zq</a>",
    "javascript:fetch('/zqhit{n}')//",
    "data:text/html,<script>fetch('/zqhit{n}')</script>",
    "<iframe srcdoc='<script>fetch(`/zqhit{n}`)</script>'></iframe>",
    "</textarea></title></style><script>fetch('/zqhit{n}')</script>",
    "--><script>fetch('/zqhit{n}')</script><!--",
    "<form action=/zqhit{n}><button formaction=/zqhit{n}>zq</button></form>",
    "<base href=//zqhit{n}.example/><meta http-equiv=refresh content='0;url=/zqhit{n}'>",
    "<link rel=stylesheet href=/zqhit{n}><style>@import '/zqhit{n}';</style>",
    "&lt;script&gt;fetch('/zqhit{n}')&lt;/script&gt;",
    "{{{{ 7 * 7919{n} }}}}{{% include '/zqhit{n}' %}}${{7*7919{n}}}",
    "zq{n}\r\nSet-Cookie: zqhit{n}=1\r\n\r\n<script>fetch('/zqhit{n}')</script>",
    "zq{n}\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nX-ZQHIT{n}:1",
    "zq{n}\nEND:VCARD\nBEGIN:VCARD\nX-ZQHIT{n}:1",
    "zq{n}\\nX-ZQHIT{n}:1;;,\\",
    "=cmd|'/zqhit{n}'!A1",
    "\u202ezq{n}\u2066\u2069\u200f gnp.exe",
    "zq{n}\u2028fetch('/zqhit{n}')\u0000\u0008\u001b[2J",
    "../../zqhit{n}/%2e%2e%5c%00",
    "\uff1cscript\uff1efetch('/zqhit{n}')\uff1c/script\uff1e",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=fetch('/zqhit{n}')>",
)
"""Markup in text, attribute, comment and raw text; htmx; schemes; templates; headers; calendars; signs."""
LEFT_ALONE = frozenset(
    [
        "resourceType",
        "type",
        "id",
        "url",
        "system",
        "code",
        "status",
        "intent",
        "reference",
        "start",
        "end",
        "birthDate",
        "gender",
        "fullUrl",
        "lastUpdated",
        "mode",
        "use",
        "rank",
        "period",
        "value",
        "born",
        "deceasedBoolean",
        "valueDateTime",
        "effectiveDateTime",
        "authoredOn",
        "created",
        "date",
        "version",
        "unit",
        "relation",
        "security",
        "tag",
        "profile",
        "active",
        "CPR-nr",
        "cpr",
        "total",
        "link",
    ]
)
"""What names, counts or dates something: changed, an answer would be another answer, or none."""
BROKEN_NOW_AND_THEN = frozenset({"url", "value", "code", "start", "unit", "status", "system"})


class Poison:
    """Texts with numbers, dealt by dice; how many were."""

    def __init__(self, dice: random.Random) -> None:
        self._dice, self._numbers = dice, itertools.count(1)
        self.dealt = 0

    def text(self) -> str:
        self.dealt = next(self._numbers)
        return self._dice.choice(KINDS).format(n=self.dealt)

    def into(self, value: Any, key: str = "", bold: bool = True) -> Any:
        """The same JSON with a payload in every text that is only told; when bold, in some that mean something."""
        if isinstance(value, dict):
            return {k: self.into(v, k, bold) for k, v in value.items()}
        if isinstance(value, list):
            return [self.into(v, key, bold) for v in value]
        if not isinstance(value, str):
            return value
        if key in LEFT_ALONE:
            rare = bold and key in BROKEN_NOW_AND_THEN and self._dice.random() < 0.01
            return self.text() if rare else value
        return f"{value} {self.text()}" if self._dice.random() < 0.8 else self.text()

    def into_calendar(self, raw: str) -> str:
        """Behind each text of each event, folded by nobody: a payload's line breaks are real ones."""
        lines = []
        for line in raw.split("\r\n"):
            name = line.partition(":")[0].partition(";")[0]
            told = name in ("SUMMARY", "DESCRIPTION", "LOCATION", "CATEGORIES", "URL", "CONTACT")
            lines.append(f"{line} {self.text()}" if told else line)
        return "\r\n".join(lines)


class PoisonedSwitch(FaultSwitch):
    """Every system and the register answer rightly, but for the payloads."""

    def __init__(self, poison: Poison) -> None:
        super().__init__()
        self.poison = poison

    async def answer(self, system: str, request: web.Request, right: Handler) -> web.StreamResponse:
        found = await right(request)
        if not isinstance(found, web.Response) or not isinstance(found.body, bytes):
            return found
        if found.content_type == "text/calendar":
            body = self.poison.into_calendar(found.body.decode()).encode()
        elif "json" in found.content_type and found.status == 200:
            body = msgspec.json.encode(
                self.poison.into(msgspec.json.decode(found.body), bold=system != "register")
            )
        else:
            return found
        return web.Response(body=body, headers={"Content-Type": found.headers["Content-Type"]})


if __name__ == "__main__":  # the backends as a process of their own, all of them hostile
    from backend_stub import __main__ as stub
    from backend_stub import app as backends

    shared = Poison(random.Random(os.environ.get("PROVE_SEED", "851")))
    backends.FaultSwitch = lambda: PoisonedSwitch(shared)  # type: ignore[misc, assignment]
    stub.main()
