"""What only operators need is not in a worker's memory, and what one start made all workers have."""

from __future__ import annotations

import subprocess
import sys

import pytest
from alembic.script import ScriptDirectory
from jinja2 import Environment

from portal import cli_serve, create_app, schema, templating
from portal.settings import Settings


def test_a_worker_loads_nothing_that_only_operators_need() -> None:
    """Each of these is megabytes in every worker."""
    code = "import sys, portal; print(*sorted({m.split('.')[0] for m in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"alembic", "mako", "pygments", "psycopg", "prometheus_client"} & {
        *done.stdout.split()
    }


def test_the_newest_version_is_the_head_of_the_migrations() -> None:
    scripts = ScriptDirectory(str(schema.FOLDER))
    assert schema.newest() == scripts.get_current_head()
    assert {r.revision for r in scripts.walk_revisions()} == {
        f.name[:4] for f in (schema.FOLDER / "versions").glob("0*.py")
    }


def test_a_worker_compiles_no_template_that_its_server_has_compiled(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`portal serve` tries everything before it forks; what it compiled then is theirs."""
    monkeypatch.setattr(templating, "COMPILED", templating.Compiled())
    assert not cli_serve._unjoinable(settings)
    monkeypatch.setattr(Environment, "compile", None)
    templating.compile_all(create_app(settings))
