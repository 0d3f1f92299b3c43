"""The lock of what runs in production alone, for images: `python -m supply.runtime > runtime.lock`."""

from __future__ import annotations

from collections.abc import Iterator

from supply.parts import runtime


def lines() -> Iterator[str]:
    """Requirements with their hashes, as pip reads them."""
    for part in runtime():
        if part.kind == "pypi":
            hashes = "".join(f" --hash=sha256:{h}" for h in part.hashes)
            yield f"{part.name}=={part.version}{hashes}"


if __name__ == "__main__":
    print("\n".join(lines()))
