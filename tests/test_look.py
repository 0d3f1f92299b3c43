"""What every page keeps: words that can be translated, small files, nothing inline, honest states."""

from __future__ import annotations

import gzip
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask, render_template_string
from flask_babel import Babel

from portal import templating
from portal.assets import BUILT, Assets
from portal.dates import dato, klokken, relative_day
from portal.handout import Line
from portal.records import Sector, State
from portal.words import ejefald, joined, mailbox, phone, tel, weblink

TEMPLATES = Path(templating.__file__).parent / "templates"
EVERY = sorted(TEMPLATES.rglob("*.html"))
LONGEST_TEMPLATE = 60
CSS_GZ, JS_GZ, ICONS_GZ = 12_000, 17_000, 5_000


@pytest.fixture
def app() -> Flask:
    app = Flask("portal", root_path=str(TEMPLATES.parent))
    Babel(app, locale_selector=lambda: "da")
    templating.install(app)
    return app


@pytest.mark.parametrize("path", EVERY, ids=lambda p: p.relative_to(TEMPLATES).as_posix())
def test_text_can_be_translated(path: Path) -> None:
    text = re.sub(r"\{#.*?#\}", "", path.read_text(), flags=re.DOTALL)
    text = re.sub(r"\{%-? *trans.*?endtrans *-?%\}", "", text, flags=re.DOTALL)
    text = re.sub(r"\{%.*?%\}|\{\{.*?\}\}", "", text, flags=re.DOTALL)
    text = re.sub(r"<[^<>]*>| [a-z-]+=\"[^\"]*\"", "", text)
    assert re.findall(r"[^\W\d_]{2,}", text) == []


@pytest.mark.parametrize("path", EVERY, ids=lambda p: p.relative_to(TEMPLATES).as_posix())
def test_templates_stay_small_and_have_nothing_inline(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= LONGEST_TEMPLATE
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|hx-on|js:|\|safe", text)


def test_the_first_load_is_small() -> None:
    asset = Assets()
    sizes = {n: _packed(asset(n)) for n in ("app.css", "app.js", "icons.svg")}
    assert sizes["app.css"] <= CSS_GZ
    assert sizes["app.js"] <= JS_GZ
    assert sizes["icons.svg"] <= ICONS_GZ


def _packed(address: str) -> int:
    return len(gzip.compress((BUILT / address.rpartition("/")[2]).read_bytes(), 9))


def test_every_icon_in_use_is_in_the_sprite() -> None:
    sprite = (BUILT / Assets()("icons.svg").rpartition("/")[2]).read_text()
    known = set(re.findall(r'<symbol id="([^"]+)"', sprite))
    used = {n for p in EVERY for n in re.findall(r"icon\(['\"]([a-z-]+)['\"]\)", p.read_text())}
    assert used | set(templating.SECTOR_ICON.values()) <= known


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (State.WAITING, "Henter fra Jobcentret ..."),
        (State.STALE, "Jobcentret svarer ikke lige nu. Her er det, vi hentede kl. 08.12."),
        (State.UNAVAILABLE, "Vi kunne ikke hente fra Jobcentret."),
        (State.EMPTY, "Jobcentret har svaret. Der er ikke noget at vise."),
        (State.SHOWN, "Jobcentret har svaret."),
    ],
)
def test_each_state_has_its_own_words(app: Flask, state: State, words: str) -> None:
    fetched = datetime(2026, 12, 2, 7, 12, tzinfo=UTC)
    line = Line(source="job", name="Jobcentret", sector=Sector.OTHER, state=state, fetched=fetched)
    with app.test_request_context():
        html = render_template_string(
            "{% import 'macros.html' as m %}{{ m.source_line(line, '?vent=1') }}", line=line
        )
    assert f'data-source="job" data-state="{state}"' in html
    assert words in re.sub(r"<[^>]+>", "", html)
    unsure = "Der kan godt være noget, vi ikke kan vise lige nu."
    assert (unsure in html) == (state is State.UNAVAILABLE)


def test_dates_and_times_as_a_person_says_them(app: Flask) -> None:
    start = datetime(2026, 12, 3, 9, 0, tzinfo=UTC)
    with app.test_request_context():
        assert dato(start).startswith("torsdag den 3. december")
        assert klokken(start, start.replace(hour=10)) == "kl. 10-11"
        assert klokken(start.replace(minute=30)) == "kl. 10.30"
        assert relative_day(start, start.replace(day=2, hour=22)) == "I morgen"
        assert relative_day(start, start.replace(day=2, hour=23, minute=30)) == "I dag"
        assert joined(["Ida", "", "Bo", "Eva"]) == "Ida, Bo og Eva"
        assert [ejefald("Emil"), ejefald("Jonas")] == ["Emils", "Jonas'"]


def test_only_real_addresses_become_links() -> None:
    assert [weblink(u) for u in ("https://a.dk/b", "javascript:alert(1)", "…")] == [
        "https://a.dk/b",
        "",
        "",
    ]
    assert [mailbox(a) for a in ("a@b.dk", "a@b.dk?bcc=c@d.dk", "…")] == ["a@b.dk", "", ""]
    assert [tel(n) for n in ("12 34 56 78", "…", "ring 2")] == ["12345678", "", ""]
    assert phone("+4512345678") == "12 34 56 78"
