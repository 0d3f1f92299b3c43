"""Nothing that locates a protected family reaches the other parent, in any channel."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import canary_addresses as planted
from tests.canary_crawl import Visitor, everywhere, log_in
from tests.canary_stage import Stage, open_stage
from tests.canary_story import as_met, grant, staff
from tests.canary_world import CANARY
from tests.oracle import Word
from tests.proving import PROVE

pytestmark = pytest.mark.proof


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with open_stage(planted.addresses(), tmp_path_factory.mktemp("adresser")) as found:
        yield found


@pytest.fixture(scope="module")
def family(stage: Stage) -> dict[str, Visitor]:
    """Both parents and two of the children, with consents, comments and somebody having looked."""
    found = {k: v for k in ("mor", "far", "barn14", "ung16") if (v := log_in(stage.app, k))}
    year = stage.world.today.replace(year=stage.world.today.year + 1)
    for by in ("mor", "far"):
        word = Word(
            "barn9",
            "solsikkeskolen",
            by,
            categories=frozenset({"contacts", "plans", "master_data", "comments"}),
            owners=frozenset({"fam", "laege", "ppr"}),
            until=year,
        )
        grant(found[by], stage.ids["barn9"], as_met(stage.app, stage.ids, word))
    employee = log_in(stage.app, "karin", "/log-ind/medarbejder")
    assert employee
    staff(stage.app, employee, stage.world, stage.ids, "moede")
    everywhere(employee, [stage.ids["barn9"]])
    for child in ("barn9", "barn14"):
        path = f"/overblik/{stage.ids[child]}/kommentarer"
        found["mor"].post(path, {"tekst": f"Vi bor {planted.HOME}", "modtager": stage.ids["far"]})
        found["mor"].post(path, {"tekst": f"Kun mig: {planted.HOME}"})
    path = f"/overblik/{stage.ids['barn14']}/kommentarer"
    text = f"Jeg går på {planted.SCHOOL.upper()}"
    found["barn14"].post(path, {"tekst": text, "modtager": stage.ids["far"]})
    return found


def test_no_byte_tells_the_other_parent(stage: Stage, family: dict[str, Visitor]) -> None:
    far, told = family["far"], []

    def look(what: str, everything: str) -> None:
        for token in planted.found_in(everything):
            told.append(f"{token} by {what}: {planted.around(token, everything)}")

    far.listener = look
    everywhere(far, [stage.ids[c] for c in planted.CHILDREN], thorough=PROVE)
    assert not told, "\n".join(sorted(set(told))[:300])


def test_what_locates_nobody_still_reaches_him(stage: Stage, family: dict[str, Visitor]) -> None:
    far, missing = family["far"], []
    everywhere(far, [stage.ids["barn9"]])
    for e in stage.world.entries:
        for field, text in e.fields.items():
            away = "0860" in e.source
            hidden = field in ("place", "address", "people")
            if e.citizen == "barn9" and (words := CANARY.findall(text)) and not away and not hidden:
                missing += [f"{e.source} {e.record}.{field}" for w in words if w not in far.seen]
    assert not missing, missing


def test_those_who_live_there_see_it_all(stage: Stage, family: dict[str, Visitor]) -> None:
    for who, child in (("mor", "barn9"), ("ung16", "ung16")):
        met: set[str] = set()
        family[who].listener = lambda what, text, met=met: met.update(planted.found_in(text))
        everywhere(family[who], [stage.ids[child]])
        assert {"ågårdsvænget", "bindslev", "solsikkeskolen", "kornblomsten", "postcode"} <= met
