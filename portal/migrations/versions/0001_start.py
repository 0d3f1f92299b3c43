"""The first schema, with the rows that may only be added."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

APPEND_ONLY = ("consent_event", "comment", "access_entry")


def upgrade() -> None:
    op.create_table(
        "access_entry",
        sa.Column("tenant", sa.String(length=4), nullable=False),
        sa.Column("citizen", sa.String(length=32), nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("detail", sa.LargeBinary(), nullable=False),
        sa.Column("previous", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("seq > 0", name=op.f("ck_access_entry_seq")),
        sa.PrimaryKeyConstraint("citizen", "seq", name=op.f("pk_access_entry")),
    )
    op.create_table(
        "person",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("tenant", sa.String(length=4), nullable=False),
        sa.Column("index", sa.String(length=64), nullable=False),
        sa.Column("identifier", sa.LargeBinary(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=True),
        sa.Column("language", sa.String(length=8), server_default="", nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
        sa.UniqueConstraint("tenant", "index", name=op.f("uq_person_tenant_index")),
    )
    op.create_table(
        "spent",
        sa.Column("token", sa.String(length=64), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_spent")),
    )
    op.create_index(op.f("ix_spent_until"), "spent", ["until"], unique=False)
    op.create_table(
        "access_closed",
        sa.Column("tenant", sa.String(length=4), nullable=False),
        sa.Column("adult", sa.String(length=32), nullable=False),
        sa.Column("citizen", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["adult"], ["person.id"], name=op.f("fk_access_closed_adult")
        ),
        sa.ForeignKeyConstraint(
            ["citizen"], ["person.id"], name=op.f("fk_access_closed_citizen")
        ),
        sa.PrimaryKeyConstraint("adult", "citizen", name=op.f("pk_access_closed")),
    )
    op.create_index(
        op.f("ix_access_closed_citizen"), "access_closed", ["citizen"], unique=False
    )
    op.create_table(
        "comment",
        sa.Column("tenant", sa.String(length=4), nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("citizen", sa.String(length=32), nullable=False),
        sa.Column("about", sa.String(length=32), server_default="", nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("detail", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["citizen"], ["person.id"], name=op.f("fk_comment_citizen")
        ),
        sa.PrimaryKeyConstraint("id", "version", name=op.f("pk_comment")),
    )
    op.create_index(op.f("ix_comment_citizen"), "comment", ["citizen"], unique=False)
    op.create_table(
        "consent_event",
        sa.Column("tenant", sa.String(length=4), nullable=False),
        sa.Column("citizen", sa.String(length=32), nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("by", sa.String(length=32), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("detail", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint("seq > 0", name=op.f("ck_consent_event_seq")),
        sa.ForeignKeyConstraint(
            ["citizen"], ["person.id"], name=op.f("fk_consent_event_citizen")
        ),
        sa.PrimaryKeyConstraint("citizen", "seq", name=op.f("pk_consent_event")),
    )
    op.create_index(
        op.f("ix_consent_event_tenant_actor"),
        "consent_event",
        ["tenant", "actor"],
        unique=False,
    )
    op.create_table(
        "feed",
        sa.Column("token", sa.String(length=64), nullable=False),
        sa.Column("tenant", sa.String(length=4), nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("person", sa.String(length=32), nullable=False),
        sa.Column("citizen", sa.String(length=32), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["citizen"], ["person.id"], name=op.f("fk_feed_citizen")
        ),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name=op.f("fk_feed_person")),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_feed")),
        sa.UniqueConstraint("id", name=op.f("uq_feed_id")),
    )
    op.create_index(op.f("ix_feed_person"), "feed", ["person"], unique=False)
    op.create_table(
        "session",
        sa.Column("token", sa.String(length=64), nullable=False),
        sa.Column("tenant", sa.String(length=4), nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("person", sa.String(length=32), nullable=True),
        sa.Column("issuer_subject", sa.String(length=64), nullable=False),
        sa.Column(
            "provider_session", sa.String(length=64), server_default="", nullable=False
        ),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["person"], ["person.id"], name=op.f("fk_session_person")
        ),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_session")),
        sa.UniqueConstraint("id", name=op.f("uq_session_id")),
    )
    op.create_index(
        op.f("ix_session_issuer_subject"), "session", ["issuer_subject"], unique=False
    )
    op.create_index(op.f("ix_session_person"), "session", ["person"], unique=False)
    op.create_index(
        op.f("ix_session_provider_session"),
        "session",
        ["provider_session"],
        unique=False,
    )
    for table in APPEND_ONLY:
        _append_only(table)


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION IF EXISTS append_only() CASCADE")
    op.drop_index(op.f("ix_session_provider_session"), table_name="session")
    op.drop_index(op.f("ix_session_person"), table_name="session")
    op.drop_index(op.f("ix_session_issuer_subject"), table_name="session")
    op.drop_table("session")
    op.drop_index(op.f("ix_feed_person"), table_name="feed")
    op.drop_table("feed")
    op.drop_index(op.f("ix_consent_event_tenant_actor"), table_name="consent_event")
    op.drop_table("consent_event")
    op.drop_index(op.f("ix_comment_citizen"), table_name="comment")
    op.drop_table("comment")
    op.drop_index(op.f("ix_access_closed_citizen"), table_name="access_closed")
    op.drop_table("access_closed")
    op.drop_index(op.f("ix_spent_until"), table_name="spent")
    op.drop_table("spent")
    op.drop_table("person")
    op.drop_table("access_entry")


def _append_only(table: str) -> None:
    """The database itself refuses to change or remove what was written."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE OR REPLACE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'append only'; END $$"
        )
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION append_only()"
        )
        return
    for act in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {table}_no_{act.lower()} BEFORE {act} ON {table} "
            "BEGIN SELECT RAISE(ABORT, 'append only'); END"
        )
