"""With many signed roots inside one tile, the altered entry is still the one that is named."""

import hashlib

import pytest

from apps.audit import merkle, tiles
from apps.audit.replay import Bad, Finding, Replay

SIZE = 600
SEALED = (3, 10, 40, 41, 255, 256, 257, 300, 511, 590, 600)
LEAVES = [hashlib.sha256(b"\x00" + str(n).encode()).digest() for n in range(SIZE)]


def roots() -> dict[int, bytes]:
    return {size: merkle.tree_hash(b"".join(LEAVES[:size])) for size in SEALED}


def stored() -> dict[int, bytes]:
    width = tiles.WIDTH
    return {n: b"".join(LEAVES[n * width : (n + 1) * width]) for n in range(3)}


def finding(leaves: list[bytes], kept: dict[int, bytes]) -> Finding | None:
    replay = Replay(roots())
    try:
        replay.feed(leaves, kept)
    except Bad as bad:
        return bad.finding
    return None


def test_a_whole_log_gives_no_finding() -> None:
    assert finding(LEAVES, stored()) is None


@pytest.mark.parametrize("index", [0, 2, 3, 9, 39, 40, 41, 254, 255, 256, 279, 299, 510, 599])
def test_an_altered_entry_is_named_wherever_it_lies_between_the_roots(index: int) -> None:
    leaves = [*LEAVES[:index], bytes(32), *LEAVES[index + 1 :]]
    assert finding(leaves, stored()) == Finding("entry_altered", index)


@pytest.mark.parametrize("index", [0, 2, 39, 41, 255, 256, 279, 599])
def test_an_altered_hash_is_named_as_its_tile(index: int) -> None:
    kept = stored()
    number, offset = divmod(index, tiles.WIDTH)
    tile = bytearray(kept[number])
    tile[offset * 32] ^= 1
    kept[number] = bytes(tile)
    assert finding(LEAVES, kept) == Finding("tile_altered", place=tiles.path(0, number))
