"""What every page must be, whatever it shows: checked on each page a test fetches.

A page that forgets its language, its heading or a label shuts somebody out; one
inline script would need a hole in the policy. So no test has to remember it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from html.parser import HTMLParser

from werkzeug.test import TestResponse

VIEWERS = {"guardian", "self", "staff", "anonymous"}
LABELLED = {"input", "select", "textarea"}
UNLABELLED = {"hidden", "submit", "button"}
NAMES = (
    "Mette",
    "Jonas",
    "Sofie",
    "Emil",
    "Krogh",
    "Camilla",
    "Noah",
    "Bech",
    "Layla",
    "Freja",
    "Lund",
)
SAFE_LINKS = ("/", "#", "?", "https://", "http://127.0.0.1", "tel:", "mailto:")
VOID = {"area", "br", "col", "hr", "img", "input", "link", "meta", "wbr", "source"}


@dataclass
class Page(HTMLParser):
    """What a page is made of; the parts the checks ask about."""

    lang: str = ""
    doctype: bool = False
    title: str = ""
    viewer: str = ""
    headings: list[int] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    fors: set[str] = field(default_factory=set)
    unlabelled: list[dict[str, str | None]] = field(default_factory=list)
    pointed: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_decl(self, decl: str) -> None:
        self.doctype = decl.lower() == "doctype html"

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID and self.open and self.open[-1] == tag:
            self.open.pop()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._attributes(tag, dict(attrs))
        if len({name for name, _ in attrs}) != len(attrs):
            self.wrong.append(f"<{tag}> has an attribute twice")
        if tag[0] == "h" and tag[1:].isdigit():
            self.headings.append(int(tag[1:]))
        if tag in LABELLED:
            self._input(dict(attrs))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        if not self.open or self.open[-1] != tag:
            self.wrong.append(f"</{tag}> closes {self.open[-1:]}")
        else:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        inside = self.open[-1] if self.open else ""
        if inside == "title":
            self.title += data
        if inside in ("script", "style") and data.strip():
            self.wrong.append(f"inline <{inside}>")

    def _attributes(self, tag: str, found: dict[str, str | None]) -> None:
        if tag == "html":
            self.lang = found.get("lang") or ""
        if tag == "body":
            self.viewer = found.get("data-viewer") or ""
        if tag == "label" and found.get("for"):
            self.fors.add(str(found["for"]))
        if found.get("id"):
            self.ids.append(str(found["id"]))
        for name in ("aria-describedby", "aria-labelledby", "aria-controls"):
            self.pointed |= set((found.get(name) or "").split())
        for name, value in found.items():
            if name == "style" or name.startswith(("on", "hx-on", "data-hx-on")):
                self.wrong.append(f"<{tag} {name}>")
            if name in ("href", "action", "src") and not (value or "").startswith(SAFE_LINKS):
                self.wrong.append(f"<{tag} {name}={value!r}>" if value else "")

    def _input(self, found: dict[str, str | None]) -> None:
        if found.get("type") in UNLABELLED or "label" in self.open or found.get("aria-label"):
            return
        self.unlabelled.append(found)


def faults(text: str, whole: bool = True) -> list[str]:
    """Everything wrong with a page (or with a fragment, when not `whole`)."""
    page = Page()
    page.feed(text)
    page.close()
    found = [w for w in page.wrong if w]
    found += [f"never closed: {page.open}"] if page.open else []
    found += [f"id twice: {i}" for i, n in Counter(page.ids).items() if n > 1]
    found += [f"no label: {i}" for i in page.unlabelled if i.get("id") not in page.fors]
    return found + (_whole(page) if whole else [])


def _whole(page: Page) -> list[str]:
    found = [] if page.doctype else ["no doctype"]
    found += [] if page.lang else ["no lang"]
    found += [] if page.title.strip() else ["no title"]
    found += [f"title names {n}" for n in NAMES if n in page.title]
    found += [] if page.headings.count(1) == 1 else [f"{page.headings.count(1)} h1"]
    found += [] if page.viewer in VIEWERS else [f"data-viewer {page.viewer!r}"]
    found += [f"points at nothing: {i}" for i in page.pointed - set(page.ids)]
    steps = zip(page.headings, page.headings[1:], strict=False)
    return found + [f"heading jumps from {a} to {b}" for a, b in steps if b > a + 1]


HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def check(answer: TestResponse) -> str:
    """The text of an answer, after every check that holds for all answers."""
    for name, value in HEADERS.items():
        assert answer.headers.get(name) == value, (name, answer.headers.get(name), answer.status)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for name in ("ETag", "Last-Modified", "Server-Timing", "X-Powered-By"):
        assert name not in answer.headers
    text = answer.get_data(as_text=True)
    assert "Traceback" not in text
    if answer.mimetype == "text/html" and text and answer.status_code not in (301, 302, 303):
        whole = "<html" in text
        assert not faults(text, whole), (answer.request.path, faults(text, whole))
    return text
