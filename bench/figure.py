"""One measured figure beside its limits."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from bench.world import Stage


class Figure(NamedTuple):
    """`limit` is the line below which the product is not acceptable, `stretch` the goal.

    `best` says which way is better; `note` what was measured exactly.
    """

    id: str
    what: str
    measured: float
    limit: float
    stretch: float
    best: str = "low"
    unit: str = ""
    note: str = ""

    @property
    def passes(self) -> bool:
        """Whether the figure is acceptable."""
        return self._reaches(self.limit)

    @property
    def stretches(self) -> bool:
        """Whether it reaches the goal."""
        return self._reaches(self.stretch)

    def _reaches(self, line: float) -> bool:
        return self.measured >= line if self.best == "high" else self.measured <= line


Measure = Callable[[Stage], list[Figure]]
