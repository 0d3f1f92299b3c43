"""Comments are read by exactly those named when they were sent, and do no harm wherever they go."""

from __future__ import annotations

import re
from html import escape, unescape

import pytest
from flask import Flask

from portal.access import Viewer
from portal.comments import Detail, may_read
from tests.acts import grant, purpose, withdraw
from tests.conftest import Browser, Login, staff
from tests.page_checks import check


def write(who: Browser, citizen: str, text: str, *to: str, about: str = ""):
    form: dict[str, object] = {"tekst": text, "modtager": list(to), "om": about}
    return who.post(f"/overblik/{citizen}/kommentarer", form)


def read(who: Browser, citizen: str) -> str:
    answer = who.get(f"/overblik/{citizen}/kommentarer?vent=1")
    assert answer.status_code == 200
    return check(answer)


def readers(who: Browser, citizen: str) -> dict[str, str]:
    """Name -> value of everybody who can be named."""
    found = re.findall(
        r'name="modtager" value="([^"]+)"[^>]*>\s*<span>\s*<b>([^<]+)', read(who, citizen)
    )
    return {unescape(name): value for value, name in found}


def id_of(answer: object) -> str:
    assert answer.status_code == 303, answer.get_data(as_text=True)  # type: ignore[attr-defined]
    return answer.headers["Location"].split("#k")[1]  # type: ignore[attr-defined]


# --- who reads --------------------------------------------------------------------------


def test_only_those_named_read_it_and_it_says_so(login: Login) -> None:
    mette, jonas, sofie = login("mette"), login("jonas"), login("sofie")
    id = mette.citizens()["Sofie"]
    people = readers(mette, id)
    assert {"Jonas", "Sofie"} <= set(people)
    assert 'name="modtager"' in read(mette, id) and not re.search(
        r'modtager"[^>]*checked', read(mette, id)
    )
    id_of(write(mette, id, "kun til mig selv"))
    id_of(write(mette, id, "til Sofie", people["Sofie"]))
    id_of(write(mette, id, "til begge", people["Sofie"], people["Jonas"]))
    hers, his, own = read(sofie, id), read(jonas, id), read(mette, id)
    assert all(t in own for t in ("kun til mig selv", "til Sofie", "til begge"))
    assert "til Sofie" in hers and "til begge" in hers and "kun til mig selv" not in hers
    assert "til begge" in his and "til Sofie" not in his and "kun til mig selv" not in his
    assert "Kan læses af" in own
    assert 'data-record="comment"' in own


def test_the_button_says_what_it_does_with_the_text(login: Login) -> None:
    """Drafts say "gemt ... ikke sendt" beside it: what goes to others is sent; what is for oneself, kept."""
    mette = login("mette")
    people = mette.citizens()
    assert _button(read(mette, people["Emil"])) == "Send"
    legend = "<legend>Hvem må læse det? Kun dem, du sætter kryds ved.</legend>"
    assert legend in read(mette, people["Emil"])
    own = next(id for name, id in people.items() if name not in ("Emil", "Sofie"))
    assert _button(read(mette, own)) == "Gem"


def _button(text: str) -> str:
    found = re.search(r'id="skriv".*?<button class="btn go big">([^<]+)<', text, re.DOTALL)
    assert found
    return found[1]


def test_what_a_young_person_writes_is_hers_until_she_names_somebody(login: Login) -> None:
    mette, sofie = login("mette"), login("sofie")
    id = mette.citizens()["Sofie"]
    id_of(write(sofie, id, "det her er mit"))
    assert "det her er mit" not in read(mette, id)
    for part in ("", "/moeder", "/tidslinje", "/hvem-har-set"):
        assert "det her er mit" not in check(mette.get(f"/overblik/{id}{part}?vent=1"))


