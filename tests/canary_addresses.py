"""The protected family: her address, school, clinic and the rest, planted wherever text can stand."""

from __future__ import annotations

import html
import re
import unicodedata
from dataclasses import replace

from tests.canary_world import Entry, Place, System, World, make

STREET, HOUSE, CODE, TOWN = "Ågårdsvænget", "17, 2. tv.", "9881", "Bindslev"
HOME = f"{STREET} 17"
SCHOOL, CLINIC, CLUB = "Solsikkeskolen", "Lægerne Kornblomsten", "Fritidsklubben Regnbuen"
AWAY = "Familieafdelingen Hjørring"
PHONE = "98931234"
TOKENS = (
    "ågårdsvænget", "aagaardsvaenget", "agardsvaenget", "bindslev", "solsikkeskolen",
    "solsikke", "kornblomsten", "regnbuen", "hjørring", "hjorring", "hjoerring", PHONE,
    "575377", "101953",
)  # fmt: skip
"""What no byte may hold, letters and digits only."""
POSTCODE = re.compile(r"(?<![0-9a-fA-F#])9\W{0,2}8\W{0,2}8\W{0,2}1(?![0-9a-fA-F])")


def found_in(text: str) -> list[str]:
    """The tokens that a text holds however it is dressed up."""
    text = html.unescape(text)
    flat = unicodedata.normalize("NFKC", text).casefold()
    flat = "".join(c for c in flat if c.isalnum())
    found = [t for t in TOKENS if t in flat]
    bare = "".join(c for c in text if unicodedata.category(c) != "Cf")
    return found + (["postcode"] if POSTCODE.search(bare) else [])


def around(token: str, text: str) -> str:
    """The text near the first place where a token stands plainly."""
    at = html.unescape(text).casefold().find(token)
    return " ".join(html.unescape(text)[max(0, at - 60) : at + 60].split()) if at >= 0 else "split"


PLANTED: tuple[tuple[str, str, str, str], ...] = (
    # system, record, field, what stands there; {} is the placement's own canary
    ("fam-kal", "meeting", "place", f"{HOME}, {CODE} {TOWN}"),
    ("fam-kal", "meeting", "title", f"Hjemmebesøg på {HOME} {{}}"),
    ("fam-kal", "meeting", "instruction", f"Vi ses, {HOME.upper()}, {{}}"),
    ("fam-kal", "meeting", "people", f"{SCHOOL}s kontor"),
    ("skole-kal", "meeting", "place", f"{SCHOOL}, lokale 3"),
    ("skole-kal", "meeting", "title", f"MØDE PÅ {SCHOOL.upper()} {{}}"),
    ("skole-kal", "meeting", "url", "https://solsikkeskolen.example/moede"),
    ("skole-kal", "meeting", "instruction", f"Ring på {PHONE[:2]} {PHONE[2:4]} {PHONE[4:6]} {PHONE[6:]} {{}}"),
    ("ppr-kal", "meeting", "title", f"Netværksmøde, {TOWN} {{}}"),
    ("ppr-kal", "meeting", "instruction", f"Mødet er i {TOWN.upper()}, {CODE} {{}}"),
    ("fam-json", "contact", "name", f"Skolesekretær på {SCHOOL} {{}}"),
    ("fam-json", "contact", "role", f"Lærer, {SCHOOL} {{}}"),
    ("fam-json", "contact", "responsible_for", f"kontakt til {CLINIC} {{}}"),
    ("fam-json", "contact", "address", f"Skolevej 1, {CODE} {TOWN}"),
    ("fam-json", "contact", "hours", f"{SCHOOL} er åben 8-14 {{}}"),
    ("fam-json", "contact", "email", "kontor@solsikkeskolen.example"),
    ("fam-json", "contact", "stands_in", f"Vikar på {SCHOOL} {{}}"),
    ("fam-json", "contact", "url", "https://solsikkeskolen.example/kontakt"),
    ("fam-json", "plan", "title", f"Handleplan, {SCHOOL} {{}}"),
    ("fam-json", "plan", "description", f"Bor på {STREET} nr. 17 {{}}"),
    ("fam-json", "plan", "responsible", f"Leder af {SCHOOL} {{}}"),
    ("fam-json", "plan", "url", "https://solsikkeskolen.example/plan"),
    ("fam-json", "intervention", "title", f"Støtte på {SCHOOL} {{}}"),
    ("fam-json", "intervention", "goal", f"Trives på {' '.join(SCHOOL)} {{}}"),
    ("fam-json", "intervention", "paragraph", f"Barnets Lov § 32 ({SCHOOL})"),
    ("fam-json", "intervention", "description", f"Kør ad {STREET[:6]}\u200b{STREET[6:]}\u200d 17 {{}}"),
    ("fam-json", "assessment", "title", f"Udredning hos {CLINIC} {{}}"),
    ("fam-json", "goal", "title", f"Gå selv til {SCHOOL[:8]}\u00ad{SCHOOL[8:]} {{}}"),
    ("fam-json", "goal", "achievement", f"Når næsten {SCHOOL[:8]}-\n{SCHOOL[8:]} {{}}"),
    ("fam-json", "measurement", "scale", f"Trivsel på {SCHOOL} {{}}"),
    ("fam-json", "measurement", "words", f"glad i {TOWN} {{}}"),
    ("fam-json", "measurement", "unit", f"point {CODE[:2]}\u200b{CODE[2:]}"),
    ("fam-fhir", "contact", "name", f"{unicodedata.normalize('NFD', STREET)} 17 {{}}"),
    ("fam-fhir", "contact", "hours", "kom forbi Aagaardsvaenget 17 {}"),
    ("fam-fhir", "meeting", "place", f"{CLINIC}, {STREET} 3"),
    ("fam-fhir", "plan", "description", "GPS 57.5377, 10.1953 {}"),
    ("fam-fhir", "intervention", "title", f"Kørsel til {CLUB} {{}}"),
    ("fam-fhir", "goal", "title", f"Møde {'.'.join(TOWN)} {{}}"),
    ("fam-fhir", "assessment", "title", f"hos {CLINIC.upper()} {{}}"),
    ("laege-json", "contact", "name", f"Læge, {CLINIC} {{}}"),
    ("laege-json", "contact", "address", f"{STREET} 3, {CODE} {TOWN}"),
    ("laege-json", "plan", "title", f"Flyttet, se {AWAY} {{}}"),
    ("laege-json", "plan", "description", f"Tlf. +45 {PHONE}, https://maps.example/?q={TOWN} {{}}"),
    ("respit-json", "intervention", "title", f"Aflastning ved {CLUB} {{}}"),
    ("fam0860-json", "intervention", "title", f"Indsats i {TOWN} {{}}"),
    ("skole0860-kal", "meeting", "title", f"Overlevering fra {SCHOOL} {{}}"),
)  # fmt: skip
CHILDREN = ("barn9", "barn14", "ung16")


