"""The documentation says what the code does: keys, columns, rules and addresses are compared."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import msgspec
import pytest
from click.testing import CliRunner

from portal import cli, config, keys, rulebook, settings
from portal.examples import example_of
from portal.models import metadata
from portal.records import Actor
from portal.sources.gather import Gatherer
from tests.test_sources_tls import certificate

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
OPERATOR, STORED, THREATS = (
    (ROOT / "docs" / name).read_text(encoding="utf-8")
    for name in ("operator.md", "stored-data.md", "threat-model.md")
)
TABLES: dict[str, type[msgspec.Struct]] = {
    "Top of the file": settings.Settings,
    "`[contact]`": settings.ContactPoint,
    "`[audit]`": settings.AuditSettings,
    "`[backup]`": settings.BackupSettings,
    "`[consents]`": settings.ConsentSettings,
    "`[log]`": settings.LogSettings,
    "`[tracing]`": settings.TracingSettings,
    "`[metrics]`": settings.MetricsSettings,
    "`[before_consent]`": settings.BeforeConsent,
    "`[identity.citizen]` and `[identity.staff]`": settings.Provider,
    "`[register]`": settings.Register,
    "`[organisation]`": settings.Organisation,
    "`[register.auth]`, `[organisation.auth]` and `[source.auth]`": settings.SourceAuth,
    "`[[actor]]`": Actor,
    "`[[source]]`": settings.SourceConfig,
    "`[[purpose]]`": settings.Purpose,
    "`[[kind]]`": settings.KindRule,
}
"""Heading in operator.md -> what it describes."""


def test_a_command_that_reads_two_lines_shows_how_they_are_parted() -> None:
    """Copied from the help, it must work: a line feed that the help itself has swallowed does not."""
    for name in ("close", "hold", "open"):
        said = CliRunner().invoke(cli.main, ["access", name, "--help"]).output
        assert r"printf '0101809995\n0101159995\n' |" in " ".join(said.split()), said


@pytest.mark.parametrize("heading", TABLES)
def test_every_key_stands_with_its_default(heading: str) -> None:
    told = {row[0].strip("`"): row[1] for row in _rows(_section(OPERATOR, "### " + heading))}
    known = {
        f.encode_name: _default(f)
        for f in msgspec.structs.fields(TABLES[heading])
        if f.name not in config.FROM_ELSEWHERE and not _tables(f)
    }
    assert told == known


def test_what_a_refusal_shows_as_right_is_right() -> None:
    for path, kind in _keys(settings.Settings):
        example, name = example_of(path), path.rpartition(".")[2]
        if example.startswith("["):
            assert re.match(rf"\[+([a-z]+\.)?{name}\b", example), path
        else:
            assert msgspec.convert(tomllib.loads(example)[name], kind) is not None, path


def test_every_table_of_the_file_has_its_section() -> None:
    described = set(TABLES.values())
    for table in (settings.Settings, settings.Identity, settings.Register, settings.SourceConfig):
        for field in msgspec.structs.fields(table):
            assert _tables(field) <= {*described, settings.Identity}, field.name


def test_the_smallest_file_starts(tmp_path: Path) -> None:
    example = re.search(r"```toml\n(base_url.*?)```", OPERATOR, re.DOTALL)
    assert example
    _starts(example[1], tmp_path)


def test_the_snippets_of_the_integrators_page_start(tmp_path: Path) -> None:
    """Each is put into the smallest file, as an integrator would."""
    smallest = re.search(r"```toml\n(base_url.*?)```", OPERATOR, re.DOTALL)
    page = (ROOT / "docs" / "integrator.md").read_text(encoding="utf-8")
    snippets = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    assert smallest
    assert snippets
    for n, snippet in enumerate(snippets):
        folder = tmp_path / str(n)
        folder.mkdir()
        _starts(smallest[1] + "\n" + snippet, folder)


def test_every_command_stands_on_the_page() -> None:
    for name in _commands(cli.main, "portal"):
        assert f"`{name}" in OPERATOR, name


def test_every_command_takes_the_file() -> None:
    """Also one that has no need of it: scripts give it to all."""
    for path in _commands(cli.main, "portal"):
        said = CliRunner().invoke(cli.main, [*path.split()[1:], "--help"])
        assert re.search(r"^  --config\b", said.output, re.MULTILINE), path
    made = CliRunner().invoke(cli.main, ["keys", "new", "secret", "--config", "none.toml"])
    assert (made.exit_code, made.stderr, len(made.stdout.split())) == (0, "", 1)


@pytest.mark.parametrize(
    ("call", "wrong"),
    [
        ("--conifg x", "--conifg"),
        ("serv", "serv"),
        ("keys neu", "neu"),
        ("citizen export", "--as"),
        ("citizen export --as - --csv", "--csv"),
        ("serve --workers many", "many"),
        ("serve --workers 0", "0"),
        ("serve --bind", "--bind"),
        ("keys new", "secret"),
        ("keys new password", "password"),
        ("db tidy now", "now"),
        ("sources conform --kind soap", "soap"),
    ],
)
def test_a_wrong_call_is_told_in_one_line(call: str, wrong: str) -> None:
    said = CliRunner().invoke(cli.main, call.split(), prog_name="portal")
    assert (said.exit_code, said.stdout) == (2, "")
    (line,) = said.stderr.splitlines()
    assert line.startswith("portal") and wrong in line and "--help" in line, line


def test_every_column_is_explained() -> None:
    told = {
        table: [row[0].strip("`") for row in _rows(_section(STORED, f"## `{table}`"))]
        for table in re.findall(r"^## `(\w+)`$", STORED, re.MULTILINE)
    }
    assert told == {t.name: [c.name for c in t.columns] for t in metadata.sorted_tables}


def test_every_table_has_a_stated_lifetime() -> None:
    """And what says that `portal db tidy` ends it is what tidying touches."""
    rows = {r[0].strip("`"): r[1:] for r in _rows(_section(STORED, "## How long"))}
    assert [*rows] and {*rows} == {*metadata.tables}
    assert all(len(lives) > 5 and ends for lives, ends in rows.values())
    tidied = {t for t, (_, ends) in rows.items() if "portal db tidy" in ends}
    source = "".join(
        (ROOT / "portal" / f).read_text(encoding="utf-8") for f in ("retention.py", "feed_ends.py")
    )
    imported = re.findall(r"from portal\.models import (.+)", source)
    touched = {t for line in imported for t in line.split(", ")}
    assert tidied == touched - {"log_start"}


def test_the_rules_page_is_fresh() -> None:
    page = (ROOT / "docs" / "access.md").read_text(encoding="utf-8")
    assert page == rulebook.page(), "run: python -m portal.rulebook > docs/access.md"


def test_every_rule_stands_on_the_rules_page() -> None:
    page = rulebook.page()
    for table in rulebook.MADE_FROM:
        for row in table:
            name = row if isinstance(row, str) else str(row[0])
            assert f"| {name} |" in page


def test_a_threat_names_tests_that_exist() -> None:
    named = re.findall(r"`((?:tests|e2e)/\w+\.py)::(\w+)`", THREATS)
    assert named
    for file, test in named:
        assert f"def {test}(" in (ROOT / file).read_text(encoding="utf-8"), f"{file}::{test}"


def test_every_figure_stands_with_its_limits() -> None:
    page = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    for file in (ROOT / "bench").glob("*.py"):
        for name in re.findall(r'Figure\(\s*f?"(\w+)', file.read_text(encoding="utf-8")):
            assert f"| {name} |" in page, name


def test_every_decision_says_why_what_and_then() -> None:
    decisions = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    numbers = [int(d.name[:4]) for d in decisions]
    assert numbers == sorted(set(numbers)), "no number stands twice"
    for decision in decisions:
        text = decision.read_text(encoding="utf-8")
        assert re.findall(r"^\*\*(\w+)\.\*\*", text, re.MULTILINE) == [
            "Context",
            "Decision",
            "Consequence",
        ], decision.name


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_link_and_picture_leads_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text) + re.findall(r'src="([^"]+)"', text)
    for target in targets:
        assert target.startswith("https://") or (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_named_file_is_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    folders = "portal|docs|tests|e2e|bench|mitid_stub|backend_stub|translations"
    for name in re.findall(rf"`((?:{folders})/[\w./-]*)`", text):
        assert (ROOT / name).exists(), name


def _starts(text: str, folder: Path) -> None:
    (folder / "keys").mkdir()
    for name in re.findall(r'client_key = "([^"]+)"', text):
        kind = "ES384" if "backend" in name else "ES256"
        keys.new_client_key(folder / name, kind)
    for name in re.findall(r'\bcert = "([^"]+)"', text):
        certificate(folder).rename(folder / name).chmod(0o600)  # its key stands in it
    file = folder / "portal.toml"
    file.write_text(text, encoding="utf-8")
    secrets = {
        "PORTAL_SECRET_KEYS": keys.new_secret(),
        "PORTAL_DATA_KEYS": keys.new_data_key(),
        **dict.fromkeys(re.findall(r'_env = "([^"]+)"', text), "x"),
    }
    Gatherer(config.load(file, secrets))


def _section(page: str, heading: str) -> str:
    start = page.index(heading + "\n")
    end = re.search(r"^#{2,3} ", page[start + len(heading) :], re.MULTILINE)
    return page[start:] if end is None else page[start : start + len(heading) + end.start()]


def _rows(section: str) -> Iterator[list[str]]:
    lines = [line for line in section.splitlines() if line.startswith("|")]
    for line in lines[2:]:
        yield [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip("|"))]


def _keys(table: type[msgspec.Struct], at: str = "") -> Iterator[tuple[str, Any]]:
    """Every key that can stand in the file, and what it takes."""
    for field in msgspec.structs.fields(table):
        if field.name not in config.FROM_ELSEWHERE:
            yield at + field.encode_name, field.type
            for inner in _tables(field):
                yield from _keys(inner, f"{at}{field.encode_name}.")


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.default is not msgspec.NODEFAULT:
        return "none" if field.default is None else f"`{_toml(field.default)}`"
    if field.default_factory is not msgspec.NODEFAULT:
        return f"`{_toml(field.default_factory())}`"
    return "required"


def _toml(value: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=0).decode()


def _tables(field: msgspec.structs.FieldInfo) -> set[type]:
    """The tables of the file that a key holds, if it holds any."""
    return {t for t in _types(field.type) if issubclass(t, msgspec.Struct)}


def _types(annotation: Any) -> Iterator[type]:
    if isinstance(annotation, type):
        yield annotation
    for inner in getattr(annotation, "__args__", ()):
        yield from _types(inner)


def _commands(group: click.Group, path: str) -> Iterator[str]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from _commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}"
