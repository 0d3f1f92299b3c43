"""The network as a picture: where every place stands, so that nothing overlaps and no name is cut off.

Two layouts of the same network, and the style sheet shows one of them: `wide` has
the citizen in the middle and the areas to both sides; `tall`, for a phone, has
her at the top of a stem with the places as leaves. Both mirror for readers from
the right. Units are CSS pixels.
"""

from __future__ import annotations

import msgspec

from portal.lettering import broken, width
from portal.network import Area, Network, Seat
from portal.records import Sector
from portal.speech import gettext as _
from portal.words import sector_word

WIDE, TALL = 1000, 328
EDGE = 4
TARGET = 44
"""The least height of what can be tapped (WCAG 2.2, 2.5.5)."""


class Text(msgspec.Struct, frozen=True, kw_only=True):
    """One line of text, by the end of its base line that is nearest the middle."""

    text: str
    x: float
    y: float
    size: float
    kind: str = "n"
    """n a place's name, p a person, c a coordinator, y a yes, h an area."""
    anchor: str = "start"

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom."""
        long = width(self.text, self.size)
        left = self.x - long * {"start": 0, "middle": 0.5, "end": 1}[self.anchor]
        return left, self.y - self.size, left + long, self.y + self.size * 0.3


class Leaf(msgspec.Struct, frozen=True, kw_only=True):
    """One place: a dot, and beside it the words, all inside the box that can be tapped."""

    seat: Seat
    x: float
    y: float
    box: tuple[float, float, float, float]
    texts: tuple[Text, ...]


class Branch(msgspec.Struct, frozen=True, kw_only=True):
    """One area of life: its icon at (x, y), the way there from the middle, its leaves."""

    sector: Sector
    x: float
    y: float
    path: str
    label: Text
    leaves: tuple[Leaf, ...]
    pill: tuple[float, float, float, float] | None = None
    """Left, top, width and height of the ground under icon and word, where a stem passes behind."""


class Map(msgspec.Struct, frozen=True, kw_only=True):
    """A picture of a network; the citizen's circle stands at (x, y)."""

    width: float
    height: float
    x: float
    y: float
    r: float
    name: tuple[Text, ...]
    branches: tuple[Branch, ...]


class Side(msgspec.Struct, frozen=True):
    """Left or right of the middle: +1 grows to the right, -1 to the left."""

    sign: int

    @property
    def anchor(self) -> str:
        return "start" if self.sign > 0 else "end"


class Type(msgspec.Struct, frozen=True, kw_only=True):
    """Sizes of a layout's words: name, person, area; and the room for a line."""

    name: float
    person: float
    area: float
    room: float
    most: int


WIDE_TYPE = Type(name=16, person=14.5, area=18, room=336, most=2)
TALL_TYPE = Type(name=13, person=12.5, area=15, room=140, most=4)
GAP = 4
LEADING = 1.28


def wide_map(network: Network, name: str, mirrored: bool = False) -> Map:
    """The citizen in the middle, areas to the left and right, as even as their order allows."""
    first, second = (Side(1), Side(-1)) if mirrored else (Side(-1), Side(1))
    left, right = _halves(network.areas)
    heights = [sum(_area_height(a) for a in half) + 24 * (len(half) - 1) for half in (left, right)]
    height = max(*heights, 180) + 2 * EDGE
    middle = height / 2
    branches: list[Branch] = []
    for half, tall, side in ((left, heights[0], first), (right, heights[1], second)):
        y = (height - tall) / 2
        for area in half:
            branches.append(_wide_branch(area, y, side, middle))
            y += _area_height(area) + 24
    return Map(
        width=WIDE, height=round(height, 1), x=WIDE / 2, y=middle, r=66,
        name=_name(name, WIDE / 2, middle, 22, 118), branches=tuple(branches),
    )  # fmt: skip


def tall_map(network: Network, name: str, mirrored: bool = False) -> Map:
    """The citizen at the top; below her, area by area, the places to both sides of a stem."""
    centre, r = TALL / 2, 44
    sides = (Side(1), Side(-1)) if mirrored else (Side(-1), Side(1))
    y, before, branches = 2.0 * r + EDGE, float(r), []
    for area in network.areas:
        head = y + 40
        leaves, y = _pairs(area, head + 26, centre, sides)
        last = max(leaf.y for leaf in leaves)
        path = f"M{centre:g} {before:g}V{last:g}"
        branches.append(_tall_branch(area, head, sides[1], path, leaves))
        before = last
    return Map(
        width=TALL, height=round(y + EDGE, 1), x=centre, y=r + EDGE, r=r,
        name=_name(name, centre, r + EDGE, 17, 78), branches=tuple(branches),
    )  # fmt: skip


