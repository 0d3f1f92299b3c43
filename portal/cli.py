"""`portal`: what an operator does from a shell. Prints for people; one line of cause when it fails."""

from __future__ import annotations

import click
from sqlalchemy.exc import SQLAlchemyError

from portal import schema
from portal.cli_access import access, consents, sessions
from portal.cli_audit import audit
from portal.cli_backup import backup, restore
from portal.cli_call import CONFIG, Cause, Commands, plainly, settings_of, store_of
from portal.cli_citizen import citizen
from portal.cli_keys import keys
from portal.cli_serve import serve
from portal.cli_sources import sources
from portal.db import StoreDown


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@CONFIG
def main() -> None:
    """Run and look after Familieoverblik."""


@main.group()
def db() -> None:
    """The database's schema."""


@db.command()
@CONFIG
@click.pass_context
def upgrade(context: click.Context) -> None:
    """Move the database to the newest schema. Example: portal db upgrade --config portal.toml"""
    try:
        schema.upgrade(store_of(context, owned=True))
    except (SQLAlchemyError, StoreDown) as e:
        raise Cause(f"database: could not be upgraded ({type(e).__name__})") from None
    click.echo(f"The database has schema {schema.newest()}.")


@db.command()
@CONFIG
@click.pass_context
def tidy(context: click.Context) -> None:
    """Remove what is past its time, of the log too; for a daily job. Example: portal db tidy"""
    from portal import feed_ends
    from portal.retention import Retention

    settings = settings_of(context)
    with plainly():
        links = feed_ends.tidy(settings, store_of(context))
        done = Retention(settings, store_of(context, owned=True)).tidy()
    click.echo(f"{links} calendar links of ended relations were removed.")
    for name, count in done.rest.items():
        click.echo(f"{count} {name} were past their time.")
    if done.before is None:
        click.echo("The log is kept for ever ([audit] keep_months = 0).")
        return
    click.echo(
        f"{done.lines} lines of {done.chains} chains of the log, all written before "
        f"{done.before:%Y-%m-%d}, were cut; a checkpoint says where the chains begin now."
    )


for command in (serve, audit, access, backup, citizen, sessions, consents, keys, restore, sources):
    main.add_command(command)
