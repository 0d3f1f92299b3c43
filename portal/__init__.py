"""Familieoverblik: one overview of everyone who helps a family.

create_app is the one place where the parts are joined.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from flask import Flask, abort, request
from flask_compress import Compress
from whitenoise import WhiteNoise

from portal import draining, gate, htmx, i18n, limits, schema, shapes, templating
from portal.addresses import Addresses
from portal.alarms import Alarms
from portal.assets import BUILT
from portal.bodies import LARGEST_BODY
from portal.clerk import Clerk
from portal.comments import Comments
from portal.consent_pages import ConsentPages
from portal.consent_places import ConsentPlaces
from portal.consents import Consents
from portal.conversation import Conversation
from portal.counter import Counter
from portal.crypto import Vault
from portal.db import Store
from portal.deciding import Deciding
from portal.desk import Desks
from portal.drafts import Drafts
from portal.family import Family
from portal.feeds import Feeds
from portal.identity import user
from portal.identity.browser import Interface
from portal.identity.oidc import Oidc
from portal.identity.session import Sessions
from portal.involved import Involvement
from portal.key_check import KeyCheck
from portal.limits import Limiter
from portal.overview import Overviews
from portal.own_account import OwnAccount
from portal.places import Places
from portal.present import Presenter
from portal.report_pages import ReportPages
from portal.reports import Reports
from portal.seen import Seen
from portal.seen_by import SeenBy
from portal.settings import Settings
from portal.sources.gather import Gatherer
from portal.sources.register import Register
from portal.threshold import Threshold
from portal.views import errors, page
from portal.views.access_log import access_log
from portal.views.account import account
from portal.views.again import again
from portal.views.calendar import calendar
from portal.views.caseworker import caseworker
from portal.views.comments import comments
from portal.views.consents import consents
from portal.views.news import news
from portal.views.overview import overview
from portal.views.pages import pages
from portal.views.phone import phone
from portal.views.reports import reports
from portal.views.search import search
from portal.views.sign_in import sign_in
from portal.views.young import young

BLUEPRINTS = (
    pages,
    sign_in,
    overview,
    consents,
    comments,
    news,
    reports,
    search,
    access_log,
    calendar,
    caseworker,
    account,
    again,
    phone,
    young,
)
FOREVER = 365 * 24 * 3600


@dataclass(frozen=True, kw_only=True)
class Portal:
    """The services of one worker, joined; what views call."""

    settings: Settings
    store: Store
    vault: Vault
    key_check: KeyCheck
    gatherer: Gatherer
    family: Family
    consents: Consents
    comments: Comments
    overviews: Overviews
    counter: Counter
    consent_places: ConsentPlaces
    consent_pages: ConsentPages
    deciding: Deciding
    conversation: Conversation
    drafts: Drafts
    desks: Desks
    reports: ReportPages
    seen_by: SeenBy
    feeds: Feeds
    own_account: OwnAccount
    sessions: Sessions
    oidc: Oidc
    limiter: Limiter
    clerk: Clerk
    policy: str

    def unready(self) -> str:
        """Why this worker cannot serve; empty when it can."""
        return draining.problem() or schema.problem(self.store) or self.key_check.problem()


def join(settings: Settings) -> Portal:
    """Make every service once."""
    shapes.find_out()
    store = Store(settings.database, settings.path("."), settings.municipality)
    vault = Vault(settings.data_keys)
    gatherer = Gatherer(settings)
    family = Family(settings, store, vault, Register(settings, gatherer))
    gatherer.bell.listener = Alarms(settings, store, family).wrong_person
    consents, comments = Consents(settings, store, family), Comments(settings, store, family)
    marks = Seen(settings, store, family)
    threshold = Threshold(settings, store, gatherer, family, consents, comments)
    places = Places(settings, threshold.standings, i18n.NeutralNames())
    presenter = Presenter(settings, family, consents, threshold.standings, places)
    overviews = Overviews(threshold, family, presenter, places, marks)
    counter = Counter(settings, family, threshold)
    named = ConsentPlaces(settings, overviews, consents, threshold.standings)
    involvement = Involvement(threshold)
    consent_pages = ConsentPages(settings, overviews, involvement, consents, named)
    conversation = Conversation(overviews, comments, consents, family)
    drafts = Drafts(settings, store, family, vault)
    return Portal(
        settings=settings,
        store=store,
        vault=vault,
        key_check=KeyCheck(store, vault, settings.municipality),
        gatherer=gatherer,
        family=family,
        consents=consents,
        comments=comments,
        overviews=overviews,
        counter=counter,
        consent_places=named,
        consent_pages=consent_pages,
        deciding=Deciding(settings, overviews, consents, named, consent_pages),
        conversation=conversation,
        drafts=drafts,
        desks=Desks(conversation, drafts),
        reports=ReportPages(settings, overviews, counter, Reports(settings, store, family), family),
        seen_by=SeenBy(settings, store, family, overviews),
        feeds=Feeds(settings, store, family, overviews),
        own_account=OwnAccount(store, family),
        sessions=Sessions(settings, store, vault),
        oidc=Oidc(settings, store, vault),
        limiter=Limiter(settings),
        clerk=Clerk(settings, store, drafts.tidy),
        policy=gate.policy(gate.form_targets(settings)),
    )


def create_app(settings: Settings) -> Flask:
    """The WSGI application for these settings."""
    app = Flask(__name__, static_folder=None)
    app.config.update(
        SECRET_KEY=settings.secret_keys[0],
        SECRET_KEY_FALLBACKS=list(settings.secret_keys[1:]),
        MAX_CONTENT_LENGTH=LARGEST_BODY,
        MAX_FORM_PARTS=200,
        BABEL_TRANSLATION_DIRECTORIES=i18n.CATALOGUES,
    )
    _trust(app, urlsplit(settings.base_url).hostname or "")
    app.jinja_options = {"autoescape": True, "bytecode_cache": templating.COMPILED}
    app.extensions["portal"] = services = join(settings)
    app.session_interface = Interface(settings, services.sessions)
    htmx.install(app)
    user.install(app)
    i18n.install(app)
    templating.install(app)
    page.install(app)
    errors.install(app)
    _compress(app)  # before the gate, whose Vary header it then adds to
    limits.guard(app)
    gate.guard(app)
    app.teardown_request(lambda _: services.clerk.nudge())
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    static = _static(app, settings.secure)
    app.wsgi_app = Addresses(static, settings.trusted_proxies)  # type: ignore[method-assign,assignment]
    return app


def _trust(app: Flask, host: str) -> None:
    """Answer to our own host only. Werkzeug's list cuts an IPv6 address at its first colon."""
    if ":" not in host:
        app.config["TRUSTED_HOSTS"] = [host]
        return

    @app.before_request
    def ours() -> None:
        if not request.host.lower().startswith(f"[{host}]"):
            abort(400)


