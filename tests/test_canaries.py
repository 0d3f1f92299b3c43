"""Nobody sees a byte she may not see, and nobody entitled misses one: canaries against an oracle."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

import icalendar
import pytest

from portal import operators
from tests import canary_story as story
from tests.canary_crawl import BASE, Visitor, everywhere, log_in
from tests.canary_routes import readable
from tests.canary_servers import starts
from tests.canary_stage import Stage, open_stage
from tests.canary_world import CANARY, COPENHAGEN, PURPOSES, STAFF, canaries, make
from tests.oracle import Oracle, Persona, Word
from tests.proving import PROVE, dice

pytestmark = pytest.mark.proof
WORLD = int(os.environ.get("CANARY_WORLD", "1"))
SHARE = float(os.environ.get("CANARY_SHARE", "0.25" if PROVE else "0.03"))
"""How many of the special cases each system holds."""
CITIZENS = [
    "mor",
    "far",
    "barn14",
    "ung16",
    "enlig",
    "hanne",
    "atten",
    "ung17",
    "jobfar",
    "farfar",
    "lukket",
    "aaben",
    "udato",
]
NAME = re.compile(r"(\w+) Prøve\b(?!by)")


@dataclass
class Told:
    """A stage on which everything has been said, and what came of looking at it."""

    stage: Stage
    oracle: Oracle
    visitors: dict[str, Visitor]
    previews: list[tuple[Word, str]]
    decided: int = 0
    reached: set[str] = field(default_factory=set)
    walks: set[str] = field(default_factory=set)
    """The tests that walked, in this process."""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with open_stage(make(WORLD, SHARE), tmp_path_factory.mktemp("kanarier")) as found:
        yield found


@pytest.fixture(scope="module")
def told(stage: Stage) -> Told:
    world = stage.world
    said = story.words(world)
    for adult, child in world.closed:
        operators.close_access(stage.settings, world.people[adult].cpr, world.people[child].cpr)
    visitors = {k: v for k in CITIZENS if (v := log_in(stage.app, k))}
    previews = story.answer(stage.app, visitors, stage.ids, Oracle(world, said))
    notes = story.comments(visitors, stage.ids, world)
    looked_up = frozenset(story.LOOKED_UP)
    return Told(stage, Oracle(world, said, notes, looked_up), visitors, previews)


def test_the_family(told: Told) -> None:
    wrong: list[str] = []
    for key in CITIZENS:
        visitor = log_in(told.stage.app, key)
        if visitor is None:
            wrong.append(f"{key} cannot log in")
            continue
        people = Watch(told.stage, told.stage.world.people[key].cpr)
        visitor.listener = people.look
        everywhere(visitor, visited(told, key), PROVE)
        told.reached |= visitor.reached
        wrong += people.wrong + differences(told, Persona(key), visitor, people.names)
    told.walks.add("family")
    assert not wrong, report(wrong)


def test_staff(told: Told) -> None:
    wrong: list[str] = []
    stage = told.stage
    for key, unit in STAFF.items():
        visitor = log_in(stage.app, key, "/log-ind/medarbejder")
        assert visitor
        for purpose in PURPOSES if PROVE or unit == "ppr" else PURPOSES[:1]:
            visitor.seen.clear()
            people = Watch(stage)
            visitor.listener = people.look
            story.staff(stage.app, visitor, stage.world, stage.ids, purpose)
            everywhere(visitor, stage.ids.values(), PROVE)
            told.reached |= visitor.reached
            wrong += people.wrong
            wrong += differences(told, Persona(key, unit, purpose), visitor, people.names)
    told.walks.add("staff")
    assert not wrong, report(wrong)


def test_a_meeting_tells_all_of_itself_however_far_away_or_past(told: Told) -> None:
    """The list tells the first ten whole; each other has a page of its own, or stands among the past."""
    visitor, world = log_in(told.stage.app, "mor"), told.stage.world
    assert visitor
    base = f"/overblik/{told.stage.ids['mor']}/moeder"
    page = visitor.get(f"{base}?vent=1")
    for ref in set(re.findall(rf"{base}/([0-9a-f]+)/tag-med", page)):
        visitor.get(f"{base}/{ref}/tag-med")
    mine = [e for e in world.of_citizen("mor") if e.record == "meeting"]
    wrong = [
        x
        for word, e, name in canaries(mine)
        for may in (told.oracle.sees(Persona("mor"), e, name),)
        for x in decide(told, may, word in visitor.seen, f"{e.id} {name} {e.variant}")
    ]
    assert len(mine) > 15 and {e.running for e in mine} == {True, False}
    assert not wrong, report(wrong)


def test_previews_show_what_the_place_would_see(told: Told) -> None:
    wrong: list[str] = []
    world, oracle = told.stage.world, told.oracle
    for word, shown in told.previews:
        page = shown.lower()
        met = set(CANARY.findall(page)) | {
            re.sub(r"\D", "", n) for n in re.findall(r"tel:(\d+)", page)
        }
        for canary, e, name in canaries(world.entries):
            if e.citizen == word.citizen and name not in NOT_PREVIEWED.get(e.record, ()):
                may = previewed(oracle, word, e, name)
                what = (
                    f"{e.id} {e.record}.{name} {e.variant} in {word.by}'s preview of {word.actor}"
                )
                wrong += decide(told, may, canary in met, what)
        address = CANARY.findall(world.people[word.citizen].address)[0]
        may = "master_data" in word.categories and not oracle.hides_places(word.by, word.citizen)
        wrong += decide(told, may, address in met, f"address in {word.by}'s preview")
    assert not wrong, report(wrong)


def test_calendars_tell_when_and_nothing_else(told: Told) -> None:
    """A feed of one's own: the meetings ahead that she sees, each by its time alone."""
    wrong: list[str] = []
    told.walks.add("calendars")
    for key in told.visitors:
        visitor = log_in(told.stage.app, key)  # long after the last login a link is not made
        assert visitor
        for citizen, id in told.stage.ids.items():
            page = visitor.post("/konto", {"handling": "ny-kalender", "borger": id})
            link = re.search(r'href="([^"]+/kalender/[^"]+\.ics)"', page)
            may = bool(told.oracle.relation(key, citizen))
            wrong += decide(told, may, bool(link), f"{key}'s feed about {citizen}")
            if not link:
                continue
            body = told.stage.app.test_client().get(link[1].removeprefix(BASE), base_url=BASE)
            text = body.get_data(as_text=True)
            assert not CANARY.findall(text.replace("\r\n ", "").lower())
            found = times_in(text)
            meetings = [e for e in told.stage.world.of_citizen(citizen) if e.record == "meeting"]
            for e in meetings:
                may = e.running and told.oracle.family_sees(key, e)
                wrong += decide(told, may, starts(e) in found, f"{e.id} in {key}'s feed")
            assert found <= {starts(e) for e in meetings}
    told.reached.add("calendar.feed")
    assert not wrong, report(wrong)


