"""What the portal is told: the frozen, typed settings and their defaults (docs/operator.md)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec

from portal.records import Actor, Audience

CPR_SYSTEM = "urn:oid:1.2.208.176.1.2"
KINDS = ("concern", "document", "application", "refused", "collection")
"""What an entry can be; or `excluded:<name>`."""
FROM_ELSEWHERE = ("secret_keys", "data_keys", "environ", "folder", "file")
"""Settings that do not stand in the file."""
_UUID = re.compile(r"(?i)(urn:uuid:)?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def same_identifier(identifier: str) -> str:
    """How a "system|value" is compared: UUIDs are the same in either case, other values are not."""
    return _UUID.sub(lambda found: found[0].lower(), identifier)


class ConfigError(Exception):
    """One wrong setting: which key, what is wrong, what right looks like."""

    def __init__(self, key: str, problem: str, example: str = "") -> None:
        super().__init__(f"{key}: {problem}" + (f" (example: {example})" if example else ""))
        self.key = key


class Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file; a key nobody knows is an error, not a shrug."""


class ContactPoint(Table, frozen=True, kw_only=True):
    """Who answers "Spørg om dette opslag", accessibility and privacy."""

    email: str = ""
    phone: str = ""


class Provider(Table, frozen=True, kw_only=True):
    """An OpenID provider for one door. Unset keys come from the profile's data file."""

    profile: str = "oidc"
    issuer: str
    client_id: str
    client_key: str = ""
    client_secret_env: str = ""
    minimum_loa: Literal["", "low", "substantial", "high"] = "substantial"
    scope: str = ""
    person_claim: str = ""
    person_system: str = CPR_SYSTEM
    name_claim: str = ""
    birth_date_claim: str = ""
    loa_claim: str = ""
    loa_values: dict[str, list[str]] = {}
    algorithms: list[str] = []
    unit_claim: str = ""
    unit_system: str = ""
    role_claim: str = ""
    max_age: Annotated[int, msgspec.Meta(ge=0)] = 300
    ca: str = ""


class Identity(Table, frozen=True, kw_only=True):
    """The two doors."""

    citizen: Provider
    staff: Provider | None = None


class SourceAuth(Table, frozen=True, kw_only=True):
    """How the portal proves itself to a source or register."""

    kind: Literal["", "bearer", "basic", "mtls", "smart_backend"] = ""
    token_env: str = ""
    username: str = ""
    password_env: str = ""
    cert: str = ""
    key: str = ""
    client_id: str = ""
    client_key: str = ""
    scope: str = "system/*.rs"
    token_url: str = ""
    ca: str = ""


class Register(Table, frozen=True, kw_only=True):
    """Persons and custody, trusted."""

    kind: Literal["fhir"] = "fhir"
    url: str
    auth: SourceAuth = SourceAuth()
    timeout: Annotated[float, msgspec.Meta(gt=0)] = 3.0
    max_age: Annotated[float, msgspec.Meta(ge=0)] = 60.0
    """Seconds a custody fact may be used before it is read again."""


class Organisation(Table, frozen=True, kw_only=True):
    """Where a unit's name and telephone are looked up by its UUID (FK-ORG's GraphQL)."""

    kind: Literal["fk_org"] = "fk_org"
    url: str
    auth: SourceAuth = SourceAuth()
    timeout: Annotated[float, msgspec.Meta(gt=0, le=30)] = 0.5
    max_age: Annotated[float, msgspec.Meta(ge=0)] = 86400.0
    """Seconds a unit's name is used before it is asked for again."""


class SourceConfig(Table, frozen=True, kw_only=True):
    """One backend system."""

    id: str
    name: str
    kind: Literal["fhir", "icalendar", "rest"]
    actor: str
    url: str = ""
    timeout: Annotated[float, msgspec.Meta(gt=0, le=30)] = 2.0
    ages: tuple[int, int] = (0, 199)
    subject: str = CPR_SYSTEM
    method: Literal["GET", "POST"] = "GET"
    body: str = ""
    content_type: str = "application/x-www-form-urlencoded"
    audience: tuple[Audience, ...] = ()
    category: str = ""
    profile: str = ""
    mapping: dict[str, Any] = {}
    auth: SourceAuth = SourceAuth()
    connected: bool = True
    """False: named on the page as "ikke koblet på endnu", never asked."""
    cache_seconds: Annotated[float, msgspec.Meta(ge=0)] = 60.0
    stale_seconds: Annotated[float, msgspec.Meta(ge=0)] = 900.0
    hedge_after: Annotated[float, msgspec.Meta(ge=0, le=30)] = 0.0
    """Seconds after which a question is put a second time; 0 never."""
    merge: bool = True
    timezone: str = "Europe/Copenhagen"
    journal_url: str = ""
    """Where the family opens the owner's own system (https)."""


class Purpose(Table, frozen=True, kw_only=True):
    """What staff choose from and consents name."""

    id: str
    text: str


class KindRule(Table, frozen=True, kw_only=True):
    """Tells what an entry is, by its coding ("system|code*")."""

    coding: str
    is_: str = msgspec.field(name="is")


