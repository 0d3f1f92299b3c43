"""`portal sources conform`: a vendor's own service, as the portal would meet it."""

from __future__ import annotations

from typing import Any

import click
import msgspec

from portal.cli_call import CONFIG, Cause, lines_of_input, plainly, settings_of
from portal.settings import CPR_SYSTEM, ConfigError, Settings, SourceConfig

KINDS = click.Choice(["fhir", "icalendar", "rest"])


@click.command()
@CONFIG
@click.argument("url", default="")
@click.option("--as", "person", help="'-': read the test person's number from standard input.")
@click.option("--source", help="A [[source]] of the file named by --config, in place of URL.")
@click.option("--kind", type=KINDS, help="Found out when not given.")
@click.option("--subject", default=CPR_SYSTEM, show_default=True, help="System of the number.")
@click.option("--timeout", default=2.0, show_default=True, help="Seconds for all of it.")
@click.option("--body", help="How a person is asked about: 'cpr={subject}'; makes it a POST.")
@click.option("--content-type", help="Of the body.")
@click.option("--profile", help="JSON: hentsagsliste or kommunale_planer.")
@click.option("--mapping", help="JSON: a TOML file with the mapping.")
@click.option("--timezone", default="Europe/Copenhagen", show_default=True)
@click.option("--identifier", multiple=True, help="'system|value' of the owning organisation.")
@click.option("--token-env", help="Variable with a bearer token.")
@click.option("--username", help="With --password-env: basic.")
@click.option("--password-env", help="Variable with the password.")
@click.option("--client-id", help="With --client-key: SMART Backend Services.")
@click.option("--client-key", help="File with a private JWK.")
@click.option("--scope", help="Of the token.")
@click.option("--token-url", help="Else from the smart-configuration.")
@click.option("--cert", help="With --key: mutual TLS.")
@click.option("--key", help="File with the certificate's key.")
@click.option("--ca", help="File with the only authority to trust.")
@click.pass_context
def conform(context: click.Context, /, url: str, person: str | None, **options: Any) -> None:
    """What the portal will and will not understand of a service; tells no content.

    \b
    echo 0101609995 | portal sources conform https://fhir.example/r4 --as - --token-env TOKEN
    echo 0101609995 | portal sources conform https://x.example/kal --body 'borger={subject}' --as -
    echo 0101609995 | portal sources conform --config portal.toml --source bup --as -
    """
    value = lines_of_input(1)[0] if person == "-" else ""
    if person and not value:
        raise Cause("--as: takes '-' and the test person's number on standard input")
    try:
        settings, source, asked = _chosen(context, url, value, options)
        _tell(settings, source, asked)
    except ConfigError as e:
        raise Cause(str(e)) from None


def _chosen(
    context: click.Context, url: str, value: str, options: dict[str, Any]
) -> tuple[Settings, SourceConfig, str]:
    """Settings, source, and the identifier to ask about."""
    from portal.conform.vendor import NOBODY, settings_for

    if bool(url) == bool(options["source"]):
        raise Cause("URL: give either an address, or --config and --source")
    if not url:
        return _of_file(settings_of(context), options["source"], value)
    settings = settings_for(_table(url, options), options["identifier"])
    return settings, _detected(settings, options["kind"]), value or NOBODY


def _of_file(settings: Settings, name: str, value: str) -> tuple[Settings, SourceConfig, str]:
    """One of the operator's own sources; asking it about somebody is a line in her log."""
    from portal import join
    from portal.conform.vendor import NOBODY
    from portal.family import RegisterDown, UnknownPerson
    from portal.sources_check import known

    source = next((s for s in settings.source if s.id == name and s.connected), None)
    if source is None:
        raise Cause(f"--source: no connected [[source]] has the id '{name}'")
    if not value:
        return settings, source, NOBODY
    try:
        with plainly():
            identifiers = known(join(settings), value).identifiers
    except (UnknownPerson, RegisterDown) as e:
        raise Cause(f"--as: the register does not tell who that is ({e})") from None
    if source.subject not in identifiers:
        raise Cause(f"--as: the register has no {source.subject} of this person")
    return settings, source, identifiers[source.subject]


def _table(url: str, options: dict[str, Any]) -> dict[str, Any]:
    """The options as keys of a [[source]] table."""
    from portal.conform.vendor import mapping_file

    names = ("kind", "subject", "timeout", "body", "content_type", "profile", "timezone")
    table = {n: options[n] for n in names} | {"url": url}
    if options["body"]:
        table |= {"method": "POST"}
        json = options["body"].lstrip().startswith("{")
        table["content_type"] = options["content_type"] or ("application/json" if json else None)
    if options["mapping"]:
        table["mapping"] = mapping_file(options["mapping"])
    return table | {"auth": _auth(options)}


def _auth(options: dict[str, Any]) -> dict[str, str]:
    names = ("token_env", "username", "password_env", "client_id", "client_key", "scope")
    found = {n: options[n] for n in (*names, "token_url", "cert", "key", "ca") if options[n]}
    signs = {"token_env": "bearer", "username": "basic", "client_id": "smart_backend"}
    kind = next((k for name, k in (signs | {"cert": "mtls"}).items() if name in found), "")
    return found | ({"kind": kind} if kind else {})


def _detected(settings: Settings, kind: str | None) -> SourceConfig:
    from portal.conform.kind import Unclear, kind_of
    from portal.sources.loop import LOOP

    (source,) = settings.source
    if kind:
        return source
    try:
        return LOOP.submit(kind_of(source, settings)).result(source.timeout + 5)
    except Unclear as e:
        raise Cause(f"--kind: {e}") from None
    except TimeoutError:
        return source


def _tell(settings: Settings, source: SourceConfig, asked: str) -> None:
    from portal.conform.report import report
    from portal.conform.vendor import NOBODY

    click.echo(f"As {source.kind}, within {source.timeout:g} s for one person:")
    if asked == NOBODY:
        click.echo("note  no test person given (--as -): only what can be seen without one")
    marks = []
    for remark in report(source, msgspec.structs.replace(settings, source=(source,)), asked):
        click.echo(f"{remark.mark:5} {remark.words}")
        marks.append(remark.mark)
    bad, notes = marks.count("FAIL"), marks.count("note")
    click.echo(f"\n{bad} hindrances, {notes} notes.")
    if bad:
        raise Cause(f"the portal would not understand all of it ({bad} marked FAIL)")
