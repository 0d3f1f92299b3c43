"""The accessibility tester's room: every page in every state, as one list.

A `Scene` is how the systems behave; a `Stop` is one page met by one person in one
scene. The room's page (`room_page.py`), the browser tests and `make a11y` all walk
this list, so a page that is missing here is missing everywhere; a test compares it
with the portal's own routes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from backend_stub.systems import SYSTEMS

CONNECTED = tuple(s.id for s in SYSTEMS if s.connected)


class Scene(NamedTuple):
    """How the systems behave. `first` is what was fetched well before the faults came."""

    title: str
    faults: Mapping[str, str]
    first: bool = False


class Stop(NamedTuple):
    """One page: `child` is whose overview `path` is below ("" = `path` is the whole address).

    `person` is who is logged in ("" = nobody).
    """

    person: str
    child: str
    path: str
    shows: str


SCENES = {
    "rask": Scene("Alle systemer svarer", {}),
    "sen": Scene(
        "Alle systemer er langsomme: siden kommer, før de har svaret",
        dict.fromkeys(CONNECTED, "slow"),
    ),
    "delvis": Scene(
        "Nogle systemer fejler, hver på sin måde",
        {
            "familieafd": "500",
            "skole-kalender": "html",
            "bup": "reset",
            "laege": "401",
            "bup-kalender": "hang",
            "sygehus": "wrong-person",
            "fritid": "gzip-bomb",
            "neuro": "outcome",
        },
    ),
    "nede": Scene("Ingen systemer svarer", dict.fromkeys(CONNECTED, "500")),
    "gammel": Scene(
        "Ingen systemer svarer nu, men de gjorde før", dict.fromkeys(CONNECTED, "500"), first=True
    ),
    "tom": Scene("Alle systemer svarer: der er intet", dict.fromkeys(CONNECTED, "empty-bundle")),
    "fjendtlig": Scene("Alle tekster slutter med et script", dict.fromkeys(CONNECTED, "markup")),
}

OPEN = (
    Stop("", "", "/", "Forsiden"),
    Stop("", "", "/sprog", "Sprog"),
    Stop("", "", "/hjaelp", "Hjælp"),
    Stop("", "", "/ordliste", "Ordlisten"),
    Stop("", "", "/privatliv", "Privatliv"),
    Stop("", "", "/tilgaengelighed", "Tilgængelighedserklæring"),
    Stop("", "", "/offline", "Uden net"),
    Stop("", "", "/findes-ikke", "Fejl: siden findes ikke (404)"),
    Stop("", "", "/log-ind/retur", "Fejl: log ind begyndte et andet sted (400)"),
)
PARTS = (
    ("", "Overblik"),
    ("/kontakter", "Kontakter"),
    ("/moeder", "Møder"),
    ("/indsatser", "Hjælp"),
    ("/planer", "Planer og mål"),
    ("/trivsel", "Trivsel"),
    ("/kommentarer", "Kommentarer"),
    ("/oplysninger", "Stamoplysninger"),
    ("/netvaerk", "Netværkskort"),
    ("/tidslinje", "Tidslinje"),
)
BESIDE = (
    ("/soeg", "Søg"),
    ("/mangler", "Noget mangler eller er forkert"),
    ("/samtykke", "Samtykker"),
    ("/samtykke/ppr", "Et steds samtykke"),
    ("/hvem-har-set", "Hvem har set"),
)
YOUNG = (
    ("/mine-foraeldre", "Hvad mine forældre kan se"),
    ("/mine-rettigheder", "Mine rettigheder"),
)
WHO = {
    "noah": ("camilla", "29 steder i 45 systemer"),
    "emil": ("mette", "beskyttet adresse, to forældre"),
    "sofie": ("jonas", "16 år: sundhed kan forældre ikke se"),
    "layla": ("amira", "arabisk familie"),
    "bartholomaeus": ("maximiliane", "lange navne, mange skrifter"),
    "io": ("maximiliane", "intet noget sted"),
}
EMPLOYEES = ("poul", "karin", "birgit", "lone", "steen")


def stops(scene: str) -> Iterator[Stop]:
    """The pages to look at in a scene, in the order a tester would."""
    if scene == "rask":
        yield from _healthy()
    else:
        yield Stop("mette", "", "/overblik", "Familien")
        yield from (Stop("mette", "emil", path, name) for path, name in PARTS)
        yield Stop("camilla", "noah", "", "Overblik, 29 steder")


def each_once() -> Iterator[Stop]:
    """Every kind of page, once: for what is the same whoever's overview it is, such as a language.

    Emil's pages stand for all children's; Noah's are the same, six times as long.
    """
    met: set[str] = set()
    for stop in _healthy():
        kind = stop.path if stop.child or not stop.person else f"{stop.person} {stop.path}"
        if kind not in met and stop.person not in ("camilla", "peter", "viggo", EMPLOYEES[1]):
            met.add(kind)
            yield stop


def _healthy() -> Iterator[Stop]:
    yield from OPEN
    for child, (person, about) in WHO.items():
        for path, name in (*PARTS, *BESIDE) if child in ("noah", "emil") else PARTS:
            yield Stop(person, child, path, f"{name} ({about})")
    for young in ("sofie", "layla", "freja"):
        for path, name in (("", "Den unges eget overblik"), *(YOUNG if young != "freja" else ())):
            yield Stop(young, young, path, name)
    yield Stop("mette", "", "/overblik", "Familien")
    yield Stop("peter", "", "/overblik", "En forælder med egen sag")
    yield Stop("viggo", "", "/overblik", "En bedstefar uden forældremyndighed")
    yield Stop("mette", "", "/konto", "Mit login")
    for employee in EMPLOYEES[:2]:
        yield Stop(employee, "", "/medarbejder", "Medarbejderens side")
        yield Stop(employee, "", "/medarbejder/beskeder", "Beskeder fra familier")
