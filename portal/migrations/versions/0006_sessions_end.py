"""Sessions that are over are found by an index: each login removes them, and read every session to do so."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

COLUMNS = ("used", "created")


def upgrade() -> None:
    for column in COLUMNS:
        op.create_index(op.f(f"ix_session_{column}"), "session", [column])


def downgrade() -> None:
    for column in COLUMNS:
        op.drop_index(op.f(f"ix_session_{column}"), table_name="session")
