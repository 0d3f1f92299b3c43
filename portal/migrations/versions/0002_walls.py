"""Walls inside the database: rows of one municipality are all it shows; what was written stays.

PostgreSQL: row-level security on every table with a tenant, FORCEd on the owner
too, and append-only triggers that no replication setting switches off. SQLite:
INSERT OR REPLACE, which fires no DELETE trigger, is refused as well. The log's
chains are per municipality (several may share the chain of "nobody").
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TENANTED = (
    "person",
    "session",
    "access_closed",
    "consent_event",
    "comment",
    "access_entry",
    "feed",
)
KEYS = {
    "consent_event": ("citizen", "seq"),
    "comment": ("id", "version"),
    "access_entry": ("tenant", "citizen", "seq"),
}
MINE = "tenant = current_setting('app.tenant', true)"


def upgrade() -> None:
    postgresql = op.get_bind().dialect.name == "postgresql"
    _rekey(postgresql, ("tenant", "citizen", "seq"))
    op.create_index(op.f("ix_access_entry_tenant_at"), "access_entry", ["tenant", "at"])
    if not postgresql:
        for table, key in KEYS.items():
            _no_replacing(table, key)
        return
    for table in KEYS:
        op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_append_only")
    for table in TENANTED:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY municipality ON {table} USING ({MINE}) WITH CHECK ({MINE})")


def downgrade() -> None:
    postgresql = op.get_bind().dialect.name == "postgresql"
    if postgresql:
        for table in TENANTED:
            op.execute(f"DROP POLICY municipality ON {table}")
            op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
            op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
        for table in KEYS:
            op.execute(f"ALTER TABLE {table} ENABLE TRIGGER {table}_append_only")
    else:
        for table in KEYS:
            op.execute(f"DROP TRIGGER {table}_no_replace")
    op.drop_index(op.f("ix_access_entry_tenant_at"), table_name="access_entry")
    _rekey(postgresql, ("citizen", "seq"))


def _rekey(postgresql: bool, key: tuple[str, ...]) -> None:
    columns = ", ".join(key)
    if postgresql:
        op.execute("ALTER TABLE access_entry DROP CONSTRAINT pk_access_entry")
        op.execute(f"ALTER TABLE access_entry ADD CONSTRAINT pk_access_entry PRIMARY KEY ({columns})")
        return
    op.create_table(
        "access_entry_new",
        sa.Column("tenant", sa.String(length=4), nullable=False),
        sa.Column("citizen", sa.String(length=32), nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("detail", sa.LargeBinary(), nullable=False),
        sa.Column("previous", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("seq > 0", name=op.f("ck_access_entry_seq")),
        sa.PrimaryKeyConstraint(*key, name=op.f("pk_access_entry")),
    )
    op.execute(
        "INSERT INTO access_entry_new SELECT tenant, citizen, seq, at, detail, previous, hash "
        "FROM access_entry"
    )
    op.drop_table("access_entry")
    op.rename_table("access_entry_new", "access_entry")
    for act in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER access_entry_no_{act.lower()} BEFORE {act} ON access_entry "
            "BEGIN SELECT RAISE(ABORT, 'append only'); END"
        )


def _no_replacing(table: str, key: tuple[str, ...]) -> None:
    same = " AND ".join(f'"{k}" = NEW."{k}"' for k in key)
    op.execute(
        f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} "
        f"WHEN EXISTS (SELECT 1 FROM {table} WHERE ({same}) OR rowid = NEW.rowid) "
        "BEGIN SELECT RAISE(ABORT, 'append only'); END"
    )
