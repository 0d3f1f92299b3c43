"""docs/scale.md and its pictures say what docs/scale.json holds, and the assumptions are the ones computed with."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from bench import capacity, scale_page
from bench.drawing import curves
from bench.growth import line
from bench.options import DEFAULTS
from bench.record import read

TEXT = scale_page.PAGE.read_text(encoding="utf-8")
REMEDY = "run: .venv/bin/python -m bench.scale_page"


def test_the_tables_are_made_of_the_kept_figures() -> None:
    assert scale_page.page(TEXT, read()) == TEXT, REMEDY


def test_the_pictures_are_made_of_the_kept_figures() -> None:
    drawn = scale_page.pictures(read())
    assert len(drawn) == 3
    for name, picture in drawn.items():
        assert (scale_page.PICTURES / name).read_text() == picture, REMEDY
        root = ET.fromstring(picture)
        assert root.get("role") == "img" and root.get("aria-label")


def test_another_figure_would_be_another_page() -> None:
    kept = read()
    kept["requests"]["cpu_ms"]["cold overview"] *= 3
    assert scale_page.page(TEXT, kept) != TEXT
    kept["memory"]["pss"]["0"] = 900.0
    assert set(scale_page.pictures(kept)) == set(scale_page.pictures(read()))
    assert scale_page.pictures(kept) != scale_page.pictures(read())


@pytest.mark.parametrize(
    "said",
    [
        f"{capacity.FAMILIES:,} families of four",
        f"{capacity.VISITS_A_WEEK:.0f} visits a week",
        f"leaves {capacity.LINES} log lines",
        f"has {capacity.BUSY_HOUR:.0%}".replace("%", " %"),
        "98 in Denmark",
        "five warm pages and two late parts",
        "employees add a quarter",
        "twice its average",
        "half used",
    ],
)
def test_the_page_says_what_is_assumed(said: str) -> None:
    assert said in " ".join(TEXT.split())


def test_ten_times_the_country_is_ten_times_the_need() -> None:
    cost = capacity.Cost.read(read())
    one, ten = capacity.need(cost, 98), capacity.need(cost, 980)
    for name in ("visits", "lines", "grows", "cache", "checkpoints", "memory"):
        assert getattr(ten, name) == pytest.approx(10 * getattr(one, name))
    assert one.workers == 2 * 98 and DEFAULTS.families == 1000


def test_a_straight_line_is_found_straight() -> None:
    found = line({5: 2.0, 15: 3.0, 45: 6.0})
    assert (found.slope, found.start, found.bend) == pytest.approx((0.1, 1.5, 0))
    assert line({5: 2.0, 15: 3.0, 45: 12.0}).bend > 0.05


def test_a_curve_stays_inside_its_picture() -> None:
    root = ET.fromstring(curves("T", "x", "ms", {"a": {1000: 3.0, 1e6: 97.0}}, log=True))
    circles = [e for e in root.iter() if e.tag.endswith("circle")]
    assert len(circles) == 3  # two values, and the name's own mark
    assert all(
        0 < float(c.get("cy", "0")) < 250 and 0 < float(c.get("cx", "0")) < 360 for c in circles
    )
