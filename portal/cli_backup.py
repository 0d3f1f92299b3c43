"""`portal backup` and `portal restore`: a copy that can be trusted, and the way back from it."""

from __future__ import annotations

import os
import time
from pathlib import Path

import click
from sqlalchemy.exc import SQLAlchemyError

from portal.cli_call import CONFIG, Cause, plainly, settings_of, store_of

DRILL = "PORTAL_DRILL_DATABASE"


@click.command()
@CONFIG
@click.argument("target", required=False, type=click.Path(path_type=Path))
@click.option("--status", is_flag=True, help="Only say how old the newest backup and drill are.")
@click.pass_context
def backup(context: click.Context, target: Path | None, status: bool) -> None:
    """Take a sealed backup while the portal serves; into [backup] path, or TARGET.

    Examples: portal backup · portal backup /mnt/away/ · portal backup --status
    """
    from portal.backup import Backups
    from portal.crypto import Vault
    from portal.key_check import KeyCheck

    if status:
        _status(context)
        return
    began = time.monotonic()
    settings, store = settings_of(context), store_of(context)
    if problem := KeyCheck(store, Vault(settings.data_keys), settings.municipality).problem():
        raise Cause(f"backup: {problem}")  # sealed with a strange key it would be the newest
    with plainly("backup"):
        made = Backups(settings, store).make(target)
    click.echo(f"{made.file}: {made.size} bytes, {sum(made.rows.values())} rows:")
    for name, count in made.rows.items():
        click.echo(f"  {count} {name}")
    m = made.manifest
    click.echo(
        f"Of {m.at:%Y-%m-%d %H:%M:%S} UTC, schema {m.schema}, after checkpoint {m.checkpoint}; sealed "
        f"with data key {made.key}: keep all data keys of today as long as the backup. {_took(began)}"
    )
    if made.removed:
        click.echo(f"{made.removed} older backups were removed.")


@click.command()
@CONFIG
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--drill", is_flag=True, help="Only try it, in a database of its own.")
@click.option("--replay", is_flag=True, help="The database was put back by its own tools.")
@click.option("--without-journal", is_flag=True, help="The journal is lost: end every consent.")
@click.pass_context
def restore(
    context: click.Context, file: Path | None, drill: bool, replay: bool, without_journal: bool
) -> None:
    """Put a backup back into an empty database; no consent withdrawn since then comes back.

    Stop the portal first. Everybody has to log in again.
    Examples: portal restore var/backups/0851-20260101T031500Z.backup · portal restore --drill
    """
    from portal.restore import Back, Refused, Restore, cut_off

    if drill:
        _drill(context, file)
        return
    if bool(file) == replay:
        raise Cause("restore: needs a FILE, or --replay, or --drill (see portal restore --help)")
    restoring = Restore(settings_of(context), store_of(context, owned=True))
    began = time.monotonic()
    try:
        with plainly("restore"):
            done: Back = (
                restoring.run(file, without_journal=without_journal) if file else restoring.replay()
            )
    except (Refused, SQLAlchemyError) as e:
        raise Cause(f"nothing was restored: {_first_line(e)}") from None
    for name, count in done.rows.items():
        click.echo(f"{count} {name}")
    click.echo(f"The database is as it was {done.at:%Y-%m-%d %H:%M:%S} UTC, and since then:")
    for name, count in done.replayed.items():
        click.echo(f"  {count} {name}")
    _say_journal(done.newest, without_journal)
    click.echo(f"Nobody is logged in. {_took(began)}")
    if done.faults or done.signed is None:
        raise Cause(
            f"the log in the backup has {len(done.faults)} faults, so nothing was signed over it: "
            f"{done.faults[0]}; see portal audit verify"
        )
    s = done.signed
    if done.torn:
        raise Cause(f"restored, but {cut_off(done)}")
    click.echo(
        f"Signed in checkpoint {s.number}: {s.lines} signed log lines of {s.chains} chains are lost."
    )


def _say_journal(newest: object, without: bool) -> None:
    if without:
        click.echo("Without the journal: every consent was ended and every calendar link closed.")
        click.echo("Do again what you did since: portal access close and hold, citizen erase.")
    elif newest:
        click.echo(f"  the newest no in the journal is of {newest:%Y-%m-%d %H:%M:%S} UTC.")
    else:
        click.echo("  nothing in the journal: nobody has said no since.")


def _drill(context: click.Context, file: Path | None) -> None:
    from portal import drill
    from portal.restore import Refused

    url = os.environ.get(DRILL, "")
    try:
        with plainly("restore"):
            done = drill.drill(settings_of(context), store_of(context), url, file)
    except (Refused, SQLAlchemyError) as e:
        raise Cause(f"the drill failed: {_first_line(e)}") from None
    click.echo(
        f"{done.backup}: {done.rows} rows restored in {done.seconds} s, {done.replayed} changes "
        "replayed from the journal; every chain holds, every withdrawal holds."
    )


def _status(context: click.Context) -> None:
    from portal import drill

    with plainly("backup"):
        found = drill.status(settings_of(context), store_of(context))
    if found.backup:
        click.echo(f"Newest backup: {drill.age(found.at - found.backup)} old.")
    if last := found.drill:
        told = f"{last.rows} rows in {last.seconds} s, {last.backup}"
        click.echo(f"Last drill: {drill.age(found.at - last.at)} old ({told}).")
    if problems := "; ".join(found.problems()):
        raise Cause(f"backup: {problems}")


def _took(began: float) -> str:
    return f"It took {time.monotonic() - began:.1f} s."


def _first_line(e: Exception) -> str:
    return str(e).splitlines()[0] if str(e) else type(e).__name__
