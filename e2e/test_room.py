"""The tester's room, walked: every page in every state, by two engines and a validator.

In `make test`: a third of the pages in every state, on a phone, in Danish, and a quarter in every
language; by turns, so that states and languages meet every page between them. `make prove` does
all of it: page, state, language, width, light and dark.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from backend_stub.room import PARTS, SCENES, Stop, each_once, stops
from e2e import checkers
from e2e.conftest import Visit
from e2e.rounds import of_sources, play, walk
from e2e.world import Surroundings, World
from portal.i18n import LANGUAGES
from tests.proving import PROVE

LOOKS = [(False, False), (True, False), (False, True), (True, True)] if PROVE else [(False, False)]
OTHERS = sorted(set(LANGUAGES) - {"da"})
IDS = [f"{'1280' if wide else '360'}{'-dark' if dark else ''}" for wide, dark in LOOKS]


@pytest.fixture
def own_world(
    around: Surroundings, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[World]:
    """As everywhere, but in a scene about what was fetched before that grows old at once."""
    scene = request.node.callspec.params.get("scene", "rask")
    with around.portal(tmp_path, of_sources=of_sources(scene)) as found:
        yield found
        assert not found.trouble()


def some(found: Iterable[Stop], share: int, turn: str, turns: Iterable[str]) -> list[Stop]:
    """Every so many of the stops, each turn another first one; all of them in `make prove`."""
    return list(found) if PROVE else list(found)[sorted(turns).index(turn) % share :: share]


def test_by_turns_every_page_is_met_ill_and_in_another_language() -> None:
    ill = [some(stops(scene), 3, scene, SCENES) for scene in SCENES if scene != "rask"]
    assert {stop for met in ill for stop in met} == set(stops("sen"))
    spoken = [some(each_once(), 4, language, OTHERS) for language in OTHERS]
    assert {stop for met in spoken for stop in met} == set(each_once())


@pytest.mark.parametrize(("wide", "dark"), LOOKS, ids=IDS)
@pytest.mark.parametrize("scene", sorted(SCENES))
def test_every_page_in_every_state(
    own_world: World, visit_own: Visit, scene: str, wide: bool, dark: bool
) -> None:
    met = some(stops(scene), 3, scene, SCENES)
    play(own_world, scene, visit_own, met)
    _in_order(visit_own, met, wide=wide, dark=dark)


@pytest.mark.parametrize(("wide", "dark"), LOOKS, ids=IDS)
@pytest.mark.parametrize("language", OTHERS)
def test_every_page_in_every_language(
    visit_abroad: Visit, language: str, wide: bool, dark: bool
) -> None:
    met = some(each_once(), 4, language, OTHERS)
    _in_order(visit_abroad, met, language=language, wide=wide, dark=dark)


@pytest.mark.parametrize(("wide", "dark"), LOOKS, ids=IDS)
@pytest.mark.parametrize("scene", sorted(set(SCENES) - {"rask"}) if PROVE else [])
@pytest.mark.parametrize("language", OTHERS)
def test_every_state_in_every_language(
    own_world: World, visit_own: Visit, scene: str, language: str, wide: bool, dark: bool
) -> None:
    play(own_world, scene, visit_own, list(stops(scene)))
    _in_order(visit_own, stops(scene), language=language, wide=wide, dark=dark)


def test_the_rooms_own_page_leads_to_every_stop(world: World, visit: Visit) -> None:
    with urlopen(f"{world.backend}/rum", timeout=60) as answer:
        page = answer.read().decode()
    assert not checkers.validate({"the room": page})
    assert page.count("<li>") >= len(list(stops("rask")))
    of_noah = re.findall(r'<a href="([^"]+)">[^<]*29 steder', page)
    assert len(of_noah) >= len(PARTS)
    camilla = visit("camilla", wide=True)
    for address in of_noah:  # test_everybody.py looks at these pages
        assert address.startswith(world.portal)
        assert camilla.context.request.get(address, max_redirects=0).status == 200, address


def _in_order(
    visit: Visit,
    stops_met: Iterable[Stop],
    *,
    wide: bool = False,
    dark: bool = False,
    language: str = "",
) -> None:
    pages: dict[str, str] = {}
    faults: list[str] = []
    how = {"wide": wide, "dark": dark, "contrast": PROVE or not language}
    for seen in walk(visit, stops_met, language=language, **how):
        pages[f"{seen.stop.person} {seen.address}"] = seen.html
        faults += [f"{seen.stop.shows}: {fault}" for fault in seen.faults]
    faults += checkers.validate(pages)
    assert not faults, "\n".join(sorted(set(faults))[:40])
