"""`portal audit`: checking, signing and handing over the access log."""

from __future__ import annotations

from typing import IO

import click

from portal.audit import moment
from portal.checkpoints import Checkpoints
from portal.cli_call import CONFIG, Cause, plainly, settings_of, store_of
from portal.db import now
from portal.verifier import report


@click.group("audit")
def audit() -> None:
    """The access log."""


@audit.command()
@CONFIG
@click.pass_context
def verify(context: click.Context) -> None:
    """Check every chain against what was signed. Example: portal audit verify --config portal.toml"""
    checkpoints = checkpoints_of(context)
    with plainly():
        sealed = checkpoints.sealed()
        chains = checkpoints.check(sealed)
    for line in report(sealed, chains, moment(now())):
        click.echo(line)
    if chains.faults:
        raise Cause(f"{len(chains.faults)} faults in {chains.count} entries")


@audit.command()
@CONFIG
@click.option("--first", is_flag=True, help="Sign an old log that never had a checkpoint.")
@click.pass_context
def checkpoint(context: click.Context, first: bool) -> None:
    """Sign what is new in the log. Example: portal audit checkpoint --config portal.toml"""
    checkpoints = checkpoints_of(context)
    with plainly():
        made = checkpoints.make(first)
    if made is None:
        click.echo("Nothing is new since the last checkpoint.")
        return
    for fault in made.faults:
        click.echo(f"{fault.citizen} entry {fault.seq}: {fault.problem}")
    if made.faults:
        raise Cause(f"{len(made.faults)} chains do not follow from what was signed; not signed on")
    click.echo(f"Checkpoint {made.number}: {made.chains} chains signed.")


@audit.command()
@CONFIG
@click.argument("file", type=click.File("w", lazy=True))
@click.pass_context
def export(context: click.Context, file: IO[str]) -> None:
    """Sign what is new, then write the log with its checkpoints, for the authority's verifier.

    The lines are sealed: nobody reads them there. Example: portal audit export log.jsonl, then:
    python -m portal.verifier log.jsonl public.pem
    """
    checkpoints = checkpoints_of(context)
    with plainly():
        checkpoints.make()
        for line in checkpoints.export():
            file.write(line + "\n")


@audit.command()
@CONFIG
@click.pass_context
def public(context: click.Context) -> None:
    """The public key of the checkpoints. Example: portal audit public > public.pem"""
    checkpoints = checkpoints_of(context)
    with plainly():
        click.echo(checkpoints.public().decode(), nl=False)


def checkpoints_of(context: click.Context) -> Checkpoints:
    """The checkpoints of this call's log."""
    return Checkpoints(settings_of(context), store_of(context))
