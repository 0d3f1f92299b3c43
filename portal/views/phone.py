"""The portal on a phone: its name on the home screen, what it says without a network, a contact to keep.

The first two are the same for everybody who reads a language, and answered without
looking at a session: nothing of a person can end up in what the portal leaves on a phone.
"""

from __future__ import annotations

from flask import Blueprint, Response, abort, g, json, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.assets import Assets
from portal.audit import Act
from portal.gate import audience, portal, viewer
from portal.i18n import LANGUAGES, chosen, of_browser
from portal.limits import limited
from portal.records import Category
from portal.vcard import contact_card
from portal.views.page import look

phone = Blueprint("phone", __name__)
GROUND = "#0b4a5a"  # --accent in css/_tokens.scss
ICONS = (("app-192.png", "192x192", "any"), ("app-512.png", "512x512", "any"),
         ("app-mask.png", "512x512", "maskable"))  # fmt: skip


@phone.get("/app.webmanifest")
@audience("anyone")
def manifest() -> ResponseReturnValue:
    """W3C Web Application Manifest. The name is neutral: others see the phone's screen too."""
    _read_in(request.args.get("sprog", ""))
    asset = Assets()
    found = {
        "id": "/",
        "name": _("Overblik"),
        "short_name": _("Overblik"),
        "lang": chosen().tag,
        "dir": "auto",
        "start_url": "/overblik",
        "scope": "/",
        "display": "standalone",
        "background_color": GROUND,
        "theme_color": GROUND,
        "icons": [
            {"src": asset(name), "sizes": sizes, "type": "image/png", "purpose": purpose}
            for name, sizes, purpose in ICONS
        ],
    }
    return Response(json.dumps(found), content_type="application/manifest+json")


@phone.get("/offline")
@audience("anyone")
def offline() -> ResponseReturnValue:
    """What the service worker keeps and shows when there is no network."""
    _read_in(request.args.get("sprog", ""))
    return render_template("pages/offline.html")


@phone.get("/overblik/<citizen>/kontakter/<ref>.vcf")
@audience("citizen")
@limited("export")
def contact(citizen: str, ref: str) -> ResponseReturnValue:
    """One contact person for the phone's own list; for the family, not for employees."""
    page = portal().overviews.open(
        viewer(),
        citizen,
        look(citizen, wait=None, act=Act.EXPORT, categories=(Category.CONTACTS,), fresh=True),
    )
    found = next((c for c in page.contacts if c.ref == ref), None) or abort(404)
    response = Response(contact_card(found, page.citizen), content_type="text/vcard; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="kontakt.vcf"'
    return response


def _read_in(code: str) -> None:
    """The page's own language, when it is said; else what the browser asks for."""
    g.language = code if code in LANGUAGES else of_browser()