class AuditSettings(Table, frozen=True, kw_only=True):
    checkpoints: str = "var/checkpoints"
    key: str = "var/checkpoint.pem"
    """Signs the checkpoints; made at the first one if there is none."""
    sign: bool = True
    """Whether this node signs checkpoints: of several nodes one, or all that share folder and key."""
    staff_names: bool = False
    keep_months: Annotated[int, msgspec.Meta(ge=0, le=120)] = 24
    """How long log lines are kept; 0 for ever."""


class BackupSettings(Table, frozen=True, kw_only=True):
    path: str = "var/backups"
    keep_days: Annotated[int, msgspec.Meta(ge=1, le=365)] = 30
    """How long backups in the folder are kept: after a day the last of each day."""


class ConsentSettings(Table, frozen=True, kw_only=True):
    journal: str = "var/journal"
    months: Annotated[int, msgspec.Meta(ge=1, le=12)] = 12
    remind_days: Annotated[int, msgspec.Meta(ge=0)] = 30


class LogSettings(Table, frozen=True, kw_only=True):
    """The server's own log, on standard error."""

    format: Literal["auto", "json", "text"] = "auto"
    """auto: text for a terminal, JSON lines for everything else."""
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """Of our own words; libraries only tell their troubles, whatever stands here."""
    request_id_header: str = ""
    """The header in which the proxy hands on its own number; only if it always sets it itself."""


class MetricsSettings(Table, frozen=True, kw_only=True):
    """Numbers and the sources' page for operators, on a port of their own; off when empty."""

    bind: str = ""


class TracingSettings(Table, frozen=True, kw_only=True):
    """Traces for an OpenTelemetry collector; off when empty."""

    endpoint: str = ""
    sample: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.05


class BeforeConsent(Table, frozen=True, kw_only=True):
    """What some employees see before consent: off unless a written legal basis stands here."""

    basis: Annotated[str, msgspec.Meta(pattern=r"\S")]
    role: Annotated[str, msgspec.Meta(pattern=r"\S")]


class Settings(Table, frozen=True, kw_only=True):
    """Everything the portal is told, checked."""

    base_url: str
    database: str
    municipality: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{4}$")]
    identity: Identity
    register: Register
    cache: str = "memory://"
    secret_keys_env: str = "PORTAL_SECRET_KEYS"  # noqa: S105 - a variable's name
    data_keys_env: str = "PORTAL_DATA_KEYS"
    database_owner_env: str = ""
    trusted_proxies: tuple[str, ...] = ()
    """Whose X-Forwarded-For is believed: networks, or "unix" for the socket file."""
    quick_exit_url: str = "https://www.dr.dk"
    accessibility_statement_url: str = ""
    service_name: str = "Familieoverblik"
    idle_seconds: Annotated[int, msgspec.Meta(ge=60, le=1800)] = 1800
    """A session ends when nobody has used it for so long (NIST SP 800-63B-4, AAL2: at most 30 minutes)."""
    authority: str = ""
    contact: ContactPoint = ContactPoint()
    audit: AuditSettings = AuditSettings()
    backup: BackupSettings = BackupSettings()
    consents: ConsentSettings = ConsentSettings()
    before_consent: BeforeConsent | None = None
    log: LogSettings = LogSettings()
    metrics: MetricsSettings = MetricsSettings()
    tracing: TracingSettings = TracingSettings()
    organisation: Organisation | None = None
    actor: tuple[Actor, ...] = ()
    source: tuple[SourceConfig, ...] = ()
    purpose: tuple[Purpose, ...] = ()
    kind: tuple[KindRule, ...] = ()
    page_seconds: Annotated[float, msgspec.Meta(gt=0, le=30)] = 10.0
    first_byte_seconds: Annotated[float, msgspec.Meta(ge=0)] = 0.01
    secret_keys: tuple[str, ...] = ()
    data_keys: tuple[bytes, ...] = ()
    environ: dict[str, str] = {}
    folder: str = "."
    file: str = ""

    def __repr__(self) -> str:
        """Never the secrets: settings end up in tracebacks."""
        return f"Settings({self.base_url})"

    @property
    def loopback(self) -> bool:
        """Whether people reach it on this machine only, over plain http."""
        return not self.secure

    @property
    def secure(self) -> bool:
        """Whether cookies carry `__Host-` and `Secure`."""
        return self.base_url.startswith("https://")

    @property
    def origin(self) -> str:
        """Scheme, host and port of `base_url`, as a browser sends it in Origin."""
        parts = urlsplit(self.base_url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def proofs(self) -> dict[str, SourceAuth]:
        """Every table that says how the portal proves itself to a backend, by its key."""
        found = {"register": self.register.auth}
        if self.organisation:
            found["organisation"] = self.organisation.auth
        return found | {f"source.{x.id}": x.auth for x in self.source}

    @property
    def actors(self) -> dict[str, Actor]:
        return {a.id: a for a in self.actor}

    @property
    def excluded_kinds(self) -> frozenset[str]:
        """The names of what a consent leaves out unless it is ticked by name."""
        marks = (k.is_ for k in self.kind if k.is_.startswith("excluded:"))
        return frozenset(m.removeprefix("excluded:") for m in marks)

    def path(self, name: str) -> Path:
        """A path of the file, relative to the file."""
        return Path(self.folder, name)
