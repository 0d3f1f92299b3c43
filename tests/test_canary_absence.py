"""What is hidden looks exactly like what is not there; what is withdrawn is gone everywhere at once."""

from __future__ import annotations

import os
import random
import re
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest

from portal import create_app
from tests.canary_crawl import PARTS, Visitor, log_in, one
from tests.canary_servers import GATE
from tests.canary_stage import Stage, open_stage
from tests.canary_story import ALL, HERE, grant, staff
from tests.canary_world import Entry, canaries, make
from tests.oracle import Oracle, Persona, Word

PAIRS = 40 if os.environ.get("PROVE") == "1" else 3
SOURCE = "fam-fhir"
RESTRICTED = {"security": [{"code": "V"}]}


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Nothing is kept: every page asks the systems again."""
    world = make(7, 0.15)
    world.options = {"cache_seconds": 0, "stale_seconds": 0}
    with open_stage(world, tmp_path_factory.mktemp("fravaer")) as found:
        yield found


@pytest.fixture(scope="module")
def oracle(stage: Stage) -> Oracle:
    year = stage.world.today + timedelta(days=300)
    word = Word(
        "barn12", "fam", "enlig",
        categories=ALL, owners=HERE - {"fam"}, until=year,
    )  # fmt: skip
    visitor = log_in(stage.app, "enlig")
    assert visitor
    grant(visitor, stage.ids["barn12"], word)
    return Oracle(stage.world, (word,))


VIEWERS = (
    (Persona("far"), "barn9"),
    (Persona("mor"), "barn14"),
    (Persona("barn14"), "barn14"),
    (Persona("mor"), "ung16"),
    (Persona("karin", "fam", "moede"), "barn12"),
)


def enter(stage: Stage, persona: Persona) -> Visitor:
    door = "/log-ind/medarbejder" if persona.unit else "/log-ind"
    visitor = log_in(stage.app, persona.key, door)
    assert visitor
    if persona.unit:
        staff(stage.app, visitor, stage.world, stage.ids, persona.purpose)
    return visitor


def pages(visitor: Visitor, citizen: str) -> dict[str, str]:
    """Every page about a citizen, without what differs from one second to the next."""
    base = f"/overblik/{citizen}"
    wanted = [f"{base}/{p}" for p in PARTS if p != "hvem-har-set"] + [base, "/overblik"]
    found = {path: settled(visitor.get(f"{path}?vent=1")) for path in wanted}
    return {path: page for path, page in found.items() if 'data-viewer="anonymous"' not in page}


def settled(page: str) -> str:
    page = re.sub(r'name="csrf_token" value="[0-9a-f]+"', "", page)
    page = re.sub(r'id="h[\d.]+"|reference[^<]*<[^<]*', "", page)
    return re.sub(r"kl\.\s\d+\.\d\d", "", page)


@pytest.mark.parametrize(("persona", "citizen"), VIEWERS)
def test_hidden_is_absent(stage: Stage, oracle: Oracle, persona: Persona, citizen: str) -> None:
    visitor, world = enter(stage, persona), stage.world
    whole = list(world.entries)
    before = pages(visitor, stage.ids[citizen])
    differs = []
    for hidden in chosen(oracle, persona, citizen):
        world.entries = [e for e in whole if e is not hidden]
        world.edition += 1
        after = pages(visitor, stage.ids[citizen])
        differs += [f"{hidden.id} {hidden.variant} {p}" for p in before if before[p] != after[p]]
    world.entries = whole
    world.edition += 1
    assert not differs, differs


def chosen(oracle: Oracle, persona: Persona, citizen: str) -> list[Entry]:
    """Entries that this persona sees nothing of, of as many sorts as can be."""
    hidden = [
        e
        for e in oracle.world.entries
        if e.citizen == citizen and not any(oracle.sees(persona, e, f) for f in e.fields)
    ]
    random.Random(3).shuffle(hidden)
    by_sort = {(e.variant, e.record): e for e in hidden}
    return list(by_sort.values())[:PAIRS]


def subject(citizen: str) -> dict[str, object]:
    return {"subject": {"reference": f"Patient/p-{citizen}"}}


def tangled(citizen: str, what: str) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """Resources that hang together: those always there, and one nobody but the owner may see."""
    person = {"resourceType": "Practitioner", "id": "tine", "name": [{"text": "Tine Test"}]}
    who = {"reference": "Practitioner/tine"}
    episode = {
        "resourceType": "EpisodeOfCare", "id": "e1", "status": "active",
        "patient": subject(citizen)["subject"], "type": [{"text": "Forløb"}], "careManager": who,
    }  # fmt: skip
    team = {
        "resourceType": "CareTeam", "id": "t1", "status": "active", **subject(citizen),
        "participant": [{"member": who, "role": [{"text": "Medlem"}]}],
    }  # fmt: skip
    goal = {
        "resourceType": "Goal", "id": "g1", "lifecycleStatus": "active", **subject(citizen),
        "description": {"text": "Et mål"},
    }  # fmt: skip
    plan = {
        "resourceType": "CarePlan", "id": "a-plan", "status": "active", "intent": "plan",
        **subject(citizen), "title": "En plan", "goal": [{"reference": "Goal/g1"}],
    }  # fmt: skip
    undated = {
        "resourceType": "Appointment", "id": "u1", "status": "booked", "description": "Uden tid",
        "participant": [{"actor": subject(citizen)["subject"], "status": "accepted"}],
    }  # fmt: skip
    meeting = {**undated, "id": "m1", "start": "2099-01-01T10:00:00+01:00", "description": "Møde"}
    unscaled = {
        "resourceType": "Observation", "id": "o1", "status": "final", **subject(citizen),
        "valueInteger": 3, "code": {"text": "Uden dag"},
    }  # fmt: skip
    nameless = {**plan, "id": "n1", "title": "", "goal": []}
    cases: dict[str, tuple[list[dict[str, object]], dict[str, object]]] = {
        "a team member leads a hidden episode": ([person, team], episode),
        "a leader is in a hidden team": ([person, episode], team),
        "a goal is a hidden plan's too": ([{**plan, "id": "b-plan"}, goal], plan),
        "a hidden goal of a plan": ([plan], goal),
        "a hidden meeting without a time": ([person, team], undated),
        "a hidden meeting at the same time": ([{**meeting, "id": "m2"}], meeting),
        "a hidden number without a day": ([person, team], unscaled),
        "a hidden plan without a name": ([person, team], nameless),
    }
    beside, hidden = cases[what]
    return beside, [{**hidden, "meta": RESTRICTED}]


@pytest.mark.parametrize(
    "what",
    [
        "a team member leads a hidden episode",
        "a leader is in a hidden team",
        "a goal is a hidden plan's too",
        "a hidden goal of a plan",
        "a hidden meeting without a time",
        "a hidden meeting at the same time",
        "a hidden number without a day",
        "a hidden plan without a name",
    ],
)
def test_nothing_hangs_on_what_is_hidden(stage: Stage, what: str) -> None:
    visitor, world = enter(stage, Persona("jobfar")), stage.world
    beside, hidden = tangled("ida", what)
    seen = []
    for resources in (beside, [*hidden, *beside], [*beside, *hidden]):
        world.extra = {("ida", SOURCE): resources}
        world.edition += 1
        seen.append(pages(visitor, stage.ids["ida"]))
    world.extra = {}
    world.edition += 1
    differs = [p for p in seen[0] if not seen[0][p] == seen[1][p] == seen[2][p]]
    assert not differs, (what, differs)


def test_a_withdrawal_holds_in_the_other_worker_at_once(stage: Stage) -> None:
    """Granted, seen in another worker, withdrawn: not a byte of it is left, anywhere."""
    word = Word(
        "barn8", "ppr", "aaben",
        categories=ALL, owners=frozenset({"fam", "bup", "laege"}),
        until=stage.world.today + timedelta(days=30),
    )  # fmt: skip
    citizen = stage.ids["barn8"]
    parent, other = log_in(stage.app, "aaben"), log_in(stage.app, "lukket")
    assert parent
    assert other
    for visitor in (parent, other):
        grant(visitor, citizen, word)
    second = create_app(stage.settings)
    employee = log_in(second, "poul", "/log-ind/medarbejder")
    assert employee
    staff(second, employee, stage.world, stage.ids, "moede")
    opened = opened_by(stage, word)
    one(employee, citizen, thorough=True)
    missed = {w: e for w, e, _ in canaries(stage.world.entries) if w in opened - set(employee.seen)}
    what = [(e.id, f, w) for w, e, f in canaries(stage.world.entries) if w in missed]
    assert not what, what
    employee.seen.clear()
    flying, answers = in_flight(second, employee, citizen)
    parent.follow(f"/overblik/{citizen}/samtykke/ppr", {"handling": "traek"})
    employee.seen.clear()
    GATE.set()
    flying.join(30)
    assert answers == [200]
    employee.get("/medarbejder")
    one(employee, citizen, thorough=True)
    assert not opened & employee.seen.keys()


def opened_by(stage: Stage, word: Word) -> set[str]:
    """What only this consent lets the unit see."""
    both = Oracle(stage.world, (word, Word(**{**vars(word), "by": "lukket"})))
    alone = Oracle(stage.world)
    unit = Persona("poul", "ppr", "moede")
    return {
        text
        for e in stage.world.entries
        for f, text in e.fields.items()
        if both.sees(unit, e, f) and not alone.sees(unit, e, f) and f != "url"
    }


def in_flight(app: object, employee: Visitor, citizen: str) -> tuple[threading.Thread, list[int]]:
    """A page that waits for a system that does not answer before it is told to."""
    GATE.clear()
    answers: list[int] = []

    def look() -> None:
        employee.get(f"/overblik/{citizen}?vent=1")
        answers.append(employee.last)

    thread = threading.Thread(target=look)
    thread.start()
    assert GATE.waiting.wait(10)
    return thread, answers
