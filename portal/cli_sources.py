"""`portal sources`: what the backend systems answer, for operators and for those who build them."""

from __future__ import annotations

import click

from portal.cli_call import CONFIG, Cause, numbers_of_input, plainly, settings_of
from portal.cli_conform import conform


@click.group()
def sources() -> None:
    """The backend systems."""


@sources.command()
@CONFIG
@click.option("--as", "person", help="'-': read a CPR number from standard input.")
@click.pass_context
def check(context: click.Context, person: str | None) -> None:
    """One line per source. Example: echo 0101609995 | portal sources check --as -"""
    from portal.sources_check import check_all

    bad = 0
    for line, good in check_all(settings_of(context), person_of(person)):
        bad += not good
        click.echo(line)
    if bad:
        raise Cause(f"{bad} of the sources did not answer as they should")


@sources.command()
@CONFIG
@click.pass_context
def alarms(context: click.Context) -> None:
    """When a source answered about somebody else. Example: portal sources alarms"""
    from portal.alarms import opened

    with plainly():
        found = list(opened(settings_of(context)).newest())
    for at, source in found:
        click.echo(f"{at:%Y-%m-%d %H:%M:%S} UTC  {source}  answered about somebody else")
    if not found:
        click.echo("No source has answered about somebody else.")


def person_of(option: str | None) -> str:
    """The CPR number that `--as -` reads; "" without the option."""
    cpr = numbers_of_input(1)[0] if option == "-" else ""
    if option and not cpr:
        raise Cause("--as: takes '-' and a CPR number on standard input")
    return cpr


sources.add_command(conform)
