"""`portal serve`: everything is tried before anybody is let in, and again before a reload."""

from __future__ import annotations

import re

import click

from portal import schema
from portal.assets import AssetsMissing
from portal.binding import EXAMPLE, Bind, NotAPlace, bind_of
from portal.cli_call import CONFIG, Cause, settings_of, store_of
from portal.config import operators_port
from portal.crypto import Vault
from portal.db import Store
from portal.key_check import KeyCheck
from portal.settings import ConfigError, Settings


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
@click.option("--metrics", default="", help="Instead of the file's [metrics] bind.")
@click.option("--check", is_flag=True, help="Say whether it would start, and end.")
@click.pass_context
def serve(
    context: click.Context,
    bind: str,
    socket_mode: str,
    workers: int,
    drain: float,
    metrics: str,
    check: bool,
) -> None:
    """Serve the portal. Example: portal serve --config portal.toml --bind 127.0.0.1:8000"""
    from portal.serving import run

    settings, store = settings_of(context), store_of(context)
    where = _place(bind, socket_mode, settings)
    operators = _operators_port(metrics or settings.metrics.bind)
    if problem := schema.problem(store) or _unopened(settings, store) or _unjoinable(settings):
        raise Cause(problem)
    store.engine.dispose()  # no worker may inherit a connection
    if check:
        click.echo("It would start.")
        return
    if problem := where.taken():
        raise Cause(f"--bind: {problem} (example: --bind {EXAMPLE})")
    try:
        run(settings, where, workers, drain, operators)
    except OSError as e:
        raise Cause(f"metrics.bind: {e.strerror} (example: 127.0.0.1:9464)") from None


def _place(text: str, mode: str, settings: Settings) -> Bind:
    """Where to listen. Raises Cause: plain http is for this machine only."""
    if not re.fullmatch(r"0?[0-7]{3}", mode):
        raise Cause("--socket-mode: is not an octal mode (example: --socket-mode 660)")
    try:
        where = bind_of(text, int(mode, 8))
    except NotAPlace as e:
        raise Cause(f"--bind: {e} (example: --bind {EXAMPLE})") from None
    if settings.loopback and not where.private:
        problem = "base_url is plain http, so nobody but this machine may connect"
        raise Cause(f"--bind: {problem} (example: --bind 127.0.0.1:8000, or an https base_url)")
    return where


def _operators_port(text: str) -> Bind | None:
    try:
        return operators_port(text) if text else None
    except ConfigError as e:
        raise Cause(str(e)) from None


def _unopened(settings: Settings, store: Store) -> str:
    """Why these are not the data keys of this database; empty when they are."""
    name = settings.data_keys_env
    problem = KeyCheck(store, Vault(settings.data_keys), settings.municipality).problem()
    return f"{name} (data_keys_env): {problem} (example: {name}=NEW,OLD)" if problem else ""


def _unjoinable(settings: Settings) -> str:
    """Why the parts cannot be joined, though each key is right by itself; empty when they can."""
    from portal import create_app, templating
    from portal.telemetry import switched

    try:
        templating.compile_all(create_app(settings))
        switched.check(settings)
    except (ConfigError, AssetsMissing) as e:
        return str(e)
    return ""
