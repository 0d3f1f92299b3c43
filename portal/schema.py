"""The database's shape: which version it has, and moving it to the newest.

A worker asks which version there is and moves nothing: Alembic (11 MB of memory) is
loaded by who moves.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from sqlalchemy import Connection, inspect
from sqlalchemy.exc import SQLAlchemyError

from portal.db import Store
from portal.models import APPEND_ONLY, OWNERS, metadata

FOLDER = Path(__file__).parent / "migrations"


def problem(store: Store) -> str:
    """Why the database cannot be served from; empty when it can."""
    try:
        found, writable = version(store), _writable(store)
    except SQLAlchemyError:
        return "the database does not answer"
    if not fits(found):
        return f"the database has schema {found or 'none'}, not {newest()}; run: portal db upgrade"
    return "" if writable else "the database can only be read, and what is not logged is not shown"


def _writable(store: Store) -> bool:
    """PostgreSQL may be put into reading only, by its operator or as another's copy."""
    if store.sqlite:
        return True
    with store.engine.connect() as connection:
        said = "SELECT current_setting('default_transaction_read_only') = 'off' AND NOT pg_is_in_recovery()"
        return bool(connection.exec_driver_sql(said).scalar())


def fits(found: str) -> bool:
    """Whether this code can work on that version: its own, or a later one of the same generation.

    Within a generation (a version's first digit) a migration only adds, so that the release
    before goes on serving while it is replaced (tests/test_migrations.py).
    """
    return found == newest() or (found > newest() and found[:1] == newest()[:1])


def version(store: Store) -> str:
    """The version the database has; empty when it has none. Raises SQLAlchemyError."""
    with store.engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return ""
        return connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() or ""


def newest() -> str:
    """The newest version in the source: files are named by theirs, and follow each other."""
    return max(file.name[:4] for file in (FOLDER / "versions").glob("[0-9]*.py"))


def upgrade(store: Store, to: str = "head") -> None:
    """Move the database up to a version. Raises SQLAlchemyError."""
    _move(store, "upgrade", to)


def downgrade(store: Store, to: str) -> None:
    """Move the database back to a version. Raises SQLAlchemyError."""
    _move(store, "downgrade", to)


def _move(store: Store, way: Literal["upgrade", "downgrade"], to: str) -> None:
    from alembic import command
    from alembic.config import Config

    move = command.upgrade if way == "upgrade" else command.downgrade
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    with store.owning.begin() as connection:
        if not store.sqlite:  # rather fail and be tried again than make everybody wait
            connection.exec_driver_sql("SET LOCAL lock_timeout = '1s'")
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        config.attributes["connection"] = connection
        move(config, to)
        if store.owning is not store.engine:
            _grant(connection, store.engine.url.username or "")


def _grant(connection: Connection, role: str) -> None:
    """What the serving role may do: nothing but add, where rows may only be added."""
    name = connection.dialect.identifier_preparer.quote_identifier(role)
    standing = inspect(connection).get_table_names()
    for table in standing:
        connection.exec_driver_sql(f'REVOKE ALL ON "{table}" FROM {name}')
    for table in {*standing} & {*metadata.tables, "alembic_version"}:
        rights = "SELECT, INSERT, UPDATE, DELETE"
        if table in APPEND_ONLY:
            rights = "SELECT, INSERT"
        if table in {*OWNERS, "alembic_version"}:
            rights = "SELECT"
        connection.exec_driver_sql(f'GRANT {rights} ON "{table}" TO {name}')
