"""What every page keeps: words that can be translated, small files, nothing inline, honest states."""

from __future__ import annotations

import gzip
import importlib.util
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from flask import Flask, render_template_string
from flask_babel import Babel

from portal import pieces, templating
from portal.assets import BUILT, Assets
from portal.dates import dato, klokken, relative_day
from portal.family_page import family_page
from portal.handout import Citizen, Line, Note, Overview, Place, Relation, Shown
from portal.handout_consent import ConsentConfirm, ConsentList, ConsentRow
from portal.records import Category, Contact, Goal, Intervention, Meeting, Plan, Sector, State
from portal.words import (
    ejefald,
    gender_word,
    joined,
    mailbox,
    phone,
    role_words,
    tel,
    weblink,
)

TEMPLATES = Path(templating.__file__).parent / "templates"
EVERY = sorted(TEMPLATES.rglob("*.html"))
LONGEST_TEMPLATE = 60
CSS_GZ, JS_GZ, ICONS_GZ = 12_000, 17_000, 5_000


@pytest.fixture
def app() -> Flask:
    app = Flask("portal", root_path=str(TEMPLATES.parent))
    Babel(app, locale_selector=lambda: "da")
    templating.install(app)
    app.jinja_env.globals["csrf_token"] = lambda: ""
    return app


@pytest.mark.parametrize("path", EVERY, ids=lambda p: p.relative_to(TEMPLATES).as_posix())
def test_text_can_be_translated(path: Path) -> None:
    text = re.sub(r"\{#.*?#\}", "", path.read_text(), flags=re.DOTALL)
    text = re.sub(r"<(\w+)[^<>]* lang=\"da\".*?</\1>", "", text, flags=re.DOTALL)
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
    assert used | set(pieces.SECTOR_ICON.values()) <= known


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


CHILD = Citizen(id="c", name="Emil Holm", first_name="Emil", relation=Relation.GUARDIAN, age=9)
YOUNG = Citizen(id="c", name="Sofie Holm", first_name="Sofie", relation=Relation.SELF, age=14)
AT = datetime(2026, 12, 2, 9, 0, tzinfo=UTC)


def page(app: Flask, template: str, **values: object) -> str:
    """A template's text with these values, as one line without marks."""
    with app.test_request_context():
        html = app.jinja_env.get_template(template).render(viewer={"kind": "guardian"}, **values)
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def parts(app: Flask, overview: Overview) -> str:
    """The inside of a citizen's page."""
    return page(app, "overview/_parts.html", overview=overview, citizen=overview.citizen)


@pytest.mark.parametrize(
    ("citizen", "age", "days", "words"),
    [
        (YOUNG, 15, 12, "Om 12 dage fylder du 15."),
        (YOUNG, 15, 1, "I morgen fylder du 15."),
        (YOUNG, 15, 0, "Tillykke! I dag fylder du 15."),
        (YOUNG, 18, 30, "Dine forældre kan ikke se det længere."),
        (CHILD, 15, 0, "Fra i dag bestemmer Emil selv over sine oplysninger fra sundhedsvæsenet."),
    ],
)
def test_a_birthday_that_changes_the_rules_is_told(
    app: Flask, citizen: Citizen, age: int, days: int, words: str
) -> None:
    day = AT.date() + timedelta(days=days)
    overview = Overview(citizen=citizen, at=AT, complete=True, turning=(age, day))
    assert words in parts(app, overview)
    assert words not in parts(app, Overview(citizen=citizen, at=AT, complete=True))


def test_a_young_person_meets_her_own_words(app: Flask) -> None:
    text = parts(app, Overview(citizen=YOUNG, at=AT, complete=True))
    for words in (
        "Mit netværk",
        "Hvem kan jeg ringe til nu?",
        "116 111",
        "112",
        "Hvad må mine forældre se?",
        "Mine rettigheder",
    ):
        assert words in text
    assert "BørneTelefonen" not in parts(app, Overview(citizen=CHILD, at=AT, complete=True))


def test_a_cut_view_never_says_that_there_is_none(app: Flask) -> None:
    staff = msgspec.structs.replace(CHILD, relation=Relation.STAFF)
    for opens in (frozenset(), frozenset(Category)):
        cut = Overview(citizen=staff, at=AT, complete=True, cut=True, opens=opens)
        text = parts(app, cut)
        assert "tovholder" not in text.lower()
        assert not re.search(r"Der er ingen|Ingen har", text)
    whole = parts(app, Overview(citizen=CHILD, at=AT, complete=True))
    assert "Ingen har sagt, at de er tovholder." in whole
    assert "Der er ingen kommende møder." in whole


