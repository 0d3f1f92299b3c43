"""Employees: nothing before relation or consent, a purpose first, and a cut, read-only page."""

from __future__ import annotations

from playwright.sync_api import expect

from e2e.conftest import Visit
from e2e.deciding import grant, overview_of, withdraw
from e2e.visitor import Visitor

NOT_FOR_STAFF = ("Underretning", "Bekymringssnak", "Ansøgning om")


def test_before_a_relation_the_child_does_not_exist(visit: Visit) -> None:
    mette, jonas, poul = visit("mette"), visit("jonas"), visit()
    emil = overview_of(mette, "Emil")
    for parent in (mette, jonas):
        withdraw(parent, emil, "ppr")
    poul.log_in("poul")
    expect(poul.page.locator("body")).to_have_attribute("data-viewer", "staff")
    expect(poul.main).to_contain_text("PPR, Aalborg Kommune")
    poul.go(emil, status=404)
    expect(poul.page.locator("body")).to_have_attribute("data-viewer", "anonymous")
    found = poul.main.inner_text().split("nummer:")[0]
    poul.go("/overblik/" + "0" * 32, status=404)
    assert poul.main.inner_text().split("nummer:")[0] == found


def test_a_look_up_opens_the_own_case_after_a_purpose(visit: Visit) -> None:
    mette, jonas, poul = visit("mette"), visit("jonas"), visit(wide=True)
    emil = overview_of(mette, "Emil")
    for parent in (mette, jonas):
        withdraw(parent, emil, "ppr")
    poul.log_in("poul")
    look_up(poul, "emil", status=403)
    assert "Emil" not in poul.page.content()
    poul.follow(poul.button("Forberede et møde"))
    frame = poul.page.get_by_role("banner")
    expect(frame).to_contain_text("Læsevisning · du ser som PPR, Aalborg Kommune")
    expect(frame).to_contain_text("formål: Forberede et møde")
    expect(poul.main.locator("form")).to_have_count(0)
    assert _owners(poul) == {"ppr"}
    assert not [word for word in NOT_FOR_STAFF if word in poul.everything_received()]
    expect(poul.main.locator('[data-source="bup"]')).to_have_count(0)
    poul.go(f"{emil}/samtykke", status=404)
    poul.go(f"{emil}/hvem-har-set", status=404)
    mette.go(f"{emil}/hvem-har-set")
    expect(mette.main.locator('[data-owner="ppr"]').first).to_contain_text("forberede et møde")


def test_consent_opens_what_both_parents_said_and_its_end_closes_it(visit: Visit) -> None:
    mette, jonas, poul = visit("mette"), visit("jonas"), visit()
    emil = overview_of(mette, "Emil")
    for parent in (mette, jonas):
        withdraw(parent, emil, "ppr")
        grant(parent, emil, "ppr", ["meetings"], ["familieafdelingen", "bup-nord"])
    poul.log_in("poul")
    poul.follow(poul.link("Emil Holm Krogh"), status=403)
    poul.follow(poul.button("Forberede et møde"))
    expect(poul.main).to_contain_text("Samtale med Emil og forældre")
    assert "bup-nord" in _owners(poul)
    plans = poul.main.locator('[data-record="plan"]:not([data-owner="ppr"])')
    expect(plans).to_have_count(0)
    received = poul.everything_received()
    assert not [word for word in (*NOT_FOR_STAFF, "Internt fagmøde") if word in received]
    poul.go(f"{emil}/moeder")
    withdraw(jonas, emil, "ppr")
    poul.go(emil, status=404)
    expect(poul.main).not_to_contain_text("Emil")
    poul.go("/medarbejder")
    expect(poul.main).not_to_contain_text("Emil")


def test_with_a_relation_the_end_of_consent_leaves_the_own_case(visit: Visit) -> None:
    mette, jonas, poul = visit("mette"), visit("jonas"), visit()
    emil = overview_of(mette, "Emil")
    for parent in (mette, jonas):
        withdraw(parent, emil, "ppr")
        grant(parent, emil, "ppr", ["contacts", "meetings"], ["school", "social"])
    poul.log_in("poul")
    look_up(poul, "emil", status=403)
    poul.follow(poul.button("Forberede et møde"))
    assert {"ppr", "familieafdelingen", "skovbakkeskolen"} <= _owners(poul)
    withdraw(mette, emil, "ppr")
    poul.go(emil)
    assert _owners(poul) == {"ppr"}


def test_a_look_up_of_somebody_unknown_says_so(visit: Visit) -> None:
    poul = visit()
    poul.log_in("poul")
    look_up(poul, "viggo", status=404)
    expect(poul.main.get_by_role("alert")).to_contain_text("Vi fandt ingen")
    poul.main.get_by_label("Hele CPR-nummeret").fill("12345")
    poul.follow(poul.main.get_by_role("button", name="Slå op"), status=422)
    expect(poul.main.get_by_role("alert")).to_be_visible()


def look_up(visitor: Visitor, persona: str, status: int) -> None:
    """Look a person up by the whole CPR number, from the employee's first page."""
    visitor.go("/medarbejder")
    visitor.main.get_by_label("Hele CPR-nummeret").fill(visitor.world.people[persona].cpr)
    visitor.follow(visitor.main.get_by_role("button", name="Slå op"), status=status)


def _owners(visitor: Visitor) -> set[str]:
    marks = visitor.main.locator("[data-record]").all()
    return {mark.get_attribute("data-owner") or "" for mark in marks}
