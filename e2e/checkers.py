"""What a page is checked with beside axe: a second engine, a validator, and a reader that speaks.

HTML_CodeSniffer knows rules axe does not (and reads AAA), html-validate reads the
HTML as sent, and a virtual screen reader says what somebody hears who walks through
the page. All come by `e2e/package-lock.json`: `python -m e2e.checkers` fetches them.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from playwright.sync_api import Page

from portal.static.build import node_tools

HERE = Path(__file__).resolve().parent
MODULES = HERE / "node_modules"
STAMP = MODULES / ".package-lock.json"
SAID = 5_000
"""Phrases at most: a page of 45 sources takes some 900."""
VALIDATOR = {
    "root": True,
    "extends": ["html-validate:standard"],
    "rules": {
        "no-inline-style": "error",
        "attribute-boolean-style": "off",  # style
        "attribute-empty-style": "off",
        "void-style": "off",
        "no-trailing-whitespace": "off",  # templates leave it; gzip takes it
        "long-title": "off",
        "tel-non-breaking": "off",  # our numbers have no-break spaces where a line could end
        "prefer-native-element": "off",  # advice; what it means to catch axe catches
        "require-sri": "off",  # every file is our own origin's
    },
}


def main() -> int:
    """Fetch the checkers, unless the locked ones are there already."""
    lock = HERE / "package-lock.json"
    if STAMP.exists() and STAMP.stat().st_mtime >= lock.stat().st_mtime:
        return 0
    npm, _ = node_tools()
    command = [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    done = subprocess.run(command, cwd=HERE, check=False)
    if done.returncode == 0:
        STAMP.touch()
    return done.returncode


def sniff(page: Page, standard: str = "WCAG2AA") -> list[str]:
    """What the second engine calls an error, as "rule: sentence (element)"."""
    found: list[str] = page.evaluate(
        f"() => {{ {_sniffer()}\n{SNIFF} }}".replace("STANDARD", standard)
    )
    return found


SNIFF = """
return new Promise((done) => HTMLCS.process("STANDARD", document, () => done(
    HTMLCS.getMessages().filter((m) => m.type === HTMLCS.ERROR).map((m) =>
        `${m.code}: ${m.msg} (${(m.element.outerHTML ?? "").slice(0, 160)})`))));
"""


def speak(page: Page, container: str = "body") -> list[str]:
    """What a screen reader's user hears, phrase by phrase, from the top of `container`."""
    page.evaluate(_reader())
    spoken: list[str] = page.evaluate(SPEAK, [container, SAID])
    return spoken


SPEAK = """async ([container, most]) => {
    const reader = window.__reader;
    await reader.start({ container: document.querySelector(container) });
    const first = await reader.lastSpokenPhrase();
    for (let n = 0; n < most; n += 1) {
        await reader.next();
        const said = await reader.lastSpokenPhrase();
        if (said === `end of ${first.split(",")[0]}`) break;
    }
    const log = await reader.spokenPhraseLog();
    await reader.stop();
    return log;
}"""


def validate(pages: Mapping[str, str]) -> list[str]:
    """What is wrong in the HTML of each named page, as "name:line rule: sentence"."""
    if not pages:
        return []
    with tempfile.TemporaryDirectory() as folder:
        names = dict(zip(_written(Path(folder), pages.values()), pages, strict=True))
        config = Path(folder, "config.json")
        config.write_text(json.dumps(VALIDATOR))
        command = [*node_tools()[1], str(MODULES / "html-validate" / "bin" / "html-validate.mjs")]
        command += ["--config", str(config), "--formatter", "json", *names]
        answer = Path(folder, "answer.json")
        with answer.open("w") as out:  # a pipe would lose the end of a long answer
            done = subprocess.run(
                command, stdout=out, stderr=subprocess.PIPE, text=True, check=False, cwd=folder
            )
        told = answer.read_text(encoding="utf-8")
    if not told:
        raise RuntimeError(done.stderr)
    return [
        f"{names[one['filePath']]}:{said['line']} {said['ruleId']}: {said['message']}"
        for one in json.loads(told)
        for said in one["messages"]
    ]


def _written(folder: Path, texts: Iterable[str]) -> list[str]:
    files = []
    for n, text in enumerate(texts):
        file = folder / f"{n}.html"
        file.write_text(text, encoding="utf-8")
        files.append(str(file))
    return files


@cache
def _sniffer() -> str:
    return (MODULES / "html_codesniffer" / "build" / "HTMLCS.js").read_text()


@cache
def _reader() -> str:
    """The reader's module as a script: its one export becomes a name of the window."""
    source = MODULES / "@guidepup" / "virtual-screen-reader" / "lib" / "esm" / "index.browser.js"
    text = source.read_text().split("//# sourceMappingURL")[0]
    export = re.search(r"export\{[^}]*?(\S+) as virtual\}", text)
    if export is None:
        raise RuntimeError("the reader's module looks different now")
    name = export[1].rpartition(",")[2]
    return f"(() => {{ {text.replace(export[0], f'window.__reader = {name};')} }})()"


if __name__ == "__main__":
    sys.exit(main())
