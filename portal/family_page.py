"""`/overblik`: the overviews of a family as cards, with the next meetings of all.

Pure: what is arranged here was decided and redacted before.
"""

from __future__ import annotations

from collections.abc import Iterable

from portal.arrange import starts
from portal.db import now
from portal.handout import FamilyCard, FamilyPage, Overview, Relation, Shown

NEXT_MEETINGS = 3


def family_page(
    first_name: str, pages: Iterable[Overview], grown: Iterable[str] = ()
) -> FamilyPage:
    """Cards for everyone, the next meetings of all, every source's line, and who is grown up now."""
    # the children first: it is for them that a parent comes
    pages = sorted(pages, key=lambda p: p.citizen.relation is Relation.SELF)
    meetings = sorted(
        ((p.citizen, m) for p in pages for m in p.meetings),
        key=lambda pair: starts(pair[1]),
    )
    return FamilyPage(
        first_name=first_name,
        at=now(),
        cards=tuple(_card(p) for p in pages),
        meetings=tuple(meetings[:NEXT_MEETINGS]),
        lines=tuple((p.citizen, x) for p in pages for x in p.lines),
        complete=all(p.complete for p in pages),
        grown=tuple(grown),
    )


def _card(page: Overview) -> FamilyCard:
    coming = (m for m in page.meetings if not _cancelled(m))
    return FamilyCard(
        citizen=page.citizen,
        next_meeting=next(coming, None),
        coordinator=next(iter(page.coordinators), None),
        new=len(page.new),
        complete=page.complete,
        failed=len(page.failed) + len(page.holes),
    )


def _cancelled(meeting: Shown) -> bool:
    return bool(getattr(meeting.entry, "cancelled", False))
