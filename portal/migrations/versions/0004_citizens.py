"""Walls between citizens: a transaction sees and writes the rows of those it is about, and no others.

PostgreSQL, beside the wall between municipalities (0002): `app.citizens` names
portal ids; `app.task` a piece of work that cannot name them beforehand, which
opens only what stands here; `app.keys` the hashes or actors by which it looks.
Each command has a policy of its own, so that what may be looked at by a task may
not be changed by it.

Both databases: the log may be cut below a line that a checkpoint has signed
(`log_start`), by the owner alone; and the database knows how many checkpoints
were made (`checkpoint`), so that a missing newest one shows.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TENANT = "tenant = current_setting('app.tenant', true)"


def _named(column: str, setting: str) -> str:
    """Whether a column is among those a setting names; asked once a statement, not once a row."""
    return f"{column} = ANY ((SELECT string_to_array(current_setting('app.{setting}', true), ','))::text[])"


def _task(*names: str) -> str:
    listed = ", ".join(f"'{n}'" for n in names)
    return f"(SELECT current_setting('app.task', true)) IN ({listed})"


CITIZEN, PERSON = _named("citizen", "citizens"), _named("person", "citizens")
OLD = "now() - interval '90 days'"
WALLS = {
    "person": {
        "SELECT": f"{_named('id', 'citizens')} OR ({_task('find')} AND {_named('index', 'keys')})",
        "INSERT": _named("id", "citizens"),
        "UPDATE": _named("id", "citizens"),
        "DELETE": _named("id", "citizens"),
    },
    "session": dict.fromkeys(
        ("SELECT", "INSERT", "UPDATE", "DELETE"), f"{PERSON} OR {_task('sessions', 'tidy')}"
    ),
    "access_closed": {
        "SELECT": f"{CITIZEN} OR {_named('adult', 'citizens')} OR {_task('closed')}",
        "INSERT": f"{CITIZEN} AND {_named('adult', 'citizens')}",
        "UPDATE": f"{CITIZEN} OR {_named('adult', 'citizens')}",
        "DELETE": f"{CITIZEN} OR {_named('adult', 'citizens')}",
    },
    "consent_event": {
        "SELECT": f"{CITIZEN} OR {_task('settle')} OR ({_task('actors')} AND {_named('actor', 'keys')})",
        "INSERT": CITIZEN,
    },
    "comment": {"SELECT": CITIZEN, "INSERT": CITIZEN},
    "access_entry": {
        "SELECT": f"{CITIZEN} OR {_task('log', 'tidy')}",
        "INSERT": CITIZEN,
        "DELETE": _task("tidy"),
    },
    "feed": {
        "SELECT": f"{CITIZEN} OR {PERSON} OR ({_task('link')} AND {_named('token', 'keys')})",
        "INSERT": f"{CITIZEN} AND {PERSON}",
        "UPDATE": f"{CITIZEN} OR {PERSON}",
        "DELETE": f"{CITIZEN} OR {PERSON}",
    },
    "draft": {
        "SELECT": f"{CITIZEN} OR {_named('whose', 'citizens')} OR ({_task('tidy')} AND until < now())",
        "INSERT": CITIZEN,
        "UPDATE": CITIZEN,
        "DELETE": f"{CITIZEN} OR {_named('whose', 'citizens')} OR ({_task('tidy')} AND until < now())",
    },
    "seen": {
        "SELECT": f"{CITIZEN} OR {PERSON} OR ({_task('tidy')} AND at < {OLD})",
        "INSERT": f"{CITIZEN} AND {PERSON}",
        "UPDATE": f"{CITIZEN} OR {PERSON}",
        "DELETE": f"{CITIZEN} OR {PERSON} OR ({_task('tidy')} AND at < {OLD})",
    },
    "report": {
        "SELECT": f"{CITIZEN} OR {PERSON} OR ({_task('actors')} AND {_named('actor', 'keys')})"
        f" OR ({_task('tidy')} AND at < {OLD})",
        "INSERT": f"{CITIZEN} AND {PERSON}",
        "UPDATE": f"{CITIZEN} OR {PERSON}",
        "DELETE": f"{CITIZEN} OR {PERSON} OR ({_task('tidy')} AND at < {OLD})",
    },
    "log_start": {
        "SELECT": f"{CITIZEN} OR {_task('log', 'tidy')}",
        "INSERT": _task("tidy"),
        "UPDATE": _task("tidy"),
        "DELETE": _task("tidy"),
    },
}
"""Table -> what each command may reach; what stands not here it may not at all."""


def upgrade() -> None:
    op.create_table(
        "log_start",
        sa.Column("tenant", sa.String(length=4), nullable=False),
        sa.Column("citizen", sa.String(length=32), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "citizen", name=op.f("pk_log_start")),
    )
    op.create_table(
        "checkpoint",
        sa.Column("tenant", sa.String(length=4), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "number", name=op.f("pk_checkpoint")),
    )
    if op.get_bind().dialect.name == "postgresql":
        _walls()
        _cuttable()
        return
    _refuse_on_sqlite()


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for table, commands in WALLS.items():
            for command in commands:
                op.execute(f"DROP POLICY citizen_{command.lower()} ON {table}")
        op.execute("DROP TRIGGER access_entry_cut ON access_entry")
        op.execute("DROP TRIGGER access_entry_kept ON access_entry")
        op.execute("DROP TRIGGER access_entry_append_only ON access_entry")
        op.execute("DROP FUNCTION only_below_its_start()")
        _append_only("access_entry", "UPDATE OR DELETE OR TRUNCATE")
    else:
        op.execute("DROP TRIGGER access_entry_no_delete")
        _sqlite_no("access_entry", "DELETE")
    op.drop_table("checkpoint")
    op.drop_table("log_start")


def _walls() -> None:
    for table in ("log_start", "checkpoint"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY municipality ON {table} USING ({TENANT}) WITH CHECK ({TENANT})")
    for table, commands in WALLS.items():
        for command, rows in commands.items():
            clause = {"INSERT": f"WITH CHECK ({rows})"}.get(command, f"USING ({rows})")
            if command == "UPDATE":
                clause += f" WITH CHECK ({commands['INSERT']})"  # moved to nobody else
            op.execute(
                f"CREATE POLICY citizen_{command.lower()} ON {table} AS RESTRICTIVE "
                f"FOR {command} {clause}"
            )


def _cuttable() -> None:
    """Only a tidying transaction removes log lines, and only below where its chain may begin."""
    op.execute("DROP TRIGGER access_entry_append_only ON access_entry")
    _append_only("access_entry", "UPDATE OR TRUNCATE")
    op.execute(
        "CREATE TRIGGER access_entry_kept BEFORE DELETE ON access_entry FOR EACH STATEMENT "
        "WHEN (current_setting('app.task', true) IS DISTINCT FROM 'tidy') "
        "EXECUTE FUNCTION append_only()"
    )
    op.execute(
        "CREATE FUNCTION only_below_its_start() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN IF NOT EXISTS (SELECT 1 FROM log_start s WHERE s.tenant = OLD.tenant "
        "AND s.citizen = OLD.citizen AND OLD.seq < s.seq) "
        "THEN RAISE EXCEPTION 'append only'; END IF; RETURN OLD; END $$"
    )
    op.execute(
        "CREATE TRIGGER access_entry_cut BEFORE DELETE ON access_entry FOR EACH ROW "
        "EXECUTE FUNCTION only_below_its_start()"
    )
    for trigger in ("kept", "cut"):
        op.execute(f"ALTER TABLE access_entry ENABLE ALWAYS TRIGGER access_entry_{trigger}")
    _append_only("checkpoint", "UPDATE OR DELETE OR TRUNCATE")


def _append_only(table: str, acts: str) -> None:
    op.execute(
        f"CREATE TRIGGER {table}_append_only BEFORE {acts} ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION append_only()"
    )
    op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_append_only")


def _refuse_on_sqlite() -> None:
    op.execute("DROP TRIGGER access_entry_no_delete")
    op.execute(
        "CREATE TRIGGER access_entry_no_delete BEFORE DELETE ON access_entry "
        "WHEN NOT EXISTS (SELECT 1 FROM log_start s WHERE s.tenant = OLD.tenant "
        "AND s.citizen = OLD.citizen AND OLD.seq < s.seq) "
        "BEGIN SELECT RAISE(ABORT, 'append only'); END"
    )
    for act in ("UPDATE", "DELETE"):
        _sqlite_no("checkpoint", act)
    op.execute(
        "CREATE TRIGGER checkpoint_no_replace BEFORE INSERT ON checkpoint "
        "WHEN EXISTS (SELECT 1 FROM checkpoint WHERE (tenant = NEW.tenant "
        "AND number = NEW.number) OR rowid = NEW.rowid) "
        "BEGIN SELECT RAISE(ABORT, 'append only'); END"
    )


def _sqlite_no(table: str, act: str) -> None:
    op.execute(
        f"CREATE TRIGGER {table}_no_{act.lower()} BEFORE {act} ON {table} "
        "BEGIN SELECT RAISE(ABORT, 'append only'); END"
    )
