"""The app's icons for a phone's home screen: `mark.svg` drawn again in pixels.

The mark is a square with round corners, two arcs and a dot. How much of a pixel
each covers follows from the distance to it, so no image library is needed.
"""

from __future__ import annotations

import struct
import zlib

BOX = 32.0  # mark.svg's viewBox; all measures below are in it
GROUND, WHITE = (11, 74, 90), 255
MIDDLE, FOOT, LINE = 16.0, 22.0, 1.3  # where the arcs stand, and half their stroke
ARCS = ((10.0, 1.0), (5.0, 0.85))  # radius and opacity
DOT = 1.9
SAFE = 0.8  # what matters in a maskable icon lies within the middle 80 per cent (W3C manifest)


def png(size: int, *, maskable: bool = False) -> bytes:
    """The mark as a square PNG of `size` pixels.

    `maskable`: the ground fills the square, and the phone cuts its own shape out of it.
    """
    step = BOX / size
    at = [(i + 0.5) * step for i in range(size)]
    rows = (b"\0" + b"".join(_pixel(x, y, step, maskable) for x in at) for y in at)
    return _file(size, b"".join(rows))


def _pixel(x: float, y: float, step: float, maskable: bool) -> bytes:
    cover = 1.0 if maskable else _cover(_square(x, y), step)
    if maskable:
        x, y = (BOX / 2 + (v - BOX / 2) / SAFE for v in (x, y))
        step /= SAFE
    white = max(opacity * _cover(_arc(x, y, radius), step) for radius, opacity in ARCS)
    white = max(white, _cover(_length(x - MIDDLE, y - FOOT) - DOT, step))
    colour = (round(c + (WHITE - c) * white) for c in GROUND)
    return bytes((*colour, round(255 * cover)))


def _cover(distance: float, step: float) -> float:
    """How much of a pixel lies within an edge so far away (negative: inside)."""
    return min(1.0, max(0.0, 0.5 - distance / step))


def _square(x: float, y: float) -> float:
    corner = 8.0
    dx, dy = (abs(v - BOX / 2) - BOX / 2 + corner for v in (x, y))
    return _length(max(dx, 0.0), max(dy, 0.0)) + min(max(dx, dy), 0.0) - corner


def _arc(x: float, y: float, radius: float) -> float:
    """A half circle over FOOT with round ends."""
    if y <= FOOT:
        return abs(_length(x - MIDDLE, y - FOOT) - radius) - LINE
    return _length(abs(x - MIDDLE) - radius, y - FOOT) - LINE


def _length(x: float, y: float) -> float:
    return float((x * x + y * y) ** 0.5)


def _file(size: int, rows: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", size, size, 8, 6, 0, 0, 0)  # 8 bits, RGBA
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