@pytest.mark.parametrize(
    ("viewer", "reads"),
    [
        (Viewer(person="a"), True),
        (Viewer(person="b"), True),
        (Viewer(person="c"), False),
        (Viewer(subject="s", actors=frozenset({"ppr"})), True),
        (Viewer(subject="s", actors=frozenset({"fam"})), False),
        (Viewer(subject="", actors=frozenset()), False),
    ],
)
def test_may_read(viewer: Viewer, reads: bool) -> None:
    detail = Detail(author="a", persons=frozenset({"b"}), actors=frozenset({"ppr"}), text="x")
    assert may_read(viewer, detail, viewer.actors) is reads
    if viewer.staff:
        assert not may_read(viewer, detail, ()), "an actor that lost the consent"


def test_only_those_on_the_list_can_be_named(login: Login) -> None:
    mette, viggo = login("mette"), login("viggo")
    people = mette.citizens()
    stranger = viggo.get("/overblik").headers["Location"].split("/")[-1]
    for to in (stranger, "ppr", "findes-ikke", "0" * 32, people["Emil"]):
        answer = write(mette, people["Emil"], "hej", to)
        assert answer.status_code == 422, to
        assert "hej" in check(answer)
    assert "hej" not in read(mette, people["Emil"])


# --- employees --------------------------------------------------------------------------


def test_an_employee_reads_and_answers_while_comments_are_granted(login: Login) -> None:
    camilla, poul, karin = login("camilla"), staff(login, "poul"), staff(login, "karin")
    noah = camilla.citizens()["Noah"]
    both = {"kategori": ["comments", "contacts"], "ejer": ["familieafdelingen"]}
    grant(camilla, noah, "ppr", **both)
    grant(camilla, noah, "familieafdelingen", kategori=["contacts"], ejer=["ppr"])
    for employee in (poul, karin):
        purpose(employee, noah)
    secret = id_of(write(camilla, noah, "kun mig"))
    thread = id_of(write(camilla, noah, "Kan I ringe torsdag?", "ppr"))
    text = read(poul, noah)
    assert "Kan I ringe torsdag?" in text and "kun mig" not in text
    for employee, open_to_her in ((poul, True), (karin, False)):
        whole = check(employee.get(f"/overblik/{noah}"))
        assert (f'href="/overblik/{noah}/kommentarer"' in whole) == open_to_her
    assert karin.get(f"/overblik/{noah}/kommentarer").status_code == 404
    answer = poul.post(f"/overblik/{noah}/kommentarer", {"tekst": "Ja, kl. 9", "svar": thread})
    assert answer.status_code == 303
    assert "Ja, kl. 9" in read(camilla, noah) and "PPR, Aalborg Kommune" in read(camilla, noah)
    for form in (
        {"tekst": "ny tråd"},
        {"tekst": "x", "svar": secret},
        {"tekst": "x", "svar": "0" * 32},
    ):
        assert poul.post(f"/overblik/{noah}/kommentarer", form).status_code == 404, form
    assert (
        poul.post(f"/overblik/{noah}/kommentarer", {"tekst": " ", "svar": thread}).status_code
        == 422
    )
    withdraw(camilla, noah, "ppr")
    assert poul.get(f"/overblik/{noah}/kommentarer").status_code == 404
    assert "Ja, kl. 9" in read(camilla, noah), "the thread stays with the family"
    grant(camilla, noah, "ppr", kategori=["contacts"], ejer=["familieafdelingen"])
    assert poul.get(f"/overblik/{noah}/kommentarer").status_code == 404
    assert "Kan I ringe" not in check(poul.get(f"/overblik/{noah}?vent=1"))


def test_who_answered_reads_her_own_answer_no_longer_than_the_thread(login: Login) -> None:
    """Another access remains after `comments` is withdrawn: the thread is gone from it, all of it."""
    camilla, poul = login("camilla"), staff(login, "poul")
    noah = camilla.citizens()["Noah"]
    both = {"kategori": ["comments", "contacts", "meetings"], "ejer": ["familieafdelingen"]}
    grant(camilla, noah, "ppr", **both)
    purpose(poul, noah)
    thread = id_of(write(camilla, noah, "Kan I ringe torsdag?", "ppr"))
    assert (
        poul.post(
            f"/overblik/{noah}/kommentarer", {"tekst": "Ja, kl. 9", "svar": thread}
        ).status_code
        == 303
    )
    assert "Ja, kl. 9" in read(poul, noah)
    withdraw(camilla, noah, "ppr")
    grant(camilla, noah, "ppr", kategori=["contacts", "meetings"], ejer=["familieafdelingen"])
    for page in ("", "/kontakter", "/moeder", "/tidslinje", "/kommentarer"):
        answer = poul.get(f"/overblik/{noah}{page}?vent=1").get_data(as_text=True)
        assert "Ja, kl. 9" not in answer and "Kan I ringe" not in answer


