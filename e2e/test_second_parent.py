"""A father who lives elsewhere: what he may not learn, and how two answers become one."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from e2e.conftest import Visit
from e2e.deciding import expect_consent, grant, overview_of, row, withdraw
from e2e.visitor import Visitor

WHERE_THEY_LIVE = (
    "Prøvevænget", "Prøvegade", "Skovbakke", "Skovmusen", "Svømmehal", "Værkstedet på havnen",
    "Klinikvænget", "opgang 4", "mødelokale", "Øvelsesvej", "Lægehuset ved Åen", "Demotorvet",
    "Hjørring", "Aalborg Ungdomsskole", "Skabelongade", "Attrapvej",
)  # fmt: skip
"""Address, school, after-school club, clinics, places of meetings, another municipality."""
PARTS = (
    "", "/kontakter", "/moeder", "/indsatser", "/planer", "/trivsel", "/kommentarer",
    "/oplysninger", "/samtykke", "/samtykke/ppr", "/hvem-har-set",
)  # fmt: skip


@pytest.mark.parametrize("child", ["Emil", "Sofie"])
def test_nothing_tells_him_where_they_live(visit: Visit, child: str) -> None:
    mette, jonas = visit("mette"), visit("jonas")
    mette.go(f"{overview_of(mette, child)}/oplysninger")
    assert "Prøvevænget" in mette.everything_received()
    path = overview_of(jonas, child)
    for part in PARTS:
        jonas.go(path + part)
    jonas.go(path)
    files = {
        link.get_attribute("href") or ""
        for link in jonas.main.locator('a[href$=".ics"], a[href$="/tag-med"]').all()[:6]
    }
    texts = [jonas.context.request.get(jonas.world.portal + f).text() for f in sorted(files)]
    everything = jonas.everything_received() + "\n".join(texts)
    assert len(everything) > 50_000
    found = [word for word in WHERE_THEY_LIVE if word.lower() in everything.lower()]
    assert not found
    assert "map" not in re.findall(r'href="https://([^/"]+)', everything)
    expect(jonas.main).to_contain_text("Sted: se din indkaldelse")


def test_two_yeses_apply_and_one_no_ends_it(visit: Visit) -> None:
    mette, jonas = visit("mette"), visit("jonas")
    emil, place = overview_of(mette, "Emil"), "handicap"
    for parent in (mette, jonas):
        withdraw(parent, emil, place)
    grant(mette, emil, place, ["meetings"], ["social"])
    before = _words(jonas, emil, place)
    assert before == "withdrawn" or before == "none"
    receipt = grant(jonas, emil, place, ["meetings"], ["social"])
    expect(receipt).to_have_attribute("data-consent", "active")
    for parent in (mette, jonas):
        expect_consent(parent, emil, place, "active")
    expect(row(mette, place)).to_contain_text("må se møder til og med")
    withdraw(jonas, emil, place)
    expect_consent(jonas, emil, place, "withdrawn")
    expect_consent(mette, emil, place, "pending")
    expect(row(mette, place)).to_contain_text("Gælder ikke. Begge forældre skal sige ja.")


def test_an_answer_not_given_and_a_withdrawn_one_look_the_same_to_the_other(visit: Visit) -> None:
    mette, jonas = visit("mette"), visit("jonas")
    emil, place = overview_of(mette, "Emil"), "ydelse"
    for parent in (mette, jonas):
        withdraw(parent, emil, place)
    grant(mette, emil, place, ["plans"], ["social"])
    waiting = _page_of(mette, emil, place)
    grant(jonas, emil, place, ["plans"], ["social"])
    withdraw(jonas, emil, place)
    assert _page_of(mette, emil, place) == waiting
    mette.go(f"{emil}/hvem-har-set")
    expect(mette.main).not_to_contain_text("Jonas")


def test_two_different_yeses_give_what_both_said(visit: Visit) -> None:
    mette, jonas = visit("mette"), visit("jonas")
    emil, place = overview_of(mette, "Emil"), "jobcenter"
    for parent in (mette, jonas):
        withdraw(parent, emil, place)
    grant(mette, emil, place, ["meetings", "plans"], ["social"])
    grant(jonas, emil, place, ["meetings", "contacts"], ["social"])
    expect_consent(jonas, emil, place, "active")
    expect(row(jonas, place)).to_contain_text(re.compile("må se møder til og med"))
    for parent in (mette, jonas):
        withdraw(parent, emil, place)


def _words(visitor: Visitor, overview: str, actor: str) -> str:
    visitor.go(f"{overview}/samtykke")
    return str(row(visitor, actor).get_attribute("data-consent"))


def _page_of(visitor: Visitor, overview: str, actor: str) -> str:
    """An actor's page as its reader sees it, without what differs at every visit."""
    visitor.go(f"{overview}/samtykke/{actor}")
    return str(visitor.main.inner_text())
