"""Data keys may go: what must outlive them is stored sealed, and one task looks through people.

PostgreSQL: the task ROTATE sees every person of the municipality, and TIDY every calendar
link; a row is changed only by a transaction that names its citizen, as before.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TENANT = "tenant = current_setting('app.tenant', true)"


def _named(column: str, setting: str) -> str:
    return f"{column} = ANY ((SELECT string_to_array(current_setting('app.{setting}', true), ','))::text[])"


def _task(name: str) -> str:
    return f"(SELECT current_setting('app.task', true)) = '{name}'"


SEEN = {
    "person": f"{_named('id', 'citizens')} OR ({_task('find')} AND {_named('index', 'keys')})",
    "feed": f"{_named('citizen', 'citizens')} OR {_named('person', 'citizens')} "
    f"OR ({_task('link')} AND {_named('token', 'keys')})",
}
"""What a transaction sees of a table, before (0004)."""
ALSO = {"person": _task("rotate"), "feed": _task("tidy")}


def upgrade() -> None:
    op.create_table(
        "lasting_key",
        sa.Column("tenant", sa.String(length=4), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", name=op.f("pk_lasting_key")),
    )
    if op.get_bind().dialect.name != "postgresql":
        return
    op.execute("ALTER TABLE lasting_key ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE lasting_key FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY municipality ON lasting_key USING ({TENANT}) WITH CHECK ({TENANT})")
    for table, rows in SEEN.items():
        _shows(table, f"{rows} OR {ALSO[table]}")


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for table, rows in SEEN.items():
            _shows(table, rows)
    op.drop_table("lasting_key")


def _shows(table: str, rows: str) -> None:
    op.execute(f"DROP POLICY citizen_select ON {table}")
    op.execute(
        f"CREATE POLICY citizen_select ON {table} AS RESTRICTIVE FOR SELECT USING ({rows})"
    )
