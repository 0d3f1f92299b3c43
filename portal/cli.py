"""`portal`: what an operator does from a shell. Prints for people; one line of cause when it fails."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import click
from sqlalchemy.exc import SQLAlchemyError

from portal import keys, schema
from portal.checkpoints import Checkpoints, Unsignable
from portal.config import load
from portal.db import Store, StoreDown
from portal.settings import ConfigError, Settings
from portal.verifier import Untrue, report


class Cause(click.ClickException):
    """A one-line cause on stderr, exit code 1."""

    def show(self, file: object = None) -> None:
        click.echo(self.message, err=True)


def settings_of(context: click.Context) -> Settings:
    """The checked settings of this call."""
    try:
        return load(file_of(context), os.environ)
    except ConfigError as e:
        raise Cause(str(e)) from None


def file_of(context: click.Context) -> Path:
    """The file named by --config, before or after the command, or by PORTAL_CONFIG."""
    if not context.obj:
        raise Cause("--config: missing (example: --config portal.toml, or PORTAL_CONFIG)")
    return Path(context.obj)


def store_of(context: click.Context) -> Store:
    """The database of this call, with the role that may change its schema, if one is named."""
    settings = settings_of(context)
    name = settings.database_owner_env
    owner = settings.environ.get(name, "")
    if name and not owner:
        raise Cause(f"database_owner_env: the environment variable {name} is missing or empty")
    return Store(settings.database, settings.path("."), settings.municipality, owner)


def _remember(context: click.Context, _option: click.Parameter, file: str | None) -> None:
    if file:
        context.find_root().obj = context.obj = file


CONFIG = click.option(
    "--config",
    envvar="PORTAL_CONFIG",
    help="The TOML file (or PORTAL_CONFIG).",
    expose_value=False,
    callback=_remember,
)


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


@main.group("keys")
def keys_() -> None:
    """Secrets and client keys."""


@keys_.command()
@click.argument("kind", type=click.Choice(["secret", "data", "client"]))
@click.argument("file", required=False)
@click.option("--algorithm", default="ES256", show_default=True,
              type=click.Choice(["ES256", "ES384", "RS256", "RS384", "PS256"]))  # fmt: skip
def new(kind: str, file: str | None, algorithm: str) -> None:
    """Make a key. Examples: portal keys new data · portal keys new client keys/portal.jwk.json"""
    if kind != "client":
        click.echo(keys.new_secret() if kind == "secret" else keys.new_data_key())
        return
    if not file:
        raise Cause("keys new client: needs a file (example: portal keys new client client.json)")
    try:
        keys.new_client_key(Path(file), algorithm)
    except FileExistsError:
        raise Cause(f"{file}: is there already; nothing was written") from None
    click.echo(f"Wrote {file} (only you can read it).")


@keys_.command()
@CONFIG
@click.pass_context
def public(context: click.Context) -> None:
    """The public client keys, as the provider needs them. Example: portal keys public"""
    click.echo(keys.public(settings_of(context)))


@main.group()
def sources() -> None:
    """The backend systems."""


@sources.command()
@CONFIG
@click.option("--as", "person", help="'-': read a CPR number from standard input.")
@click.pass_context
def check(context: click.Context, person: str | None) -> None:
    """One line per source. Example: echo 0101609995 | portal sources check --as -"""
    from portal.sources_check import check_all

    cpr = sys.stdin.readline().strip() if person == "-" else ""
    if person and not cpr:
        raise Cause("--as: takes '-' and a CPR number on standard input")
    bad = 0
    for line, good in check_all(settings_of(context), cpr):
        bad += not good
        click.echo(line)
    if bad:
        raise Cause(f"{bad} of the sources did not answer as they should")


@main.group("audit")
def audit_() -> None:
    """The access log."""


@audit_.command()
@CONFIG
@click.pass_context
def verify(context: click.Context) -> None:
    """Check every chain against what was signed. Example: portal audit verify --config portal.toml"""
    checkpoints = checkpoints_of(context)
    with _plainly():
        sealed = checkpoints.sealed()
        chains = checkpoints.check(sealed)
    for line in report(sealed, chains):
        click.echo(line)
    if chains.faults:
        raise Cause(f"{len(chains.faults)} faults in {chains.count} entries")


@audit_.command()
@CONFIG
@click.option("--first", is_flag=True, help="Sign an old log that never had a checkpoint.")
@click.pass_context
def checkpoint(context: click.Context, first: bool) -> None:
    """Sign what is new in the log. Example: portal audit checkpoint --config portal.toml"""
    checkpoints = checkpoints_of(context)
    with _plainly():
        made = checkpoints.make(first)
    if made is None:
        click.echo("Nothing is new since the last checkpoint.")
        return
    for fault in made.faults:
        click.echo(f"{fault.citizen} entry {fault.seq}: {fault.problem}")
    if made.faults:
        raise Cause(f"{len(made.faults)} chains do not follow from what was signed; not signed on")
    click.echo(f"Checkpoint {made.number}: {made.chains} chains signed.")


@audit_.command("export")
@CONFIG
@click.argument("file", type=click.File("w", lazy=True))
@click.pass_context
def export_(context: click.Context, file: IO[str]) -> None:
    """Sign what is new, then write the log with its checkpoints, for the authority's verifier.

    The lines are sealed: nobody reads them there. Example: portal audit export log.jsonl, then:
    python -m portal.verifier log.jsonl public.pem
    """
    checkpoints = checkpoints_of(context)
    with _plainly():
        checkpoints.make()
        for line in checkpoints.export():
            file.write(line + "\n")


@audit_.command("public")
@CONFIG
@click.pass_context
def audit_public(context: click.Context) -> None:
    """The public key of the checkpoints. Example: portal audit public > public.pem"""
    checkpoints = checkpoints_of(context)
    with _plainly():
        click.echo(checkpoints.public().decode(), nl=False)


def checkpoints_of(context: click.Context) -> Checkpoints:
    """The checkpoints of this call's log."""
    return Checkpoints(settings_of(context), store_of(context))


