"""What parents may see: the page's words are the rules' own, at every age and on every birthday."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest

from portal.access import Facts
from portal.growing import Sight, stages
from portal.records import Category
from tests.acts import grant
from tests.conftest import Login, staff
from tests.page_checks import check

TODAY = date(2026, 11, 22)


def facts(born: date | None, **more: object) -> Facts:
    return Facts(citizen="c", born=born, today=TODAY, **more)  # type: ignore[arg-type]


def aged(years: int, days: int = 0) -> date:
    return date(TODAY.year - years, TODAY.month, TODAY.day) - timedelta(days=days)


@pytest.mark.parametrize(
    ("born", "told"),
    [
        (aged(14, 10), [(14, Sight.ALL), (15, Sight.BUT_HEALTH), (18, Sight.NOTHING)]),
        (aged(15), [(15, Sight.BUT_HEALTH), (18, Sight.NOTHING)]),
        (aged(16, 3), [(16, Sight.BUT_HEALTH), (18, Sight.NOTHING)]),
        (aged(18) + timedelta(days=1), [(17, Sight.BUT_HEALTH), (18, Sight.NOTHING)]),
        (aged(18), [(18, Sight.NOTHING)]),
        (aged(40), [(40, Sight.NOTHING)]),
    ],
)
def test_now_and_each_birthday_that_changes_something(
    born: date, told: list[tuple[int, Sight]]
) -> None:
    found = stages(facts(born))
    assert [(s.age, s.sees[Category.MEETINGS]) for s in found] == told
    assert found[0].day is None
    for stage in found[1:]:
        assert stage.day == date(born.year + stage.age, born.month, born.day)


def test_a_leap_day_child_turns_on_the_first_of_march() -> None:
    days = [s.day for s in stages(facts(date(2012, 2, 29)))]
    assert days == [None, date(2027, 3, 1), date(2030, 3, 1)]


def test_an_unknown_birth_date_tells_nothing() -> None:
    assert stages(facts(None)) == ()
    assert stages(facts(TODAY + timedelta(days=1))) == ()


def test_it_is_the_same_whoever_was_shut_out() -> None:
    """Whether an authority closed a parent's access is for no page to tell."""
    born = aged(14)
    plain = stages(facts(born, custodians=frozenset({"m", "f"})))
    assert plain == stages(facts(born, custodians=frozenset({"m", "f"}), closed=frozenset({"f"})))
    assert plain == stages(facts(born))


def test_no_parent_follows_what_the_young_person_does() -> None:
    assert not any(s.follows for years in range(18) for s in stages(facts(aged(years))))


def sights(page: str) -> dict[str, str]:
    return dict(re.findall(r'data-category="(\w+)" data-sight="(\w+)"', page))


@pytest.mark.parametrize(
    ("who", "sight", "ages"),
    [("layla", "all", ["15", "18"]), ("sofie", "but_health", ["18"]), ("freja", "nothing", [])],
)
def test_each_reads_what_holds_for_her(login: Login, who: str, sight: str, ages: list[str]) -> None:
    browser = login(who)
    own = own_page(browser.get("/overblik").headers["Location"])
    page = check(browser.get(f"{own}/mine-foraeldre"))
    found = sights(page)
    assert len(found) == 6
    assert found.pop("master_data") == ("nothing" if who == "freja" else "all")
    assert set(found.values()) == {sight}
    assert re.findall(r'data-age="(\d+)"', page) == ages
    check(browser.get(f"{own}/mine-rettigheder"))


def test_the_page_says_what_the_parent_meets(login: Login) -> None:
    """Said to Sofie: all but health. Met by Mette: no health source is as much as asked."""
    mette, sofie = login("mette"), login("sofie")
    own = own_page(sofie.get("/overblik").headers["Location"])
    assert sights(check(sofie.get(f"{own}/mine-foraeldre")))["meetings"] == "but_health"
    theirs = check(mette.get(f"{own}/moeder?vent=1"))
    assert "bestemmer selv over sine oplysninger fra sundhedsvæsenet" in theirs
    assert 'data-source="bup"' not in theirs


def test_nobody_else_has_the_page(login: Login) -> None:
    own = own_page(login("sofie").get("/overblik").headers["Location"])
    for browser in (login("mette"), login("viggo"), staff(login, "karin")):
        for name in ("mine-foraeldre", "mine-rettigheder"):
            assert browser.get(f"{own}/{name}").status_code == 404


def own_page(address: str) -> str:
    return address.split("?")[0]


def test_what_a_child_of_ten_says_is_asked_and_stands_in_the_yes(login: Login) -> None:
    camilla = login("camilla")
    noah = camilla.citizens()["Noah"]
    assert "Hvad siger Noah?" in check(camilla.get(f"/overblik/{noah}/samtykke/ppr"))
    receipt = grant(camilla, noah, "ppr", barnet_siger="Kun hvis\nMaja er med")
    assert "Noah siger: Kun hvis Maja er med" in receipt
    silent = grant(camilla, noah, "ppr")
    assert "Du har ikke skrevet, hvad Noah siger." in silent


def test_a_smaller_child_is_not_asked_by_the_law(login: Login) -> None:
    mette = login("mette")
    emil = mette.citizens()["Emil"]
    assert "Hvad siger Emil?" not in check(mette.get(f"/overblik/{emil}/samtykke/ppr"))
    assert "siger" not in grant(mette, emil, "ppr")