def test_what_a_comment_stands_on_is_not_told_to_whom_may_not_see_it(login: Login) -> None:
    sofie, mette = login("sofie"), login("mette")
    id = mette.citizens()["Sofie"]
    meetings = check(sofie.get(f"/overblik/{id}/moeder?vent=1"))
    ref = re.search(r"/moeder/([0-9a-f]{32})\.ics", meetings[meetings.index("Gruppe for unge") :])
    assert ref
    to = readers(sofie, id)["Mette"]
    id_of(write(sofie, id, "hej mor", to, about=ref[1]))
    own = read(sofie, id)
    assert "Gruppe for unge" in own
    hers = read(mette, id)
    assert "hej mor" in hers
    assert "Gruppe for unge" not in hers and "Astrid" not in hers


# --- afterwards -------------------------------------------------------------------------


def test_an_author_corrects_and_takes_back_and_nobody_else_can(login: Login) -> None:
    mette, jonas, camilla = login("mette"), login("jonas"), login("camilla")
    emil = mette.citizens()["Emil"]
    comment = id_of(write(mette, emil, "første ord", readers(mette, emil)["Jonas"]))
    path = f"/overblik/{emil}/kommentarer/{comment}"
    for stranger in (jonas, camilla):
        for form in ({"handling": "ret", "tekst": "kapret"}, {"handling": "fortryd"}):
            assert stranger.post(path, form).status_code == 404
    assert mette.post(path, {"handling": "ret", "tekst": "rettede ord"}).status_code == 303
    text = read(jonas, emil)
    assert "rettede ord" in text and "første ord" not in text and "rettet" in text
    assert mette.post(path, {"handling": "ret", "tekst": ""}).status_code == 422
    assert mette.post(path, {"handling": "slet"}).status_code == 400
    assert mette.post(path, {"handling": "fortryd"}).status_code == 303
    text = read(jonas, emil)
    assert "rettede ord" not in text and "trukket tilbage" in text
    assert mette.post(path, {"handling": "ret", "tekst": "igen"}).status_code == 404
    assert (
        mette.post(f"/overblik/{emil}/kommentarer/{'0' * 32}", {"handling": "fortryd"}).status_code
        == 404
    )


def test_a_text_that_tells_where_they_live_is_not_sent(login: Login) -> None:
    mette = login("mette")
    emil = mette.citizens()["Emil"]
    jonas = readers(mette, emil)["Jonas"]
    for text in ("Hent ham på Prøvevænget 12", "p r ø v e v æ n g e t", "Vi er på Skovbakkeskolen",
                 "9000 Aalborg", "SFO Skovmusen kl. 14"):  # fmt: skip
        answer = write(mette, emil, text, jonas)
        assert answer.status_code == 422, text
        said = check(answer)
        assert "beskyttet adresse" in said
        assert escape(text) in said, "the text is kept for its author"
    assert write(mette, emil, "Vi er på Skovbakkeskolen").status_code == 303, "to herself"
    for parent in (mette, login("jonas")):
        grant(parent, emil, "ppr", kategori=["comments"], ejer=["familieafdelingen"])
    assert write(mette, emil, "Hent ham kl. 13", "ppr").status_code == 303
    for text in ("Hent ham på Prøvevænget 12", "p r ø v e v æ n g e t"):
        for to in ((), ("ppr",)):
            assert write(mette, emil, "PPR, Aalborg Kommune, 9000 kr.", *to).status_code == 303
            answer = write(mette, emil, text, *to)
            assert answer.status_code == 422, "an address goes nowhere, whoever would read it"
            assert "beskyttet adresse" in check(answer) and escape(text) in check(answer)
    comment = id_of(write(mette, emil, "Hent ham kl. 14", jonas))
    path = f"/overblik/{emil}/kommentarer/{comment}"
    assert mette.post(path, {"handling": "ret", "tekst": "Prøvevænget 12"}).status_code == 422
    assert "Prøvevænget" not in read(login("jonas"), emil)


