"""How a log's tree is stored: tiles of 256 hashes (C2SP tlog-tiles).

A tile at level L holds the hashes of full subtrees of 256^L leaves; a full tile never changes
and its root is one hash of the level above. Partial tiles exist only at the right edge: the
one at level L of a tree of s leaves is floor(s / 256^L) mod 256 hashes wide. So a batch
touches at most one partial tile per level, and any proof is read from a handful of tiles.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from apps.audit import merkle

HEIGHT = 8
WIDTH = 1 << HEIGHT
MAX_LEVEL = 63


class TileError(ValueError):
    """A tile's name or content is not one this format knows."""


@dataclass(frozen=True, slots=True)
class Tile:
    """`hashes` are the concatenated 32-byte hashes, 1 to 256 of them."""

    level: int
    number: int
    hashes: bytes

    @property
    def width(self) -> int:
        return len(self.hashes) // merkle.HASH_BYTES

    @property
    def path(self) -> str:
        return path(self.level, self.number, self.width)


def path(level: int, number: int, width: int = WIDTH) -> str:
    """`tile/<L>/<N>[.p/<W>]` as C2SP writes it: N in groups of three digits, x before all
    but the last. Raises TileError outside the format's bounds."""
    if not (0 <= level <= MAX_LEVEL and number >= 0 and 1 <= width <= WIDTH):
        raise TileError("level 0 to 63, number from 0, width 1 to 256")
    suffix = "" if width == WIDTH else f".p/{width}"
    return f"tile/{level}/{_grouped(number)}{suffix}"


def _grouped(number: int) -> str:
    digits = str(number)
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[start : start + 3] for start in range(0, len(digits), 3)]
    return "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])


def hashes_at(size: int, level: int) -> int:
    """How many hashes a tree of `size` leaves has at a tile level."""
    return size >> HEIGHT * level


def levels(size: int) -> range:
    """The tile levels a tree of `size` leaves has."""
    return range(-(-size.bit_length() // HEIGHT))


def edge(size: int) -> Iterator[tuple[int, int, int]]:
    """(level, number, width) of each partial tile of a tree of `size` leaves."""
    for level in levels(size):
        number, width = divmod(hashes_at(size, level), WIDTH)
        if width:
            yield level, number, width


def _slice(hashes: bytes, start: int, count: int) -> bytes:
    return hashes[start * merkle.HASH_BYTES : (start + count) * merkle.HASH_BYTES]


def grow(size: int, partial: Mapping[int, bytes], leaves: bytes) -> list[Tile]:
    """The tiles that change when `leaves` (concatenated leaf hashes) are appended.

    `partial` gives the present bytes of the partial tile per level, absent where there is
    none. Raises TileError when it does not fit `size`.
    """
    _check_edge(size, partial)
    changed: list[Tile] = []
    added, level = leaves, 0
    while added:
        number = hashes_at(size, level) // WIDTH
        above = []
        for tile in _cut(level, number, partial.get(level, b"") + added):
            changed.append(tile)
            if tile.width == WIDTH:
                above.append(merkle.tree_hash(tile.hashes))
        added, level = b"".join(above), level + 1
    return changed


def _check_edge(size: int, partial: Mapping[int, bytes]) -> None:
    expected = {level: width * merkle.HASH_BYTES for level, _, width in edge(size)}
    if {level: len(hashes) for level, hashes in partial.items() if hashes} != expected:
        raise TileError("the partial tiles do not fit the size")


def _cut(level: int, number: int, hashes: bytes) -> Iterator[Tile]:
    step = WIDTH * merkle.HASH_BYTES
    for offset in range(0, len(hashes), step):
        yield Tile(level, number + offset // step, hashes[offset : offset + step])


def edge_after(size: int, before: Mapping[int, bytes], changed: Iterable[Tile]) -> dict[int, bytes]:
    """The partial tiles once a tree has grown to `size`: what changed, else what was there."""
    grown = {(tile.level, tile.number): tile.hashes for tile in changed}
    return {
        level: grown[level, number] if (level, number) in grown else before[level]
        for level, number, _ in edge(size)
    }


def root(size: int, partial: Mapping[int, bytes]) -> bytes:
    """The root of a tree, from the partial tiles at its right edge alone.

    Raises TileError when they do not fit `size`.
    """
    _check_edge(size, partial)
    subtrees: list[bytes] = []
    for level in reversed(levels(size)):
        hashes = partial.get(level, b"")
        for height, index in merkle.full_subtrees(0, len(hashes) // merkle.HASH_BYTES):
            subtrees.append(merkle.tree_hash(_slice(hashes, index << height, 1 << height)))
    return merkle.fold(subtrees)


def reader(fetch: Callable[[int, int], bytes]) -> merkle.Node:
    """A `merkle.Node` over tiles; `fetch(level, number)` gives a tile's bytes.

    The node raises TileError when a tile is too narrow to hold it.
    """

    def node(level: int, index: int) -> bytes:
        tile_level, height = divmod(level, HEIGHT)
        number, offset = divmod(index << height, WIDTH)
        hashes = _slice(fetch(tile_level, number), offset, 1 << height)
        if len(hashes) != merkle.HASH_BYTES << height:
            raise TileError("a tile is narrower than the tree's size demands")
        return merkle.tree_hash(hashes)

    return node
