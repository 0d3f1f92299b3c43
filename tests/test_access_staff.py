"""What an employee sees: which rule hides what, what opens it, how long, and what before any consent."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from portal.access_staff import (
    NEVER_TO_STAFF,
    basis_opens,
    before_consent,
    categories,
    excluded_names,
    has_relation,
    is_running,
    staff_hides,
)
from portal.records import (
    Actor,
    Assessment,
    Audience,
    Category,
    Contact,
    Goal,
    Hole,
    Intervention,
    Measurement,
    Meeting,
    Plan,
    Sector,
    Status,
)
from tests.test_access import (
    NOW,
    TODAY,
    plan,
    scope,
)

# --- employees --------------------------------------------------------------------------

WHY_NOT = [
    # what is special about another actor's entry, which rule hides it from an employee with a consent
    ({}, None), ({"kinds": frozenset({"concern"})}, "concern"),
    ({"audience": frozenset({Audience.OWNER_ONLY})}, "restricted"),
    ({"audience": frozenset({Audience.CITIZEN_FROM_15})}, "restricted"),
    ({"audience": frozenset({Audience.STAFF_ONLY})}, None),
    ({"audience": frozenset({Audience.NOT_FOR_CHILD})}, None),
    ({"status": Status.DONE}, "earlier service"), ({"status": Status.CANCELLED}, "earlier service"),
    ({"status": Status.WAITING}, None), ({"source": "another"}, "no consent"),
    ({"owner": "bup"}, "no consent"), ({"kinds": frozenset({"excluded:Befordring"})}, "no consent"),
    ({"kinds": frozenset({"other"})}, None),
    *(({"kinds": frozenset({kind})}, "never to staff") for kind in ("document", "application", "refused", "collection")),
]  # fmt: skip


@pytest.mark.parametrize(("change", "rule"), WHY_NOT)
def test_which_rule_hides_an_entry_from_an_employee(
    change: dict[str, object], rule: str | None
) -> None:
    entry = plan(**change)
    assert staff_hides(entry, {"ppr"}, [scope()], "moede", TODAY) == rule
    other = scope(purpose="overgang")
    assert staff_hides(entry, {"ppr"}, [other, scope()], "moede", TODAY) == rule, (
        "one consent is enough"
    )
    assert staff_hides(entry, {"ppr"}, [other], "moede", TODAY) == (rule or "no consent")
    if rule != "concern":
        assert staff_hides(entry, {"ppr", str(entry.owner)}, [], "moede", TODAY) is None


def test_what_no_consent_opens() -> None:
    """domain.md 6, tier 4."""
    assert set(NEVER_TO_STAFF) == {"document", "application", "refused", "collection"}
    page = Path("docs/access.md").read_text(encoding="utf-8")
    for kind, what in NEVER_TO_STAFF.items():
        assert f"| {kind} | {what} |" in page, "lawyers read another rule than the one that holds"


def test_an_excluded_kind_is_known_by_its_name() -> None:
    entry = plan(kinds=frozenset({"excluded:Hjælpemidler", "excluded:Befordring", "document"}))
    assert excluded_names(entry) == {"Hjælpemidler", "Befordring"}
    assert excluded_names(plan()) == frozenset()


CATEGORIES = [
    (Contact(key="1", source="s", owner="o", name="K"), {Category.CONTACTS}),
    (Meeting(key="1", source="s", owner="o", title="M", start=NOW), {Category.MEETINGS}),
    (plan(Intervention), {Category.INTERVENTIONS}), (plan(Assessment), {Category.INTERVENTIONS}),
    (plan(Plan), {Category.PLANS}), (plan(Goal), {Category.INTERVENTIONS, Category.PLANS}),
    (Measurement(key="1", source="s", owner="o", scale="s", day=TODAY, value=1), {Category.WELLBEING}),
]  # fmt: skip


@pytest.mark.parametrize(("entry", "opened_by"), CATEGORIES, ids=lambda e: type(e).__name__)
def test_what_opens_which_entry(entry: Plan, opened_by: set[Category]) -> None:
    assert set(categories(entry)) == opened_by
    for category in Category:
        consent = scope(
            pairs=frozenset({(category, entry.owner)}), sources=frozenset({entry.source})
        )
        opens = staff_hides(entry, {"ppr"}, [consent], "moede", TODAY) is None
        assert opens is (category in opened_by)


@pytest.mark.parametrize("status", list(Status))
def test_done_and_cancelled_is_over_and_everything_else_goes_on(status: Status) -> None:
    over = status in (Status.DONE, Status.CANCELLED, Status.PROPOSED)
    for cls in (Intervention, Assessment, Plan, Goal):
        assert is_running(plan(cls, status=status), TODAY) is not over
    contact = Contact(key="1", source="s", owner="o", name="K")
    assert is_running(contact, TODAY)
    assert not is_running(msgspec.structs.replace(contact, running=False), TODAY)
    assert is_running(
        Meeting(key="1", source="s", owner="o", title="M", start=NOW, cancelled=True), TODAY
    )


AHEAD = [
    # what, whether it makes a relation
    ({"start": NOW}, True), ({"start": NOW - timedelta(seconds=1)}, False),
    ({"start": NOW - timedelta(hours=2), "end": NOW}, True),
    ({"start": NOW - timedelta(hours=2), "end": NOW - timedelta(seconds=1)}, False),
    ({"start": NOW + timedelta(days=1), "owner": "bup"}, False),
    ({"start": NOW + timedelta(days=1), "kinds": frozenset({"concern"})}, False),
    ({"start": NOW + timedelta(days=1), "cancelled": True}, False),
]  # fmt: skip


@pytest.mark.parametrize(("change", "related"), AHEAD)
def test_a_meeting_makes_a_relation_until_it_is_over(
    change: dict[str, object], related: bool
) -> None:
    meeting = Meeting(**{"key": "1", "source": "s", "owner": "fam", "title": "M", **change})  # type: ignore[arg-type]
    assert has_relation([meeting], {"fam"}, NOW) is related
    assert has_relation([plan(owner="bup"), meeting], {"fam", "ppr"}, NOW) is related
    assert not has_relation([], {"fam"}, NOW)


def test_a_consent_in_use_is_named_and_cannot_be_changed_under_way() -> None:
    what = scope()
    for field in what.__struct_fields__:
        with pytest.raises(AttributeError):
            setattr(what, field, None)
    with pytest.raises(TypeError, match="positional"):
        type(what)("who", "is", "who")  # type: ignore[call-arg, misc]


# --- before consent ---------------------------------------------------------------------

OFFICE = Actor(id="fam", name="Familieafdelingen", sector=Sector.SOCIAL, municipality="0851")
HELP = Intervention(
    key="k", source="familieafd", owner="fam", by="Team Nord", lang="da", title="Støtte", status=Status.PAUSED,
    paragraph="§ 32", responsible="Karin", phone="99990201", goal="Ro", start=TODAY, end=TODAY,
    codes=("d7",), url="https://sag.example/1", description="Journal", also=(("x", "y"),),
)  # fmt: skip


def test_before_consent_exactly_these_are_told_and_nothing_else() -> None:
    """domain.md 6, tier 2: the paragraph and name, whom to call, the goal and the period."""
    told = before_consent(HELP, OFFICE, "0851", TODAY)
    assert told == msgspec.structs.replace(HELP, codes=(), url="", description="", also=())


@pytest.mark.parametrize(
    "owner",
    [
        msgspec.structs.replace(OFFICE, municipality="0860"),
        msgspec.structs.replace(OFFICE, municipality="0840"),
        msgspec.structs.replace(OFFICE, municipality=None),
        msgspec.structs.replace(OFFICE, sector=Sector.HEALTH),
    ],
)
def test_before_consent_nothing_crosses_a_municipality_or_comes_from_health(owner: Actor) -> None:
    assert before_consent(HELP, owner, "0851", TODAY) is None


def test_only_help_itself_is_told_before_consent() -> None:
    for entry in (plan(), plan(Assessment), plan(Goal)):
        assert before_consent(entry, OFFICE, "0851", TODAY) is None


def test_a_hole_counts_as_what_it_stands_for() -> None:
    """Also of who may know that it is there."""
    help_, contact, goal = (
        Hole(key="1", source="s", owner="office", of=of)
        for of in ("intervention", "contact", "goal")
    )
    assert basis_opens(help_, OFFICE, "0851", TODAY)
    assert not basis_opens(contact, OFFICE, "0851", TODAY)
    assert not basis_opens(goal, OFFICE, "0851", TODAY)
    assert categories(goal) == (Category.INTERVENTIONS, Category.PLANS)
    assert categories(contact) == (Category.CONTACTS,)


@pytest.mark.parametrize(("days", "goes_on"), [(-1, False), (0, True), (1, True), (400, True)])
def test_what_has_ended_is_over_whatever_its_status(days: int, goes_on: bool) -> None:
    for cls in (Intervention, Assessment, Plan):
        assert is_running(plan(cls, end=TODAY + timedelta(days=days)), TODAY) is goes_on
