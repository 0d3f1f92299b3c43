"""A world of our own, pointed at by a TOML file alone: every text in it is a canary.

People, custody, places, systems and what the systems say are made here from a
seed. Each entry's text fields carry random words that stand nowhere else, so
that whoever can read one has seen exactly that field of exactly that entry.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

COPENHAGEN = ZoneInfo("Europe/Copenhagen")
CPR = "urn:oid:1.2.208.176.1.2"
ORG = "urn:oid:1.2.208.176.1.1"
UNIT = "http://p-nummer.dk"
KIND = "urn:kanarie:art"
MUNICIPALITY = "0851"
MARK = "kanarie-"
CANARY = re.compile(MARK + "[a-z]{12}")
NUMBER = re.compile(r"(?<!\w)(?:\+?45)?(7\d(?:[ \u00a0]?\d\d){3})(?!\w)")
"""A telephone number, as it may be written; planted ones begin with 7."""


@dataclass(frozen=True)
class Person:
    """Somebody in the register. `born` is None when the register does not say."""

    key: str
    name: str
    cpr: str
    born: date | None
    real_birth: date
    address: str
    home: str
    protected: bool = False
    deceased: bool = False
    postcode: str = "9999"
    city: str = "Prøveby"


@dataclass(frozen=True)
class Place:
    """A configured actor."""

    id: str
    sector: str
    municipality: str | None

    @property
    def identifier(self) -> tuple[str, str]:
        return (UNIT, "10" + f"{sum(map(ord, self.id)):08d}")

    @property
    def canary(self) -> str:
        """What stands in its own link, the operator's."""
        return MARK + "".join(random.Random(self.id).choices("abcdefghijklmnop", k=12))


@dataclass(frozen=True)
class System:
    """A configured source."""

    id: str
    kind: str
    actor: str
    ages: tuple[int, int] = (0, 199)
    audience: tuple[str, ...] = ()


@dataclass(frozen=True)
class Entry:
    """What one system says about one citizen, in nobody's format."""

    id: str
    citizen: str
    source: str
    record: str
    variant: str
    owner: str
    unconfigured: bool = False
    audience: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    running: bool = True
    draft: bool = False
    minute: int = 0
    fields: dict[str, str] = field(default_factory=dict)

    @property
    def number(self) -> str:
        return self.id.replace("_", "-")

    @property
    def owner_named(self) -> bool:
        """Whether the entry itself says whose it is."""
        return self.variant.startswith(("owner:", "unconfigured"))


PLACES = (
    Place("fam", "social", MUNICIPALITY),
    Place("ppr", "school", MUNICIPALITY),
    Place("skole", "school", MUNICIPALITY),
    Place("bup", "health", None),
    Place("laege", "health", None),
    Place("sundhed", "health", MUNICIPALITY),
    Place("job", "employment", MUNICIPALITY),
    Place("respit", "other", None),
    Place("fam-0860", "social", "0860"),
    Place("skole-0860", "school", "0860"),
)
SYSTEMS = (
    System("fam-fhir", "fhir", "fam"),
    System("fam-kal", "icalendar", "fam"),
    System("fam-json", "rest", "fam"),
    System("fam-skjult", "rest", "fam", audience=("staff-only",)),
    System("ppr-fhir", "fhir", "ppr"),
    System("ppr-kal", "icalendar", "ppr"),
    System("skole-json", "rest", "skole", ages=(0, 17)),
    System("skole-kal", "icalendar", "skole", ages=(6, 15)),
    System("skole-voksne", "icalendar", "skole", audience=("not-for-child",)),
    System("bup-fhir", "fhir", "bup"),
    System("bup-kal", "icalendar", "bup"),
    System("laege-json", "rest", "laege"),
    System("sundhed-fhir", "fhir", "sundhed", ages=(0, 16)),
    System("job-json", "rest", "job", ages=(15, 199)),
    System("job-kal", "icalendar", "job"),
    System("respit-json", "rest", "respit"),
    System("respit-lukket", "rest", "respit", audience=("V",)),
    System("fam0860-fhir", "fhir", "fam-0860"),
    System("fam0860-json", "rest", "fam-0860"),
    System("skole0860-kal", "icalendar", "skole-0860"),
)
FIELDS = {
    ("fhir", "contact"): "name role responsible_for phone email hours address url",
    ("fhir", "meeting"): "title place people instruction",
    ("fhir", "plan"): "title description responsible",
    ("fhir", "intervention"): "title description responsible",
    ("fhir", "activity"): "title description responsible",
    ("fhir", "assessment"): "title responsible",
    ("fhir", "goal"): "title achievement",
    ("fhir", "measurement"): "scale unit words",
    ("icalendar", "meeting"): "title place people instruction url",
    ("rest", "contact"): "name role responsible_for phone email hours address url stands_in",
    ("rest", "meeting"): "title place people instruction url",
    ("rest", "intervention"): "title paragraph goal responsible phone description url",
    ("rest", "assessment"): "title responsible url",
    ("rest", "plan"): "title description responsible url",
    ("rest", "goal"): "title achievement",
    ("rest", "measurement"): "scale unit words",
}
"""(kind of source, record) -> its text fields; an activity is help inside a care plan."""
RECORDS = {k: [r for kind, r in FIELDS if kind == k] for k in ("fhir", "icalendar", "rest")}
AUDIENCES = ("R", "V", "not-for-guardians", "not-for-child", "staff-only")
KINDS = {
    "underretning": "concern",
    "notat": "document",
    "ansoegning": "application",
    "afslag": "refused",
    "inddrivelse": "collection",
    "hjaelpemiddel": "excluded:Hjælpemidler",
    "tandpleje": "excluded:Tandpleje",
}
"""What the systems call it -> what the operator's table says it is."""
PURPOSES = ("moede", "opfoelgning")