def _wide_branch(area: Area, top: float, side: Side, middle: float) -> Branch:
    centre, spine = WIDE / 2, WIDE / 2 + side.sign * 132
    head, y = top + 22, top + 48
    leaves = []
    for seat in area.seats:
        tall_ = _seat_height(seat, WIDE_TYPE)
        leaves.append(_leaf(seat, WIDE_TYPE, spine, y, tall_, side, 22))
        y += tall_
    bend, end = centre + side.sign * 76, spine - side.sign * 22
    label = Text(
        text=sector_word(area.sector), x=spine + side.sign * 32, y=head + 6,
        size=WIDE_TYPE.area, kind="h", anchor=side.anchor,
    )  # fmt: skip
    path = f"M{centre:g} {middle:g}C{bend:g} {middle:g} {bend:g} {head:g} {end:g} {head:g}"
    path += f"M{spine:g} {head:g}V{leaves[-1].y:g}"
    return Branch(sector=area.sector, x=spine, y=head, path=path, label=label, leaves=tuple(leaves))


def _tall_branch(
    area: Area, head: float, side: Side, path: str, leaves: tuple[Leaf, ...]
) -> Branch:
    """Icon and word together in the middle, on a ground of their own."""
    word, icon = sector_word(area.sector), 32
    whole = icon + width(word, TALL_TYPE.area)
    edge = TALL / 2 - side.sign * whole / 2
    label = Text(
        text=word, x=round(edge + side.sign * icon, 1), y=head + 5,
        size=TALL_TYPE.area, kind="h", anchor=side.anchor,
    )  # fmt: skip
    pill = (round(TALL / 2 - whole / 2 - 12, 1), head - 20, round(whole + 24, 1), 40)
    x = round(edge + side.sign * 12, 1)
    return Branch(sector=area.sector, x=x, y=head, path=path, label=label, leaves=leaves, pill=pill)


def _pairs(
    area: Area, y: float, centre: float, sides: tuple[Side, Side]
) -> tuple[tuple[Leaf, ...], float]:
    """Two and two; each pair as high as the higher. Also where the next thing may begin."""
    leaves = []
    for at in range(0, len(area.seats), 2):
        pair = area.seats[at : at + 2]
        tall_ = max(_seat_height(seat, TALL_TYPE) for seat in pair)
        for seat, side in zip(pair, sides, strict=False):
            leaves.append(
                _leaf(seat, TALL_TYPE, centre + side.sign * 10, y, tall_, side, 12, even=True)
            )
        y += tall_
    return tuple(leaves), y


def _leaf(
    seat: Seat, type_: Type, x: float, top: float, tall_: float,
    side: Side, away: float, even: bool = False,
) -> Leaf:  # fmt: skip
    """`even`: words begin at the top of the box, so that two beside each other line up."""
    words = _words(seat, type_)
    own = sum(size * LEADING for _line, size, _kind in words)
    y = top + (GAP if even else (tall_ - own) / 2)
    start, texts = x + side.sign * away, []
    first = y + words[0][1] * 0.68
    for text, size, kind in words:
        texts.append(
            Text(text=text, x=start, y=round(y + size, 1), size=size, kind=kind, anchor=side.anchor)
        )
        y += size * LEADING
    outer = start + side.sign * type_.room
    inner = x - side.sign * 10
    box = (min(inner, outer), top, max(inner, outer), top + tall_)
    return Leaf(seat=seat, x=x, y=round(first, 1), box=box, texts=tuple(texts))


def _words(seat: Seat, type_: Type) -> list[tuple[str, float, str]]:
    """The lines beside a dot: the name, and who answers for it there."""
    lines = broken(seat.place.name, type_.name, type_.room, type_.most) or ("-",)
    found = [(line, type_.name, "n") for line in lines]
    kind, person = "p", seat.responsible
    if seat.coordinator:
        kind, person = "c", _("Tovholder: %(name)s", name=seat.coordinator)
    found += [(line, type_.person, kind) for line in broken(person, type_.person, type_.room, 3)]
    if seat.consent:
        found.append((_("Har samtykke"), type_.person, "y"))
    return found


def _seat_height(seat: Seat, type_: Type) -> float:
    return max(TARGET, sum(size * LEADING for _line, size, _kind in _words(seat, type_)) + 2 * GAP)


def _area_height(area: Area) -> float:
    return 48 + sum(_seat_height(seat, WIDE_TYPE) for seat in area.seats)


def _halves(areas: tuple[Area, ...]) -> tuple[tuple[Area, ...], tuple[Area, ...]]:
    """Cut where the higher side is lowest; the order stays."""
    heights = [_area_height(a) for a in areas]
    cuts = range(len(areas) + 1)
    cut = min(cuts, key=lambda c: max(sum(heights[:c]), sum(heights[c:])))
    return areas[:cut], areas[cut:]


def _name(name: str, x: float, middle: float, size: float, room: float) -> tuple[Text, ...]:
    """The citizen's name inside her circle, smaller when it is long."""
    size -= next((n for n in range(8) if width(name, size - n) <= room), 8)
    lines = broken(name, size, room, 2)
    top = middle - (len(lines) - 1) * size * LEADING / 2 + size * 0.35
    return tuple(
        Text(text=t, x=x, y=round(top + n * size * LEADING, 1), size=size, anchor="middle")
        for n, t in enumerate(lines)
    )
