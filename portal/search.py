"""Finding words in what one viewer is shown: nothing else is looked through, and no word is kept.

Letters count as typed on any keyboard: case, accents, æ, ø and å make no difference.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

import msgspec

from portal.handout import Note, Overview, Shown
from portal.records import (
    Assessment,
    Category,
    Contact,
    Goal,
    Intervention,
    Measurement,
    Meeting,
    Plan,
)

LONGEST = 100
"""Characters of a search."""
MOST_WORDS = 8
FIELDS: dict[type, tuple[str, ...]] = {
    Contact: ("name", "role", "responsible_for", "phone", "email", "stands_in"),
    Meeting: ("title", "place", "people", "instruction"),
    Intervention: ("title", "description", "goal", "responsible", "paragraph", "codes"),
    Assessment: ("title", "responsible"),
    Plan: ("title", "description", "responsible"),
    Goal: ("title", "achievement"),
    Measurement: ("scale", "words"),
}
"""What of an entry stands on its page and can be found."""

KEYBOARDS = (("aa", "a"), ("oe", "o"), ("ae", "a"))
"""å, ø and æ as they are typed where the keys are missing; both sides are folded the same way."""


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """Something that holds all the words: an entry, or a comment."""

    category: Category
    shown: Shown | None = None
    note: Note | None = None


def find(page: Overview, text: str) -> tuple[Hit, ...]:
    """What on the page holds every word, in the order of the page; nothing for no words."""
    words = [folded(w) for w in text[:LONGEST].split()[:MOST_WORDS]]
    words = [w for w in words if w]
    if not words:
        return ()
    return tuple(hit for hit in _everything(page) if all(w in _text(hit) for w in words))


def folded(text: str) -> str:
    """Letters without case, accents and ways of writing æ, ø and å; numbers without spaces."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    plain = plain.replace("ø", "o").replace("æ", "a").replace("ß", "ss")
    for typed, letter in KEYBOARDS:
        plain = plain.replace(typed, letter)
    return plain


def _everything(page: Overview) -> Iterator[Hit]:
    sections = {
        Category.MEETINGS: (*page.meetings, *page.past_meetings),
        Category.CONTACTS: page.contacts,
        Category.INTERVENTIONS: page.interventions,
        Category.PLANS: (*page.plans, *page.loose_goals),
        Category.WELLBEING: page.measurements,
    }
    for category, entries in sections.items():
        for shown in entries:
            yield Hit(category=category, shown=shown)
            for goal in shown.goals:
                yield Hit(category=category, shown=goal)
    for note in page.notes:
        if note.text is not None:
            yield Hit(category=Category.COMMENTS, note=note)


def _text(hit: Hit) -> str:
    if hit.note:
        return folded(f"{hit.note.author}\n{hit.note.text}\n{hit.note.about_title}")
    assert hit.shown
    entry = hit.shown.entry
    parts = [*hit.shown.owners, hit.shown.owner.name]
    for name in FIELDS[type(entry)]:
        value = getattr(entry, name)
        parts += value if isinstance(value, tuple) else (value,)
    numbers = "".join(c for c in getattr(entry, "phone", "") if c.isdigit())
    return folded("\n".join((*parts, numbers)))