def _compress(app: Flask) -> None:
    """Compress what views answer; the levels are where more time buys no more bytes.

    Nothing secret stands beside reflected input: the CSRF token is masked anew
    each time and forms that were refused (422) go out as they are (BREACH).
    """
    app.config.update(
        COMPRESS_ALGORITHM=["br", "gzip"],
        COMPRESS_MIMETYPES=["text/html", "text/calendar", "application/json"],
        COMPRESS_BR_LEVEL=6,
        COMPRESS_BR_WINDOW=18,  # a page fits; the largest takes each thread megabytes that it keeps
        COMPRESS_LEVEL=6,
        COMPRESS_STREAMS=False,
        COMPRESS_EVALUATE_CONDITIONAL_REQUEST=False,
    )
    Compress(app)


def _static(app: Flask, secure: bool) -> WhiteNoise:
    """Hashed, precompressed, immutable files, answered before the app."""

    def headers(found: object, path: str, url: str) -> None:
        found["X-Content-Type-Options"] = "nosniff"  # type: ignore[index]
        found["Cross-Origin-Resource-Policy"] = "same-origin"  # type: ignore[index]
        found["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'"  # type: ignore[index]
        if secure:
            found["Strict-Transport-Security"] = gate.HSTS  # type: ignore[index]
        if "/worker." in url:  # it lies among the files, and watches over the pages
            found["Service-Worker-Allowed"] = "/"  # type: ignore[index]
            found["Content-Security-Policy"] = "default-src 'none'; connect-src 'self'"  # type: ignore[index]

    return WhiteNoise(
        app.wsgi_app,
        root=str(BUILT),
        prefix="static/built/",
        max_age=FOREVER,
        immutable_file_test=lambda path, url: True,
        add_headers_function=headers,
        allow_all_origins=False,
    )
