"""`portal serve` refuses to start unsafe: one line that names the key, the problem and an example."""

from __future__ import annotations

import base64
import os
import secrets
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from backend_stub import stage
from portal import keys
from portal.cli import main, serve
from portal.config import load
from portal.safety import DEMO, DEMO_BYTES
from portal.settings import ConfigError

SECRET, DATA = "PORTAL_SECRET_KEYS", "PORTAL_DATA_KEYS"
FILE = """
base_url = "https://familieoverblik.kommune.example"
database = "sqlite:///portal.db"
municipality = "0851"
[identity.citizen]
issuer = "https://provider.example/op"
client_id = "familieoverblik"
client_key = "portal.jwk.json"
[register]
url = "https://register.example/fhir"
[[actor]]
id = "ppr"
name = "PPR"
sector = "school"
[[source]]
id = "bup"
name = "BUP"
kind = "fhir"
actor = "ppr"
url = "https://bup.example/fhir"
[source.auth]
kind = "smart_backend"
client_id = "x"
client_key = "bup.jwk.json"
"""


class Place:
    """An operator's folder in which everything is right, until a test spoils one thing."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.file = folder, folder / "portal.toml"
        self.file.write_text(FILE)
        self.file.chmod(0o600)
        self.environ = {SECRET: keys.new_secret(), DATA: keys.new_data_key()}
        for name in ("portal", "bup"):
            keys.new_client_key(folder / f"{name}.jwk.json", "ES256")

    def change(self, old: str, new: str) -> None:
        assert old in FILE
        self.file.write_text(self.file.read_text().replace(old, new, 1))

    def start(self, *more: str) -> Result:
        """Gets as far as the missing schema when nothing is unsafe: a server never runs here."""
        arguments = ["serve", "--config", str(self.file), *more]
        return CliRunner().invoke(main, arguments, env=self.environ)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


Spoil = Callable[[Place], object]


def env(name: str, value: str) -> Spoil:
    return lambda p: p.environ.update({name: value})


def config(old: str, new: str) -> Spoil:
    return lambda p: p.change(old, new)


def mode(name: str, bits: int) -> Spoil:
    def spoil(p: Place) -> None:
        (p.folder / name).touch()
        (p.folder / name).chmod(bits)

    return spoil


def password_in_open_file(p: Place) -> None:
    p.change("sqlite:///portal.db", "postgresql+psycopg://portal:sesam@127.0.0.1/portal")
    p.file.chmod(0o640)


def owner_in_the_clear(p: Place) -> None:
    p.change("municipality", 'database_owner_env = "OWNER"\nmunicipality')
    p.environ["OWNER"] = "postgresql+psycopg://owner@192.0.2.7/portal"


def base64ed(data: bytes) -> str:
    return base64.b64encode(data).decode()


GOOD, TWICE = keys.new_secret(), keys.new_data_key()
DEMO_DATA = base64ed(DEMO_BYTES + secrets.token_bytes(32 - len(DEMO_BYTES)))
HTTP = "plain http is refused"
UNSAFE: dict[str, tuple[Spoil, str, str, str]] = {
    # what is wrong: (how, the key that is named, the problem, part of the example)
    "debugging": (env("FLASK_DEBUG", "1"), "FLASK_DEBUG", "debugging", "unset FLASK_DEBUG"),
    "testing": (env("FLASK_TESTING", "true"), "FLASK_TESTING", "debugging", "unset"),
    "development": (env("FLASK_ENV", "development"), "FLASK_ENV", "debugging", "unset"),
    "an interpreter in development": (env("PYTHONDEVMODE", "1"), "PYTHONDEVMODE", "debugging", "unset"),
    "a debugger's PIN": (env("WERKZEUG_DEBUG_PIN", "1"), "WERKZEUG_DEBUG_PIN", "debugging", "unset"),
    "no secret key": (env(SECRET, ""), SECRET, "missing or empty", "portal keys new secret"),
    "a short secret key": (env(SECRET, "kort"), SECRET, "shorter than 32", "portal keys new secret"),
    "a short second one": (env(SECRET, f"{GOOD},kort"), SECRET, "shorter than 32", "keys new secret"),
    "a weak secret key": (env(SECRET, "abcd" * 10), SECRET, "not random", "portal keys new secret"),
    "a default secret key": (env(SECRET, "please-change-me-before-you-start-production"), SECRET, "not random", "keys new secret"),
    "a key out of an example": (env(SECRET, "example-0iU2bQ9sWk3LzX8vNn5TtR7yPp4"), SECRET, "not random", "keys new secret"),
    "a secret key twice": (env(SECRET, f"{GOOD},{GOOD}"), SECRET, "stands twice", "keys new secret"),
    "the demonstration's secret key": (env(SECRET, DEMO + GOOD), SECRET, "demonstration", "keys new secret"),
    "one key for both": (lambda p: p.environ.update({SECRET: TWICE, DATA: TWICE}), SECRET, "also a data key", "keys new secret"),
    "no data key": (env(DATA, ""), DATA, "missing or empty", "portal keys new data"),
    "a data key that is no base64": (env(DATA, "!" * 44), DATA, "not base64", "portal keys new data"),
    "a short data key": (env(DATA, base64ed(secrets.token_bytes(16))), DATA, "not 32 random", "keys new data"),
    "zeros": (env(DATA, base64ed(bytes(32))), DATA, "not 32 random", "keys new data"),
    "counting": (env(DATA, base64ed(bytes(range(32)))), DATA, "not random", "keys new data"),
    "words": (env(DATA, base64ed(b"my-password-is-very-long-indeed!")), DATA, "made of words", "keys new data"),
    "a data key twice": (env(DATA, f"{TWICE},{TWICE}"), DATA, "stands twice", "keys new data"),
    "the demonstration's data key": (env(DATA, DEMO_DATA), DATA, "demonstration", "keys new data"),
    "a key file the world reads": (mode("portal.jwk.json", 0o604), "identity.citizen.client_key", "read by others", "chmod 600"),
    "a key file the group reads": (mode("portal.jwk.json", 0o640), "identity.citizen.client_key", "read by others", "chmod 600"),
    "a source's key file": (mode("bup.jwk.json", 0o644), "source.bup.auth.client_key", "read by others", "chmod 600"),
    "a database file the world reads": (mode("portal.db", 0o644), "database", "read by others", "chmod 600"),
    "a password in a file others read": (password_in_open_file, "database", "holds a password", "chmod 600"),
    "a database in the clear": (config("sqlite:///portal.db", "postgresql+psycopg://portal@db.example/portal"), "database", "without TLS", "sslmode=verify-full"),
    "one that may be in the clear": (config("sqlite:///portal.db", "postgresql+psycopg://portal@/portal?host=/run,db.example&sslmode=prefer"), "database", "without TLS", "sslmode=verify-full"),
    "the first of two": (config("sqlite:///portal.db", "postgresql+psycopg://portal@/portal?host=db.example:5432&host=127.0.0.1:5433"), "database", "without TLS", "sslmode=verify-full"),
    "the second of two": (config("sqlite:///portal.db", "postgresql+psycopg://portal@/portal?host=127.0.0.1:5432&host=db.example:5433"), "database", "without TLS", "sslmode=verify-full"),
    "no database at all": (config("sqlite:///portal.db", "foo"), "database", "is not the address of a database", "sqlite:///"),
    "a database nobody speaks to": (config("sqlite:///portal.db", "mysql://portal:sesam@127.0.0.1/portal"), "database", "neither SQLite nor PostgreSQL", "sqlite:///"),
    "two in one address": (config("sqlite:///portal.db", "postgresql+psycopg://portal@127.0.0.1:5432,127.0.0.1:5433/portal"), "database", "is not the address", "sqlite:///"),
    "a folder nobody may make": (config("sqlite:///portal.db", "sqlite:////proc/portal/portal.db"), "database", "No such file", "sqlite:///"),
    "its owner in the clear": (owner_in_the_clear, "OWNER", "without TLS", "sslmode=verify-full"),
    "a cache in the clear": (config("municipality", 'cache = "redis://cache.example:6379/0"\nmunicipality'), "cache", "without TLS", "rediss://"),
    "plain http for people": (config('"https://familie', '"http://familie'), "base_url", HTTP, "https://"),
    "plain http to the provider": (config('"https://provider', '"http://provider'), "identity.citizen.issuer", HTTP, "https://"),
    "plain http to the register": (config('"https://register', '"http://register'), "register.url", HTTP, "https://"),
    "plain http to a source": (config('"https://bup', '"http://bup'), "source.bup.url", HTTP, "https://"),
    "plain http for a token": (config('client_id = "x"', 'client_id = "x"\ntoken_url = "http://bup.example/token"'), "source.bup.auth.token_url", HTTP, "https://"),
    "a plain http statement": (config("municipality", 'accessibility_statement_url = "http://was.example"\nmunicipality'), "accessibility_statement_url", HTTP, "https://"),
    "a plain http way out": (config("municipality", 'quick_exit_url = "http://dr.dk"\nmunicipality'), "quick_exit_url", "must be https", "https://"),
}  # fmt: skip


@pytest.mark.parametrize("wrong", UNSAFE)
def test_it_does_not_start_and_says_why(place: Place, wrong: str) -> None:
    spoil, key, problem, example = UNSAFE[wrong]
    spoil(place)
    refused = place.start()
    assert refused.exit_code == 1
    (line,) = refused.stderr.splitlines()
    assert line.startswith(f"{key}: "), line
    assert problem in line and "(example: " in line and example in line, line
    for secret in place.environ[SECRET], place.environ[DATA]:
        assert not secret or secret not in line, "a key in an error message"


def test_nothing_else_is_refused(place: Place) -> None:
    """So that each refusal above is about what was spoiled, and nothing but that."""
    assert "run: portal db upgrade" in place.start().stderr
    assert (place.folder / "portal.db").stat().st_mode & 0o077 == 0
    place.environ |= {"FLASK_DEBUG": "0", "FLASK_ENV": "production"}
    assert "run: portal db upgrade" in place.start().stderr
    place.file.chmod(0o644)  # nothing secret stands in it
    assert "run: portal db upgrade" in place.start("--bind", "0.0.0.0:8000").stderr


@pytest.mark.parametrize(
    "database",
    [
        "postgresql+psycopg://portal@db.example/portal?sslmode=verify-full",
        "postgresql+psycopg://portal@127.0.0.1/portal",
        "postgresql+psycopg://portal:a%40b@[::1]:5432/portal",
        "postgresql+psycopg://portal@/portal?host=127.0.0.1:5432&host=localhost:5433",
        "postgresql+psycopg://portal@/portal?host=/run/postgresql",
    ],
)
def test_over_tls_or_on_this_machine_a_database_is_no_danger(place: Place, database: str) -> None:
    place.change("sqlite:///portal.db", database)
    place.change("municipality", 'cache = "rediss://cache.example/0"\nmunicipality')
    assert load(place.file, place.environ).database == database


def test_over_plain_http_nobody_but_this_machine_may_connect(place: Place) -> None:
    place.change("https://familieoverblik.kommune.example", "http://127.0.0.1:8000")
    assert CliRunner().invoke(
        main, ["db", "upgrade", "--config", str(place.file)], env=place.environ
    )
    for address in ("0.0.0.0:8000", "192.0.2.7:8000", "[::]:8000", ":8000"):
        refused = place.start("--bind", address)
        assert refused.exit_code == 1
        assert refused.stderr.startswith("--bind: base_url is plain http"), refused.stderr


def test_the_worker_itself_refuses_too(place: Place) -> None:
    """Whoever starts the WSGI application without `portal serve`."""
    environ = {**os.environ, **place.environ, "FLASK_DEBUG": "1", "PORTAL_CONFIG": str(place.file)}
    done = subprocess.run(
        [sys.executable, "-c", "import portal.wsgi"], env=environ, capture_output=True, text=True
    )
    assert done.returncode != 0
    assert "FLASK_DEBUG: debugging is on" in done.stderr


def test_the_demonstration_has_no_switch_that_serving_lacks(tmp_path: Path) -> None:
    """Its command is `portal serve` as anybody types it, and its keys are good on loopback alone."""
    (serving,) = (
        c
        for c in stage._commands({"PORT": 1, "IDP_PORT": 2, "BACKEND_PORT": 3}, tmp_path)
        if "portal" in c
    )
    assert serving[1:4] == ["-m", "portal", "serve"]
    known = {o for p in serve.params if isinstance(p, click.Option) for o in p.opts}
    assert (
        {a for a in serving[4:] if a.startswith("-")}
        <= known
        == {"--config", "--bind", "--socket-mode", "--workers", "--drain", "--metrics", "--check"}
    )
    made = stage._secrets(tmp_path)
    place = Place(tmp_path)
    place.environ = made
    assert "demonstration" in place.start().stderr
    place.change("https://familieoverblik.kommune.example", "http://127.0.0.1:8000")
    assert load(place.file, made).loopback
    place.environ = {**made, "FLASK_DEBUG": "1"}
    assert place.start().exit_code == 1


def test_the_environment_of_the_demonstration_switches_nothing_on() -> None:
    """What it adds to the environment is what `portal serve` documents."""
    text = Path(stage.__file__).read_text()
    assert 'environ = {**os.environ, **_secrets(folder), "PORTAL_CONFIG": str(config)}' in text


def test_new_keys_are_always_accepted(tmp_path: Path) -> None:
    place = Place(tmp_path)
    for _ in range(300):
        made = {SECRET: keys.new_secret(), DATA: keys.new_data_key()}
        try:
            load(place.file, made)
        except ConfigError as e:
            pytest.fail(str(e))
