"""The pages that show at a glance: what is drawn stands in words too, and each door is the same door."""

from __future__ import annotations

import re
from html import unescape

import pytest
from flask import Flask

from tests.acts import grant
from tests.conftest import Login
from tests.page_checks import check


def main(text: str) -> str:
    return unescape(text.split("<main", 1)[1].split("</main>", 1)[0])


def test_all_29_places_stand_on_the_map_and_in_the_list(login: Login) -> None:
    camilla = login("camilla")
    noah = camilla.citizens()["Noah"]
    page = main(check(camilla.get(f"/overblik/{noah}/netvaerk?vent=1")))
    targets = re.findall(r'<a href="#(sted-\d+)"', page)
    assert len(targets) == 2 * 29, "one link a place in each of the two layouts"
    assert set(targets) == set(re.findall(r'<li[^>]* id="(sted-\d+)"', page))
    assert "Tovholder: Ditte Sandberg" in page


def test_a_map_shows_the_viewers_own_yes_and_never_the_others(login: Login) -> None:
    mette, jonas = login("mette"), login("jonas")
    emil = mette.citizens()["Emil"]
    before = main(check(jonas.get(f"/overblik/{emil}/netvaerk?vent=1")))
    grant(mette, emil, "ppr")
    assert "Har samtykke</a>" not in main(check(mette.get(f"/overblik/{emil}/netvaerk?vent=1")))
    after = main(check(jonas.get(f"/overblik/{emil}/netvaerk?vent=1")))
    assert re.sub(r"kl\. \d\d\.\d\d", "", after) == re.sub(r"kl\. \d\d\.\d\d", "", before)
    grant(jonas, emil, "ppr")
    for parent in (mette, jonas):
        page = main(check(parent.get(f"/overblik/{emil}/netvaerk?vent=1")))
        assert re.search(rf'href="/overblik/{emil}/samtykke/ppr">[^/]*/?[^<]*<', page)
        assert page.count("Har samtykke</a>") == 1


@pytest.mark.parametrize("written", ["2026-13", "x", "", "1999-01", "2026-1"])
def test_a_month_that_is_none_is_said_clearly(login: Login, written: str) -> None:
    mette = login("mette")
    emil = mette.citizens()["Emil"]
    answer = mette.get(f"/overblik/{emil}/moeder?maaned={written}&vent=1")
    assert answer.status_code == 404
    assert "Den måned kan vi ikke vise" in main(check(answer))


def test_a_month_is_a_table_with_heads_and_its_meetings_beneath(login: Login) -> None:
    camilla = login("camilla")
    noah = camilla.citizens()["Noah"]
    first = main(check(camilla.get(f"/overblik/{noah}/moeder?maaned=2026-13&vent=1")))
    coming = re.findall(r'\?maaned=(\d{4}-\d\d)" rel="next"', first)
    page = main(check(camilla.get(f"/overblik/{noah}/moeder?maaned={coming[0]}&vent=1")))
    assert len(re.findall(r'<th scope="col"', page)) == 8
    assert re.search(r'<th scope="row"', page)
    for ref in set(re.findall(r'href="#(m-[0-9a-f]+)"', page)):
        assert f'id="{ref}"' in page, "a day that leads nowhere"


def test_a_month_is_logged_as_meetings_are(app: Flask, login: Login) -> None:
    camilla = login("camilla")
    noah = camilla.citizens()["Noah"]
    camilla.get(f"/overblik/{noah}/moeder?maaned=2026-12&vent=1")
    seen = main(check(camilla.get(f"/overblik/{noah}/hvem-har-set")))
    assert re.search(r"Du så Noahs møder|Du så [^<]*møder", seen)


def test_nothing_is_called_better_or_worse(login: Login) -> None:
    camilla = login("camilla")
    noah = camilla.citizens()["Noah"]
    page = main(check(camilla.get(f"/overblik/{noah}/trivsel?vent=1")))
    drawn = re.sub(r"<table.*?</table>", "", page, flags=re.DOTALL)
    for word in ("bedre", "værre", "faldet", "steget", "fald ", "dårlig"):
        assert word not in drawn.lower(), word
    assert "før hjælpen" in page
    assert 'aria-hidden="true"' in page


def test_a_young_person_meets_a_places_words_only_as_a_quote(login: Login) -> None:
    sofie = login("sofie")
    me = sofie.get("/overblik").headers["Location"].rsplit("/", 1)[-1].split("?")[0]
    page = main(check(sofie.get(f"/overblik/{me}/trivsel?vent=1")))
    rows = re.findall(r'<tr data-record="measurement".*?</tr>', page, re.DOTALL)
    words = {
        re.sub("<[^>]+>", "", r).strip()
        for row in rows
        for r in re.findall(r"<td>(.*?)</td>", row)[1:2]
    }
    outside = re.sub(r"<table.*?</table>", "", page, flags=re.DOTALL)
    assert words - {""}
    assert not [w for w in words if w and w in outside]


def test_the_sheet_for_a_meeting_holds_own_notes_only(login: Login) -> None:
    mette = login("mette")
    emil = mette.citizens()["Emil"]
    page = check(mette.get(f"/overblik/{emil}/moeder?vent=1"))
    ref = re.search(r"moeder/([0-9a-f]{32})/tag-med", page)
    assert ref
    sheet = main(check(mette.get(f"/overblik/{emil}/moeder/{ref[1]}/tag-med")))
    assert "/mangler" not in sheet
    assert sheet.count("<h1>") == 1
