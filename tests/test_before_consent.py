"""What a written legal basis opens before any consent: off, and little when it is on."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest

from portal import access_staff
from portal.records import (
    Actor,
    Audience,
    Contact,
    Intervention,
    Sector,
    Status,
)

HERE = "0851"
TODAY = date(2026, 6, 15)
FAMILY = Actor(id="familie", name="Familieafdelingen", sector=Sector.SOCIAL, municipality=HERE)
HELP = Intervention(
    key="1",
    source="familie",
    owner="familie",
    title="Fast kontaktperson",
    paragraph="Barnets Lov § 32",
    goal="Tryg i skolen",
    responsible="Karin",
    phone="12345678",
    start=date(2026, 1, 1),
    description="Det, der ikke kommer andre ved",
    url="https://sag.example/1",
    codes=("d7",),
)


def test_only_paragraph_name_contact_goal_and_period_pass() -> None:
    cut = access_staff.before_consent(HELP, FAMILY, HERE, TODAY)
    assert cut is not None
    assert (cut.title, cut.paragraph, cut.goal) == (HELP.title, HELP.paragraph, HELP.goal)
    assert (cut.responsible, cut.phone, cut.start) == (HELP.responsible, HELP.phone, HELP.start)
    assert not (cut.description or cut.url or cut.codes)


@pytest.mark.parametrize(
    "change",
    [
        {"status": Status.DONE},
        {"end": date(2026, 6, 14)},
        {"kinds": frozenset({"application"})},
        {"kinds": frozenset({"concern"})},
        {"kinds": frozenset({"excluded:Hjælpemidler"})},
        {"audience": frozenset({Audience.STAFF_ONLY})},
        {"audience": frozenset({Audience.CITIZEN_FROM_15})},
    ],
)
def test_nothing_earlier_special_or_restricted_passes(change: dict[str, object]) -> None:
    assert (
        access_staff.before_consent(msgspec.structs.replace(HELP, **change), FAMILY, HERE, TODAY)
        is None
    )


@pytest.mark.parametrize(
    "owner",
    [
        msgspec.structs.replace(FAMILY, sector=Sector.HEALTH),
        msgspec.structs.replace(FAMILY, municipality="0860"),
        msgspec.structs.replace(FAMILY, municipality=None),
    ],
)
def test_nothing_from_health_or_from_elsewhere_passes(owner: Actor) -> None:
    assert access_staff.before_consent(HELP, owner, HERE, TODAY) is None


def test_no_other_kind_of_entry_passes() -> None:
    contact = Contact(key="2", source="familie", owner="familie", name="Karin")
    assert access_staff.before_consent(contact, FAMILY, HERE, TODAY) is None
