"""Recomputing a log from its entries, and naming the first that is wrong. Pure: bytes in,
finding out.

Leaves are hashed again and compared with the stored tiles, which name the very entry; every
signed root on the way is recomputed, which says who is right: if the entries give the signed
root, the tile was altered, else the entry was. When both were rewritten together no single
entry can be named; then everything since the last good root is in doubt, and that is said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from apps.audit import merkle, tiles


@dataclass(frozen=True, slots=True)
class Finding:
    """`reason` is a key of verification.SENTENCES; `place` a tile's path or a size."""

    reason: str
    index: int | None = None
    place: str = ""


class Bad(Exception):
    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.reason)
        self.finding = finding


class Replay:
    """Feed it the whole log from index 0, in chunks of full tiles (only the last may be short).

    `roots` are the signed roots by size, the last one at the log's size.
    """

    def __init__(self, roots: Mapping[int, bytes]) -> None:
        self._roots = roots
        self._sizes = sorted(roots, reverse=True)
        self._grown = merkle.CompactRange()
        self._tile_roots: list[bytes] = []
        self._good = 0
        self._suspect: Finding | None = None

    @property
    def size(self) -> int:
        return self._grown.size

    def feed(self, leaves: Sequence[bytes], stored: Mapping[int, bytes]) -> None:
        """`stored`: level-0 tiles by number. Raises Bad at the first root that is wrong."""
        for start in range(0, len(leaves), tiles.WIDTH):
            tile = leaves[start : start + tiles.WIDTH]
            self._tile(tile, stored.get(self.size // tiles.WIDTH, b""))

    def _tile(self, leaves: Sequence[bytes], stored: bytes) -> None:
        hashes = b"".join(leaves)
        if self._suspect is None and not stored.startswith(hashes):
            self._suspect = self._differing(leaves, stored)
        end = self.size + len(leaves)
        full = len(leaves) == tiles.WIDTH
        if full:
            self._tile_roots.append(merkle.tree_hash(hashes))
        if full and (not self._sizes or self._sizes[-1] >= end):
            self._grown.append(self._tile_roots[-1], level=tiles.HEIGHT)
            self._check_root()
            return
        for leaf in leaves:  # a signed root lies inside this tile
            self._grown.append(leaf)
            self._check_root()

    def _differing(self, leaves: Sequence[bytes], stored: bytes) -> Finding:
        step = merkle.HASH_BYTES
        for offset, leaf in enumerate(leaves):
            if stored[offset * step : (offset + 1) * step] != leaf:
                break
        return Finding("entry_altered", self.size + offset)

    def _check_root(self) -> None:
        if not self._sizes or self._sizes[-1] != self.size:
            return
        self._sizes.pop()
        # A root speaks for what it covers: a difference further on is none of its business.
        suspect = self._suspect
        if suspect is not None and (suspect.index or 0) >= self.size:
            suspect = None
        if self._grown.root() != self._roots[self.size]:
            raise Bad(suspect or Finding("rewritten", self._good))
        if suspect is not None:
            number = (suspect.index or 0) // tiles.WIDTH
            raise Bad(Finding("tile_altered", place=tiles.path(0, number)))
        self._good = self.size

    def stop(self, finding: Finding) -> None:
        """The log cannot be read further. Raises Bad: what was in doubt before comes first."""
        raise Bad(self._suspect or finding)

    def check_upper(self, stored: Mapping[tuple[int, int], bytes]) -> None:
        """Compare the tiles above level 0, by (level, number). Raises Bad."""
        # To the levels above, the roots of full tiles are what leaves are to level 0.
        for tile in tiles.grow(0, {}, b"".join(self._tile_roots)):
            place = (tile.level + 1, tile.number)
            if not stored.get(place, b"").startswith(tile.hashes):
                raise Bad(Finding("tile_altered", place=tiles.path(*place)))