class Canaries:
    """Words that stand nowhere else. Letters only: digits would look like a phone number."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.homes: dict[str, str] = {}

    def word(self) -> str:
        return MARK + "".join(self.random.choices("abcdefghijklmnop", k=12))

    def number(self) -> str:
        return "7" + "".join(self.random.choices("0123456789", k=7))

    def home(self, street: str) -> str:
        """One word for everybody who lives there."""
        return self.homes.setdefault(street, self.word())


@dataclass
class World:
    """Everything that is true; the oracle and the servers read it."""

    today: date
    people: dict[str, Person]
    custody: dict[str, tuple[str, ...]]
    """Child -> all whom the register names; more than two contradict each other."""
    closed: frozenset[tuple[str, str]]
    """(adult, child) for whom `portal access close` was said."""
    entries: list[Entry]
    places: dict[str, Place] = field(default_factory=lambda: {p.id: p for p in PLACES})
    systems: dict[str, System] = field(default_factory=lambda: {s.id: s for s in SYSTEMS})
    staff: dict[str, str] = field(default_factory=dict)
    """Employee -> unit."""
    names: dict[str, str] = field(default_factory=dict)
    """Actor or source -> its name, where it is not the plain one."""
    options: dict[str, object] = field(default_factory=dict)
    """More keys of every [[source]]."""
    own_options: dict[str, dict[str, object]] = field(default_factory=dict)
    """Source -> more keys of it alone."""
    extra: dict[tuple[str, str], list[dict[str, object]]] = field(default_factory=dict)
    """(citizen, source) -> more FHIR resources."""

    edition: int = 0
    """Rises when `entries` or `extra` change while the servers run."""

    def of(self, citizen: str, source: str) -> list[Entry]:
        return [e for e in self.entries if e.citizen == citizen and e.source == source]

    def of_citizen(self, citizen: str) -> list[Entry]:
        return [e for e in self.entries if e.citizen == citizen]


STAFF = {"karin": "fam", "poul": "ppr", "birgit": "bup", "lone": "job", "steen": "fam-0860"}
CUSTODY = {
    "barn9": ("mor", "far"),
    "barn14": ("mor", "far"),
    "ung16": ("mor", "far"),
    "barn12": ("enlig",),
    "atten": ("hanne",),
    "ung17": ("hanne",),
    "ida": ("jobfar",),
    "barn8": ("lukket", "aaben"),
    "barn7": ("udato",),
    "barn5": ("enlig", "hanne", "farfar"),
    "barn6": ("enlig",),
    "barn4": ("enlig",),
}
"""barn5: three holders contradict each other; barn6 has no birth date; barn4 is dead."""


def make(seed: int = 1, share: float = 1.0) -> World:
    """A world; `share` is how many of the special cases each system holds."""
    today = datetime.now(COPENHAGEN).date()
    canaries = Canaries(seed)
    people = {p.key: p for p in _people(today, canaries)}
    world = World(
        today, people, dict(CUSTODY), frozenset({("lukket", "barn8")}), [], staff=dict(STAFF)
    )
    for citizen in people:
        for n, system in enumerate(SYSTEMS):
            if _holds(citizen, system):
                world.entries += _entries(citizen, n, system, canaries, share)
    return world


def plain_entries(citizen: str, n: int, system: System, canaries: Canaries) -> Iterator[Entry]:
    """One entry of each record that the system holds, nothing special about any of them."""
    return _entries(citizen, n, system, canaries, 0.0)


def _holds(citizen: str, system: System) -> bool:
    """The job centre knows few, the other municipality some; everybody else knows everybody."""
    if system.actor == "job":
        return citizen in ("jobfar", "ung16", "atten", "barn9", "mor")
    if system.actor in ("fam-0860", "skole-0860"):
        return citizen in ("barn9", "barn14", "ung16", "mor", "barn12", "ida", "jobfar")
    return True


def _people(today: date, canaries: Canaries) -> Iterator[Person]:
    north, south = "Bakkevej 12", "Nygade 3"
    rows: tuple[tuple[str, int, int, str, dict[str, bool]], ...] = (
        ("mor", 38, 40, north, {"protected": True}),
        ("far", 41, 50, south, {}),
        ("barn9", 9, 60, north, {}),
        ("barn14", 14, 364, north, {"protected": True}),
        ("ung16", 16, 70, north, {}),
        ("enlig", 36, 80, "Havnegade 9", {}),
        ("barn12", 12, 90, "Havnegade 9", {}),
        ("hanne", 47, 33, "Torvet 1", {}),
        ("atten", 18, 0, "Torvet 1", {}),
        ("ung17", 17, 364, "Torvet 1", {}),
        ("jobfar", 44, 44, "Engen 5", {}),
        ("ida", 11, 55, "Engen 5", {}),
        ("farfar", 71, 66, "Lunden 8", {}),
        ("lukket", 39, 77, "Skrænten 2", {}),
        ("aaben", 37, 88, "Skrænten 4", {}),
        ("barn8", 8, 99, "Skrænten 4", {}),
        ("udato", 40, 22, "Kajen 6", {}),
        ("barn7", 7, 11, "Kajen 6", {}),
        ("barn5", 5, 12, "Torvet 1", {}),
        ("barn6", 6, 13, "Havnegade 9", {}),
        ("barn4", 4, 14, "Havnegade 9", {"deceased": True}),
    )
    for n, (key, age, days, home, flags) in enumerate(rows):
        born = _born(today, age, days)
        yield Person(
            key=key,
            name=f"{key.capitalize()} Prøve",
            cpr=f"{born:%d%m%y}9{n:03d}",
            born=None if key in ("udato", "barn6") else born,
            real_birth=born,
            address=f"{home} {canaries.home(home)}",
            home=home,
            **flags,
        )


def _born(today: date, age: int, days: int) -> date:
    """Had the birthday `days` ago; 364 is about a year ago, that is: tomorrow again."""
    birthday = today - timedelta(days=days) if days != 364 else today + timedelta(days=1)
    year = birthday.year - age - (1 if days == 364 else 0)
    leap = (birthday.month, birthday.day) == (2, 29)
    return date(year, 3, 1) if leap else date(year, birthday.month, birthday.day)


def _entries(
    citizen: str, n: int, system: System, canaries: Canaries, share: float
) -> Iterator[Entry]:
    cases = [("plain", r) for r in RECORDS[system.kind]]
    special = [(v, r) for v in _variants(system) for r in RECORDS[system.kind]]
    cases += [c for c in special if canaries.random.random() < share]
    if system.actor == "job" and citizen in ("barn9", "mor"):  # nothing that makes a relation
        cases = [("over", "meeting")] if system.kind == "icalendar" else []
    for number, (variant, record) in enumerate(cases):
        if entry := _entry(citizen, n, system, number, variant, record):
            names = FIELDS[system.kind, record].split() + ["by"] * entry.unconfigured
            if (system.kind, record) == ("fhir", "plan") and entry.owner_named:
                names.remove("responsible")  # R4's plan has one author: the person or the place
            fields = {f: canaries.number() if f == "phone" else canaries.word() for f in names}
            yield Entry(**{**vars(entry), "fields": fields})


def _variants(system: System) -> list[str]:
    owners = ["owner:fam", "owner:skole", "owner:bup", "owner:skole-0860", "unconfigured"]
    return [
        *(AUDIENCES[:2] if system.kind == "icalendar" else AUDIENCES),
        *KINDS,
        "over",
        *(["draft"] if system.kind == "fhir" else []),
        *([] if system.kind == "icalendar" else owners),
    ]


def _entry(
    citizen: str, n: int, system: System, number: int, variant: str, record: str
) -> Entry | None:
    owner = variant.partition(":")[2] or system.actor
    goal = system.kind == "fhir" and record == "goal"
    if goal and variant.startswith(("owner", "unconfigured")):
        return None  # R4's Goal names no organisation
    if variant == "draft" and record not in ("plan", "intervention", "activity"):
        return None
    if variant == "over" and record in ("measurement",):
        return None
    kinds = {KINDS[variant]} if variant in KINDS else set()
    return Entry(
        id=f"{citizen}_{system.id}_{number}",
        citizen=citizen,
        source=system.id,
        record=record,
        variant=variant,
        owner=owner,
        unconfigured=variant == "unconfigured",
        audience=frozenset({variant} if variant in AUDIENCES else ()) | set(system.audience),
        kinds=frozenset(kinds | ({"application"} if variant == "draft" else set())),
        running=variant != "over",
        draft=variant == "draft",
        minute=n * 400 + number,
    )


def canaries(entries: Iterable[Entry]) -> Iterator[tuple[str, Entry, str]]:
    """(canary, entry, field) of everything planted."""
    for entry in entries:
        for name, word in entry.fields.items():
            yield word, entry, name


def config(world: World, backend: str, issuer: str) -> str:
    """The portal's TOML file for this world."""
    lines = [
        'base_url = "http://127.0.0.1:8000"',
        'database = "sqlite:///portal.db"',
        f'municipality = "{MUNICIPALITY}"',
        *_table(
            "identity.citizen",
            {
                "profile": "neb",
                "issuer": issuer,
                "client_id": "kanarie",
                "client_key": "keys/portal.jwk.json",
            },
        ),
        *_table(
            "identity.staff",
            {
                "profile": "neb",
                "issuer": issuer,
                "client_id": "kanarie",
                "client_key": "keys/portal.jwk.json",
                "unit_claim": "nemlogin.p_number",
                "unit_system": UNIT,
            },
        ),
        *_table("register", {"url": f"{backend}/register"}),
        *_table("contact", {"email": "spoerg@kommune.example", "phone": "99990100"}),
    ]
    for place in world.places.values():
        keys = {
            "id": place.id,
            "name": world.names.get(place.id, f"Sted {place.id.upper()}"),
            "sector": place.sector,
            "identifiers": ["|".join(place.identifier)],
            "url": f"https://x.example/{place.canary}",
        }
        lines += _table(
            "[actor]", keys | ({"municipality": place.municipality} if place.municipality else {})
        )
    for system in world.systems.values():
        lines += _table("[source]", _source(world, system, backend))
    for number in PURPOSES:
        lines += _table("[purpose]", {"id": number, "text": f"Formålet {number}"})
    for word, is_ in KINDS.items():
        lines += _table("[kind]", {"coding": f"{KIND}|{word}", "is": is_})
        lines += _table("[kind]", {"coding": word, "is": is_})
    return "\n".join(lines) + "\n"


