"""The database's shape: which version it has, and moving it to the newest."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import SQLAlchemyError

from portal.db import Store

FOLDER = Path(__file__).parent / "migrations"


def problem(store: Store) -> str:
    """Why the database cannot be served from; empty when it can."""
    try:
        with store.engine.connect() as connection:
            found = MigrationContext.configure(connection).get_current_revision()
    except SQLAlchemyError:
        return "the database does not answer"
    if found != newest():
        return f"the database has schema {found or 'none'}, not {newest()}; run: portal db upgrade"
    return ""


def newest() -> str:
    """The newest version in the source."""
    return ScriptDirectory(str(FOLDER)).get_current_head() or ""


def upgrade(store: Store, to: str = "head") -> None:
    """Move the database to a version. Raises SQLAlchemyError."""
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    with store.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, to)
