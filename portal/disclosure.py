"""What we hold about a citizen, for whoever asks to see it (GDPR art. 15 and 20).

By the rules of the screens, through the same door, and logged before anything is
handed out: a custody holder gets what she may see of the child, never the other
parent's reads and answers. What the sources hold is theirs to tell, and is named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask_babel import force_locale
from sqlalchemy import select

from portal.access import Viewer
from portal.audit import Act
from portal.db import aware, now
from portal.handout import AccessLog, Overview
from portal.log_words import log_sentence
from portal.models import feed, person, seen, session
from portal.overview import Look
from portal.reports import Reports
from portal.settings import CPR_SYSTEM, Settings
from portal.speech import gettext as _
from portal.speech import spoken_as

if TYPE_CHECKING:
    from portal import Portal

MOST_LINES = 1_000_000


def disclose(settings: Settings, cpr: str, asker: str) -> dict[str, Any]:
    """Everything about one citizen that the asker (a CPR number too) may see.

    Raises NotFound, UnknownPerson, RegisterDown, StoreDown.
    """
    from portal import create_app  # which joins the views, one of which tells too

    app = create_app(settings)
    portal: Portal = app.extensions["portal"]
    citizen, reader = (portal.family.identify(CPR_SYSTEM, c).id for c in (cpr, asker))
    with app.app_context(), force_locale("da"), spoken_as("da"):
        return told(portal, Viewer(person=reader), citizen)


def told(portal: Portal, viewer: Viewer, citizen: str) -> dict[str, Any]:
    """The same in a running portal, in the language of the moment. Raises as `disclose`."""
    look = Look(act=Act.EXPORT, categories=(), fresh=True)
    page = portal.overviews.open(viewer, citizen, look)  # the log is written here
    return {
        "made": now().isoformat(timespec="seconds"),
        "about_this_file": _(
            "Alt, hvad vi gemmer om personen, og som den, der spørger, må se. "
            "Oplysninger fra systemerne nederst gemmer vi ikke: bed stedet om dem."
        ),
        "person": _person(portal, viewer, page),
        "sessions": _sessions(portal, citizen) if viewer.person == citizen else [],
        "calendar_links": _links(portal, viewer, citizen),
        "consents": _consents(portal, viewer, citizen),
        "comments": _comments(page),
        "reports": _reports(portal, viewer, citizen),
        "drafts": _drafts(portal, viewer, citizen),
        "marked_as_seen": _marks(portal, viewer, citizen),
        "access_log": _log(portal.seen_by.page(viewer, citizen, most=MOST_LINES)),
        "held_by_the_systems_themselves": [{"system": line.name} for line in page.lines],
    }


def _person(portal: Portal, viewer: Viewer, page: Overview) -> dict[str, Any]:
    citizen = page.citizen.id
    with portal.store.read(citizen) as c:
        row = c.execute(select(person).where(person.c.id == citizen)).one()
    found = {
        "id": citizen,
        "name_in_the_register": page.citizen.name,
        "known_here_since": aware(row.created).isoformat(),
    }
    if viewer.person == citizen:
        found["language"] = row.language
        opened = portal.vault.open(row.identifier, f"identifier {citizen}").decode()
        found["identifier"] = opened.partition("|")[2]
    return found


def _sessions(portal: Portal, citizen: str) -> list[dict[str, str]]:
    query = select(session.c.created, session.c.used).where(session.c.person == citizen)
    with portal.store.read(citizen) as c:
        return [
            {"begun": aware(r.created).isoformat(), "last_used": aware(r.used).isoformat()}
            for r in c.execute(query.order_by(session.c.created))
        ]


def _links(portal: Portal, viewer: Viewer, citizen: str) -> list[dict[str, str]]:
    mine = (feed.c.person == viewer.person) & (feed.c.citizen == citizen)
    with portal.store.read(citizen) as c:
        found = c.execute(select(feed.c.created).where(mine).order_by(feed.c.created))
        return [{"made": aware(r.created).isoformat()} for r in found]


def _consents(portal: Portal, viewer: Viewer, citizen: str) -> list[dict[str, Any]]:
    """Each place as on the page of consents; of the answers the reader's own, word for word."""
    standing = portal.overviews.standing(viewer, citizen)
    found = []
    for row in portal.consent_pages.list(viewer, citizen, None).rows:
        shown = row.place.id
        meant = portal.overviews.meant(standing, shown)
        actor = meant or portal.consent_places.gone(standing, shown)
        mine = portal.consent_pages.history(standing, actor)
        if row.state == "none" and not mine:
            continue
        found.append(
            {
                "place": row.place.name,
                "state": row.state,
                "your_answers": [
                    {
                        "at": line.at.isoformat(),
                        "answer": line.kind,
                        "categories": list(line.categories),
                        "about_places": list(line.owners),
                        "until": line.until.isoformat() if line.until else None,
                        "text": line.text,
                    }
                    for line in mine
                ],
            }
        )
    return found


def _comments(page: Overview) -> list[dict[str, Any]]:
    return [
        {
            "written": n.written.isoformat(),
            "corrected": n.corrected.isoformat() if n.corrected else None,
            "by": n.author,
            "about": n.about_title,
            "text": n.text,
            "may_be_read_by": list(n.audience),
        }
        for n in page.notes
    ]


def _reports(portal: Portal, viewer: Viewer, citizen: str) -> list[dict[str, Any]]:
    kept = Reports(portal.settings, portal.store, portal.family).own(viewer, citizen)
    return [
        {
            "sent": r.at.isoformat(),
            "closed": r.closed.isoformat() if r.closed else None,
            "about": r.detail.title,
            "text": r.detail.text,
        }
        for r in kept
    ]


def _drafts(portal: Portal, viewer: Viewer, citizen: str) -> list[dict[str, Any]]:
    return [
        {"at": d.at.isoformat(), "text": d.text} for d in portal.drafts.of(viewer, citizen).values()
    ]


def _marks(portal: Portal, viewer: Viewer, citizen: str) -> list[str]:
    """When she said she had seen something; of what, only a hash is kept."""
    mine = (seen.c.person == viewer.person) & (seen.c.citizen == citizen)
    with portal.store.read(citizen) as c:
        return [aware(r.at).isoformat() for r in c.execute(select(seen.c.at).where(mine))]


def _log(log: AccessLog) -> list[dict[str, Any]]:
    return [
        {"at": line.at.isoformat(), "act": line.act, "text": log_sentence(line)}
        for line in log.lines
    ]