def addresses() -> World:
    """The protected family's world; every child has every placement."""
    world = make(1, 0.0)
    for key in ("mor", *CHILDREN):
        world.people[key] = replace(
            world.people[key],
            address=f"{STREET} {HOUSE}",
            home=STREET,
            postcode=CODE,
            city=TOWN,
        )
    world.names |= {
        "skole": SCHOOL, "laege": CLINIC, "fam-0860": AWAY, "ppr": f"Skolepsykologien i {TOWN}",
        "skole-kal": f"Elevsystem {SCHOOL}", "laege-json": f"Journal, {CLINIC}",
    }  # fmt: skip
    _rename(world, "skole", "solsikkeskolen")
    world.systems["solsikkeskolen-kal2"] = System(
        "solsikkeskolen-kal2", "icalendar", "solsikkeskolen"
    )
    for system in world.systems.values():
        world.systems[system.id] = replace(system, ages=(0, 17))
    world.entries = [e for child in CHILDREN for e in _placements(world, child)]
    return world


def _rename(world: World, old: str, new: str) -> None:
    """An operator whose ids are names."""
    place = world.places.pop(old)
    world.places[new] = Place(new, place.sector, place.municipality)
    world.names[new] = world.names[old]
    for system in list(world.systems.values()):
        if system.actor == old:
            world.systems[system.id] = replace(system, actor=new)


def _placements(world: World, child: str) -> list[Entry]:
    """One entry for each placement; the rest of its fields are plain."""
    found = []
    for n, (source, record, field, text) in enumerate(PLANTED):
        plain = next(
            e
            for e in make(1, 0.0).entries
            if e.source == source and e.record == record and e.citizen == "barn9"
        )
        word = plain.fields["title" if "title" in plain.fields else next(iter(plain.fields))][:-3]
        unit = (
            "abcdefghijklmnop"[n // 16] + "abcdefghijklmnop"[n % 16] + child[-1:].translate(_LETTER)
        )
        canary = word + unit
        fields = {f: f"almindelig {f} {n}" for f in plain.fields} | {field: text.format(canary)}
        fields |= {k: "" for k in ("phone", "email", "url") if k in fields and k != field}
        unconfigured = source == "respit-json"
        found.append(
            replace(
                plain,
                id=f"{child}_{source}_{n}",
                citizen=child,
                owner=world.systems[source].actor,
                minute=n,
                unconfigured=unconfigured,
                fields=fields | ({"by": f"{CLUB} {TOWN}"} if unconfigured else {}),
                variant="unconfigured" if unconfigured else "plain",
            )
        )
    return found


_LETTER = str.maketrans("946", "abc")
