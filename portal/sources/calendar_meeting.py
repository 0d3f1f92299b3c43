"""One occurrence of a calendar -> one meeting, under the operator's tables."""

from __future__ import annotations

from typing import Any

from portal.records import Audience, Hole, Meeting
from portal.settings import SourceConfig
from portal.sources.calendar_event import Occurrence, Unread
from portal.sources.fhir_meetings import UNNAMED
from portal.sources.marks import Marks

AUDIENCE = {
    "": frozenset[Audience](),
    "PUBLIC": frozenset[Audience](),
    "CONFIDENTIAL": frozenset({Audience.OWNER_ONLY}),
}
PRIVATE = frozenset({Audience.CITIZEN_FROM_15})
"""RFC 5545, 3.8.1.3: a class that is not understood counts as PRIVATE."""


def hole(found: Unread, marks: Marks) -> Hole:
    """What stands for an event that nobody can read."""
    return Hole(**_entry(found, marks), of="meeting")


def meeting(found: Occurrence, config: SourceConfig, marks: Marks) -> Meeting:
    """A calendar names no owner: it is the source's own."""
    return Meeting(
        **_entry(found, marks, found.key, found.lang),
        title=found.title or UNNAMED,
        start=found.start,
        end=found.end,
        all_day=found.all_day,
        moved_from=found.moved_from,
        cancelled=found.status == "CANCELLED",
        tentative=found.status == "TENTATIVE",
        place=found.place,
        people=found.people,
        instruction=found.instruction,
        uid=found.uid,
        url=found.url,
    )


def _entry(
    found: Occurrence | Unread, marks: Marks, key: str = "", lang: str = ""
) -> dict[str, Any]:
    return marks.entry(
        key,
        kinds=marks.kinds(("", c) for c in found.categories),
        audience=AUDIENCE.get(found.confidentiality, PRIVATE),
        lang=lang,
    )
