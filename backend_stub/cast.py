"""Who the demo's people are, where they live and who has custody of whom.

Names, birth dates and synthetic CPR numbers come from `mitid_stub.personas`,
so a person who logs in is the person the systems know.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import NamedTuple

from mitid_stub.personas import Persona, personas

CPR = "urn:oid:1.2.208.176.1.2"


class Home(NamedTuple):
    """An address as the register holds it."""

    line: str
    postcode: str
    city: str


class Custody(NamedTuple):
    """One adult's tie to one child. `until_adult` ends it the day before the 18th birthday."""

    adult: str
    child: str
    role: str
    holds: bool = True
    until_adult: bool = False


HOMES = {
    "mette": Home("Prøvevænget 12, 2. tv.", "9000", "Aalborg"),
    "jonas": Home("Eksempelgade 48", "9400", "Nørresundby"),
    "camilla": Home("Modelvej 7", "9220", "Aalborg Øst"),
    "amira": Home("Skitseparken 31, st. th.", "9220", "Aalborg Øst"),
    "hanne": Home("Udkastvej 5", "9210", "Aalborg SØ"),
    "viggo": Home("Attrapstien 3", "9400", "Nørresundby"),
    "peter": Home("Kladdevej 19", "9270", "Klarup"),
    "maximiliane": Home("Bindestregsalléen-ved-den-gamle-Prøvebro 118, 14. mf., lejl. 1402",
                        "9200", "Aalborg SV"),
}

LIVES_WITH = {
    "sofie": "mette", "emil": "mette", "noah": "camilla", "yusuf": "amira",
    "layla": "amira", "omar": "amira", "freja": "hanne", "ida": "peter",
    "bartholomaeus": "maximiliane", "io": "maximiliane",
}

CUSTODY = (
    Custody("mette", "sofie", "MTH"),
    Custody("mette", "emil", "MTH"),
    Custody("jonas", "sofie", "FTH"),
    Custody("jonas", "emil", "FTH"),
    Custody("viggo", "sofie", "GRFTH", holds=False),
    Custody("viggo", "emil", "GRFTH", holds=False),
    Custody("camilla", "noah", "MTH"),
    Custody("amira", "layla", "MTH"),
    Custody("amira", "omar", "MTH"),
    Custody("yusuf", "layla", "FTH"),
    Custody("yusuf", "omar", "FTH"),
    Custody("hanne", "freja", "MTH", until_adult=True),
    Custody("peter", "ida", "FTH"),
    Custody("maximiliane", "bartholomaeus", "MTH"),
    Custody("maximiliane", "io", "MTH"),
)

PROTECTED = frozenset({"mette", "sofie", "emil"})


@lru_cache(maxsize=4)
def people(today: date) -> dict[str, Persona]:
    """Everyone by key."""
    return {p.key: p for p in personas(today)}


def citizens(today: date) -> dict[str, Persona]:
    """Those the registers and systems may know: no employees."""
    return {key: p for key, p in people(today).items() if p.kind == "citizen"}


def home_of(key: str) -> Home:
    return HOMES[LIVES_WITH.get(key, key)]
