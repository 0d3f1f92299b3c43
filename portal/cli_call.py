"""What every command shares: its settings, its database, and how it fails."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from click.exceptions import NoArgsIsHelpError

from portal.config import load
from portal.db import Store, StoreDown
from portal.examples import example_of
from portal.second_place import Unsignable
from portal.settings import ConfigError, Settings
from portal.verifier import Untrue


class Cause(click.ClickException):
    """A one-line cause on stderr, exit code 1."""

    def show(self, file: object = None) -> None:
        click.echo(self.message, err=True)


class Misuse(Cause):
    """The call itself is wrong: exit code 2."""

    exit_code = click.UsageError.exit_code


class Commands(click.Group):
    """All commands: a wrong call is one line too."""

    def make_context(self, *args: Any, **more: Any) -> click.Context:
        with _called_rightly():
            return super().make_context(*args, **more)

    def invoke(self, ctx: click.Context) -> Any:
        with _called_rightly():
            return super().invoke(ctx)


@contextmanager
def _called_rightly() -> Iterator[None]:
    try:
        yield
    except NoArgsIsHelpError:
        raise
    except click.UsageError as e:
        command = e.ctx.command_path if e.ctx else "portal"
        told = " ".join(e.format_message().split())
        raise Misuse(f"{command}: {told} ({command} --help tells more)") from None


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


def store_of(context: click.Context, *, owned: bool = False) -> Store:
    """The database of this call; `owned`: with the role that may change its schema, if one is named.

    Nothing else is given that role, and so whoever serves need not hold its address.
    """
    settings = settings_of(context)
    name = settings.database_owner_env if owned else ""
    owner = settings.environ.get(name, "")
    if name and not owner:
        problem = f"database_owner_env: the environment variable {name} is missing or empty"
        raise Cause(f"{problem} (example: {name}=postgresql+psycopg://owner@/portal)")
    try:
        return Store(settings.database, settings.path("."), settings.municipality, owner)
    except OSError as e:
        problem = f"database: its file cannot be made: {e.strerror}"
        raise Cause(f"{problem} (example: {example_of('database')})") from None


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


@contextmanager
def plainly(what: str = "audit") -> Iterator[None]:
    """A database or a second place that fails is a cause, not a traceback."""
    try:
        yield
    except StoreDown as e:
        raise Cause(f"database: does not answer ({e})") from None
    except (Unsignable, Untrue, OSError) as e:
        raise Cause(f"{what}: {e}") from None


def tell(act: Callable[[], str]) -> None:
    """Do it and say what was done; an unknown person or a silent register is a failure."""
    from portal.operators import NothingChanged

    try:
        with plainly():
            click.echo(act())
    except NothingChanged as e:
        raise Cause(f"nothing was changed: {e}") from None


def numbers_of_input(count: int) -> tuple[str, ...]:
    """So many CPR numbers of standard input, with or without a hyphen; empty where there are fewer.

    What is no number would be nobody's, and "nothing is held about her" the answer.
    """
    found = tuple(re.sub(r"[\s-]", "", line) for line in lines_of_input(count))
    if any(number and not re.fullmatch("[0-9]{10}", number) for number in found):
        raise Cause("standard input: is not a CPR number of ten digits (example: 0101609995)")
    return found


def lines_of_input(count: int) -> tuple[str, ...]:
    """So many lines of standard input; empty where there are fewer."""
    return tuple(sys.stdin.readline().strip() for _ in range(count))
