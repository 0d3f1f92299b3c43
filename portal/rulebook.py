"""The rules as a page that a lawyer can read: made from the tables, so that it cannot say anything else.

    python -m portal.rulebook > docs/access.md

Each rule stands with its source. The "for example" tables are not written by
hand: each cell is what the rule itself answers.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterable, Iterator, Sequence

from portal import access, access_staff
from portal.access import Facts
from portal.handout import Relation
from portal.records import Sector
from portal.rulebook_cases import (
    AGES,
    FATHER,
    HERSELF,
    MOTHER,
    STRANGER,
    deciding,
    facts_at,
    hidden,
    marked,
    of_owner,
    opened,
    place_in,
    situations,
    to_staff,
)

PRODUCT = "product rule"


def main() -> int:
    """Write the page to standard output."""
    sys.stdout.write(page())
    return 0


def page() -> str:
    """docs/access.md, whole."""
    parts = (_opening(), _doors(), _family(), _staff(), _deciders(), _places(), _log(), _open())
    return "\n".join(line for part in parts for line in part).rstrip() + "\n"


# --- the sections ----------------------------------------------------------------------


def _opening() -> Iterator[str]:
    yield from (
        "# Who may see, decide and do what",
        "",
        "This page is generated from the tables in `portal/access.py` and `portal/access_staff.py` by",
        "`python -m portal.rulebook > docs/access.md`. A test fails when it is stale. Do not edit it.",
        "",
        "It is a design and not legal advice: a deployment's own lawyers decide whether it holds.",
        f'"{PRODUCT[0].upper()}{PRODUCT[1:]}" means that no statute was found that asks for exactly this;',
        "it is then the most protective reading that still does the job.",
        "An unknown or contradictory fact (birth date, custody) always gives the most protective answer.",
        "",
        "## The ages",
        "",
        _doc(vars(Facts)["age"]),
        "",
    )
    yield from _table(
        ("Age", "What changes", "Source"),
        (
            (access.PARTY, "The child is asked what it says at each consent; its answer never blocks.", "Barnets Lov §§ 3 and 5"),
            (access.OWN_LOGIN, "The child can log in: it reads its own overview and comments.", "MitID is issued from 13"),
            (access.DECIDES_ON_HEALTH, "The young person decides about health data; custody holders no longer see them.", "Sundhedsloven § 17"),
            (access.ADULT, "Custody, and everything that rests on it, ends.", "Forældreansvarsloven: custody lasts until 18"),
        ),
    )  # fmt: skip


def _doors() -> Iterator[str]:
    yield from ("", "## 1. Whose overview may a citizen open?", "")
    yield "The first door that opens counts. When none does, the overview does not exist for her:"
    yield "the answer is the same as for a citizen who is not there. Staff have no door here (3)."
    yield ""
    yield from _table(
        ("Comes in as", "Why", "Source"),
        ((d.relation.value, *_split(d.because)) for d in access.DOORS),
    )
    yield from ("", "For example:", "")
    people = {
        "the citizen herself": HERSELF,
        "a custody holder": MOTHER,
        "a custody holder whom an authority has shut out": FATHER,
        "anybody else, also a parent without custody": STRANGER,
    }
    yield from _table(
        ("The citizen is", *people),
        (
            (label, *(opened(who, facts) for who in people.values()))
            for label, facts in situations()
        ),
    )


def _family() -> Iterator[str]:
    yield from ("", "## 2. What does the family not see?", "")
    yield "The first rule that fits hides the entry; an entry that no rule hides is shown."
    yield ""
    yield from _table(
        ("Rule", "Why", "Source"), ((r.name, *_split(r.because)) for r in access.FAMILY_HIDES)
    )
    yield from ("", "For example, an entry that is", "")
    readers = {
        "custody holder of a child under 15": (Relation.GUARDIAN, 12),
        "custody holder of a 15-17-year-old": (Relation.GUARDIAN, 16),
        "child of 13-14": (Relation.SELF, 13),
        "young person of 15-17": (Relation.SELF, 16),
        "adult": (Relation.SELF, 30),
    }
    yield from _table(
        ("", *readers),
        (
            (label, *(hidden(entry, sector, *how) for how in readers.values()))
            for label, entry, sector in marked()
        ),
    )
    yield ""
    yield "For a custody holder of a 15-17-year-old no source of the health sector is even asked."
    yield "An entry's sectors are those of its owner and of the source that delivered it; an owner"
    yield "gone from the configuration counts as health."


def _staff() -> Iterator[str]:
    yield from ("", "## 3. What does an employee see?", "")
    yield "An employee belongs to the actors (departments, schools, clinics) that her login names."
    yield "Without an active consent, and without a relation, the citizen does not exist for her."
    yield "A relation is found by a look-up with the full CPR number, which asks the own actor's own"
    yield "sources: her actor owns help, an assessment, a plan or a contact that is running, or a"
    yield "meeting ahead. It is logged, also when it finds nothing. Neither a look-up nor the list of those"
    yield "who consented crosses a municipality (a region's or a private place's belongs to none): an"
    yield "employee elsewhere opens what a consent opens by the overview's address, which the family gives her."
    yield from ("", "These kinds are never opened to another actor, whatever was consented to:", "")
    yield from _table(
        ("Kind", "What it is", "Source"),
        ((kind, what, PRODUCT) for kind, what in access_staff.NEVER_TO_STAFF.items()),
    )
    yield ""
    yield "For example, an entry that its owner keeps, to an employee of"
    yield ""
    yield from _table(
        ("", "the owner itself", "another actor with consent", "another, for another purpose", "another, no consent"),
        ((label, *to_staff(entry)) for label, entry in of_owner()),
    )  # fmt: skip
    yield from (
        "",
        "Sharing with consent: forvaltningsloven § 28 (freely given, specific, informed, can be",
        "withdrawn). Within the own actor the ordinary rules of its own work apply; the portal adds none.",
    )


def _deciders() -> Iterator[str]:
    yield from ("", "## 4. Who must say yes before a consent holds?", "")
    yield "Everybody named here must have said yes. Anyone of them may withdraw alone, at once."
    yield ""
    yield from _table(
        ("The citizen is", "Who", "Source"), ((r.name, *_split(r.because)) for r in access.DECIDERS)
    )
    yield from ("", "For example, with two custody holders:", "")
    yield from _table(
        ("Age", *(s.value for s in Sector)),
        ((age, *(deciding(facts_at(age), s) for s in Sector)) for age in AGES),
    )
    yield from ("", "Unknown custody, unknown birth date or death: nobody can say yes.")


def _places() -> Iterator[str]:
    yield from (
        "",
        "## 5. Which actors exist for a private person?",
        "",
        _doc(access.exists_for),
        "",
    )
    yield from _table(
        ("The actor's municipality", "address protected from the viewer", "not protected from her"),
        (
            (label, *(_yes(access.exists_for(place_in(code), "0851", hidden)) for hidden in (True, False)))
            for label, code in (("the portal's own", "0851"), ("another", "0860"), ("none", None))
        ),
    )  # fmt: skip
    yield from (
        "",
        "Source: CPR-loven § 28 (name and address protection); that a municipality gives an",
    )
    yield f"address away is a {PRODUCT}. What is cut from texts is in `portal/redaction.py`."


def _log() -> Iterator[str]:
    yield from ("", "## 6. Which lines of the access log may a family member read?", "")
    yield _doc(access.reads_line)
    yield ""
    readers = {
        "custody holder of a child under 15": (Relation.GUARDIAN, 12),
        "custody holder of a 15-17-year-old": (Relation.GUARDIAN, 16),
        "child of 13-14": (Relation.SELF, 13),
        "the citizen from 15": (Relation.SELF, 16),
    }
    social, health = frozenset({Sector.SOCIAL}), frozenset({Sector.HEALTH})
    nothing: frozenset[Sector] = frozenset()
    lines = {
        "her own": ("reader", False, nothing, True, nothing),
        "another adult's look": (FATHER, False, nothing, True, nothing),
        "another's answer or comment": (FATHER, True, nothing, True, nothing),
        "an employee's look, not health": (None, False, social, True, social),
        "an employee's look, health": (None, False, health, True, health),
        "an employee's look, let in by health data alone": (None, False, social, True, health),
        "an employee's, of an actor that does not exist for her": (
            None,
            False,
            social,
            False,
            social,
        ),
    }
    yield from _table(
        ("The line is", *readers),
        (
            (
                label,
                *(
                    _yes(access.reads_line("reader", how, age, *line))
                    for how, age in readers.values()
                ),
            )
            for label, line in lines.items()
        ),
    )
    yield from (
        "",
        "Source: the data subject's right to know who looked, when and why: GDPR art. 15,",
    )
    yield (
        "CJEU C-579/21 of 22 June 2023. That each reader has a log of her own is a " + PRODUCT + ","
        " and so is that an employee's line names only what its reader may see something of, too."
    )


def _open() -> Iterator[str]:
    yield from (
        "",
        "## What a lawyer should settle before anybody uses this",
        "",
        "1. Whether both custody holders must consent for every purpose, also where the parent the",
        "   child lives with may decide alone (Forældreansvarsloven § 3).",
        "2. Whether 15-17-year-olds and custody holders must both consent outside health.",
        "3. Which sharing needs no consent at all here (Barnets Lov's early, preventive cooperation):",
        "   the portal then shows less than the law allows.",
        "4. Which entries about one parent stand in the child's case: the source must mark them.",
        "5. How long a consent may last. Twelve months is good practice, not a statute.",
        "6. Whether a custody holder whom an authority has shut out must still consent: here the other",
        "   decides alone, since nobody can ask her here.",
    )


# --- words on paper --------------------------------------------------------------------


def _split(because: str) -> tuple[str, str]:
    """("why", "source") of "why (source)"; a rule that names no law is a product rule."""
    found = re.search(r" \(((?:[^()]|\([^()]*\))*)\)", because)
    if found is None:
        return because, PRODUCT
    law = re.search(r"[Ll]ov|HL7|§", found[1])
    return because.replace(found[0], ""), found[1] if law else PRODUCT


def _doc(of: object) -> str:
    """A rule's own words, without pointers into the house."""
    text = " ".join((inspect.getdoc(of) or "").split())
    return re.sub(r"\s*\((?:[^()]*\.md[^()]*|`[^`]*`)\)", "", text)


def _yes(answer: bool) -> str:
    return "yes" if answer else "-"


def _table(head: Sequence[object], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    yield f"| {' | '.join(map(str, head))} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(map(str, row))} |"


MADE_FROM = (access.DOORS, access.FAMILY_HIDES, access_staff.NEVER_TO_STAFF, access.DECIDERS)
"""The tables of which every row stands on the page (a test looks)."""


if __name__ == "__main__":
    sys.exit(main())