def _source(world: World, system: System, backend: str) -> dict[str, object]:
    keys: dict[str, object] = {
        "id": system.id,
        "name": world.names.get(system.id, f"System {system.id}"),
        "kind": system.kind,
        "actor": system.actor,
        "url": f"{backend}/{system.id}",
        "timeout": 20.0,
        "ages": list(system.ages),
        "audience": list(system.audience),
        **world.options,
        **world.own_options.get(system.id, {}),
    }
    if system.kind == "icalendar":
        keys |= {"method": "POST", "body": "borger={subject}"}
    if system.kind == "rest":
        keys |= {
            "method": "POST",
            "body": '{"cpr": "{subject}"}',
            "content_type": "application/json",
            "mapping": {r + "s": _mapping(r) for r in RECORDS["rest"]},
        }
    return keys


def _mapping(record: str) -> dict[str, object]:
    fields = {f: f for f in FIELDS["rest", record].split()}
    common = {
        "items": f"{record}s",
        "key": "id",
        "owner": "ejer",
        "owner_name": "ejernavn",
        "kinds": "art",
        "audience": "laeses_af",
    }
    extra = {
        "meeting": {"start": "start"},
        "measurement": {"day": "dag", "value": "tal"},
        "contact": {"running": "loeber"},
    }
    status = (
        {"status": "status"} if record in ("intervention", "assessment", "plan", "goal") else {}
    )
    return common | fields | extra.get(record, {}) | status


def _table(name: str, keys: dict[str, object]) -> list[str]:
    return ["", f"[{name}]", *(f"{k} = {_toml(v)}" for k, v in keys.items())]


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k} = {_toml(v)}" for k, v in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False)
