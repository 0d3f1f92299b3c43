"""The words of the professions in plain ones: in the place where they stand, and on /ordliste.

`explained` makes a button of such a word the first time it stands on a page, with
the meaning just after it in the text. The browser itself opens it (HTML's popover):
no script, and it works by finger, by keyboard and for a screen reader.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from flask import g, has_request_context
from markupsafe import Markup, escape

from portal.speech import gettext as _
from portal.speech import language, right_to_left, spoken


class Word(NamedTuple):
    """`forms`: how Danish systems write it, a regular expression; it is also the word's key."""

    name: str
    meaning: str


FORMS = {
    "aktindsigt": r"aktindsigt",
    "ankestyrelsen": r"ankestyrelsen",
    "barnets-lov": r"barnets lov|serviceloven",
    "barnets-plan": r"barnets plan|ungeplan(?:en)?",
    "bisidder": r"bisidder(?:en)?",
    "bup": r"BUP|børne- og ungdomspsykiatri(?:en)?",
    "ffb": r"FFB|fælles faglige begreber",
    "forloeb": r"forløbsansvarlig",
    "foraeldremyndighed": r"forældremyndighed(?:en)?",
    "handleplan": r"handleplan(?:en)?|helhedsorienteret plan",
    "henvisning": r"henvisning(?:en)?",
    "ics": r"ICS",
    "icf": r"ICF",
    "indsats": r"indsats(?:en)?",
    "kilde": r"(?!)",
    "kle": r"KLE",
    "merudgift": r"merudgift(?:er)?",
    "opslag": r"(?!)",
    "ors": r"ORS|SRS",
    "paragraf": r"§",
    "ppr": r"PPR",
    "revurdering": r"revurdering",
    "samtykke": r"(?!)",
    "sdq": r"SDQ",
    "sfo": r"SFO",
    "tabt": r"tabt arbejdsfortjeneste",
    "tovholder": r"tovholder(?:en)?",
    "trivsel": r"(?!)",
    "udredning": r"udredning(?:en)?",
    "underretning": r"underretning(?:en)?",
}
"""Key -> how Danish systems write the word; (?!) is never: the page's own words stand on /ordliste only."""


def words() -> dict[str, Word]:
    """Every word and its meaning in the reader's language, by key."""
    return _words(language())


@lru_cache(maxsize=32)
def _words(_language: str) -> dict[str, Word]:
    return {
        "aktindsigt": Word(_("Aktindsigt"), _("Din ret til at læse det, der står om dig i en sag.")),
        "ankestyrelsen": Word(_("Ankestyrelsen"), _("Dem, der ser på sagen igen, når man klager over noget, kommunen har bestemt.")),
        "barnets-lov": Word(_("Barnets lov"), _("Loven om hjælp til børn, unge og deres familier. Før 2024 stod det meste i serviceloven.")),
        "barnets-plan": Word(_("Barnets plan og ungeplan"), _("En aftale om, hvad der skal blive bedre, hvem der hjælper, og hvornår I ser på det igen.")),
        "bisidder": Word(_("Bisidder"), _("En, du er tryg ved, og som du tager med til et møde for at støtte dig.")),
        "bup": Word(_("BUP"), _("Børne- og ungdomspsykiatrien. Læger, psykologer og andre, der hjælper børn og unge, som har det svært i hverdagen.")),
        "ffb": Word(_("FFB"), _("Fælles faglige begreber. Ord, som alle kommuner bruger ens, når de skriver om hjælp.")),
        "forloeb": Word(_("Forløbsansvarlig"), _("Den på hospitalet, der holder styr på tiderne, og som du kan spørge.")),
        "foraeldremyndighed": Word(_("Forældremyndighed"), _("Retten og pligten til at tage sig af barnet og bestemme for det.")),
        "handleplan": Word(_("Handleplan"), _("En skriftlig aftale om, hvad der skal ske, hvem der gør det, og hvornår.")),
        "henvisning": Word(_("Henvisning"), _("Når lægen eller skolen beder et andet sted om at hjælpe.")),
        "icf": Word(_("ICF"), _("En liste fra Verdenssundhedsorganisationen. Den beskriver, hvad man kan klare i hverdagen, og hvad der er svært.")),
        "ics": Word(_("ICS"), _("En måde, kommunen undersøger på. Den ser på barnet, på forældrene og på familien og dem omkring den.")),
        "indsats": Word(_("Indsats"), _("Den hjælp, I får, for eksempel familiebehandling eller en kontaktperson.")),
        "kilde": Word(_("Kilde"), _("Et it-system hos et af de steder, der hjælper jer.")),
        "kle": Word(_("KLE"), _("Numre, som kommunerne sorterer deres sager efter.")),
        "merudgift": Word(_("Merudgift"), _("Noget, I skal betale ekstra for, fordi barnet har en funktionsnedsættelse.")),
        "opslag": Word(_("Opslag"), _("Når nogen har kigget i overblikket.")),
        "ors": Word(_("ORS og SRS"), _("To korte spørgeskemaer om, hvordan man har det, og om samtalen hjalp.")),
        "paragraf": Word(_("Paragraf (§)"), _("Det sted i loven, som hjælpen bygger på.")),
        "ppr": Word(_("PPR"), _("Pædagogisk Psykologisk Rådgivning. De hjælper børn, der har det svært i dagtilbud eller skole.")),
        "revurdering": Word(_("Revurdering"), _("Når man ser på det igen og finder ud af, om hjælpen stadig passer.")),
        "samtykke": Word(_("Samtykke"), _("Når du siger ja til, at et sted må se noget. Du kan altid sige nej igen.")),
        "sdq": Word(_("SDQ"), _("Et spørgeskema om, hvordan et barn har det, og hvad det er godt til.")),
        "sfo": Word(_("SFO"), _("Skolefritidsordning. Der kan børn være før og efter skole.")),
        "tabt": Word(_("Tabt arbejdsfortjeneste"), _("Penge i stedet for løn, når en forælder passer sit barn derhjemme.")),
        "tovholder": Word(_("Tovholder"), _("Den, der samler trådene. Ring til tovholderen, når du ikke ved, hvem du ellers skal ringe til.")),
        "trivsel": Word(_("Trivsel"), _("Hvordan man har det i hverdagen.")),
        "udredning": Word(_("Udredning"), _("En undersøgelse, der skal vise, hvad der er svært, og hvad der kan hjælpe.")),
        "underretning": Word(_("Underretning"), _("Et brev eller opkald til kommunen, når nogen er bekymret for et barn.")),
    }  # fmt: skip


