"""How wide words are in a picture, and where they break: text in an SVG neither wraps nor measures itself.

Widths are those of IBM Plex Sans SemiBold, a little generous, so that the reader's
own font fits too when Plex has not arrived.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

WIDTHS = {
    **dict.fromkeys(" ", 250), **dict.fromkeys("ijl.,:;'|!", 310), **dict.fromkeys("I", 440),
    **dict.fromkeys("frt-()/·", 400), **dict.fromkeys("cszJL", 545), **dict.fromkeys("vxy", 565),
    **dict.fromkeys("aåeéFT", 600), **dict.fromkeys("bdghknopquøEPSZ–0123456789", 625),
    **dict.fromkeys("BCRUVXYÅAK", 705), **dict.fromkeys("DGHNOQØ&", 745),
    **dict.fromkeys("mwMæ", 910), **dict.fromkeys("WÆ", 985),
}  # fmt: skip
"""Thousandths of the font's size."""
OTHER = 720
DOUBLE = 1050
"""A letter the table does not know, and one that fills a square (Chinese, an emoji)."""
REST = 4
"""The least letters that may stand alone after a hyphen."""
JOINT = 6
"""How far back a better place to divide is looked for."""
PIECE = re.compile(r"\S+?-(?=\w)|\S+")
"""What may stand last on a line: a word, or its part up to a hyphen."""


@lru_cache(4096)
def width(text: str, size: float) -> float:
    """The room `text` takes, in the unit `size` is given in."""
    return sum(map(_letter, text)) * size / 1000


@lru_cache(4096)
def broken(text: str, size: float, room: float, most: int = 4) -> tuple[str, ...]:
    """`text` in at most `most` lines that each fit in `room`; what does not fit ends in "…".

    Broken after a comma where that costs no line: "PPR," and "Aalborg Kommune".
    """
    text = " ".join(text.split())
    plain = _filled(text, size, room)
    clauses = [line for c in re.split(r"(?<=,) ", text) for line in _filled(c, size, room)]
    lines = clauses if len(clauses) <= len(plain) else plain
    if len(lines) > most:
        lines = [*lines[: most - 1], _cut(lines[most - 1], size, room)]
    return tuple(lines)


def _filled(text: str, size: float, room: float) -> list[str]:
    """As much on each line as it can hold."""
    found: list[str] = []
    for piece in _pieces(text, size, room):
        joined = found[-1] + piece if found else ""
        if found and width(joined, size) <= room:
            found[-1] = joined
        else:
            found.append(piece.lstrip())
    return found


def _pieces(text: str, size: float, room: float) -> list[str]:
    """Words with the space before them; one that is longer than a line is divided."""
    found = []
    for match in PIECE.finditer(text):
        space = " " if match.start() and text[match.start() - 1] == " " else ""
        word = match.group()
        while width(word, size) > room and len(word) > 1:
            head = _head(word, size, room - width("-", size))
            found.append(f"{space}{head}-")
            word, space = word[len(head) :], ""
        found.append(space + word)
    return found


def _head(word: str, size: float, room: float) -> str:
    """As much of a word as there is room for, and at least one letter; a long rest is left behind."""
    end = 1
    while end < len(word) - 1 and width(word[: end + 1], size) <= room:
        end += 1
    head = word[: max(1, min(end, len(word) - REST))]
    joint = head.rfind("s", REST, -1) + 1  # Koordinations-enheden: most long words are two
    return head[:joint] if joint > max(REST, len(head) - JOINT) else head


def _cut(line: str, size: float, room: float) -> str:
    while line and width(line + "…", size) > room:
        line = line[:-1]
    return line.rstrip(" -,") + "…"


def _letter(letter: str) -> int:
    known = WIDTHS.get(letter)
    if known is not None:
        return known
    if unicodedata.combining(letter):
        return 0
    return DOUBLE if unicodedata.east_asian_width(letter) in "WF" else OTHER
