"""The tables we own. No table holds what a backend delivered.

`tenant` is the municipality's code on every row; person ids are 128 random
bits. Events, comments and log lines are only ever inserted: the database
itself refuses to change them (migrations/). Sealed columns are encrypted,
with the citizen's own key where they speak of a citizen.
"""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Id = String(32)
Hash = String(64)
Moment = DateTime(timezone=True)

person = Table(
    "person",
    metadata,
    Column("id", Id, primary_key=True),
    Column("tenant", String(4), nullable=False),
    Column("index", Hash, nullable=False),
    Column("identifier", LargeBinary, nullable=False),
    Column("key", LargeBinary),
    Column("language", String(8), nullable=False, server_default=""),
    Column("created", Moment, nullable=False),
    UniqueConstraint("tenant", "index"),
)
"""`identifier` is "system|value" sealed; `index` its keyed hash; `key` the citizen's sealed key."""

session = Table(
    "session",
    metadata,
    Column("token", Hash, primary_key=True),
    Column("tenant", String(4), nullable=False),
    Column("id", Id, nullable=False, unique=True),
    Column("person", Id, ForeignKey("person.id")),
    Column("issuer_subject", Hash, nullable=False),
    Column("provider_session", Hash, nullable=False, server_default=""),
    Column("data", LargeBinary, nullable=False),
    Column("created", Moment, nullable=False),
    Column("used", Moment, nullable=False),
    Index(None, "person"),
    Index(None, "provider_session"),
    Index(None, "issuer_subject"),
    Index(None, "used"),
    Index(None, "created"),
)
"""One logged-in browser. `token` is the cookie's hash; `data` is sealed (see identity/session.py)."""

spent = Table(
    "spent",
    metadata,
    Column("token", Hash, primary_key=True),
    Column("until", Moment, nullable=False),
    Index(None, "until"),
)
"""Hashes of what may be used once: login states, logout tokens."""

access_closed = Table(
    "access_closed",
    metadata,
    Column("tenant", String(4), nullable=False),
    Column("adult", Id, ForeignKey("person.id"), primary_key=True),
    Column("citizen", Id, ForeignKey("person.id"), primary_key=True),
    Column("at", Moment, nullable=False),
    Index(None, "citizen"),
)
"""Adults to whom an authority has closed a child's overview."""

consent_event = Table(
    "consent_event",
    metadata,
    Column("tenant", String(4), nullable=False),
    Column("citizen", Id, ForeignKey("person.id"), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("actor", String(64), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("by", Id),
    Column("at", Moment, nullable=False),
    Column("detail", LargeBinary),
    CheckConstraint("seq > 0", name="seq"),
    Index(None, "tenant", "actor"),
)
"""What was granted, refused, withdrawn ...; `detail` is the sealed grant."""

comment = Table(
    "comment",
    metadata,
    Column("tenant", String(4), nullable=False),
    Column("id", Id, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("citizen", Id, ForeignKey("person.id"), nullable=False),
    Column("about", String(32), nullable=False, server_default=""),
    Column("at", Moment, nullable=False),
    Column("detail", LargeBinary),
    Index(None, "citizen"),
)
"""Every version of every comment: author, audience, text, sealed; no text = taken back."""

access_entry = Table(
    "access_entry",
    metadata,
    Column("tenant", String(4), primary_key=True),
    Column("citizen", Id, primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", Moment, nullable=False),
    Column("detail", LargeBinary, nullable=False),
    Column("previous", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    CheckConstraint("seq > 0", name="seq"),
    Index(None, "tenant", "at"),
)
"""The access log: one gap-free hash chain per citizen (audit.py), within its municipality."""

feed = Table(
    "feed",
    metadata,
    Column("token", Hash, primary_key=True),
    Column("tenant", String(4), nullable=False),
    Column("id", Id, nullable=False, unique=True),
    Column("person", Id, ForeignKey("person.id"), nullable=False),
    Column("citizen", Id, ForeignKey("person.id"), nullable=False),
    Column("created", Moment, nullable=False),
    Index(None, "person"),
)
"""Secret calendar links; only the hash of the secret is kept."""

draft = Table(
    "draft",
    metadata,
    Column("tenant", String(4), nullable=False),
    Column("whose", Hash, primary_key=True),
    Column("slot", String(32), primary_key=True),
    Column("citizen", Id, ForeignKey("person.id"), nullable=False),
    Column("until", Moment, nullable=False),
    Column("detail", LargeBinary, nullable=False),
    Index(None, "citizen"),
    Index(None, "until"),
)
"""Texts not sent yet, for a day. `whose` is a portal id, or an employee's keyed hash; `slot` a keyed hash."""

seen = Table(
    "seen",
    metadata,
    Column("tenant", String(4), nullable=False),
    Column("person", Id, ForeignKey("person.id"), primary_key=True),
    Column("mark", String(32), primary_key=True),
    Column("citizen", Id, ForeignKey("person.id"), nullable=False),
    Column("at", Moment, nullable=False),
    Index(None, "citizen"),
)
"""What a family member has said she has seen: hashes under her own key, never what it was."""

report = Table(
    "report",
    metadata,
    Column("tenant", String(4), nullable=False),
    Column("id", Id, primary_key=True),
    Column("citizen", Id, ForeignKey("person.id"), nullable=False),
    Column("person", Id, ForeignKey("person.id"), nullable=False),
    Column("actor", String(64), nullable=False),
    Column("about", String(32), nullable=False, server_default=""),
    Column("at", Moment, nullable=False),
    Column("closed", Moment),
    Column("detail", LargeBinary, nullable=False),
    Index(None, "citizen"),
    Index(None, "person"),
    Index(None, "tenant", "actor"),
)
"""What the family says is missing or wrong, to the one place that answers for it."""

log_start = Table(
    "log_start",
    metadata,
    Column("tenant", String(4), primary_key=True),
    Column("citizen", Id, primary_key=True),
    Column("seq", Integer, nullable=False),
    Column("at", Moment, nullable=False),
)
"""The line with which a citizen's chain begins since its older ones were cut; a checkpoint signed it."""

lasting_key = Table(
    "lasting_key",
    metadata,
    Column("tenant", String(4), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
)
"""What data keys may come and go round (lasting.py), sealed with the data key; since the first rotation."""

checkpoint = Table(
    "checkpoint",
    metadata,
    Column("tenant", String(4), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("digest", Hash, nullable=False),
    Column("at", Moment, nullable=False),
)
"""Which checkpoints were made, so that one missing from the second place shows."""

APPEND_ONLY = frozenset({consent_event.name, comment.name, access_entry.name, checkpoint.name})
"""Nobody changes or removes their rows: not the role that serves, and not the owner, but for
log lines below their chain's `log_start`."""
OWNERS = frozenset({log_start.name, lasting_key.name})
"""What the role that serves may only look at."""
