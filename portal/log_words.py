"""One line of "Hvem har set" as a sentence, so that the log is read and not decoded."""

from __future__ import annotations

from portal.dates import klokkeslaet, kort_dato
from portal.handout import LogLine
from portal.records import Category
from portal.speech import gettext as _
from portal.words import amid, category_word, joined


def log_sentence(line: LogLine) -> str:
    """ "PPR Aalborg (psykolog) så møder og kontakter den 3. maj kl. 14.05."."""
    said = _said(line)
    day, time = kort_dato(line.at), klokkeslaet(line.at)
    return _("%(what)s den %(day)s %(time)s.", what=said, day=day, time=time)


def _said(line: LogLine) -> str:
    who, what = line.who, _what(line)
    if line.act == "consent":
        return _consent(line)
    if line.act == "automatic" and line.about:
        return _("Dit samtykke til %(place)s sluttede af sig selv", place=line.about)
    if line.act == "comment":
        if line.outcome == "ok":
            return _("%(who)s skrev en kommentar", who=who)
        return _("%(who)s trak en kommentar tilbage", who=who)
    if line.act == "export" and not line.categories:
        return _("%(who)s fik udleveret det, vi gemmer", who=who)
    if line.act == "read" and line.actor and not line.categories:
        return _("%(who)s åbnede overblikket", who=who)
    if line.act == "report":
        return _report(line)
    sentences = {
        "read": _("%(who)s så %(what)s", who=who, what=what),
        "listed": _("%(who)s så navnet på en liste over dem, der har givet samtykke", who=who),
        "look_up": _("%(who)s slog op i egne systemer", who=who),
        "preview": _(
            "%(who)s så, hvad %(place)s kan se", who=who, place=line.about or _("et sted")
        ),
        "export": _("%(who)s hentede %(what)s til kalender, print eller fil", who=who, what=what),
        "feed": _("%(who)s fik møderne hentet til en kalender", who=who),
        "refused": _("%(who)s prøvede at se noget og fik nej", who=who),
        "automatic": _("Systemet ændrede noget af sig selv"),
    }
    return sentences.get(line.act, _("%(who)s gjorde noget", who=who))


def _consent(line: LogLine) -> str:
    place = line.about or _("et sted")
    if line.outcome == "granted":
        return _("%(who)s gav samtykke til %(place)s", who=line.who, place=place)
    if line.outcome == "withdrawn":
        return _("%(who)s trak samtykket til %(place)s tilbage", who=line.who, place=place)
    return _("%(who)s ændrede samtykket til %(place)s", who=line.who, place=place)


def _report(line: LogLine) -> str:
    if not line.mine:
        return _("%(who)s læste det, du skrev om noget, der mangler eller er forkert", who=line.who)
    if line.outcome == "closed":
        return _("%(who)s sagde, at noget ikke mangler eller er forkert mere", who=line.who)
    place = line.about or _("et sted")
    return _(
        "%(who)s skrev til %(place)s om noget, der mangler eller er forkert",
        who=line.who,
        place=place,
    )


def _what(line: LogLine) -> str:
    if not line.categories:
        return _("hvem der må se hvad")
    if len(line.categories) == len(Category):
        return _("hele overblikket")
    return joined(amid(category_word(c)) for c in line.categories)
