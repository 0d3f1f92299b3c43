"""Texts not sent yet, what somebody has seen, and what the family says is missing or wrong."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLES = ("draft", "seen", "report")
MINE = "tenant = current_setting('app.tenant', true)"


def upgrade() -> None:
    _draft()
    _seen()
    _report()
    if op.get_bind().dialect.name != "postgresql":
        return
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY municipality ON {table} USING ({MINE}) WITH CHECK ({MINE})")


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)


def _draft() -> None:
    op.create_table(
        "draft",
        sa.Column("tenant", sa.String(length=4), nullable=False),
        sa.Column("whose", sa.String(length=64), nullable=False),
        sa.Column("slot", sa.String(length=32), nullable=False),
        sa.Column("citizen", sa.String(length=32), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("detail", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["citizen"], ["person.id"], name=op.f("fk_draft_citizen")),
        sa.PrimaryKeyConstraint("whose", "slot", name=op.f("pk_draft")),
    )
    op.create_index(op.f("ix_draft_citizen"), "draft", ["citizen"])
    op.create_index(op.f("ix_draft_until"), "draft", ["until"])


def _seen() -> None:
    op.create_table(
        "seen",
        sa.Column("tenant", sa.String(length=4), nullable=False),
        sa.Column("person", sa.String(length=32), nullable=False),
        sa.Column("mark", sa.String(length=32), nullable=False),
        sa.Column("citizen", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["citizen"], ["person.id"], name=op.f("fk_seen_citizen")),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name=op.f("fk_seen_person")),
        sa.PrimaryKeyConstraint("person", "mark", name=op.f("pk_seen")),
    )
    op.create_index(op.f("ix_seen_citizen"), "seen", ["citizen"])


def _report() -> None:
    op.create_table(
        "report",
        sa.Column("tenant", sa.String(length=4), nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("citizen", sa.String(length=32), nullable=False),
        sa.Column("person", sa.String(length=32), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("about", sa.String(length=32), server_default="", nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed", sa.DateTime(timezone=True), nullable=True),
        sa.Column("detail", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["citizen"], ["person.id"], name=op.f("fk_report_citizen")),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name=op.f("fk_report_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report")),
    )
    op.create_index(op.f("ix_report_citizen"), "report", ["citizen"])
    op.create_index(op.f("ix_report_person"), "report", ["person"])
    op.create_index(op.f("ix_report_tenant_actor"), "report", ["tenant", "actor"])