def test_what_the_other_parent_himself_writes_is_cut_for_nobody_else(login: Login) -> None:
    """Jonas may write what he likes; what he reads back holds no place he must not know."""
    jonas = login("jonas")
    emil = jonas.citizens()["Emil"]
    id_of(write(jonas, emil, "Går Emil mon på Skovbakkeskolen?"))
    assert "Skovbakkeskolen" not in read(jonas, emil)


# --- texts that try something -----------------------------------------------------------

NASTY = [
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7919*7907 }}{% raw %}", "hx-get=/log-ud",
    '<div hx-get="/log-ud" hx-trigger="load">', "javascript:alert(1)", "x" * 4000, "😀" * 2000,
    "مرحبا بالعالم \u202e gnp.exe", "\u0000nul\u0007bel", "linje 1\r\nlinje 2\n\n\nlinje 3",
    "data-record=\"meeting\" data-owner=\"bup-nord\"", "<!--", "</textarea></form><form action=//evil>",
    "&lt;b&gt; &amp; &#x3C;", "Z\u0351\u0348\u032a" * 200, "\ud83d" .encode("utf-8", "replace").decode(),
]  # fmt: skip


def test_no_text_executes_or_breaks_the_page(login: Login) -> None:
    mette, jonas = login("mette"), login("jonas")
    emil = mette.citizens()["Emil"]
    to = readers(mette, emil)["Jonas"]
    for text in NASTY:
        assert write(mette, emil, text, to).status_code == 303, text[:30]
    for who in (mette, jonas):
        page = read(who, emil)  # check() finds scripts, handlers, broken nesting and odd links
        assert "<img src=x" not in page and "<div hx-get" not in page and "\x07" not in page
        assert "62615533" not in page, "a text was calculated"
        assert page.count('data-record="comment"') == len(NASTY)
    assert "7919*7907" in page


@pytest.mark.parametrize("text", ["", "   \n\t ", "\u0000\u0001", "x" * 4001])
def test_too_little_and_too_much_is_422_and_kept(login: Login, text: str) -> None:
    mette = login("mette")
    emil = mette.citizens()["Emil"]
    answer = write(mette, emil, text)
    assert answer.status_code == 422
    page = check(answer)
    assert 'aria-invalid="true"' in page
    assert '<li><a href="#tekst">' in page and page.count('role="alert"') == 1
    assert text.strip("\x00\x01 \n\t") in page
    assert 'data-record="comment"' not in read(mette, emil)


def test_a_wrong_correction_is_named_at_the_top_and_beside_its_own_field(login: Login) -> None:
    mette = login("mette")
    emil = mette.citizens()["Emil"]
    note = id_of(write(mette, emil, "først"))
    answer = mette.post(
        f"/overblik/{emil}/kommentarer/{note}", {"handling": "ret", "tekst": "x" * 4001}
    )
    assert answer.status_code == 422
    page = check(answer)
    assert f'<li><a href="#t-{note}">' in page and f'id="e-{note}"' in page
    assert page.count('role="alert"') == 1


def test_a_comment_leaves_a_line_in_the_log_and_no_text(app: Flask, login: Login) -> None:
    mette, jonas = login("mette"), login("jonas")
    emil = mette.citizens()["Emil"]
    id_of(write(mette, emil, "en hemmelighed"))
    log = check(mette.get(f"/overblik/{emil}/hvem-har-set"))
    assert "kommentar" in log and "hemmelighed" not in log
    assert "skrev en kommentar" not in check(jonas.get(f"/overblik/{emil}/hvem-har-set"))
