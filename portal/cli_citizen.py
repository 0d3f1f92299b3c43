"""`portal citizen`: telling a citizen what we hold, and erasing it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import click

from portal.cli_call import CONFIG, Cause, numbers_of_input, plainly, settings_of
from portal.erasure import Erased
from portal.settings import Settings

AS = click.option(
    "--as", "person", required=True, help="'-': read CPR numbers from standard input."
)


@click.group()
def citizen() -> None:
    """What we hold about one citizen."""


@citizen.command()
@CONFIG
@AS
@click.pass_context
def export(context: click.Context, person: str) -> None:
    """Everything we hold about a citizen, as JSON; logged before it is written.

    A second CPR number is a custody holder's who asks for the citizen: she gets what
    she may see. Example: echo 0101609995 | portal citizen export --as - > answer.json
    """
    from portal.disclosure import disclose
    from portal.family import RegisterDown, UnknownPerson
    from portal.standing import NotFound

    cpr, asker = _numbers(person, 2)
    try:
        with plainly():
            told = disclose(settings_of(context), cpr, asker or cpr)
    except (UnknownPerson, RegisterDown, NotFound) as e:
        raise Cause(f"nothing was exported: {_REASONS[type(e).__name__]}") from None
    click.echo(json.dumps(told, indent=2, ensure_ascii=False))


_REASONS = {
    "UnknownPerson": "the register does not know the person",
    "RegisterDown": "the register does not answer",
    "NotFound": "who asks may not see this citizen's overview",
}


@citizen.command()
@CONFIG
@AS
@click.option("--yes", is_flag=True, help="Do it; without it, only tells what would happen.")
@click.pass_context
def erase(context: click.Context, person: str, yes: bool) -> None:
    """Destroy a citizen's key and remove what may be removed. It cannot be undone.

    Example: echo 0101609995 | portal citizen erase --as - --yes
    """
    from portal.erasure import opened

    (cpr,) = _numbers(person, 1)
    settings = settings_of(context)
    erasure = opened(settings)
    with plainly():
        found = erasure.erase(cpr) if yes else erasure.of(cpr)
    if found is None:
        click.echo("Nothing is held about this person that could be erased.")
        return
    click.echo("Erased." if yes else "This would happen (say --yes to do it):")
    for line in _told(found, settings):
        click.echo(line)


def _numbers(person: str, most: int) -> tuple[str, ...]:
    found = numbers_of_input(most) if person == "-" else ("",)
    if not found[0]:
        raise Cause("--as: takes '-' and a CPR number on standard input")
    return found


def _told(found: Erased, settings: Settings) -> Iterator[str]:
    yield "Removed: the key, the CPR number, the chosen language, and"
    for name, count in found.removed.items():
        yield f"  {count} {name}"
    yield "Stays, but nothing opens it, and nothing leads to it:"
    for name, count in found.sealed.items():
        yield f"  {count} {name}"
    yield "  because the log must show that nothing was taken out (GDPR art. 17(3)(b) and (e))."
    if found.closures:
        yield f"Stays: {found.closures} closed accesses, an authority's decision, under a fresh id."
    minutes = max((max(s.cache_seconds, s.stale_seconds) for s in settings.source), default=0) / 60
    yield f"Stays for up to {settings.register.max_age:.0f} s in running workers, and for up to"
    yield f"  {minutes:.0f} min in the sealed cache."
    yield "Stays in backups until you overwrite them; do not bring her key back with one."
    yield "Stays: comments she wrote on other people's overviews; they are part of their cases."
    yield "Never was here: what the sources hold. Each of them answers for its own:"
    yield "  " + (", ".join(s.name for s in settings.source) or "none")
