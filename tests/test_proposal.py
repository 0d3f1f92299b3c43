"""What is wrong with a consent before it is confirmed: each field says so by itself, and only then."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import msgspec
import pytest

from portal.access import Facts
from portal.config import load
from portal.proposal import Problem, Proposal, months_ahead, problems
from portal.records import Category
from portal.settings import Settings
from tests.store_world import secrets, write_settings

TODAY = date(2026, 3, 31)
PARENT, CHILD = "mother", "child"
PLACES = '[[kind]]\ncoding = "x"\nis = "excluded:Befordring"\n' + "".join(
    f'[[actor]]\nid = "{id}"\nname = "{id}"\nsector = "{sector}"\n'
    for id, sector in {"bup": "health", "job": "employment"}.items()
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    environ = secrets()
    file = write_settings(tmp_path, "sqlite:///portal.db", environ).path("portal-0851.toml")
    file.write_text(file.read_text() + PLACES)
    return load(file, environ)


def facts(age: int) -> Facts:
    born = date(TODAY.year - age, 1, 1)
    return Facts(citizen=CHILD, born=born, custodians=frozenset({PARENT}), today=TODAY)


def asked(**more: object) -> Proposal:
    values: dict[str, object] = {
        "actor": "skole",
        "categories": frozenset({Category.MEETINGS}),
        "owners": frozenset({"familie"}),
        "purpose": "moede",
        "until": TODAY + timedelta(days=30),
    }
    return Proposal(**(values | more))  # type: ignore[arg-type]


CATEGORY, OWNER = ("kategori", "choose"), ("ejer", "choose")
PURPOSE, PERIOD, EXCLUDED = ("formaal", "choose"), ("til", "period"), ("undtaget", "choose")
NOT_YOURS = ("ejer", "not yours")
COMMENTS = frozenset({Category.COMMENTS})
WRONG: list[tuple[dict[str, object], list[tuple[str, str]]]] = [
    ({}, []),
    ({"categories": frozenset()}, [CATEGORY]),
    ({"owners": frozenset()}, [OWNER]),
    ({"categories": COMMENTS, "owners": frozenset()}, []),
    ({"categories": frozenset({Category.MASTER_DATA}), "owners": frozenset()}, []),
    ({"categories": COMMENTS | {Category.MEETINGS}, "owners": frozenset()}, [OWNER]),
    ({"categories": frozenset(), "owners": frozenset()}, [CATEGORY]),
    ({"purpose": ""}, [PURPOSE]),
    ({"purpose": "koordinering"}, []),
    ({"purpose": "nysgerrighed"}, [PURPOSE]),
    ({"until": TODAY - timedelta(days=1)}, [PERIOD]),
    ({"until": TODAY}, [PERIOD]),
    ({"until": TODAY + timedelta(days=1)}, []),
    ({"until": date(2027, 3, 31)}, []),
    ({"until": date(2027, 4, 1)}, [PERIOD]),
    ({"excluded": frozenset({"Befordring"})}, []),
    ({"excluded": frozenset({"Befordring", "Alt"})}, [EXCLUDED]),
    ({"owners": frozenset({"findes-ikke"})}, [NOT_YOURS]),
    ({"owners": frozenset({"familie", "findes-ikke"})}, [NOT_YOURS]),
    ({"owners": frozenset({"familie", "skole", "bup", "job"})}, []),
    ({"categories": frozenset(), "purpose": "", "until": TODAY}, [CATEGORY, PURPOSE, PERIOD]),
]


@pytest.mark.parametrize(("more", "found"), WRONG)
def test_what_is_wrong_is_said_beside_its_field(
    settings: Settings, more: dict[str, object], found: list[tuple[str, str]]
) -> None:
    told = problems(asked(**more), facts(9), PARENT, settings)
    assert [(p.field, p.why) for p in told] == found


@pytest.mark.parametrize(
    ("viewer", "age", "owner", "hers"),
    [
        (PARENT, 14, "bup", True),
        (PARENT, 15, "bup", False),
        (PARENT, 15, "familie", True),
        (PARENT, 18, "familie", False),
        (CHILD, 14, "bup", False),
        (CHILD, 15, "bup", True),
        (CHILD, 18, "familie", True),
        ("stranger", 9, "familie", False),
    ],
)
def test_nobody_lets_others_see_what_is_not_hers_to_show(
    settings: Settings, viewer: str, age: int, owner: str, hers: bool
) -> None:
    told = problems(asked(owners=frozenset({owner})), facts(age), viewer, settings)
    assert told == (() if hers else (Problem("ejer", "not yours"),))


def test_the_municipality_may_shorten_the_longest_period(settings: Settings) -> None:
    short = msgspec.structs.replace(
        settings, consents=msgspec.structs.replace(settings.consents, months=2)
    )
    for until, fine in ((date(2026, 5, 31), True), (date(2026, 6, 1), False)):
        assert (not problems(asked(until=until), facts(9), PARENT, short)) is fine


def test_nothing_is_ticked_that_was_not_ticked() -> None:
    bare = asked()
    assert (bare.excluded, bare.sources, bare.seen) == (frozenset(), frozenset(), 0)
    assert bare.child_says == ""


def test_what_was_confirmed_cannot_be_changed_afterwards() -> None:
    with pytest.raises(AttributeError):
        asked().purpose = "andet"
    with pytest.raises(AttributeError):
        Problem("ejer", "choose").why = ""


@pytest.mark.parametrize(
    ("day", "months", "then"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2028, 1, 31), 1, date(2028, 2, 29)),
        (date(2027, 1, 31), 13, date(2028, 2, 29)),
        (date(2027, 12, 31), 2, date(2028, 2, 29)),
        (date(2026, 1, 15), 1, date(2026, 2, 15)),
        (date(2026, 8, 31), 1, date(2026, 9, 30)),
        (date(2026, 10, 31), 1, date(2026, 11, 30)),
        (date(2026, 11, 30), 1, date(2026, 12, 30)),
        (date(2026, 10, 31), 2, date(2026, 12, 31)),
        (date(2026, 12, 31), 12, date(2027, 12, 31)),
        (date(2026, 12, 1), 1, date(2027, 1, 1)),
        (date(2028, 2, 29), 12, date(2029, 2, 28)),
        (date(2028, 2, 29), 48, date(2032, 2, 29)),
        (date(2026, 3, 31), 3, date(2026, 6, 30)),
        (date(2026, 5, 31), 13, date(2027, 6, 30)),
    ],
)
def test_so_many_months_ahead_is_the_same_day_or_the_months_last(
    day: date, months: int, then: date
) -> None:
    assert months_ahead(day, months) == then
