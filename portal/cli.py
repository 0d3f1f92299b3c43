"""`portal`: what an operator does from a shell. Prints for people; one line of cause when it fails."""

from __future__ import annotations

import click
from sqlalchemy.exc import SQLAlchemyError

from portal import schema
from portal.cli_access import access, consents, sessions
from portal.cli_audit import audit
from portal.cli_call import CONFIG, Cause, file_of, plainly, settings_of, store_of
from portal.cli_citizen import citizen
from portal.cli_keys import keys
from portal.cli_sources import sources
from portal.config import is_loopback
from portal.db import StoreDown


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@CONFIG
def main() -> None:
    """Run and look after Familieoverblik."""


@main.command()
@CONFIG
@click.option("--bind", default="127.0.0.1:8000", show_default=True, help="HOST:PORT")
@click.option("--workers", default=2, show_default=True, type=click.IntRange(1, 64))
@click.pass_context
def serve(context: click.Context, bind: str, workers: int) -> None:
    """Serve the portal. Example: portal serve --config portal.toml --bind 127.0.0.1:8000"""
    from portal.serving import run

    problem = schema.problem(store_of(context))
    if problem:
        raise Cause(problem)
    host, _, port = bind.rpartition(":")
    if not port.isdigit():
        raise Cause("--bind: is not HOST:PORT (example: --bind 127.0.0.1:8000)")
    if settings_of(context).loopback and not is_loopback(host.strip("[]")):
        problem = "base_url is plain http, so nobody but this machine may connect"
        raise Cause(f"--bind: {problem} (example: --bind 127.0.0.1:8000, or an https base_url)")
    run(str(file_of(context)), host, int(port), workers)


@main.group()
def db() -> None:
    """The database's schema."""


@db.command()
@CONFIG
@click.pass_context
def upgrade(context: click.Context) -> None:
    """Move the database to the newest schema. Example: portal db upgrade --config portal.toml"""
    try:
        schema.upgrade(store_of(context))
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
        done = Retention(settings, store_of(context)).tidy()
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


for group in (audit, access, citizen, sessions, consents, keys, sources):
    main.add_command(group)