NEVER = r"(?!)"
SAID = {k.replace("-", "_"): form for k, form in FORMS.items() if form != NEVER}
WORDS = "|".join(f"(?P<{key}>{form})" for key, form in SAID.items())
FOUND = re.compile(rf"(?<!\w)(?:{WORDS})(?![^\W\d_])", re.IGNORECASE)
"""Any form as a whole word, in the group of its key."""
HINT = re.compile(
    rf"(?<!\w)(?:{'|'.join(sorted({p[:3].lower() for f in SAID.values() for p in f.split('|')}))})"
)
"""How the words begin, in lower case: hundreds of texts on a page hold none, and are told so at once."""
CODES = {"kle": "KLE", "icf": "ICF", "ffb": "FFB", "ics": "ICS"}
"""Part of a coding system's name -> what people call it."""


def known_codes(codes: tuple[str, ...]) -> list[str]:
    """ "KLE 27.24.08" for each "system|code" of a classification the glossary explains."""
    found = []
    for system, _bar, code in (c.rpartition("|") for c in codes):
        name = next((n for part, n in CODES.items() if part in system.lower()), "")
        if name and code:
            found.append(f"{name} {code}")
    return found


def explained(text: str) -> Markup:
    """The text with the first word on this page that needs it made a button, its meaning after it."""
    for found in _found(text):
        key = str(found.lastgroup).replace("_", "-")
        if _first(key):
            before, word, after = text[: found.start()], found[0], text[found.end() :]
            return Markup("%s%s%s") % (before, _button(key, word), after)
    return escape(text)


def _found(text: str) -> Iterator[re.Match[str]]:
    """Every word of the glossary in a text, from the left; none outside of a page."""
    plain = text.lower()
    if not has_request_context():
        return
    if len(plain) != len(text):  # a sign such as İ is two in lower case
        yield from FOUND.finditer(text)
        return
    for hint in HINT.finditer(plain):
        found = FOUND.match(text, hint.start())
        if found:
            yield found


def explained_as(key: str, text: str) -> Markup:
    """A heading of the page's own, which is one of the words in the reader's language."""
    return _button(key, text) if has_request_context() and _first(key) else escape(text)


def _first(key: str) -> bool:
    met: set[str] = g.setdefault("explained", set())
    if key in met:
        return False
    met.add(key)
    return True


def _button(key: str, word: str) -> Markup:
    told = words()[key]
    own = Markup(' lang="%s" dir="%s"') % (spoken(), "rtl" if right_to_left() else "ltr")
    return Markup(
        '<button type="button" class="w" popovertarget="o-%s">%s</button>'
        '<span id="o-%s" popover role="note"%s><b>%s</b> %s</span>'
    ) % (key, word, key, "" if spoken() == "da" else own, told.name, told.meaning)
