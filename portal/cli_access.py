"""`portal access`, `sessions` and `consents`: what people may open, and for how long."""

from __future__ import annotations

from datetime import datetime

import click

from portal.cli_call import CONFIG, Cause, numbers_of_input, plainly, settings_of, tell


@click.group()
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

    adult, child = numbers_of_input(2)
    if not adult or not child:
        raise Cause("access close: needs two CPR numbers on standard input, the adult's first")
    tell(lambda: close_access(settings_of(context), adult, child))


@access.command()
@CONFIG
@click.option("--actor", required=True, help="The place whose lines are held back.")
@click.option("--until", required=True, type=click.DateTime(["%Y-%m-%d"]), help="The last day.")
@click.option("--reason", required=True, help="The lawful reason; it stands in the log.")
@click.pass_context
def hold(context: click.Context, actor: str, until: datetime, reason: str) -> None:
    """Keep a place's lines in a log from one reader; a day that is past ends it.

    Two CPR numbers on standard input: the reader's first, then the one's whose log it is.

    Example: printf '0101809995\\n0101159995\\n' | portal access hold --actor ppr
    --until 2026-12-31 --reason 'politiets efterforskning, retsplejelovens § 729 c'
    """
    from portal.operators import hold_lines

    reader, citizen = numbers_of_input(2)
    if not reader or not citizen:
        raise Cause("access hold: needs two CPR numbers on standard input, the reader's first")
    settings = settings_of(context)
    tell(lambda: hold_lines(settings, reader, citizen, actor, until.date(), reason))


@access.command("open")
@CONFIG
@click.pass_context
def open_(context: click.Context) -> None:
    """Undo `access close`: two CPR numbers on standard input, adult first.

    Example: printf '0101809995\\n0101159995\\n' | portal access open --config portal.toml
    """
    from portal.operators import open_access

    adult, child = numbers_of_input(2)
    if not adult or not child:
        raise Cause("access open: needs two CPR numbers on standard input, the adult's first")
    tell(lambda: open_access(settings_of(context), adult, child))


@access.command("list")
@CONFIG
@click.pass_context
def list_(context: click.Context) -> None:
    """Every closed access: since when, adult, child. Example: portal access list"""
    from portal.operators import closed_access

    with plainly():
        for line in closed_access(settings_of(context)):
            click.echo(line)


@click.group()
def sessions() -> None:
    """Logged-in browsers."""


@sessions.command()
@CONFIG
@click.option("--all", "everybody", is_flag=True, help="End every session.")
@click.pass_context
def end(context: click.Context, everybody: bool) -> None:
    """End sessions. Examples: portal sessions end --all · echo CPR | portal sessions end"""
    from portal.operators import end_sessions

    cpr = "" if everybody else numbers_of_input(1)[0]
    if not everybody and not cpr:
        raise Cause("sessions end: needs --all, or a CPR number on standard input")
    tell(lambda: end_sessions(settings_of(context), cpr))


@click.group()
def consents() -> None:
    """What the families have decided."""


@consents.command()
@CONFIG
@click.pass_context
def settle(context: click.Context) -> None:
    """Write down consents that ended by themselves (daily). Example: portal consents settle"""
    from portal.operators import settle_consents

    tell(lambda: settle_consents(settings_of(context)))
