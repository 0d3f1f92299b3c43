"""What is drawn: nothing overlaps, nothing leaves its frame, nothing is guessed, whatever the sources say."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import combinations, pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.bars import timeline
from portal.chart import charts
from portal.handout import Citizen, ConsentCount, Overview, Place, Relation, Shown
from portal.lettering import broken, width
from portal.month import asked_month, month
from portal.network import Network, network
from portal.network_map import Map, Text, tall_map, wide_map
from portal.records import (
    Assessment,
    Contact,
    Goal,
    Intervention,
    Measurement,
    Meeting,
    Plan,
    Sector,
    Status,
)

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
TODAY = NOW.date()
NAMES = st.text(
    st.sampled_from("aeinrstdgkmøæåABKØ .,-(מع漢"), min_size=1, max_size=40
)  # long, hyphened, from the right, without a single space
DAYS = st.dates(date(1990, 1, 1), date(2080, 1, 1))


def shown(entry: Any, place: str = "p", name: str = "PPR", sector: Sector = Sector.SCHOOL) -> Shown:
    return Shown(ref=entry.key, entry=entry, owner=Place(id=place, name=name, sector=sector))


def overview(**parts: Any) -> Overview:
    citizen = Citizen(id="c", name="Noah", first_name="Noah", relation=Relation.GUARDIAN)
    return Overview(citizen=citizen, at=NOW, complete=True, **parts)


def key(kind: str, n: int = 0) -> dict[str, str]:
    return {"key": f"{kind}/{n}", "source": "s", "owner": "p"}


HARD = (
    "Børne- og Ungdomspsykiatrien, Region Nordjylland", "Koordinationsenheden Én Plan",
    "PPR", "K", "Ø" * 40, "WWW WWW WWW WWW WWW WWW WWW WWW WWW WWW WWW", "مركز الأسرة في المدينة",
    "漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字", "a-b-c-d-e-f-g-h-i-j-k-l-m-n-o-p-q-r-s-t", ", , ,",
)  # fmt: skip
SEATS = st.tuples(
    st.sampled_from(HARD), st.sampled_from(list(Sector)), st.sampled_from(HARD),
    st.booleans(), st.sampled_from(["", "alt"]), st.booleans(),
)  # fmt: skip


@st.composite
def networks(draw: st.DrawFn) -> Network:
    """1-45 places of any area, some with a coordinator, a responsible person, a consent."""
    contacts, open_to = [], set()
    for n, (place, sector, person, coordinator, charge, yes) in enumerate(
        draw(st.lists(SEATS, min_size=1, max_size=45))
    ):
        entry = Contact(
            **key("Contact", n), name=person, coordinator=coordinator, responsible_for=charge
        )
        contacts.append(shown(entry, f"p{n}", place, sector))
        open_to |= {f"p{n}"} if yes else set()
    consents = ConsentCount(places=frozenset(open_to))
    return network(overview(contacts=tuple(contacts), consents=consents))


def lines(picture: Map) -> list[Text]:
    found = list(picture.name)
    for branch in picture.branches:
        found.append(branch.label)
        found += [text for leaf in branch.leaves for text in leaf.texts]
    return found


Box = Sequence[float]


def overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] - 0.1 and b[0] < a[2] - 0.1 and a[1] < b[3] - 0.1 and b[1] < a[3] - 0.1


@pytest.mark.parametrize("draw", [wide_map, tall_map])
@settings(max_examples=40, deadline=None)
@given(net=networks(), mirrored=st.booleans(), name=st.sampled_from(HARD))
def test_no_place_overlaps_another_and_no_word_leaves_the_frame(
    draw: Any, net: Network, mirrored: bool, name: str
) -> None:
    picture = draw(net, name, mirrored)
    leaves = [leaf for branch in picture.branches for leaf in branch.leaves]
    assert [leaf.seat for leaf in leaves] == [seat for area in net.areas for seat in area.seats]
    for a, b in combinations(leaves, 2):
        assert not overlap(a.box, b.box)
    for leaf in leaves:
        assert leaf.box[3] - leaf.box[1] >= 43.9, "too small for a finger"
        for text in leaf.texts:
            left, top, right, bottom = text.box
            assert leaf.box[0] <= left + 0.1 and right <= leaf.box[2] + 0.1, "beside its own box"
            assert leaf.box[1] <= top + 1 and bottom <= leaf.box[3] + 1
    for text in lines(picture):
        left, top, right, bottom = text.box
        assert left >= -1 and right <= picture.width + 1, text
        assert top >= 0 and bottom <= picture.height


@settings(max_examples=20, deadline=None)
@given(net=networks())
def test_the_picture_for_readers_from_the_right_is_its_mirror(net: Network) -> None:
    for draw in (wide_map, tall_map):
        one, other = draw(net, "Noah"), draw(net, "Noah", True)
        pairs = zip(one.branches, other.branches, strict=True)
        for a, b in ((x, y) for p, q in pairs for x, y in zip(p.leaves, q.leaves, strict=True)):
            assert a.x == pytest.approx(one.width - b.x)
            assert a.y == b.y
            assert {a.texts[0].anchor, b.texts[0].anchor} == {"start", "end"}


@given(text=NAMES, size=st.floats(10, 20), room=st.floats(40, 400))
def test_every_line_fits_and_no_letter_is_lost(text: str, size: float, room: float) -> None:
    found = broken(text, size, room, most=99)
    assert all(width(line, size) <= room + 0.01 for line in found)
    letters = text.replace(" ", "").replace("-", "")
    assert "".join(found).replace(" ", "").replace("-", "") == letters


def test_a_name_too_long_for_its_lines_says_that_it_is_cut() -> None:
    found = broken("Koordinationsenheden for alle " * 9, 13, 140, most=3)
    assert len(found) == 3
    assert found[-1].endswith("…")


def test_one_who_is_not_shown_leaves_neither_gap_nor_number() -> None:
    everyone = [
        shown(Contact(**key("Contact", n), name="N"), f"p{n}", f"Sted {n}", Sector.HEALTH)
        for n in range(6)
    ]
    fewer = [s for n, s in enumerate(everyone) if n != 2]
    cut, five = (network(overview(contacts=tuple(c))) for c in (fewer, everyone[:5]))
    assert [s.number for a in cut.areas for s in a.seats] == [1, 2, 3, 4, 5]
    for draw in (wide_map, tall_map):
        one, other = draw(cut, "Noah"), draw(five, "Noah")
        assert one.height == other.height
        spots = [[(x.x, x.y) for b in m.branches for x in b.leaves] for m in (one, other)]
        assert spots[0] == spots[1]


def test_a_yes_marks_only_the_place_it_names() -> None:
    own = shown(Contact(**key("Contact", 1), name="A"), "ppr", "PPR")
    unknown = shown(Contact(**key("Contact", 2), name="B", by="Et værested"), "ppr", "Et værested")
    other = shown(Contact(**key("Contact", 3), name="C"), "skole", "Skolen")
    net = network(
        overview(contacts=(own, unknown, other), consents=ConsentCount(places=frozenset({"ppr"})))
    )
    marked = {s.place.name for a in net.areas for s in a.seats if s.consent}
    assert marked == {"PPR"}


def test_a_place_whose_help_is_over_stands_apart() -> None:
    over = Intervention(**key("I"), title="Slut", status=Status.DONE)
    gone = shown(Contact(**key("Contact", 1), name="A", running=False), "b", "Bostedet")
    net = network(overview(contacts=(gone,), interventions=(shown(over, "a", "Afdelingen"),)))
    assert not net.areas
    assert [s.place.name for s in net.before] == ["Afdelingen", "Bostedet"]


# --- time -------------------------------------------------------------------------------

STARTS = st.none() | DAYS
KINDS = st.sampled_from([Intervention, Assessment, Plan])


@given(
    st.lists(st.tuples(KINDS, STARTS, STARTS, st.sampled_from(list(Status)), STARTS), max_size=12)
)
def test_bars_stay_on_their_line_and_an_untold_day_is_never_drawn(
    things: list[tuple[Any, date | None, date | None, Status, date | None]],
) -> None:
    entries = []
    for n, (kind, start, end, status, next_) in enumerate(things):
        more = {"next_follow_up": next_} if kind is Plan else {}
        entries.append(
            shown(kind(**key("T", n), title="T", start=start, end=end, status=status, **more))
        )
    found = timeline(overview(interventions=tuple(entries)))
    bars = [*found.now.bars, *found.over.bars]
    assert len(bars) == len(entries)
    for span in (found.now, found.over):
        assert 0 < span.today < 100
        spots = sorted([span.today, *(t.x for t in span.ticks)])
        assert all(b - a > 12 for a, b in pairwise(spots))
    for bar in bars:
        entry = bar.shown.entry
        for x, length in filter(None, (bar.been, bar.coming)):
            assert x >= 0 and x + length <= 100.01 and length > 0
        assert bar.untold == (not entry.start and not entry.end)
        assert bar.open_end == bool(entry.start and not entry.end)
        if bar.untold:
            assert not bar.been and not bar.coming
        if not entry.start or not entry.end:
            assert re.search("Vi (ved|kender) ikke", bar.words)


def test_what_is_to_come_is_not_drawn_as_past() -> None:
    later = Plan(**key("P"), title="P", start=TODAY + timedelta(days=30), status=Status.PLANNED)
    bar = timeline(overview(plans=(shown(later),))).now.bars[0]
    assert bar.been is None
    assert bar.coming is not None


# --- a month ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "written",
    ["", "2026", "2026-13", "2026-00", "0000-01", "9999-12", "2032-01", "2026-1", "٢٠٢٦-١٢",
     "2026-12-01", "<script>", "2026-12\n", "-2026-1"],
)  # fmt: skip
def test_a_month_that_is_none_is_none(written: str) -> None:
    assert asked_month(written, TODAY) is None


@given(st.integers(-60, 60))
def test_every_month_has_all_its_days_once(away: int) -> None:
    first = date(2026 + (10 + away) // 12, (10 + away) % 12 + 1, 1)
    shown_month = month(overview(), first)
    days = [d.day for _, week in shown_month.weeks for d in week if d.inside]
    assert days == [first + timedelta(days=n) for n in range(len(days))]
    assert (days[-1] + timedelta(days=1)).day == 1
    assert all(week[0].day.weekday() == 0 and len(week) == 7 for _, week in shown_month.weeks)


def meeting(n: int, start: datetime, end: datetime | None = None, **more: Any) -> Shown:
    return shown(Meeting(**key("M", n), title=f"Møde {n}", start=start, end=end, **more))


def test_a_weekend_stands_on_its_days_and_a_cancelled_meeting_stays() -> None:
    friday = datetime(2026, 12, 11, 15, tzinfo=UTC)
    weekend = meeting(1, friday, friday + timedelta(days=2))
    off = meeting(2, friday + timedelta(days=5), cancelled=True)
    late = meeting(3, datetime(2026, 12, 31, 23, 30, tzinfo=UTC))  # already January in Denmark
    found = month(overview(meetings=(weekend, off, late)), date(2026, 12, 1))
    on = {d.day.day: [s.ref for s in d.meetings] for _, w in found.weeks for d in w if d.inside}
    assert [day for day, refs in on.items() if "M/1" in refs] == [11, 12, 13]
    assert on[16] == ["M/2"]
    assert [s.ref for s in found.meetings] == ["M/1", "M/2"]


def test_a_meeting_of_years_does_not_fill_every_page() -> None:
    endless = meeting(1, NOW, NOW + timedelta(days=4000))
    assert not month(overview(meetings=(endless,)), date(2027, 6, 1)).meetings


# --- well-being -------------------------------------------------------------------------

PHASES = st.sampled_from(["", "before", "during", "after"])
VALUES = st.floats(-1e9, 1e9, allow_nan=False)


@given(
    st.lists(st.tuples(DAYS, VALUES, PHASES), min_size=1, max_size=9), st.lists(STARTS, max_size=4)
)
def test_measurements_and_goals_stay_inside_the_picture(
    points: list[tuple[date, float, str]], dues: list[date | None]
) -> None:
    measured = [
        shown(Measurement(**key("O", n), scale="S", day=day, value=value, phase=phase))
        for n, (day, value, phase) in enumerate(points)
    ]
    goals = tuple(shown(Goal(**key("G", n), title="G", due=due)) for n, due in enumerate(dues))
    (chart,) = charts(overview(measurements=tuple(measured), loose_goals=goals))
    assert len(chart.points) == len(measured)
    assert len(chart.flags) == len(goals)
    for point in chart.points:
        assert 0 <= point.x <= 100
        assert 0 <= point.y <= 100
    assert all(0 <= flag.x <= 100 for flag in chart.flags if flag.x is not None)
    assert all(0 < turn < 100 for turn in chart.turns)


def test_a_scale_that_two_places_use_is_two_lines() -> None:
    one = shown(Measurement(**key("O", 1), scale="Trivselslinealen", day=TODAY, value=2), "a", "A")
    two = shown(Measurement(**key("O", 2), scale="Trivselslinealen", day=TODAY, value=4), "b", "B")
    assert [len(c.points) for c in charts(overview(measurements=(one, two)))] == [1, 1]
