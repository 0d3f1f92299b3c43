"""Prints the figures beside their limits: `python -m bench` or `python -m bench p6 p20`.

The exit code is 1 when a figure misses its pass limit. A figure that several
names share is measured once.
"""

from __future__ import annotations

import sys
import time

from bench import (
    cold,
    comment,
    crowd_load,
    decide,
    growth,
    hanging,
    lighthouse,
    memory,
    options,
    scale_page,
    shell,
    towns_grow,
    warm,
    weight,
)
from bench.figure import Figure, Measure
from bench.processes import taken
from bench.world import stage

MEASURES: dict[Measure, tuple[str, ...]] = {
    cold.measure: ("p1", "p5", "p19"),
    shell.measure: ("p2",),
    cold.crowd: ("cold",),
    cold.down: ("down",),
    hanging.measure: ("p3",),
    warm.ratios: ("p6", "p8"),
    warm.slopes: ("p9", "p18"),
    weight.measure: ("p10", "p11", "p12"),
    comment.measure: ("p20",),
    decide.measure: ("rules",),
    lighthouse.measure: ("p13", "p14", "p15"),
    memory.measure: ("p16",),
    towns_grow.measure: ("p17",),
    growth.measure: ("growth",),
    crowd_load.load: ("load",),
    crowd_load.storm: ("storm",),
}


def main(arguments: list[str]) -> int:
    """Measure what is named, or everything."""
    names, how = options.read(arguments)
    known = {name for several in MEASURES.values() for name in several}
    wanted = {n.lower() for n in names} or known
    if not wanted <= known:
        print(f"unknown: {', '.join(sorted(wanted - known))}; known: {', '.join(sorted(known))}")
        return 2
    print(ROW.format("", "figure", "measured", "pass", "stretch", ""))
    began, good, before = time.monotonic(), True, taken()
    with stage(options=how) as world:
        for measure, ids in MEASURES.items():
            if wanted & set(ids):
                found = measure(world)
                good &= all(f.passes for f in found)
                for figure in found:
                    print(row(figure), flush=True)
    if how.record:
        scale_page.main()
    lost, there_was = (now - then for now, then in zip(taken(), before, strict=True))
    print(f"\n{time.monotonic() - began:.0f} s; ratios are within this run only")
    print(
        f"a host took {lost / max(1, there_was):.0%} of this machine's processors for others meanwhile"
    )
    return 0 if good else 1


ROW = "{:7} {:52} {:>14} {:>8} {:>8}  {}"


def row(figure: Figure) -> str:
    """One line of the table."""
    sign = "≥" if figure.best == "high" else "≤"
    verdict = "goal" if figure.stretches else "ok" if figure.passes else "MISSED"
    return ROW.format(
        figure.id,
        figure.what,
        f"{figure.measured:.2f} {figure.unit}".strip(),
        f"{sign} {figure.limit:g}",
        f"{sign} {figure.stretch:g}",
        f"{verdict}  {figure.note}".strip(),
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
