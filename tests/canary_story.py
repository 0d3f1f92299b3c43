"""What the canary world's families have said, and saying it: by the pages, as they would."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta

from flask import Flask

from portal.access import Viewer
from portal.consent_state import Grant, Kind
from portal.records import Category
from tests.canary_crawl import Visitor
from tests.canary_world import MARK, PLACES, World
from tests.oracle import Note, Oracle, Word

ALL = frozenset(
    {"contacts", "meetings", "interventions", "plans", "wellbeing", "master_data", "comments"}
)
HERE = frozenset(p.id for p in PLACES if p.municipality != "0860")
PLACED = frozenset(p.id for p in PLACES)
HEALTH = frozenset({"bup", "laege", "sundhed"})


def words(world: World) -> tuple[Word, ...]:
    """Every answer, in the order in which it is given; `age` marks those given long ago."""
    year = world.today + timedelta(days=300)
    yesterday = world.today - timedelta(days=1)

    def yes(citizen: str, actor: str, by: str, what: object, whose: object, **more: object) -> Word:
        categories, owners = frozenset(what), frozenset(whose) - {actor}  # type: ignore[call-overload]
        return Word(
            citizen, actor, by, categories=categories, owners=owners, **{"until": year, **more}
        )  # type: ignore[arg-type]

    def no(citizen: str, actor: str, by: str) -> Word:
        return Word(citizen, actor, by, yes=False)

    aids = frozenset({"Hjælpemidler"})
    both = frozenset({"Hjælpemidler", "Tandpleje"})
    return (
        # two parents who differ: only what both said
        yes("barn9", "ppr", "mor", ALL, PLACED, excluded=aids),
        yes("barn9", "ppr", "far", ALL - {"wellbeing"}, {"fam", "skole", "bup", "respit"}),
        # one parent only; both, but for different purposes; both, and one took it back
        yes("barn9", "job", "mor", ALL, HERE),
        yes("barn9", "bup", "mor", ALL, HERE),
        yes("barn9", "bup", "far", ALL, HERE, purpose="opfoelgning"),
        yes("barn14", "fam", "mor", ALL, HERE),
        yes("barn14", "fam", "far", ALL, HERE),
        no("barn14", "fam", "far"),
        yes("barn14", "ppr", "mor", {"plans", "contacts"}, {"fam", "laege"}, excluded=both),
        yes("barn14", "ppr", "far", {"plans", "meetings"}, {"fam", "laege"}, excluded=both),
        # 16: health by the young person alone, the rest by all three
        yes("ung16", "fam", "ung16", {"wellbeing", "contacts", "plans"}, {"bup", "laege", "skole"}),
        yes("ung16", "fam", "mor", {"wellbeing", "contacts", "plans"}, {"skole", "ppr"}),
        yes("ung16", "fam", "far", {"contacts", "plans"}, {"skole"}),
        yes("ung16", "job", "mor", ALL, {"skole", "ppr"}),
        yes("ung16", "job", "far", ALL, {"skole", "ppr"}),
        yes("ung16", "ppr", "mor", ALL, HEALTH | {"fam"}, age=14),
        yes("ung16", "ppr", "far", ALL, HEALTH | {"fam"}, age=14),
        # one parent alone decides; another municipality that the family itself named
        yes("barn12", "fam", "enlig", ALL, PLACED, excluded=both),
        yes("barn12", "fam-0860", "enlig", {"meetings", "plans"}, {"fam", "skole"}),
        yes("barn12", "ppr", "enlig", ALL, HERE, until=yesterday, age=12),
        yes("barn12", "job", "enlig", ALL, HERE),
        no("barn12", "job", "enlig"),
        yes("ida", "ppr", "jobfar", ALL - {"comments"}, HERE, purpose="opfoelgning"),
        yes("jobfar", "fam", "jobfar", {"contacts", "interventions"}, {"job"}),
        # 18 today: what the young person said alone about health goes on, nothing else
        yes("atten", "fam", "atten", ALL, HEALTH | {"skole"}, age=17),
        yes("atten", "fam", "hanne", ALL, {"skole", "ppr"}, age=17),
        yes("atten", "ppr", "atten", {"meetings", "plans"}, {"bup", "job", "fam"}),
        # shut out: the other parent alone
        yes("barn8", "fam", "aaben", {"plans", "wellbeing"}, HERE),
    )


def answer(
    app: Flask, visitors: dict[str, Visitor], ids: dict[str, str], oracle: Oracle
) -> list[tuple[Word, str]]:
    """Give every answer; each word with the preview its giver saw."""
    previews = []
    for word in oracle.words:
        if word.age or word.until < oracle.world.today:
            long_ago(app, ids, oracle, word)
        elif word.yes:
            visitor, met = visitors[word.by], as_met(app, ids, word)
            previews.append((word, grant(visitor, ids[word.citizen], met)))
        else:
            path = f"/overblik/{ids[word.citizen]}/samtykke/{as_met(app, ids, word).actor}"
            visitors[word.by].follow(path, {"handling": "traek"})
    return previews


def as_met(app: Flask, ids: dict[str, str], word: Word) -> Word:
    """The word with the places' ids as its giver meets them: some are opaque to some."""
    overviews = app.extensions["portal"].overviews
    standing = overviews.standing(Viewer(person=ids[word.by]), ids[word.citizen])

    def met(place: str) -> str:
        return str(overviews.place(standing, place).id)

    return replace(word, actor=met(word.actor), owners=frozenset(map(met, word.owners)))