@contextmanager
def _plainly() -> Iterator[None]:
    try:
        yield
    except StoreDown as e:
        raise Cause(f"database: does not answer ({e})") from None
    except (Unsignable, Untrue, OSError) as e:
        raise Cause(f"audit: {e}") from None


@main.group()
def access() -> None:
    """Who may open what."""


@access.command()
@CONFIG
@click.pass_context
def close(context: click.Context) -> None:
    """Close an adult's access to a child: two CPR numbers on standard input, adult first.

    Example: printf '0101809995\\n0101159995\\n' | portal access close --config portal.toml
    """
    from portal.operators import close_access

    adult, child = (sys.stdin.readline().strip() for _ in range(2))
    if not adult or not child:
        raise Cause("access close: needs two CPR numbers on standard input, the adult's first")
    _tell(lambda: close_access(settings_of(context), adult, child))


@main.group()
def sessions() -> None:
    """Logged-in browsers."""


@sessions.command()
@CONFIG
@click.option("--all", "everybody", is_flag=True, help="End every session.")
@click.pass_context
def end(context: click.Context, everybody: bool) -> None:
    """End sessions. Examples: portal sessions end --all · echo CPR | portal sessions end"""
    from portal.operators import end_sessions

    cpr = "" if everybody else sys.stdin.readline().strip()
    if not everybody and not cpr:
        raise Cause("sessions end: needs --all, or a CPR number on standard input")
    _tell(lambda: end_sessions(settings_of(context), cpr))


@main.group()
def consents() -> None:
    """What the families have decided."""


@consents.command()
@CONFIG
@click.pass_context
def settle(context: click.Context) -> None:
    """Write down consents that ended by themselves (daily). Example: portal consents settle"""
    from portal.operators import settle_consents

    _tell(lambda: settle_consents(settings_of(context)))


def _tell(act: Callable[[], str]) -> None:
    """Do it and say what was done; an unknown person or a silent register is a failure."""
    from portal.operators import NothingChanged

    try:
        click.echo(act())
    except NothingChanged as e:
        raise Cause(f"nothing was changed: {e}") from None
