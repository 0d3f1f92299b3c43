"""Danish that is easy to read: short sentences, everyday words, an own text and not a copy."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

PO = Path(__file__).parent.parent / "translations" / "da@let" / "LC_MESSAGES" / "messages.po"
WORDS = 14
"""The most words of one sentence."""
LIX = 30
"""Of all texts together: below 25 is a picture book, 30 easy, 40 a newspaper."""
PASSIVE = re.compile(
    r"\b(gives|vises|bruges|slettes|gemmes|hentes|ændres|læses|sendes|opdateres|behandles|bliver "
    r"\w+(et|t))\b"
)
HARD = {
    "indsats", "forældremyndighed", "samtykke", "oplysninger", "tilgængelighedserklæring", "udredning",
    "befordring", "formål", "kilder", "anmodning", "henvendelse", "vedrørende", "såfremt", "foretage",
    "i forbindelse med", "pågældende", "tilsyn", "påbud", "uafhængige",
}  # fmt: skip
"""Words that need an explanation or a plainer one; each may stand as the name of something."""
NAMED_IN_LETTERS = 40
"""How many texts may have such a word: headings, and where it is explained."""


def texts() -> list[tuple[str, str]]:
    """Each Danish text, and the easy one for it; of plurals the last form."""
    with PO.open("rb") as file:
        found = [m for m in read_po(file, locale="da@let") if m.id]
    last = [(m.id, m.string) if isinstance(m.id, str) else (m.id[-1], m.string[-1]) for m in found]
    return [(str(danish), str(easy)) for danish, easy in last]


def sentences(text: str) -> list[str]:
    bare = re.sub(r"<[^>]+>", "", re.sub(r"%\(\w+\)s", "navn", text))
    return [s for s in re.split(r"(?<=[.?!:·])\s+", bare) if re.search(r"\w", s)]


def words(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]+", re.sub(r"%\(\w+\)s", "navn", text))


def test_sentences_are_short() -> None:
    long = [s for _d, easy in texts() for s in sentences(easy) if len(words(s)) > WORDS]
    assert not long


def test_the_whole_is_easy_to_read() -> None:
    every = [s for _d, easy in texts() for s in sentences(easy)]
    counted = [word for s in every for word in words(s)]
    lix = len(counted) / len(every) + 100 * sum(len(w) > 6 for w in counted) / len(counted)
    assert lix < LIX


def test_it_says_who_does_what() -> None:
    assert not [easy for _d, easy in texts() if PASSIVE.search(easy)]


def test_it_is_no_copy() -> None:
    """What is long in Danish is written anew, not taken over."""
    long = [(danish, easy) for danish, easy in texts() if len(danish) > 60]
    same = [danish for danish, easy in long if danish == easy]
    assert len(same) < len(long) / 10, same


@pytest.mark.parametrize("word", sorted(HARD))
def test_hard_words_are_rare(word: str) -> None:
    found = [easy for _d, easy in texts() if re.search(rf"\b{word}\b", easy.lower())]
    assert len(found) <= NAMED_IN_LETTERS, found