def test_receipts_and_rows_tell_ones_own_answer(told: Told) -> None:
    wrong: list[str] = []
    told.walks.add("receipts")
    for key, visitor in told.visitors.items():
        for citizen, actor in sorted({(w.citizen, w.actor) for w in told.oracle.words}):
            wrong += receipts(told, key, visitor, citizen, actor)
    assert not wrong, report(wrong)


def receipts(told: Told, key: str, visitor: Visitor, citizen: str, actor: str) -> list[str]:
    """One person's receipt and row about one actor, compared with what she said herself."""
    oracle, what = told.oracle, f"{key}'s about {citizen} and {actor}"
    path = f"/overblik/{told.stage.ids[citizen]}/samtykke"
    own = [w for w in oracle.words if (w.citizen, w.actor, w.by) == (citizen, actor, key)]
    related = bool(oracle.relation(key, citizen))
    met = story.as_met(told.stage.app, told.stage.ids, own[-1]) if own and related else None
    actor = met.actor if met else actor
    holds = bool(own) and own[-1].yes and related
    visitor.get(f"{path}/{actor}/kvittering")
    wrong = decide(told, holds, visitor.last == 200, f"receipt, {what}")
    text = visitor.get(f"{path}/{actor}/kvittering.json")
    wrong += decide(told, holds, visitor.last == 200, f"receipt as a file, {what}")
    if holds and visitor.last == 200:
        said = json.loads(text)["provision"]
        categories = {c["code"] for c in said["class"]}
        owners = {d["reference"]["identifier"]["value"] for d in said["data"]}
        wrong += decide(told, True, categories == own[-1].categories, f"categories, {what}")
        wrong += decide(told, True, bool(met) and owners == met.owners, f"owners, {what}")
    if oracle.relation(key, citizen):
        rows = visitor.get(f"{path}?vent=1")
        row = re.search(rf'data-actor="{actor}" data-consent="(\w+)"', rows)
        expected = oracle.answer(key, citizen, own[-1].actor if own else actor)
        if row or expected != "none":
            state = row[1] if row else "no row"
            wrong += decide(told, True, state == expected, f"{state}, not {expected}: {what}")
    return wrong


