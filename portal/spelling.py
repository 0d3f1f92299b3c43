"""How names are compared: by letters and digits alone, however they are written.

A protected street must be found in capitals, spaced out, hyphenated, without
its accents or typed on a keyboard that lacks æ, ø and å.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache


def normal(text: str) -> str:
    """Letters and digits only, one case, no accents or invisible signs: how names are compared."""
    return "".join(letter for letter, _ in letters_of(text))


@lru_cache(maxsize=4096)
def spellings(text: str) -> tuple[str, ...]:
    """A name in normal form, and as keyboards without æ, ø and å write it."""
    plain = unicodedata.normalize("NFC", text).casefold()
    return tuple({normal(text), normal(plain.translate(WITHOUT_DANISH))})


WITHOUT_DANISH = str.maketrans({"æ": "a", "ø": "o", "å": "a"})
DANISH = {"æ": "ae", "ø": "oe", "å": "aa"}


def letters_of(text: str) -> list[tuple[str, int]]:
    """Each letter and digit with its position; å is aa, ø is oe, other accents are dropped."""
    found: list[tuple[str, int]] = []
    for position, sign in enumerate(text):
        if sign == RING and _folded(text[position - 1 : position]) == "a":
            found.append(("a", position))  # a and a ring apart are an å
        found += [(letter, position) for letter in _folded(sign)]
    return found


RING = "\u030a"


@lru_cache(maxsize=8192)
def _folded(sign: str) -> str:
    """One sign as the letters it is compared by; nothing for spaces, dashes and accents."""
    found = ""
    for letter in unicodedata.normalize("NFKC", sign).casefold():
        base = DANISH.get(letter) or unicodedata.normalize("NFKD", letter)
        found += "".join(c for c in base if c.isalnum())
    return found
