"""No raw Danish on a screen: every text a person can read goes through the catalogues."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from jinja2 import Environment

PORTAL = Path(__file__).parent.parent / "portal"
TEMPLATES = PORTAL / "templates"
READ_ALOUD = {"alt", "aria-label", "aria-description", "placeholder", "title"}
WORD = re.compile(r"[A-Za-zÆØÅæøå]{2,}")
DANISH = re.compile(r"[æøåÆØÅ]|^[A-ZÆØÅ][a-zæøå]+( [a-zæøå]|$)")
"""A string that reads as Danish: its letters, or a capital and lower case words."""
TRANSLATORS = {"_", "gettext", "ngettext"}
NOT_SCREENS = {
    "access.py", "config.py", "i18n.py", "lettering.py", "redaction.py", "rulebook.py", "spelling.py"
}  # fmt: skip
"""Law, defaults of the configuration, widths of letters, languages' names, what sources' texts have."""
LOOKED_FOR = {"FORMS"}
"""Constants that hold what is looked for in sources' texts."""


class Seen(HTMLParser):
    """What of a template's own HTML is read on the screen or aloud."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.texts += [value or "" for name, value in attrs if name in READ_ALOUD]


def outside_translations(source: str) -> tuple[str, list[str]]:
    """The template's own HTML outside `trans`, and its strings outside `_()`."""
    html, strings = [], []
    inside = False
    call = last = ""
    for _line, kind, value in Environment().lex(source):
        if kind == "name" and value in ("trans", "endtrans"):
            inside = value == "trans"
        elif kind == "data" and not inside:
            html.append(value)
        elif kind in ("variable_begin", "block_begin") and not inside:
            html.append("")
        elif kind == "string" and not inside and not call:
            strings.append(str(value)[1:-1])
        if kind == "operator":
            second = value == "," and call == "ngettext"
            call = call if second else last if value == "(" and last in TRANSLATORS else ""
        if kind not in ("whitespace", "string"):
            last = value
    return "".join(html), strings


def raw_texts(source: str) -> Iterator[str]:
    """Every text of a template that no catalogue knows."""
    html, strings = outside_translations(source)
    seen = Seen()
    seen.feed(html)
    for text in seen.texts:
        yield from WORD.findall(text)
    yield from (s for s in strings if DANISH.search(s))


@pytest.mark.parametrize("path", sorted(TEMPLATES.rglob("*.html")), ids=lambda p: p.name)
def test_a_template_has_no_text_of_its_own(path: Path) -> None:
    assert not list(raw_texts(path.read_text()))


@pytest.mark.parametrize(
    "source",
    [
        "<p>Hej med dig</p>",
        "{% if x %}Nej{% endif %}",
        '<a aria-label="Ring op">{{ icon }}</a>',
        "<p>{{ _('Hej') }} igen</p>",
        "{{ m.nothing('Der er intet') }}",
        "{{ 'Fortsæt' if x else _('Stop') }}",
        "{{ _('Hej %(name)s', name='Bedste ven') }}",
        "{% trans %}Hej{% endtrans %}<b>og farvel</b>",
    ],
)
def test_the_scanner_finds_raw_text(source: str) -> None:
    assert list(raw_texts(source))


@pytest.mark.parametrize(
    "source",
    [
        "<p class=\"lead\">{{ _('Hej %(name)s', name=x) }}</p>",
        "{% trans trimmed name=x %}Hej {{ name }}{% endtrans %}",
        "{{ icon('check') }} · <b{% if x %} hidden{% endif %}>{{ y|dato }}</b>",
        "{{ ngettext('%(count)s år', '%(count)s år', age, count=age) }}",
        '<a href="/konto">{{ _("Min konto") }}</a>',
    ],
)
def test_the_scanner_lets_translated_text_be(source: str) -> None:
    assert not list(raw_texts(source))


def screens() -> list[Path]:
    found = [*PORTAL.glob("*.py"), *(PORTAL / "views").glob("*.py")]
    return sorted(p for p in found if p.name not in NOT_SCREENS)


@pytest.mark.parametrize("path", screens(), ids=lambda p: p.name)
def test_a_module_has_no_danish_outside_its_translations(path: Path) -> None:
    tree = ast.parse(path.read_text())
    known = {id(s.value) for s in ast.walk(tree) if isinstance(s, ast.Expr)}  # documentation
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") in TRANSLATORS:
            known |= {id(node) for argument in call.args for node in ast.walk(argument)}
        if isinstance(call, ast.Dict):  # what settings say -> what the screen says
            known |= {id(node) for key in call.keys if key for node in ast.walk(key)}
        if isinstance(call, ast.Assign) and getattr(call.targets[0], "id", "") in LOOKED_FOR:
            known |= {id(node) for node in ast.walk(call.value)}
    raw = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in known
        and len(node.value) > 1  # a letter is no text
        and re.search("[æøåÆØÅ]", node.value)
    ]
    assert not raw
