"""A contact person for the phone's own list: name, number and mail, and nothing else.

A phone's contacts travel to clouds, cars and watches that others read. So the
card tells neither whom it is about, nor where the person works or why. It is a
vCard 3.0 (RFC 2426): old phones, which read no newer one, are meant too.
"""

from __future__ import annotations

import re

from flask_babel import gettext as _

from portal.handout import Citizen, Shown
from portal.records import Contact
from portal.words import mailbox, tel

LINE_OCTETS = 75  # RFC 2426, 2.6: a longer line is folded


def contact_card(shown: Shown, citizen: Citizen) -> bytes:
    """A file with one contact person; without a number of her own, her place's."""
    contact = shown.entry
    assert isinstance(contact, Contact)
    name = _("Kontakt") if _names(contact.name, citizen) else contact.name
    number = tel(contact.phone) or tel(shown.owner.phone)
    lines = ["BEGIN:VCARD", "VERSION:3.0", f"N:;{_text(name)};;;", f"FN:{_text(name)}"]
    if number:
        lines.append(f"TEL;TYPE=WORK,VOICE:{number}")
    if mailbox(contact.email):
        lines.append(f"EMAIL;TYPE=INTERNET,WORK:{_text(contact.email)}")
    lines.append("END:VCARD")
    return b"".join(_folded(line) for line in lines)


def _names(text: str, citizen: Citizen) -> bool:
    """Whether a name that a source wrote holds the citizen's ("Emils kontaktperson")."""
    first = re.escape(citizen.first_name)
    return bool(first) and re.search(rf"\b{first}(?:s|'s?|’s?)?\b", text, re.IGNORECASE) is not None


def _text(value: str) -> str:
    """A text value: RFC 2426, 5, with line breaks and other control signs as spaces."""
    plain = " ".join(re.sub(r"[\x00-\x1f\x7f\x85\u2028\u2029]", " ", value).split())
    return re.sub(r"([\\;,])", r"\\\1", plain)


def _folded(line: str) -> bytes:
    """A line and its continuations, each at most 75 octets, never within a letter."""
    parts: list[bytes] = []
    now = b""
    for letter in line:
        more = letter.encode()
        room = LINE_OCTETS - (1 if parts else 0)  # a continuation begins with a space
        if len(now) + len(more) > room:
            parts.append(now)
            now = b""
        now += more
    return b"\r\n ".join([*parts, now]) + b"\r\n"
