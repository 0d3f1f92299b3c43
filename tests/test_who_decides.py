"""The consent pages say who decides, truly, and offer nobody a button she cannot use."""

from __future__ import annotations

import re
from html import unescape

import pytest
from flask import Flask

from tests.acts import draft, grant, propose, state
from tests.conftest import Browser, Login
from tests.page_checks import check
from tests.test_consent_receipts import elsewhere

PARENTS = "Dine forældre bestemmer, men du må gerne sige, hvad du synes."
BOTH = "Gælder ikke. Begge forældre skal sige ja."
ALL = "Gælder ikke. Alle, der bestemmer, skal sige ja."


def main(who: Browser, path: str) -> str:
    answer = who.get(path)
    assert answer.status_code == 200
    return unescape(check(answer)).partition("<main")[2].partition("</main>")[0]


def given_by_both(login: Login) -> tuple[Browser, str]:
    """Layla, 13, whose parents have both said yes to a place; she decides nothing yet."""
    amira, yusuf = login("amira"), login("yusuf")
    child = amira.citizens()["Layla"]
    grant(amira, child, "ppr")
    grant(yusuf, child, "ppr")
    assert state(amira, child, "ppr") == "active"
    return login("layla"), child


def offers(text: str) -> bool:
    return any(
        word in text
        for word in ('value="traek"', "#giv", "Forny?", "Du bestemmer", "du kan vælge", "Fortryd")
    )


def test_a_child_under_15_sees_what_her_parents_decided_and_no_button(login: Login) -> None:
    layla, child = given_by_both(login)
    listed = main(layla, f"/overblik/{child}/samtykke")
    assert 'data-actor="ppr" data-consent="active"' in listed
    place = main(layla, f"/overblik/{child}/samtykke/ppr")
    for text in (listed, place):
        assert PARENTS in text
        assert not offers(text)
    assert "Det lukker med det samme." not in place


def test_a_place_that_is_gone_is_not_for_a_child_to_take_back(app: Flask, login: Login) -> None:
    _, child = given_by_both(login)
    without = elsewhere(app, "ppr")
    listed = main(login("layla", app=without), f"/overblik/{child}/samtykke")
    assert "Du kan trække dit ja tilbage." not in listed and not offers(listed)
    assert 'value="traek"' in main(login("amira", app=without), f"/overblik/{child}/samtykke/ppr")


@pytest.mark.parametrize(
    ("who", "child", "says"),
    [
        ("amira", "Layla", BOTH),
        ("mette", "Sofie", ALL),
        ("sofie", "", ALL),
    ],
)
def test_a_yes_that_waits_says_truly_for_whom(
    login: Login, who: str, child: str, says: str
) -> None:
    """Under 15 both parents; from 15 she too, whoever her parents are. The same on every page."""
    reader = login(who)
    id = reader.citizens()[child] if child else login("mette").citizens()["Sofie"]
    receipt = unescape(grant(reader, id, "ppr"))
    assert 'data-consent="pending"' in receipt
    pages = [main(reader, f"/overblik/{id}/samtykke{path}") for path in ("", "/ppr")]
    for text in (receipt, *pages):
        assert re.findall(r"Gælder ikke\.[^<]*?ja\.", text) == [says]


def test_the_parent_of_a_young_person_reads_that_all_say_yes_to_the_rest(login: Login) -> None:
    mette = login("mette")
    text = main(mette, f"/overblik/{mette.citizens()['Sofie']}/samtykke")
    assert "skal I begge sige ja" not in text
    assert "Til resten skal både Sofie og alle, der har forældremyndigheden, sige ja." in text


def test_a_yes_to_who_somebody_is_names_all_that_it_opens(login: Login) -> None:
    """Age, gender and custody too; the list and the log keep the short word."""
    camilla = login("camilla")
    noah = camilla.citizens()["Noah"]
    receipt = unescape(grant(camilla, noah, "ppr", kategori=["master_data", "meetings"]))
    whole = "grundoplysninger (navn, adresse, alder, køn og forældremyndighed)"
    assert f"PPR, Aalborg Kommune må se møder og {whole} om Noah." in receipt.replace(
        f"{whole} og møder", f"møder og {whole}"
    )
    listed = main(camilla, f"/overblik/{noah}/samtykke")
    assert "grundoplysninger" in listed and whole not in listed


def test_the_yes_stands_below_what_they_can_see(login: Login) -> None:
    """The form promises "Du ser først, hvad de kan se": so also by keyboard and when read aloud."""
    camilla = login("camilla")
    noah = camilla.citizens()["Noah"]
    draft(camilla, noah, "ppr")
    text = main(camilla, f"/overblik/{noah}/samtykke/ppr/bekraeft?vent=1")
    order = [text.index(t) for t in ('id="ja"', 'href="#giv"', 'class="preview"', 'id="giv"')]
    assert order == sorted(order)
    assert text.rindex("data-record=") < text.index('value="bekraeft"')


def test_a_field_that_is_wrong_is_tied_to_its_message(login: Login) -> None:
    """Read aloud, each field tells its own error: the group by its description, a date as invalid."""
    camilla = login("camilla")
    noah = camilla.citizens()["Noah"]
    for field in ("kategori", "ejer", "formaal"):
        text = check(propose(camilla, noah, "ppr", **{field: None, "til": None}))
        assert f'id="f-{field}" aria-describedby="e-{field}"' in text
    date = re.search(r'<input type="date"[^>]*>', text)
    assert date and 'aria-invalid="true"' in date[0] and "e-til" in date[0]
    fine = check(camilla.get(f"/overblik/{noah}/samtykke/ppr"))
    assert "aria-invalid" not in fine and 'aria-describedby="e-' not in fine
