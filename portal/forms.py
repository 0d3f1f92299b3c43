"""What people send us, read strictly: WTForms fields, messages in plain words, nothing lost.

A form never decides; it turns text into values or says beside the field what is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime

from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict
from wtforms import Form, SelectMultipleField, StringField, TextAreaField
from wtforms.fields import Field
from wtforms.validators import ValidationError

from portal.comments import LONGEST
from portal.proposal import Proposal
from portal.records import Category, Sector

NOTHING = date.min
STALE = -1
"""A version that no form of ours carried: as one that is too old."""


def one(values: MultiDict[str, str], name: str) -> str:
    """The single value of a field; sent twice counts as not sent."""
    found = values.getlist(name)
    return found[0].strip() if len(found) == 1 else ""


class CprForm(Form):
    """An employee's look-up; a full CPR number, with or without the dash."""

    cpr = StringField()

    def validate_cpr(self, field: Field) -> None:
        digits = re.sub(r"[\s-]", "", field.data or "")
        if not re.fullmatch(r"[0-9]{10}", digits):  # a replacement number begins with no day
            raise ValidationError(_("Skriv hele CPR-nummeret: ti cifre."))
        field.data = digits


class TextForm(Form):
    """A comment; `modtager` holds ids of the people and places that may read it."""

    tekst = TextAreaField()
    modtager = SelectMultipleField(validate_choice=False)

    def validate_tekst(self, field: Field) -> None:
        field.data = clean(field.data or "")
        if not field.data:
            raise ValidationError(_("Skriv en tekst."))
        if len(field.data) > LONGEST:
            raise ValidationError(_("Teksten må højst fylde 4.000 tegn."))


def read(form: Form) -> dict[str, str]:
    """What is wrong, field by field; empty when the form can be used."""
    form.validate()
    return {field.short_name: str(field.errors[0]) for field in form if field.errors}


def text_of(form: TextForm) -> str:
    """The comment's text, whatever was sent."""
    return form.tekst.data or ""


def clean(text: str) -> str:
    """Plain text: one kind of line break, no signs that control or turn what stands behind, no empty edges."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    kept = (c for c in text if c in "\n\t" or (ord(c) >= 32 and not "\u202a" <= c <= "\u202e"))
    return "".join(kept).strip()


class ConsentFields:
    """The consent form as sent: kategori, ejer, undtaget, formaal, til, version."""

    def __init__(self, values: MultiDict[str, str], actor: str) -> None:
        self.errors: dict[str, str] = {}
        categories = self._many(values, "kategori", {c.value for c in Category})
        owners = values.getlist("ejer")
        if len(set(owners)) != len(owners):
            self.errors["ejer"] = _("Et sted er valgt to gange.")
        sectors = {s.value for s in Sector}
        self.sectors = tuple(Sector(o) for o in owners if o in sectors)
        self.owners = frozenset(owners)
        self.until = one(values, "til")
        until = _day(self.until)
        if until is None:
            self.errors["til"] = _("Skriv en dato, for eksempel 1. maj 2027 som 2027-05-01.")
        excluded = values.getlist("undtaget")
        if len(set(excluded)) != len(excluded):
            self.errors["undtaget"] = _("Noget er valgt to gange.")
        said = clean(one(values, "barnet_siger"))
        if len(said) > LONGEST or len(values.getlist("barnet_siger")) > 1:
            self.errors["barnet_siger"] = _("Teksten må højst fylde 4.000 tegn.")
        version = one(values, "version")
        known = re.fullmatch(r"[0-9]{1,9}", version)
        self.version = int(version) if known else STALE if "version" in values else None
        self.proposal = Proposal(
            actor=actor,
            categories=frozenset(Category(c) for c in categories),
            owners=frozenset(o for o in owners if o not in sectors),
            excluded=frozenset(excluded),
            purpose=one(values, "formaal"),
            until=until or NOTHING,
            child_says=said,
        )

    def _many(self, values: MultiDict[str, str], name: str, known: Iterable[str]) -> list[str]:
        found = values.getlist(name)
        known = set(known)
        if len(set(found)) != len(found) or not set(found) <= known:
            self.errors[name] = _("Vælg blandt dem, der står på listen, og hver kun én gang.")
        return [f for f in found if f in known]


def _day(text: str) -> date | None:
    for pattern in ("%Y-%m-%d", "%d.%m.%Y", "%d-%m-%Y", "%d/%m/%Y"):
        try:
            return datetime.strptime(text, pattern).date()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
    return None
