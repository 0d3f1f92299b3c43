"""`portal serve`: everything is tried before anybody is let in, and again before a reload."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from portal import schema
from portal.assets import AssetsMissing
from portal.cli_call import CONFIG, Cause, file_of, settings_of, store_of
from portal.config import is_loopback
from portal.settings import ConfigError, Settings

if TYPE_CHECKING:
    from portal.serving import Bind

EXAMPLE = "(example: --bind 127.0.0.1:8000, or unix:/run/familieoverblik/portal.sock)"


@click.command()
@CONFIG
@click.option("--bind", default="127.0.0.1:8000", show_default=True, help="HOST:PORT or unix:FILE")
@click.option("--socket-mode", default="660", show_default=True, help="The mode of unix:FILE.")
@click.option("--workers", default=2, show_default=True, type=click.IntRange(1, 64))
@click.option(
    "--drain",
    default=1.0,
    show_default=True,
    type=click.FloatRange(0, 60),
    help="Seconds for which /readyz says 503 before a stop.",
)
@click.option("--check", is_flag=True, help="Say whether it would start, and end.")
@click.pass_context
def serve(
    context: click.Context, bind: str, socket_mode: str, workers: int, drain: float, check: bool
) -> None:
    """Serve the portal. Example: portal serve --config portal.toml --bind 127.0.0.1:8000"""
    from portal.serving import run

    settings, store = settings_of(context), store_of(context)
    where = bind_of(bind, socket_mode, settings)
    if problem := schema.problem(store) or _unjoinable(settings):
        raise Cause(problem)
    store.engine.dispose()  # no worker may inherit a connection
    if check:
        click.echo("It would start.")
        return
    run(file_of(context), where, workers, drain)


def bind_of(text: str, mode: str, settings: Settings) -> Bind:
    """Where to listen. Raises Cause: plain http is for this machine only."""
    from portal.serving import Bind

    scheme, _, file = text.partition("unix:")
    if not scheme and file:
        return Bind(file=_socket_file(Path(file)), mode=_mode(mode))
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdigit():
        raise Cause(f"--bind: is not HOST:PORT or unix:FILE {EXAMPLE}")
    host = host.strip("[]")
    if settings.loopback and not is_loopback(host):
        problem = "base_url is plain http, so nobody but this machine may connect"
        raise Cause(f"--bind: {problem} (example: --bind 127.0.0.1:8000, or an https base_url)")
    return Bind(host=host, port=int(port))


def _socket_file(file: Path) -> Path:
    if not file.is_absolute():
        raise Cause(f"--bind: unix: takes a whole path {EXAMPLE}")
    if not file.parent.is_dir():
        raise Cause(f"--bind: there is no folder {file.parent} {EXAMPLE}")
    if file.exists() and not file.is_socket():
        raise Cause(f"--bind: {file} is there and is no socket {EXAMPLE}")
    return file


def _mode(text: str) -> int:
    if not re.fullmatch(r"0?[0-7]{3}", text):
        raise Cause("--socket-mode: is not an octal mode (example: --socket-mode 660)")
    return int(text, 8)


def _unjoinable(settings: Settings) -> str:
    """Why the parts cannot be joined, though each key is right by itself; empty when they can."""
    from portal import create_app

    try:
        create_app(settings)
    except (ConfigError, AssetsMissing) as e:
        return str(e)
    return ""