def test_every_readable_address_was_visited(told: Told) -> None:
    """A new route that no crawl reaches, by link or by the map, is a gap in the proof."""
    if told.walks != {"family", "staff", "calendars", "receipts"}:
        pytest.skip("some of the walks were another process'")
    reached = told.reached.union(*(v.reached for v in told.visitors.values()))
    unseen = {r.endpoint for r in readable(told.stage.app)} - reached
    assert not unseen


def test_so_many_were_decided(told: Told, record_property: Callable[[str, object], None]) -> None:
    record_property(
        "figure",
        f"{told.decided} decisions (persona, canary), world {WORLD}, {SHARE:.0%} of the special "
        "cases: 0 leaked, 0 missing",
    )
    assert told.decided >= 20_000


# --- means -----------------------------------------------------------------------------


def visited(told: Told, key: str) -> list[str]:
    """Everybody; in a sample only some of those who do not exist for her."""
    mine = [c for c in told.stage.ids if told.oracle.relation(key, c)]
    others = [c for c in told.stage.ids if c not in mine]
    chosen = others if PROVE else dice(key).sample(others, 4)
    return [told.stage.ids[c] for c in (*mine, *chosen)]


class Watch:
    """What no canary stands for: whole names, and numbers that must never leave.

    `own`: a citizen's number, which stands in one place, the file of what is held about her.
    """

    def __init__(self, stage: Stage, own: str = "") -> None:
        self.own = own
        self.names: set[str] = set()
        self.wrong: list[str] = []
        numbers = (p.cpr for p in stage.world.people.values())
        self.cpr = re.compile("|".join(f"{n[:6]}-?{n[6:]}" for n in numbers))

    def look(self, what: str, everything: str) -> None:
        self.names.update(n.lower() for n in NAME.findall(everything))
        numbers = set(self.cpr.findall(everything))
        if numbers - ({self.own} if what.startswith("GET /konto/mine-data") else set()):
            self.wrong.append(f"CPR number by {what}")


def report(wrong: list[str]) -> str:
    if path := os.environ.get("CANARY_REPORT"):
        with open(path, "a") as file:
            file.write("\n".join(wrong) + "\n")
    return "\n".join(wrong[:40]) + f"\n{len(wrong)} disagreements"


def differences(told: Told, persona: Persona, visitor: Visitor, names: set[str]) -> list[str]:
    """Every canary about which the portal and the oracle disagree."""
    found: list[str] = []
    oracle = told.oracle
    who = f"{persona.key}/{persona.purpose}"

    def compare(word: str, may: bool, what: str) -> None:
        where = sorted(visitor.seen.get(word, ()))[:2]
        found.extend(decide(told, may, word in visitor.seen, f"{who} {what} {where}"))

    for word, e, name in canaries(oracle.world.entries):
        far = e.record == "meeting" and name in ON_ITS_OWN_PAGE and not PROVE
        if far and word not in visitor.seen:
            continue  # the sample does not open each meeting's own page
        compare(word, oracle.sees(persona, e, name), f"{e.id} {e.record}.{name} {e.variant}")
    for citizen, person in oracle.world.people.items():
        lives = [p.key for p in oracle.world.people.values() if p.home == person.home]
        may = any(oracle.sees_address(persona, p) for p in lives)
        compare(CANARY.findall(person.address)[0], may, f"address of {citizen}")
        name = oracle.sees_name(persona, citizen)
        found += decide(told, name, citizen in names, f"{who} name of {citizen}")
    for note in oracle.notes:
        may = oracle.sees_note(persona, note)
        compare(note.canary, may, f"comment of {note.author} on {note.citizen}")
    for place in oracle.world.places.values():
        compare(place.canary, oracle.sees_link(persona, place), f"link of {place.id}")
    return found


def decide(told: Told, may: bool, does: bool, what: str) -> list[str]:
    """One decision."""
    told.decided += 1
    return [] if may == does else [f"{'MISSING' if may else 'LEAK'} {what}"]


def previewed(oracle: Oracle, word: Word, e: object, name: str) -> bool:
    """The oracle's answer, with what a FHIR entry also is."""
    return any(oracle.previewed(word, one, name) for one in oracle.also(e, name))  # type: ignore[arg-type]


def times_in(text: str) -> set[datetime]:
    """When the meetings of a calendar begin."""
    events = icalendar.Calendar.from_ical(text).walk("VEVENT")
    return {e.decoded("dtstart").astimezone(COPENHAGEN) for e in events}


ON_ITS_OWN_PAGE = ("place", "people", "instruction", "url")
NOT_PREVIEWED = {"meeting": ("place", "people", "instruction", "url", "by")}
"""A preview shows rows of meetings; what else stands on a meeting's page is not repeated there."""
