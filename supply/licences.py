"""The licences of what runs in production: `python -m supply.licences > docs/licences.md`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from supply.parts import Part, runtime

ALLOWED = frozenset(
    {
        "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MIT-0", "MPL-2.0",
        "OFL-1.1", "PSF-2.0", "LGPL-3.0-only", "LGPL-3.0-or-later",
    }
)  # fmt: skip
"""What may be used without asking anybody. LGPL and MPL: as they come, installed beside us and unchanged."""
HEAD = """# Licences of what runs in production

Made from the lock files and the installed packages' own words by `python -m supply.licences > docs/licences.md`;
`tests/test_supply.py` compares this page with them and lets no licence in that `supply/licences.py` does not allow.
The names are those of [SPDX](https://spdx.org/licenses/). What only builds, tests and measures is not listed here; it stands in
the bill of materials (`make sbom`).

**This project itself has no licence file.** Whoever owns it decides; until then nobody else has a right to use it.

LGPL and MPL packages are installed beside the portal, unchanged, each replaceable by its user.

## On the server

| package | version | licence |
|---|---|---|
"""
BROWSER = """
## In the browser

Fetched at set-up, checked by hash, served by the portal itself; no page loads anything from anybody else.

| package | version | licence | what of it |
|---|---|---|---|
"""
TAKEN = {
    "dkfds": "Sizes and colours of the design system (MIT); the font IBM Plex Sans, regular and semibold (OFL-1.1); "
    "icons from Material Symbols (Apache-2.0)",
    "htmx.org": "Its script, joined with ours",
}
"""What of each package the browser really gets."""
FOOT = """
The project's own icons (`portal/static/icons/`) were drawn for it.
"""


def names(licence: str) -> frozenset[str]:
    """The licences an SPDX expression speaks of."""
    return frozenset(re.findall(r"[A-Za-z0-9.-]+", licence)) - {"AND", "OR", "WITH"}


def allowed(licence: str) -> bool:
    """Whether everything that must be kept is allowed; of a choice, one is enough."""
    said = names(licence)
    some = bool(said & ALLOWED) if " OR " in licence and " AND " not in licence else said <= ALLOWED
    return bool(said) and some


def page() -> str:
    """The page, as text."""
    parts = runtime()
    return HEAD + "".join(_server(parts)) + BROWSER + "".join(_browser(parts)) + FOOT


def _server(parts: list[Part]) -> Iterator[str]:
    for p in parts:
        if p.kind == "pypi":
            yield f"| {p.name} | {p.version} | {p.licence} |\n"


def _browser(parts: list[Part]) -> Iterator[str]:
    for p in parts:
        if p.kind == "npm":
            yield f"| {p.name} | {p.version} | {p.licence} | {TAKEN[p.name]} |\n"


if __name__ == "__main__":
    print(page(), end="")
