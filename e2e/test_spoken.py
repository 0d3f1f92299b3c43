"""What somebody hears who cannot see: the main journeys as a virtual screen reader speaks them."""

from __future__ import annotations

from collections.abc import Sequence

from e2e import checkers
from e2e.conftest import Visit
from e2e.deciding import overview_of
from e2e.world import World


def test_the_next_meeting_and_whom_to_call_come_first(visit: Visit) -> None:
    mette = visit("mette")
    mette.go(f"{overview_of(mette, 'Emil')}?vent=1")
    spoken = checkers.speak(mette.page, "main")
    in_order(
        spoken,
        "heading, Emils overblik, level 1",
        "region, Næste møde",
        "heading, Netværksmøde om Emil, level 3",
        "Med Karin Thomsen, Lars Hvidberg og Tobias Lykke",
        "link, Kalender",
        "link, Skriv om mødet",
        "region, Tovholder",
        "heading, Karin Thomsen, level 3",
        "link, Ring 99 99 02 01",
        "region, Flere møder",
    )
    assert spoken.index("link, Ring 99 99 02 01") < 60, "a person in stress does not listen long"


def test_a_consent_as_it_is_heard(visit: Visit) -> None:
    peter = visit("peter")
    peter.go(f"{overview_of(peter, 'Ida')}/samtykke/ppr")
    in_order(
        checkers.speak(peter.page, "main"),
        "heading, PPR, Aalborg Kommune, level 1",
        "Ser kun det, de selv har skrevet.",
        "region, Det kan de se uden samtykke",
        "group, Hvad må de se?",
        "checkbox, Kontakter, Hvem der hjælper jer, og hvordan man får fat i dem., not checked",
        "group, Oplysninger fra hvem?",
        "heading, Fra sundhedsvæsenet, level 3",
        "group, Hvad skal de bruge det til?",
        "button, Se, hvad PPR, Aalborg Kommune kan se",
    )
    peter.follow(peter.main.locator('button[value="giv"]'), status=422)
    in_order(
        checkers.speak(peter.page, "main"),
        "alert",
        "heading, Der mangler noget, level 2",
        "link, Vælg mindst én slags oplysninger.",
        "group, Hvad må de se?, Vælg mindst én slags oplysninger.",
    )


def test_an_outage_is_heard_as_an_outage(own_world: World, visit_own: Visit) -> None:
    own_world.all_ill("500")
    mette = visit_own("mette")
    mette.go(f"{overview_of(mette, 'Emil')}/moeder?vent=1")
    spoken = " ".join(checkers.speak(mette.page, "main"))
    assert "Der kan godt være noget, vi ikke kan vise lige nu." in spoken
    assert "ingen kommende møder" not in spoken


def in_order(spoken: Sequence[str], *expected: str) -> None:
    """Each phrase is spoken, and in this order."""
    rest = list(spoken)
    for phrase in expected:
        found = next((i for i, said in enumerate(rest) if said.startswith(phrase)), None)
        assert found is not None, f"{phrase!r} is not heard after what came before:\n{rest[:80]}"
        rest = rest[found + 1 :]
