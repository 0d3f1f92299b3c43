"""How alembic reaches our database: by the connection that schema.py hands it."""

from alembic import context

from portal.models import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
