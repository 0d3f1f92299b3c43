"""Writes what docs/scale.json holds into docs/scale.md and its pictures: `python -m bench.scale_page`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench import capacity
from bench.drawing import curves
from bench.growth import line
from bench.record import read

DOCS = Path(__file__).parent.parent / "docs"
PAGE, PICTURES = DOCS / "scale.md", DOCS / "pictures"
ORDER = ("requests", "actors", "citizens", "memory", "load", "storm")
NAMES = {"overview": "overview", "login": "login", "comments": "comments"}


def main() -> None:
    """Write everything that depends on the figures."""
    kept = read()
    PAGE.write_text(page(PAGE.read_text(), kept))
    for name, picture in pictures(kept).items():
        (PICTURES / name).write_text(picture)


def page(text: str, kept: dict[str, Any]) -> str:
    """The page with its made parts, each between its marks, made anew."""
    for name, made in (("capacity", _capacity(kept)), ("measured", _measured(kept))):
        head, begins, rest = text.partition(f"<!-- {name} -->\n")
        _, ends, tail = rest.partition(f"<!-- /{name} -->")
        text = head + begins + "".join(f"{said}\n" for said in made) + ends + tail
    return text


def pictures(kept: dict[str, Any]) -> dict[str, str]:
    """File name -> SVG, of what was measured."""
    found = {}
    if "citizens" in kept:
        series = {NAMES[k]: _points(v) for k, v in kept["citizens"]["ms"].items()}
        found["scale-citizens.svg"] = curves(
            "Time of a request, by citizens", "citizens", "ms", series, log=True
        )
    if "actors" in kept:
        series = {
            "warm": _points(kept["actors"]["warm_cpu_ms"]),
            "cold": _points(kept["actors"]["cold_cpu_ms"]),
        }
        found["scale-actors.svg"] = curves(
            "Server time of an overview, by actors", "actors", "ms", series
        )
    if "memory" in kept:
        series = {"one worker": _points(kept["memory"]["pss"])}
        found["scale-memory.svg"] = curves(
            "Memory of a worker, by overviews", "overviews", "MB", series
        )
    return found


def _capacity(kept: dict[str, Any]) -> Iterator[str]:
    yield "| | " + " | ".join(capacity.SIZES) + " |"
    yield "|---|" + "---|" * len(capacity.SIZES)
    for what, values in capacity.table(kept):
        yield f"| {what} | " + " | ".join(values) + " |"


def _measured(kept: dict[str, Any]) -> Iterator[str]:
    yield "| command | what it gave | when, on what |"
    yield "|---|---|---|"
    for name in ORDER:
        if name in kept:
            one = kept[name]
            where = f"{one['database']}, {one['cache']}" if name != "actors" else "SQLite, memory"
            busy = f"load {one['load']}" + (
                " (**busy: not to be trusted**)" if one["load"] > BUSY else ""
            )
            yield f"| `{COMMANDS[name]}` | {SAID[name](one)} | {one['date']}, {where}; {busy}; {one['machine']} |"


BUSY = 1.0
COMMANDS = {
    "requests": "growth", "actors": "growth", "citizens": "p17",
    "memory": "p16", "load": "load", "storm": "storm",
}  # fmt: skip


def _requests(one: dict[str, Any]) -> str:
    return "server time: " + ", ".join(f"{k} {v:.1f} ms" for k, v in one["cpu_ms"].items())


def _actors(one: dict[str, Any]) -> str:
    warm, cold = (line(_points(one[k])) for k in ("warm_cpu_ms", "cold_cpu_ms"))
    return (
        f"warm {warm.start:.1f} ms + {warm.slope:.3f} ms for each actor; "
        f"cold {cold.start:.1f} ms + {cold.slope:.2f} ms for each source"
    )


def _citizens(one: dict[str, Any]) -> str:
    sizes = [int(n) for n in one["ms"]["overview"]]
    few, many = str(min(sizes)), str(max(sizes))
    ratios = ", ".join(f"{k} {v[many] / v[few]:.2f}" for k, v in one["ms"].items())
    rows, size = sum(one["rows"].values()), sum(one["bytes"].values())
    return (
        f"{int(many):,} citizens ÷ {int(few):,}: {ratios}; {rows / 1e6:.1f} million rows, "
        f"{size / 1e9:.2f} GB, written in {one['fill_seconds']:.0f} s"
    )


def _memory(one: dict[str, Any]) -> str:
    return ", ".join(
        f"{mb:.0f} MB after {int(n):,}" for n, mb in sorted(_points(one["pss"]).items())
    )


def _load(one: dict[str, Any]) -> str:
    ms, before, after = one["ms"], sum(one["pss_before"]), sum(one["pss_after"])
    return (
        f"{one['rate']:.0f} answers a second for {one['seconds']:.0f} s by {one['workers']} workers: "
        f"page {ms['p50']:.0f}, {ms['p95']:.0f}, {ms['p99']:.0f} ms (50, 95, 99 %), "
        f"{sum(one['errors'].values())} errors, {one['refused']} refused, {one['mixed']} mixed up; "
        f"memory {(after / before - 1) * 100:+.1f} %; asking took {one['generator_share']:.0%} of a core"
    )


def _storm(one: dict[str, Any]) -> str:
    share = one["refused"] / max(1, one["answers"])
    return (
        f"{one['people']:,} people: page {one['ms']['p50']:.0f} and {one['ms']['p95']:.0f} ms (50, 95 %), "
        f"{share:.1%} refused, {sum(one['errors'].values())} errors, {one['mixed']} mixed up; "
        f"quick again after {one['recovered']:.0f} s"
    )


SAID = {
    "requests": _requests, "actors": _actors, "citizens": _citizens,
    "memory": _memory, "load": _load, "storm": _storm,
}  # fmt: skip


def _points(kept: dict[str, float]) -> dict[float, float]:
    return {float(x): y for x, y in kept.items()}


if __name__ == "__main__":
    main()