def grant(visitor: Visitor, citizen: str, word: Word) -> str:
    """Form, preview, yes; the preview's text."""
    path = f"/overblik/{citizen}/samtykke/{word.actor}"
    version = re.search(r'name="version" value="(\d+)"', visitor.get(path))
    form = {
        "handling": "giv",
        "kategori": sorted(word.categories),
        "ejer": sorted(word.owners),
        "undtaget": sorted(word.excluded),
        "formaal": word.purpose,
        "til": word.until.isoformat(),
        "version": version[1] if version else "0",
        "barnet_siger": "",
    }
    preview = visitor.follow(path, form)
    token = re.search(r'name="udkast" value="([^"]+)"', preview)
    assert token, (
        word.by,
        word.citizen,
        word.actor,
        visitor.last,
        re.findall(r'class="err[^>]*>(.*?)</p', preview),
        preview[:0],
    )
    visitor.follow(path, {"handling": "bekraeft", "udkast": token[1]})
    assert visitor.last == 200, word
    return preview


def long_ago(app: Flask, ids: dict[str, str], oracle: Oracle, word: Word) -> None:
    """An answer that cannot be given today: the database's own event, dated back."""
    services = app.extensions["portal"]
    seen = oracle.delivered(word)
    given = Grant(
        categories=frozenset(Category(c) for c in word.categories),
        owners=word.owners,
        sources=frozenset(seen),
        excluded=word.excluded,
        purpose=word.purpose,
        start=date(2025, 1, 1),
        until=word.until,
        age=word.age,
    )
    citizen, by = ids[word.citizen], ids[word.by]
    with services.store.write() as c:
        services.consents._add(c, citizen, word.actor, Kind.GRANTED, by, given)


def staff(app: Flask, visitor: Visitor, world: World, ids: dict[str, str], purpose: str) -> None:
    """Look everybody up, and choose this purpose wherever it is asked."""
    visitor.get("/medarbejder")
    for key in () if visitor.looked_up else LOOKED_UP:
        visitor.post("/medarbejder", {"cpr": world.people[key].cpr})
    visitor.looked_up = True
    for citizen in ids.values():
        visitor.post(f"/medarbejder/formaal/{citizen}", {"formaal": purpose})


LOOKED_UP = [
    "mor",
    "far",
    "barn9",
    "barn14",
    "ung16",
    "enlig",
    "barn12",
    "atten",
    "ung17",
    "jobfar",
    "ida",
    "aaben",
    "barn8",
    "barn6",
    "barn4",
    "barn5",
]  # one may look up twenty a minute


def comments(visitors: dict[str, Visitor], ids: dict[str, str], world: World) -> tuple[Note, ...]:
    """Write to every kind of reader; one is corrected, one taken back, two stand on an entry."""
    health = ("bup", "laege", "sundhed")
    rows = (
        ("barn9", "mor", (), (), ()),
        ("barn9", "mor", ("far",), (), ()),
        ("barn9", "far", ("mor",), ("ppr",), ()),
        ("barn9", "mor", (), ("ppr",), ("job", "skole-0860")),
        ("barn14", "barn14", (), (), ()),
        ("barn14", "barn14", ("mor",), (), ()),
        ("barn14", "far", ("barn14",), (), ()),
        ("ung16", "ung16", ("far",), (), health),
        ("ung16", "mor", (), (), ()),
        ("barn12", "enlig", (), ("fam",), ()),
        ("barn8", "aaben", (), (), ()),
        ("atten", "atten", (), (), ()),
        ("barn9", "far", ("mor",), ("ppr",), ()),
        ("barn12", "enlig", (), ("fam",), ()),
    )
    letters = iter("abcdefghijklmnopqrstuvwxyz")
    found = []
    for n, (citizen, author, persons, actors, owners) in enumerate(rows):
        writes, word = visitors[author], MARK + next(letters) * 12
        path = f"/overblik/{ids[citizen]}/kommentarer"
        form = {
            "tekst": f"Se {word}",
            "modtager": [ids[p] for p in persons] + list(actors),
            "om": _entry_of(writes, world, ids[citizen], citizen, owners),
        }
        page = writes.follow(path, form)
        assert writes.last == 200, (citizen, author, writes.last)
        note = Note(word, citizen, author, frozenset(persons), frozenset(actors))
        corrected, taken_back = n in (1, 12), n in (5, 13)
        found.append(replace(note, gone=corrected or taken_back))
        id = re.findall(r'id="k(\w+)"', page[: page.index(word)])[-1]
        if corrected:
            again = replace(note, canary=MARK + next(letters) * 12)
            writes.follow(f"{path}/{id}", {"handling": "ret", "tekst": f"Se {again.canary}"})
            found.append(again)
        elif taken_back:
            writes.follow(f"{path}/{id}", {"handling": "fortryd"})
        assert writes.last == 200
    return tuple(found)


def _entry_of(
    visitor: Visitor, world: World, id: str, citizen: str, owners: tuple[str, ...]
) -> str:
    """A meeting that the writer sees of one of these places: what the comment stands on."""
    page = visitor.get(f"/overblik/{id}/moeder?vent=1") if owners else ""
    for e in world.entries:
        meant = e.citizen == citizen and e.owner in owners and e.record == "meeting"
        if meant and e.fields["title"] in page:
            return re.findall(r"moeder/(\w+)[./]", page[: page.index(e.fields["title"]) + 900])[-1]
    return ""
