"""Where an address can hide, and that it is found there; that nothing else is touched."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, date, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.records import (
    Actor,
    Assessment,
    Contact,
    Goal,
    Intervention,
    Measurement,
    Meeting,
    Person,
    Plan,
    Sector,
)
from portal.redaction import (
    CUT,
    NO_SHIELD,
    Shield,
    cut,
    holds_protected,
    locates,
    place_name,
    redact,
    shield,
    telling,
    with_known_places,
)
from portal.spelling import normal

MOTHER = Person(name="Mette Holm", born=date(1988, 3, 14), address="Prøvevænget 12, 2. tv.",
                postcode="9240", city="Nibe", protected=True)  # fmt: skip
CHILD = msgspec.structs.replace(MOTHER, name="Emil Holm Krogh", born=date(2017, 8, 17))
FATHER = Person(name="Jonas Krogh", born=date(1985, 9, 2), address="Eksempelgade 48",
                postcode="9400", city="Nørresundby")  # fmt: skip
PLACES = (
    "Skovbakkeskolen",
    "SFO Skovmusen",
    "Lægehuset ved Åen",
    "Svømmehallen i Nibe",
    "Klatreklubben Grebet",
)
HIDDEN = with_known_places(shield(FATHER, CHILD, [MOTHER]), PLACES)
NFD = unicodedata.normalize("NFD", "Prøvevænget og Lægehuset ved Åen")
ZERO = "\u200b"

LEAKS = [
    "Prøvevænget 12, 2. tv.", "Prøvevænget 12", "Prøvevænget", "PRØVEVÆNGET 12", "prøvevænget",
    "Vi mødes på Prøvevænget i morgen", "P r ø v e v æ n g e t", "Prøve-vænget", "Prøve\u00advænget",
    f"Prøve{ZERO}vænget", "Prøve\u2060vænget", "Prøve\nvænget", "Prøve.vænget", "Ｐrøvevænget",
    "Proevevaenget 12", "Provevanget 12", "PROEVEVAENGET", "Prøvevængets beboere", "(Prøvevænget)",
    "Pröve: Prøvevænget", NFD,
    "9240 Nibe", "9240", "9 2 4 0", f"92{ZERO}40", "DK-9240 Nibe", "i Nibe", "NIBE", "N i b e",
    "Skovbakkeskolen", "skovbakkeskolens SFO", "SKOVBAKKESKOLEN", "Skovbakke-skolen", "Skov bakke skolen",
    "SFO Skovmusen", "sfo'en: Skovmusen", "hos Skovmusen", "Skovmusens tur",
    "Lægehuset ved Åen", "Laegehuset ved Aaen", "LÆGEHUSET VED ÅEN", "Lægehuset ved A\u030aen",
    "Svømmehallen i Nibe", "Klatreklubben Grebet", "klatreklubbengrebet",
    "Se https://kort.example/?q=hjem", "www.skolen.example/3b", "Ring 99 99 01 05", "+45 99990105",
    "99.99.01.05", "Ny adresse: Andenvej 7", "Bor nu Tredjegade 3 B", "4000 Roskilde", "DK-8000 Aarhus C",
]  # fmt: skip
TELLS = ("prøvevæng", "provevang", "proevevaeng", "nibe", "skovbakke", "skovmus", "lægehus", "laegehus",
         "grebet", "svømmehal", "andenvej", "tredjegade", "roskilde", "aarhus", "kort.example",
         "skolen.example")  # fmt: skip


@pytest.mark.parametrize("text", LEAKS)
def test_whatever_locates_is_found_however_it_is_written(text: str) -> None:
    found = cut(text, HIDDEN)
    assert CUT in found
    letters = "".join(c for c in unicodedata.normalize("NFKD", found).casefold() if c.isalnum())
    for word in TELLS:
        assert "".join(c for c in unicodedata.normalize("NFKD", word) if c.isalnum()) not in letters
    assert not re.search(r"\d{4}", letters)
    assert holds_protected(text, HIDDEN)


HARMLESS = [
    "", "Emil sover bedre nu.", "Netværksmøde om Emil", "Vi ses kl. 10.30", "Husk badetøj og håndklæde.",
    "Barnets Lov § 32, stk. 1, nr. 3", "3. klasse", "60 procent af vejen", "1. maj 2027", "Mål: 4 af 5",
    "Karin Thomsen, familierådgiver", "🙂 مرحبا 12", "<b>fed</b> &amp; co", "Skolen ringer", "2026-11-24",
]  # fmt: skip


@pytest.mark.parametrize("text", HARMLESS)
def test_what_tells_nothing_stays_as_it_is(text: str) -> None:
    assert cut(text, HIDDEN) == text
    assert not holds_protected(text, HIDDEN)


@pytest.mark.parametrize("text", LEAKS + HARMLESS)
def test_nothing_is_cut_when_nothing_is_protected(text: str) -> None:
    assert cut(text, NO_SHIELD) == text


# --- entries: every kind, every field ---------------------------------------------------

WHERE = "Skovbakkeskolen, Prøvevænget 12, 9240 Nibe, tlf. 99990105"
COMMON = {"key": "k", "source": "s", "owner": "o", "by": WHERE}
AT = datetime(2026, 6, 15, 9, tzinfo=UTC)
ENTRIES = [
    Contact(**COMMON, name=WHERE, role=WHERE, responsible_for=WHERE, phone="99990105",
            email="a@skovbakkeskolen.example", hours=WHERE, address=WHERE, stands_in=WHERE,
            url="https://skovbakkeskolen.example/"),
    Meeting(**COMMON, title=WHERE, start=AT, place=WHERE, people=(WHERE, "Karin"), actors=(WHERE,),
            instruction=WHERE, uid="1@skovbakkeskolen", url="https://skovbakkeskolen.example/"),
    Goal(**COMMON, title=WHERE, achievement=WHERE),
    Intervention(**COMMON, title=WHERE, paragraph=WHERE, goal=WHERE, responsible=WHERE,
                 description=WHERE, phone="99990105", url="https://skovbakkeskolen.example/"),
    Assessment(**COMMON, title=WHERE, responsible=WHERE, phone="99990105",
               url="https://skovbakkeskolen.example/"),
    Plan(**COMMON, title=WHERE, description=WHERE, responsible=WHERE,
         url="https://skovbakkeskolen.example/"),
    Measurement(**COMMON, scale=WHERE, day=AT.date(), value=4, unit=WHERE, words=WHERE),
]  # fmt: skip


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda e: type(e).__name__)
def test_no_field_of_any_entry_tells(entry: Contact) -> None:
    clean = redact(entry, HIDDEN, owner_locates=True)
    said = normal(msgspec.json.encode(clean).decode())
    for word in ("skovbakke", "proevevaenget", "9240", "nibe", "99990105"):
        assert word not in said, word
    assert redact(clean, HIDDEN, owner_locates=True) == clean
    assert redact(entry, NO_SHIELD, owner_locates=True) is entry


def test_a_meeting_keeps_when_and_who_and_loses_where() -> None:
    meeting = Meeting(key="k", source="s", owner="o", title="Møde", start=AT, place="Rådhuset",
                      people=("Karin Thomsen",))  # fmt: skip
    clean = redact(meeting, HIDDEN, owner_locates=False)
    assert (clean.title, clean.start, clean.people) == ("Møde", AT, ("Karin Thomsen",))
    assert clean.place == "", "whatever the place is, it reads the same"


def test_an_offices_own_ways_in_work_whole_and_a_local_places_not_at_all() -> None:
    person = Contact(key="k", source="s", owner="o", name="Karin", phone="99990201",
                     email="karin@nibe.example", url="https://familieafdelingen.example/")  # fmt: skip
    kept = redact(person, HIDDEN, owner_locates=False)
    assert (kept.phone, kept.email, kept.url) == (person.phone, person.email, person.url)
    gone = redact(person, HIDDEN, owner_locates=True)
    assert (gone.phone, gone.email, gone.url) == ("", "", "")
    known = with_known_places(HIDDEN, ["99990201"])
    assert redact(person, known, owner_locates=False).phone == "", (
        "a local line in an office's list"
    )


# --- whom it is kept from ---------------------------------------------------------------


def test_who_is_shielded_from_whom() -> None:
    assert HIDDEN.places
    assert shield(MOTHER, CHILD, [FATHER]) == NO_SHIELD, "she lives there"
    assert shield(CHILD, CHILD, [MOTHER, FATHER], is_self=True) == NO_SHIELD
    open_ = [msgspec.structs.replace(p, protected=False) for p in (CHILD, MOTHER)]
    assert shield(FATHER, open_[0], [open_[1]]) == NO_SHIELD
    together = msgspec.structs.replace(FATHER, address="PRØVEVÆNGET 12,2.TV", postcode="9240")
    assert shield(together, CHILD, [MOTHER]) == NO_SHIELD, "the same home, written differently"


def test_an_unknown_address_counts_as_living_elsewhere() -> None:
    nowhere = msgspec.structs.replace(FATHER, address="", postcode="", city="")
    assert shield(nowhere, CHILD, [MOTHER]).places
    unknown = msgspec.structs.replace(CHILD, address="", postcode="", city="")
    assert shield(nowhere, unknown, []).places
    assert shield(FATHER, unknown, []).places, "a secret placement has no address at all"


def test_a_secret_placement_is_hidden_from_both() -> None:
    placed = msgspec.structs.replace(CHILD, address="Skjulvej 3", postcode="9999", city="Hemmelig")
    mother = msgspec.structs.replace(MOTHER, protected=False)
    for parent, other in ((mother, FATHER), (FATHER, mother)):
        guard = shield(parent, placed, [other])
        assert guard.places
        assert "Skjulvej" not in cut("Han bor på Skjulvej 3", guard)


def test_a_protected_father_is_kept_from_the_mother_whom_the_child_lives_with() -> None:
    father = msgspec.structs.replace(FATHER, protected=True)
    mother, child = (msgspec.structs.replace(p, protected=False) for p in (MOTHER, CHILD))
    guard = shield(mother, child, [father])
    assert not guard.places and guard.raised
    assert "Eksempelgade" not in cut("Far bor Eksempelgade 48, 9400 Nørresundby", guard)
    assert (
        cut("Mød på Skovbakkeskolen, ring 99990105", guard)
        == "Mød på Skovbakkeskolen, ring 99990105"
    )


NEUTRAL = dict.fromkeys(Sector, "et sted")
NAMES = [
    # name, sector, municipality, locates?
    ("Skovbakkeskolen", Sector.SCHOOL, "0851", True),
    ("Skovbakkeskolen, Aalborg Kommune", Sector.SCHOOL, "0851", True),
    ("Lægehuset ved Åen", Sector.HEALTH, None, True),
    ("Aflastningsfamilien på Engholm", Sector.SOCIAL, None, True),
    ("Familieafdelingen, Aalborg Kommune", Sector.SOCIAL, "0851", False),
    ("Jobcenter Aalborg", Sector.EMPLOYMENT, "0851", False),
    ("PPR, Aalborg Kommune", Sector.SCHOOL, "0851", False),
    ("PPR-skolen i Nibe", Sector.SCHOOL, "0851", True),
]


@pytest.mark.parametrize(("name", "sector", "municipality", "tells"), NAMES)
def test_which_names_of_places_tell(
    name: str, sector: Sector, municipality: str | None, tells: bool
) -> None:
    actor = Actor(id="a", name=name, sector=sector, municipality=municipality)
    assert locates(actor) is tells
    assert (place_name(actor, HIDDEN, NEUTRAL) == "et sted") is tells
    assert place_name(actor, NO_SHIELD, NEUTRAL) == name
    for said in (True, False):
        assert locates(msgspec.structs.replace(actor, locates=said)) is said


@pytest.mark.parametrize(
    ("id", "name", "tells"),
    [
        ("skovbakkeskolen", "Skovbakkeskolen", True),
        ("sfo-skovmusen", "SFO Skovmusen", True),
        ("laegehuset-ved-aaen", "Lægehuset ved Åen", True),
        ("aula_skovbakke", "Skovbakkeskolen", True),
        ("skole", "Skovbakkeskolen", False),
        ("ppr", "PPR, Aalborg Kommune", False),
        ("bup-nord", "Børne- og Ungdomspsykiatrien, Region Nordjylland", False),
        ("a17", "Skovbakkeskolen", False),
    ],
)
def test_which_ids_give_a_name_away(id: str, name: str, tells: bool) -> None:
    assert telling(id, name) is tells


# --- laws -------------------------------------------------------------------------------

texts = st.lists(
    st.one_of(st.sampled_from(LEAKS + HARMLESS), st.text(max_size=12)), max_size=6
).map(" ".join)


@given(texts)
def test_cutting_twice_is_cutting_once(text: str) -> None:
    once = cut(text, HIDDEN)
    assert cut(once, HIDDEN) == once
    assert not holds_protected(once, HIDDEN)


@given(
    st.text(max_size=30),
    st.text(max_size=30),
    st.sampled_from(["Prøvevænget 12", "Skovbakkeskolen"]),
)
def test_no_surrounding_text_hides_a_place(before: str, after: str, place: str) -> None:
    assert normal(place) not in normal(cut(before + place + after, HIDDEN))


@given(st.text(max_size=60), st.builds(Shield, words=st.just(("proevevaenget",))))
def test_only_what_is_known_is_cut_where_whereabouts_are_no_secret(
    text: str, guard: Shield
) -> None:
    if "proevevaenget" not in normal(text):
        assert cut(text, guard) == text


@pytest.mark.parametrize(
    "sign", [" ", "-", "\u200b", "\u00a0", ".", "_", "\u0301", "\n", "\u00ad", "*"]
)
def test_signs_between_letters_hide_nothing(sign: str) -> None:
    assert "vænget" not in cut(sign.join("Prøvevænget"), HIDDEN).replace(sign, "")
