"""`portal keys`: making keys, changing them, and telling the provider the public ones."""

from __future__ import annotations

from pathlib import Path

import click

from portal import keys as making
from portal.cli_call import CONFIG, Cause, plainly, settings_of, store_of


@click.group()
def keys() -> None:
    """Secrets and client keys."""


@keys.command()
@CONFIG
@click.argument("kind", type=click.Choice(["secret", "data", "client"]))
@click.argument("file", required=False)
@click.option("--algorithm", default="ES256", show_default=True,
              type=click.Choice(["ES256", "ES384", "RS256", "RS384", "PS256"]))  # fmt: skip
def new(kind: str, file: str | None, algorithm: str) -> None:
    """Make a key. Examples: portal keys new data · portal keys new client keys/portal.jwk.json"""
    if kind != "client":
        click.echo(making.new_secret() if kind == "secret" else making.new_data_key())
        return
    if not file:
        raise Cause("keys new client: needs a file (example: portal keys new client client.json)")
    try:
        making.new_client_key(Path(file), algorithm)
    except FileExistsError:
        raise Cause(f"{file}: is there already; nothing was written") from None
    except OSError as e:
        raise Cause(f"{file}: cannot be written: {e.strerror}") from None
    click.echo(f"Wrote {file} (only you can read it).")


@keys.command()
@CONFIG
@click.pass_context
def public(context: click.Context) -> None:
    """The public client keys, as the provider needs them. Example: portal keys public"""
    click.echo(making.public(settings_of(context)))


@keys.command()
@CONFIG
@click.pass_context
def rotate(context: click.Context) -> None:
    """Seal anew with the first data key what older ones sealed, while the portal serves.

    First put the new key in front of the old ones and restart; then this; when it says
    that nothing is left, take the old keys out and restart.
    Example: PORTAL_DATA_KEYS=NEW,OLD portal keys rotate --config portal.toml
    """
    from portal.crypto import Unreadable
    from portal.rotation import Rotation

    settings, store = settings_of(context), store_of(context, owned=True)
    with plainly():
        try:
            rotated = Rotation(settings, store).run()
        except Unreadable:
            problem = "no key opens what it sealed; put the key back that was taken out"
            raise Cause(f"{settings.data_keys_env}: {problem} (example: NEW,OLD)") from None
    for name, count in rotated.done.items():
        click.echo(f"{count} {name} were sealed anew, {rotated.left[name]} are left.")
    if left := sum(rotated.left.values()):
        raise Cause(
            f"{left} are still under an older key that is not in {settings.data_keys_env}, or came "
            "from a worker that has not been restarted; keep the old keys, restart, and try again"
        )
    click.echo("Nothing is left under an older key: the first data key is enough from now on.")