def test_when_nobody_has_answered_nothing_is_said_to_be_empty(app: Flask) -> None:
    lines = tuple(
        Line(source=str(n), name=f"Sted {n}", sector=Sector.OTHER, state=State.UNAVAILABLE)
        for n in range(9)
    )
    text = parts(app, Overview(citizen=CHILD, at=AT, complete=True, lines=lines))
    assert "Vi kunne ikke hente noget lige nu." in text
    assert not re.search(r"Der er ingen|de 0, der har svaret", text)
    assert "9 har ikke svaret" in text


def test_a_year_of_meetings_stays_light_and_whole(app: Flask) -> None:
    overview = Overview(
        citizen=CHILD, at=AT, complete=True, meetings=tuple(_meeting(n) for n in range(120))
    )
    with app.test_request_context():
        html = app.jinja_env.get_template("overview/_parts.html").render(
            viewer={"kind": "guardian"}, overview=overview, citizen=CHILD, part="meetings"
        )
    assert len(html.encode()) < 80_000
    assert html.count('data-record="meeting"') == 120
    assert [len(re.findall(f'id="m-{n}"', html)) for n in (0, 39, 40, 119)] == [1, 1, 1, 1]


def _meeting(number: int) -> Shown:
    start = AT + timedelta(days=number)
    entry = Meeting(
        key=str(number), source="s", owner="a", title="Netværksmøde", start=start, place="Rådhuset"
    )
    place = Place(id="a", name="Familieafdelingen, Aalborg Kommune", sector=Sector.SOCIAL)
    return Shown(ref=str(number), entry=entry, owner=place)


def _row(name: str, state: str, **more: object) -> ConsentRow:
    place = Place(id=name.lower(), name=name, sector=Sector.SCHOOL)
    return ConsentRow(place=place, state=state, **more)  # type: ignore[arg-type]


def consent_list(app: Flask, *rows: ConsentRow, **more: object) -> str:
    """The HTML of the consent list, without the frame of every page."""
    listed = ConsentList(citizen=CHILD, rows=rows, may_decide=True, **more)  # type: ignore[arg-type]
    template = app.jinja_env.get_template("consents/list.html")
    with app.test_request_context():
        values = {"page": listed, "citizen": CHILD}
        return template.render(values).partition("<main")[2].partition("</main>")[0]


def test_consents_show_the_involved_first_and_all_others_folded(app: Flask) -> None:
    active = _row("PPR", "active", categories=(Category.MEETINGS,), until=AT.date(), ends_soon=True)
    withdrawn = _row("SFO", "withdrawn", involved=False)
    html = consent_list(app, active, withdrawn, _row("Musikskolen", "none", involved=False))
    near, _, far = html.partition("<details")
    assert re.findall(r'data-actor="(\w+)" data-consent="(\w+)"', near) == [
        ("ppr", "active"),
        ("sfo", "withdrawn"),
    ]
    assert 'data-actor="musikskolen"' in far
    assert "Udløber snart" in near and "Forny?" in near
    assert near.count('<td class="wd') == 8, "one cell for each category, and until when"


def test_with_the_register_down_a_yes_can_only_be_taken_back(app: Flask) -> None:
    html = consent_list(app, _row("PPR", "pending"), register_down=True)
    assert 'value="traek"' in html
    assert '/samtykke/ppr">PPR' not in html
    assert "Vi kan ikke se lige nu, om det gælder." in html


@pytest.mark.parametrize(("age", "words"), [(9, "Dreng"), (18, "Mand"), (None, "Mand")])
def test_children_are_girls_and_boys(app: Flask, age: int | None, words: str) -> None:
    with app.test_request_context():
        assert gender_word("male", age) == words


def test_a_role_is_told_without_what_stands_beside_it() -> None:
    told = [
        role_words(Contact(key="k", source="s", owner="a", name="Poul", role=role))
        for role in ("Ansvarlig, Psykolog", "Deltager", "Lærer, vikar")
    ]
    assert told == ["Psykolog", "Deltager", "Lærer, vikar"]


def test_a_rebuild_keeps_what_a_running_server_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build = _builder(monkeypatch, tmp_path)
    styles = iter(["a{}", "b{}", "c{}"])
    names = []
    for stamp in ("1", "2", "3"):
        monkeypatch.setattr(build, "fingerprint", lambda stamp=stamp: stamp)
        monkeypatch.setattr(
            build, "build", lambda node: {"app.css": build.store("app.css", next(styles).encode())}
        )
        assert build.main() == 0
        names.append(Assets(tmp_path)("app.css").rpartition("/")[2])
    assert not (tmp_path / names[0]).exists()
    assert (tmp_path / names[1]).read_text() == "b{}"
    assert (tmp_path / names[2]).read_text() == "c{}"


