"""Each reader's own log: whose looks stand there and whose do not, against the oracle."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.canary_crawl import log_in
from tests.canary_stage import Stage, open_stage
from tests.canary_world import make
from tests.oracle import Oracle

SYSTEMS = {"fam-json", "ppr-kal", "bup-kal", "fam0860-json"}
CHILDREN = ("barn9", "barn14", "ung16")
FAMILY = ("mor", "far", "barn14", "ung16")


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    world = make(5, 0.0)
    world.systems = {k: s for k, s in world.systems.items() if k in SYSTEMS}
    world.entries = [e for e in world.entries if e.source in SYSTEMS]
    with open_stage(world, tmp_path_factory.mktemp("log")) as found:
        yield found


def test_each_reads_her_own_log(stage: Stage) -> None:
    """Everybody has looked at every child, or tried; each then finds those lines that are hers to read."""
    oracle, wrong = Oracle(stage.world), []
    family = {k: v for k in FAMILY if (v := log_in(stage.app, k))}
    for visitor in family.values():
        for child in CHILDREN:
            visitor.get(f"/overblik/{stage.ids[child]}?vent=1")
    for employee in stage.world.staff:
        visitor_ = log_in(stage.app, employee, "/log-ind/medarbejder")
        assert visitor_
        for child in CHILDREN:
            visitor_.post("/medarbejder", {"cpr": stage.world.people[child].cpr})
    for reader, visitor in family.items():
        for child in CHILDREN:
            page = visitor.get(f"/overblik/{stage.ids[child]}/hvem-har-set")
            lines = page.partition('<ol class="rows log">')[2].partition("</ol>")[0]
            units = set(re.findall(r'data-owner="([^"]+)"', lines))
            names = set(re.findall(r"<p>(\w+) (?:så|prøvede)", lines))
            for unit in stage.world.staff.values():
                may = oracle.reads_line(reader, child, unit=unit)
                wrong += [] if may == (unit in units) else [f"{reader} {child} {unit}: {may}"]
            for person in FAMILY:
                may = oracle.reads_line(reader, child, person=person)
                name = "Du" if person == reader else person.capitalize()
                wrong += [] if may == (name in names) else [f"{reader} {child} {person}: {may}"]
    assert not wrong, "\n".join(wrong)
