"""What the source never does, and what every answer carries, whoever asks and by whichever way."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from msgspec import structs

from portal import create_app
from portal.settings import Settings
from tests.conftest import BASE, Browser, Login

PORTAL = Path(__file__).parent.parent / "portal"
SOURCES = [
    f for f in sorted(PORTAL.rglob("*.py")) if f.name != "build.py" and "built" not in f.parts
]
RUNS = {
    "eval",
    "exec",
    "compile",
    "__import__",
    "system",
    "popen",
    "render_template_string",
    "from_string",
}
RUNNING = {
    "pickle",
    "marshal",
    "shelve",
    "subprocess",
    "yaml",
    "xml",
    "lxml",
    "pty",
    "code",
    "ctypes",
}
OURSELVES = {"serving.py", "killable.py"}
"""Start this very program again: our own interpreter, words of ours, never a shell."""
QUERIES = {"text", "exec_driver_sql", "execute", "executemany", "literal_column"}


def trees() -> Iterator[tuple[Path, ast.AST]]:
    for file in SOURCES:
        yield file.relative_to(PORTAL), ast.parse(file.read_text(encoding="utf-8"))


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = (
                node.func.attr
                if isinstance(node.func, ast.Attribute)
                else getattr(node.func, "id", "")
            )
            yield name, node


def imported(tree: ast.AST) -> set[str]:
    names = [a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names]
    names += [n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)]
    return {n.split(".")[0] for n in names}


def test_nothing_is_run_that_a_text_says() -> None:
    """No code, no command, no template and no object comes from data."""
    for file, tree in trees():
        escapes = "from xml.sax.saxutils import escape" in ast.unparse(tree)  # writes, reads none
        known_use = ({"xml"} if escapes else set()) | (
            {"subprocess"} if file.name in OURSELVES else set()
        )
        assert not imported(tree) & (RUNNING - known_use), file
        assert "subprocess" not in imported(tree) or "[sys.executable, " in ast.unparse(tree), file
        assert "shell=" not in ast.unparse(tree), file
        for name, node in calls(tree):
            known = (
                isinstance(node.func, ast.Attribute) and name == "compile"
            )  # re, jmespath: our own
            assert name not in RUNS or known, (file, node.lineno, name)


def test_no_query_is_put_together_from_texts() -> None:
    """Values travel as parameters. Names of tables and roles are quoted, in schema.py alone."""
    for file, tree in trees():
        if file.parts[0] == "migrations" or file.name in ("schema.py", "db.py", "engines.py"):
            continue  # no value of anybody's: names, pragmas and constants
        for name, node in calls(tree):
            if name in QUERIES and node.args:
                made = isinstance(node.args[0], (ast.JoinedStr, ast.BinOp))
                formed = isinstance(node.args[0], ast.Call) and calls_format(node.args[0])
                assert not made and not formed, (file, node.lineno)


def calls_format(node: ast.Call) -> bool:
    return isinstance(node.func, ast.Attribute) and node.func.attr == "format"


def test_chance_comes_from_the_system() -> None:
    """`secrets` for whatever must not be guessed: no `random`, no UUID, and 128 bits or more."""
    for file, tree in trees():
        assert not imported(tree) & {"random", "uuid"}, file
        for name, node in calls(tree):
            if name in ("token_hex", "token_urlsafe", "token_bytes") and isinstance(
                node.func, ast.Attribute
            ):
                bits = [a.value for a in node.args if isinstance(a, ast.Constant)]
                mere = file.name in (
                    "second_place.py",
                    "keys.py",
                    "gate.py",
                    "sign_in.py",
                    "errors.py",
                    "backup.py",
                    "reference.py",
                )  # names, a mask
                assert mere or not bits or int(str(bits[0])) >= 12, (file, node.lineno)


def test_only_strong_hashes_and_ciphers() -> None:
    weak = re.compile(r"\b(md5|sha1|SHA1|MD5|ECB|CBC|PKCS1v15|ARC4|TripleDES|DES)\b")
    for file in SOURCES:
        assert not weak.search(file.read_text(encoding="utf-8")), file
    ciphers = {f.name for f, t in trees() for n, _ in calls(t) if n == "AESGCM"}
    assert ciphers == {"crypto.py", "cache.py"}


def test_our_script_stores_and_runs_nothing() -> None:
    forbidden = r"\beval\(|new Function|document\.write|innerHTML|outerHTML|insertAdjacentHTML|localStorage|sessionStorage|indexedDB|addEventListener\(.message|postMessage"
    for script in sorted((PORTAL / "static" / "js").glob("*.js")):
        text = re.sub(r"//[^\n]*", "", script.read_text(encoding="utf-8"))
        if "worker" in script.name:
            continue  # the service worker: e2e/test_phone.py looks into what it keeps
        assert not re.findall(forbidden, text), script.name


@pytest.fixture
def secure(settings: Settings) -> FlaskClient:
    """The same portal as people reach it."""
    made = create_app(structs.replace(settings, base_url="https://familie.example"))
    return made.test_client()


WAYS = ("/", "/log-ind", "/overblik", "/findes-ikke", "/healthz", "/readyz", "/.well-known/jwks.json", "/app.webmanifest", "/kalender/x.ics", "/overblik/x/y")  # fmt: skip


def built(client: FlaskClient, base: str) -> list[str]:
    page = client.get("/", base_url=base).get_data(as_text=True)
    return sorted(set(re.findall(r'"(/static/built/[^"#?]+)', page)))


def test_over_https_every_answer_says_https_only(secure: FlaskClient) -> None:
    base = "https://familie.example"
    files = built(secure, base)
    assert files
    for path in (*WAYS, *files):
        answer = secure.get(path, base_url=base)
        said = answer.headers
        assert said.get("Strict-Transport-Security") == "max-age=63072000; includeSubDomains", path
        assert said["X-Content-Type-Options"] == "nosniff", path
        if "worker" not in path:
            assert "frame-ancestors 'none'" in said["Content-Security-Policy"], path
    for cookie in secure.get("/log-ind", base_url=base).headers.getlist("Set-Cookie"):
        assert cookie.startswith("__Host-"), cookie


def test_over_plain_http_nothing_is_promised(app: Flask) -> None:
    client = app.test_client()
    for path in (*WAYS, *built(client, BASE)):
        assert "Strict-Transport-Security" not in client.get(path, base_url=BASE).headers


def test_nobody_elses_page_may_read_us(login: Login) -> None:
    mette = login("mette")
    for path in (*WAYS, "/konto", *built(mette.client, BASE)):
        for origin in ("https://evil.example", "null", BASE):
            answer = mette.get(path, headers={"Origin": origin})
            assert not [h for h, _ in answer.headers if h.startswith("Access-Control-")], path
    asked = mette.client.options("/konto", base_url=BASE, headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"})  # fmt: skip
    assert not [h for h, _ in asked.headers if h.startswith("Access-Control-")]


def test_every_body_says_its_kind_and_its_signs(login: Login) -> None:
    mette = login("mette")
    for path in (*WAYS, "/konto", *built(mette.client, BASE)):
        answer = mette.get(path)
        kind = answer.headers.get("Content-Type", "")
        assert kind or not answer.get_data(), path
        if kind.startswith("text/"):
            assert "charset=utf-8" in kind.lower().replace('"', ""), (path, kind)


FORGED = {
    "X-Forwarded-For": "203.0.113.9", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https",
    "X-Forwarded-Port": "1", "X-Forwarded-Prefix": "/evil", "Forwarded": "for=203.0.113.9;host=evil.example",
    "X-Real-IP": "203.0.113.9", "X-User-ID": "mette", "X-Remote-User": "mette", "X-Original-URL": "/konto",
    "X-Rewrite-URL": "/konto", "X-HTTP-Method-Override": "POST", "X-Client-Cert": "x",
}  # fmt: skip


def test_headers_of_a_proxy_change_nothing(app: Flask, login: Login) -> None:
    for visitor in (Browser(app.test_client()), login("mette")):
        for path in ("/", "/konto", "/overblik", "/findes-ikke", "/sprog"):
            plain, forged = visitor.get(path), visitor.get(path, headers=FORGED)
            assert plain.status_code == forged.status_code, path
            assert (
                plain.headers.get("Location", "").partition("?")[0]
                == forged.headers.get("Location", "").partition("?")[0]
            )
            text = forged.get_data(as_text=True)
            assert "evil" not in text + str(forged.headers)
            assert 'data-viewer="guardian"' not in text or "konto" in path or visitor.citizens()


@pytest.mark.parametrize("script", ["app.js", "worker.js"])
def test_scripts_build_no_object_from_what_they_read(script: str) -> None:
    """No prototype can be polluted (ASVS 15.3.6): nothing is merged or named by what somebody sent."""
    source = (PORTAL / "static" / "js" / script).read_text()
    assert not re.search(r"__proto__|\bprototype\b|\bconstructor\b|JSON\.parse|fromEntries", source)
    assert not re.search(r"\w\[[A-Za-z_][^\]]*\]\s*=[^=]", source), "a property named at run time"
    merged = re.findall(r"Object\.assign\(([^,]+),\s*(\{[^}]*\})", source)
    assert len(merged) == source.count("Object.assign")
    assert all("..." not in given for _, given in merged), "only our own literals"