def _builder(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Any:
    found = importlib.util.spec_from_file_location("build", BUILT.parent / "build.py")
    assert found and found.loader
    build: Any = importlib.util.module_from_spec(found)
    found.loader.exec_module(build)
    monkeypatch.setattr(build, "BUILT", folder)
    monkeypatch.setattr(build, "ROOT", folder)
    monkeypatch.setattr(build, "node_tools", lambda: ([], []))
    monkeypatch.setattr(build, "run", lambda command: "")
    return build


def test_the_children_come_first_and_oneself_last() -> None:
    me = msgspec.structs.replace(CHILD, id="me", relation=Relation.SELF)
    elder = msgspec.structs.replace(CHILD, id="elder")
    pages = (Overview(citizen=c, at=AT, complete=True) for c in (me, elder, CHILD))
    cards = family_page("Mette", pages).cards
    assert [c.citizen.id for c in cards] == ["elder", "c", "me"]


def test_a_cancelled_or_moved_meeting_looks_so_on_the_family_page_too(app: Flask) -> None:
    called_off, moved = _meeting(1), _meeting(2)
    off = msgspec.structs.replace(called_off.entry, cancelled=True)
    later = msgspec.structs.replace(moved.entry, moved_from=AT)
    meetings = (
        msgspec.structs.replace(called_off, entry=off),
        msgspec.structs.replace(moved, entry=later),
    )
    family = family_page(
        "Mette", [Overview(citizen=CHILD, at=AT, complete=True, meetings=meetings)]
    )
    text = page(app, "overview/_family.html", page=family)
    first, _, second = text.partition("Mødet er aflyst")
    assert "Netværksmøde" in first and "Mødet er flyttet." in second


@pytest.mark.parametrize("citizen", [CHILD, YOUNG])
def test_who_was_coordinator_before_is_none_any_more(app: Flask, citizen: Citizen) -> None:
    def with_one(*, running: bool) -> str:
        held = Contact(
            key="k", source="s", owner="a", name="Ida Bro", phone="11223344", coordinator=True,
            running=running,
        )  # fmt: skip
        place = Place(id="a", name="Familieafdelingen", sector=Sector.SOCIAL)
        contacts = (Shown(ref="k", entry=held, owner=place),)
        overview = Overview(citizen=citizen, at=AT, complete=True, contacts=contacts)
        family = page(app, "overview/_family.html", page=family_page("Mette", [overview]))
        return parts(app, overview) + family

    assert "Ida Bro" in with_one(running=True)
    assert "Ida Bro" not in with_one(running=False)


@pytest.mark.parametrize("part", ["all", "meetings", "interventions", "contacts", "plans"])
def test_an_outage_is_told_where_the_view_is_cut_too(app: Flask, part: str) -> None:
    silent = Line(source="s", name="SFO", sector=Sector.OTHER, state=State.UNAVAILABLE)
    half = msgspec.structs.replace(silent, state=State.SHOWN, partial=True)
    whole = msgspec.structs.replace(silent, state=State.EMPTY)
    staff = msgspec.structs.replace(CHILD, relation=Relation.STAFF)
    for line in silent, half, whole:
        cut = Overview(citizen=staff, at=AT, complete=True, cut=True, lines=(line,))
        text = page(app, "overview/_parts.html", overview=cut, citizen=staff, part=part)
        assert ("Der er ikke noget, du kan se her." in text) == (line is whole)
        told = "Nogle systemer har ikke svaret på alt lige nu." in text
        assert told == (line is not whole)


def test_the_preview_tells_that_a_system_does_not_answer(app: Flask) -> None:
    def preview(state: State) -> str:
        line = Line(source="s", name="SFO", sector=Sector.OTHER, state=state)
        seen = Overview(
            citizen=CHILD, at=AT, complete=True, cut=True, lines=(line,), meetings=(_meeting(1),),
            opens=frozenset({Category.MEETINGS}),
        )  # fmt: skip
        place = Place(id="ppr", name="PPR", sector=Sector.SCHOOL)
        confirm = ConsentConfirm(
            citizen=CHILD, place=place, overview=seen, sentences=(), joint=False, token=""
        )
        text = page(app, "consents/confirm.html", page=confirm, citizen=CHILD)
        return text.partition("Det kan PPR se")[2]

    told = "Nogle systemer har ikke svaret på alt lige nu."
    assert told in preview(State.UNAVAILABLE) and told in preview(State.STALE)
    assert told not in preview(State.SHOWN)


def test_a_meetings_sheet_holds_the_goals_of_its_own_places_alone(app: Flask) -> None:
    def goal(title: str, place: Place) -> Shown:
        return Shown(
            ref=title, entry=Goal(key=title, source="s", owner="x", title=title), owner=place
        )

    school = Place(id="skole", name="Skolen", sector=Sector.SCHOOL)
    ppr = Place(id="ppr", name="PPR", sector=Sector.SCHOOL)
    goals = (
        goal("Glad i klassen", school),
        goal("Læse bedre", ppr),
        goal("Mindre angst", Place(id="bup", name="Psykiatrien", sector=Sector.HEALTH)),
        goal("Gå til svømning", msgspec.structs.replace(school, name="Klubben")),
    )

    def sheet(*loose: Shown) -> str:
        entry = msgspec.structs.replace(_meeting(1).entry, owner="skole", also=(("t", "ppr"),))
        meeting = Shown(ref="1", entry=entry, owner=school, owners=("Skolen", "PPR"))
        overview = Overview(citizen=CHILD, at=AT, complete=True, loose_goals=loose)
        return page(app, "overview/bring.html", overview=overview, citizen=CHILD, meeting=meeting)

    text = sheet(*goals)
    assert "Glad i klassen" in text and "Læse bedre" in text
    assert "Mindre angst" not in text and "Gå til svømning" not in text
    assert "Det arbejder vi hen imod" not in sheet(*goals[2:])


def test_the_next_meeting_tells_with_whom_and_that_it_was_moved(app: Flask) -> None:
    def first(**more: object) -> str:
        shown = _meeting(1)
        entry = msgspec.structs.replace(shown.entry, **more)
        shown = msgspec.structs.replace(shown, entry=entry)
        overview = Overview(citizen=CHILD, at=AT, complete=True, meetings=(shown,))
        return parts(app, overview).partition("Tag med til mødet")[0]

    assert "Med Familieafdelingen, Aalborg Kommune" in first()
    assert "Med Ida og Bo" in first(people=("Ida", "Bo"))
    assert "Mødet er flyttet." in first(moved_from=AT) and "flyttet" not in first()


@pytest.mark.parametrize(
    ("section", "part", "entry"),
    [
        (
            "interventions",
            "interventions",
            Intervention(key="k", source="s", owner="a", title="Hjælpen X"),
        ),
        ("contacts", "contacts", Contact(key="k", source="s", owner="a", name="Ida Bro")),
        ("plans", "plans", Plan(key="k", source="s", owner="a", title="Planen Y")),
    ],
)
def test_help_a_contact_and_a_plan_can_be_written_about_where_they_stand(
    app: Flask, section: str, part: str, entry: Any
) -> None:
    note = Note(id="7", author="Jonas", mine=False, text="Vi er glade for det", written=AT)
    place = Place(id="a", name="PPR", sector=Sector.SCHOOL)
    shown = Shown(ref="r9", entry=entry, owner=place, notes=(note,))

    def html(part: str, *, may: bool) -> str:
        overview = Overview(
            citizen=CHILD,
            at=AT,
            complete=True,
            may_comment=may,
            **{section: (shown,)},  # type: ignore[arg-type]
        )
        with app.test_request_context():
            return app.jinja_env.get_template("overview/_parts.html").render(
                viewer={"kind": "guardian"}, overview=overview, citizen=CHILD, part=part
            )

    whole = html(part, may=True)
    assert "/kommentarer?om=r9" in whole and "Vi er glade for det" in whole
    assert "/kommentarer?om=r9" not in html(part, may=False)
    assert "/kommentarer?om=r9" not in html("all", may=True), "the big page stays light"


@pytest.mark.parametrize("part", ["all", "meetings", "coming_list", "calendar"])
def test_one_that_has_answered_is_told_as_one(app: Flask, part: str) -> None:
    def told(answered: int) -> str:
        states = [State.EMPTY] * answered + [State.UNAVAILABLE]
        lines = tuple(
            Line(source=str(n), name=f"Sted {n}", sector=Sector.OTHER, state=state)
            for n, state in enumerate(states)
        )
        overview = Overview(citizen=CHILD, at=AT, complete=True, lines=lines)
        values: dict[str, object] = {"overview": overview, "citizen": CHILD, "part": part}
        if part == "calendar":
            values |= {"part": "meetings", "shown_month": AT.date().replace(day=1)}
        return page(app, "overview/_parts.html", **values)

    assert "hos den ene, der har svaret." in told(1)
    assert "hos de 2, der har svaret." in told(2)


@pytest.mark.parametrize("kind", [None, "citizen", "staff"])
def test_help_leads_families_to_where_something_wrong_is_told(app: Flask, kind: str | None) -> None:
    app.jinja_env.globals["viewer"] = {"kind": kind} if kind else None
    with app.test_request_context():
        html = app.jinja_env.get_template("pages/help.html").render()
    wrong = html.partition("Er noget forkert?")[2].partition("<h2")[0]
    link = '<a href="/overblik">Noget mangler eller er forkert</a>'
    assert (link in wrong) == (kind != "staff")
