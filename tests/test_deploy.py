"""What an operator copies from docs/deploy: units, image, proxy and alerts, each tried with the real tool where there is one."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import click
import promql_parser
import pytest
import yaml
from prometheus_client import CollectorRegistry

from portal import cli, telemetry
from portal.telemetry.metrics import Metrics
from tests.serving_stage import serving, write_place

FOLDER = Path(__file__).parent.parent / "docs" / "deploy"
UNITS = sorted(FOLDER.glob("*.service"))
PROGRAM = "/opt/familieoverblik/.venv/bin/portal"
CONTAINER = (FOLDER / "Containerfile").read_text(encoding="utf-8")


def entries(unit: Path) -> dict[str, dict[str, list[str]]]:
    """Section -> key -> values, as systemd reads them: a key may stand several times."""
    found: dict[str, dict[str, list[str]]] = {}
    section = ""
    for line in unit.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith("#"):
            key, equals, value = line.partition("=")
            assert equals, line
            found.setdefault(section, {}).setdefault(key, []).append(value)
    return found


def check_command(words: list[str]) -> None:
    """The command and each of its options exist."""
    context = click.Context(cli.main)
    command: click.Command = cli.main
    for word in words:
        if isinstance(command, click.Group):
            found = command.get_command(context, word)
            assert found, word
            command = found
        elif word.startswith("--"):
            assert any(word in p.opts for p in command.params), word


@pytest.mark.parametrize("unit", UNITS, ids=lambda u: u.name)
def test_a_unit_runs_what_exists_and_is_shut_in(unit: Path) -> None:
    service = entries(unit)["Service"]
    ours = [c for c in service["ExecStart"] + service.get("ExecReload", []) if "portal" in c]
    assert ours
    for line in ours:
        program, *words = shlex.split(line)
        assert program == PROGRAM
        check_command(words)
    for key, value in {
        "User": "familieoverblik", "NoNewPrivileges": "yes", "ProtectSystem": "strict",
        "CapabilityBoundingSet": "", "PrivateTmp": "yes", "MemoryDenyWriteExecute": "yes",
        "RestrictNamespaces": "yes", "ProtectHome": "yes", "UMask": "0077",
    }.items():  # fmt: skip
        assert service[key] == [value], key
    assert not any("KEY" in v for v in service["Environment"]), "secrets come from a file"
    owners = any("owner.env" in v for v in service["EnvironmentFile"])
    assert owners == (service["Type"] == ["oneshot"]), "who serves does not hold the owner's role"


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd-analyze here")
def test_systemd_understands_every_unit(tmp_path: Path) -> None:
    """And finds little to worry about (0 is locked in, 10 is open)."""
    program = tmp_path / "portal"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    units = [*UNITS, *sorted(FOLDER.glob("*.timer"))]
    for unit in units:
        (tmp_path / unit.name).write_text(unit.read_text().replace(PROGRAM, str(program)))
    names = [str(tmp_path / u.name) for u in units]
    said = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *names], capture_output=True, text=True
    )
    ours = [x for x in (said.stdout + said.stderr).splitlines() if "familieoverblik" in x]
    assert ours == []
    for unit in UNITS:
        judged = subprocess.run(
            ["systemd-analyze", "security", "--offline=yes", "--threshold=20", str(unit)],
            capture_output=True,
            text=True,
        )
        assert judged.returncode == 0, judged.stdout[-2000:]


def test_the_timers_cover_what_the_guide_says_must_be_done() -> None:
    done = {
        " ".join(shlex.split(line)[1:])
        for timer in FOLDER.glob("*.timer")
        for line in entries(timer.with_suffix(".service"))["Service"]["ExecStart"]
        if "OnCalendar" in entries(timer)["Timer"]
    }
    assert {"backup", "db tidy", "consents settle", "restore --drill"} <= done
    daily = (FOLDER / "familieoverblik-daily.service").read_text()
    assert "portal audit verify\n" in daily


def test_the_guides_name_the_units_and_files_that_are_handed_out() -> None:
    """A runbook is followed word by word, on a bad day."""
    units = {unit.name for unit in UNITS} | {t.name for t in FOLDER.glob("*.timer")}
    program, secrets = f"{PROGRAM} ", "EnvironmentFile=/etc/familieoverblik/secrets.env"
    for name in ("operator.md", "runbooks.md"):
        text = (FOLDER.parent / name).read_text()
        assert program in text and secrets in text and "PORTAL_CONFIG=/etc/familieoverblik/" in text
        for call in re.findall(r"systemctl [^`\n#]*", text):
            named = re.findall(r"(?:familieoverblik|portal)\S*", call)
            assert named, call
            for unit in named:
                known = unit.replace("@a", "@.service").replace("@b", "@.service").strip("'")
                assert {known, f"{known}.service"} & units or known.endswith("*.timer"), call
        assert not re.search(r"^User=(?!familieoverblik$)", text, re.MULTILINE)


def test_the_proxy_says_itself_who_asks() -> None:
    """What a visitor writes into the header is put away, not added to."""
    text = (FOLDER / "familieoverblik_proxy.conf").read_text()
    header = re.findall(r"^proxy_set_header X-Forwarded-For (.*);$", text, re.MULTILINE)
    assert header == ["$remote_addr"]
    guide = (FOLDER.parent / "operator.md").read_text()
    assert "- set `X-Forwarded-For`" in guide


def test_the_proxy_finds_the_sockets_that_the_units_make() -> None:
    """Of both servers, for visitors and for Prometheus; the latter on this machine alone."""
    (start,) = entries(FOLDER / "familieoverblik@.service")["Service"]["ExecStart"]
    made = {f.replace("%i", i) for f in re.findall(r"unix:(\S+)", start) for i in "ab"}
    named = [re.findall(r"unix:(/[^\s;:]+)", f.read_text()) for f in FOLDER.glob("*.conf")]
    assert {socket for found in named for socket in found} == made and len(made) == 4
    ports = (FOLDER / "familieoverblik_metrics.conf").read_text()
    listening = re.findall(r"^ +listen (.*);$", ports, re.MULTILINE)
    assert listening == ["127.0.0.1:9464", "127.0.0.1:9465"]
    guide = (FOLDER.parent / "operator.md").read_text()
    assert all(f'"{where}"' in guide for where in listening)


def test_the_image_is_what_it_should_be() -> None:
    stages = re.split(r"^FROM ", CONTAINER, flags=re.MULTILINE)
    last = stages[-1]
    assert len(stages) == 3
    assert re.search(r"^USER \d{4,}:\d{4,}$", last, re.MULTILINE), (
        "a number, so that an engine knows it is not root"
    )
    assert not re.search(r"(SECRET|DATA_KEYS|PASSWORD|TOKEN)\w*\s*=", CONTAINER)
    assert "make setup" not in last and "apt-get" not in last
    assert ":latest" not in CONTAINER
    root = FOLDER.parent.parent
    for line in re.findall(r"^COPY (?!--)(.*)$", CONTAINER, re.MULTILINE):
        for source in line.split()[:-1]:
            assert source != "." and (root / source).exists(), source
    (command,) = re.findall(r"^CMD (\[.*\])$", last, re.MULTILINE)
    check_command(json.loads(command))


@pytest.mark.skipif(
    not shutil.which("hadolint", path=str(Path(".venv/bin").resolve())),
    reason="no hadolint for this machine",
)
def test_the_image_passes_its_linter() -> None:
    program = Path(".venv/bin/hadolint").resolve()
    said = subprocess.run([program, FOLDER / "Containerfile"], capture_output=True, text=True)
    assert (said.returncode, said.stdout) == (0, "")


def test_the_images_health_check_asks_a_running_portal(tmp_path: Path) -> None:
    import socket

    (check,) = re.findall(r"^ +CMD (\[.*\])$", CONTAINER, re.MULTILINE)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [w.replace(":8000", f":{port}") for w in json.loads(check)]
    config, environ = write_place(tmp_path)
    with serving(config, environ, "--bind", f"127.0.0.1:{port}", "--drain", "0") as served:
        assert subprocess.run(command, env=served.environ, timeout=60).returncode == 0
    gone = subprocess.run(command, env=served.environ, timeout=60, capture_output=True)
    assert gone.returncode != 0


RULES = yaml.safe_load((FOLDER / "prometheus-rules.yml").read_text(encoding="utf-8"))
EACH = [r for group in RULES["groups"] for r in group["rules"]]
NOT_OURS = {"up"}


@pytest.mark.parametrize("rule", EACH, ids=lambda r: r.get("alert") or r["record"])
def test_a_rule_is_understood_and_asks_for_numbers_that_exist(rule: dict[str, object]) -> None:
    text = str(rule["expr"])
    promql_parser.parse(text)
    known = {f.name for f in _families()} | {str(r.get("record")) for r in EACH} | NOT_OURS
    asked = set(re.findall(r"\b(?:portal_\w+|familieoverblik:[\w:]+|up)\b", text))
    assert asked
    plain = {re.sub(r"_(total|bucket|count|sum)$", "", a) for a in asked}
    assert plain <= {re.sub(r"_total$", "", k) for k in known}, plain - known


def test_every_alert_says_what_and_how_bad_and_stands_in_the_guide() -> None:
    guide = (FOLDER.parent / "operator.md").read_text(encoding="utf-8")
    for rule in (r for r in EACH if "alert" in r):
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["annotations"]["summary"].endswith(".")
        assert f"| `{rule['alert']}` |" in guide, rule["alert"]


def test_every_number_stands_in_the_guide() -> None:
    guide = (FOLDER.parent / "operator.md").read_text(encoding="utf-8")
    for family in _families():
        total = "_total" if family.type == "counter" else ""
        assert f"| `{family.name}{total}` |" in guide, family.name


def _families() -> list[object]:
    """What a worker and the server tell of."""
    from prometheus_client.core import GaugeMetricFamily

    registry = CollectorRegistry()
    metrics = Metrics(registry)
    assert isinstance(metrics, telemetry.Listener)
    ages = ("checkpoint_age_seconds", "backup_age_seconds", "drill_age_seconds", "workers")
    return [*registry.collect(), *(GaugeMetricFamily(f"portal_{a}", "") for a in ages)]
