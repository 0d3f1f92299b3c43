"""Finds the law's paragraph in what a source wrote, e.g. "Barnets Lov § 32, stk. 1, nr. 3"."""

from __future__ import annotations

import re
from collections.abc import Iterable

_PARAGRAPH = re.compile(
    r"(?:(?:Barnets\s+Lov|[A-ZÆØÅa-zæøå]+lov(?:en|ens)?|[A-ZÆØÅ]{2,5}L)\s*,?\s*)?"
    r"§{1,2}\s?\d{1,3}(?:\s?[a-zæøå](?![a-zæøå]))?"
    r"(?:,?\s*stk\.\s*\d+)?(?:,?\s*nr\.\s*\d+)?",
    re.IGNORECASE,
)


def paragraph(words: Iterable[str]) -> str:
    """The longest one named, which is the one with its law; "" when none is."""
    found = [m[0].strip() for w in words for m in _PARAGRAPH.finditer(w[:500])]
    return max(found, key=len, default="")
