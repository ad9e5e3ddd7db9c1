"""Tiles: their names, their growth at the right edge, and a real log written by others."""

import base64
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.audit import merkle, note, tiles
from tests.audit.reference import VECTORS, needs_vectors

HASHES = [merkle.leaf_hash(b"%d" % number) for number in range(70_000)]


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ((0, 0, 256), "tile/0/000"),
        ((0, 0, 1), "tile/0/000.p/1"),
        ((1, 999, 255), "tile/1/999.p/255"),
        ((2, 1000, 256), "tile/2/x001/000"),
        ((63, 1_234_067, 112), "tile/63/x001/x234/067.p/112"),
    ],
)
def test_a_tile_is_named_as_the_format_says(place: tuple[int, int, int], expected: str) -> None:
    assert tiles.path(*place) == expected


@pytest.mark.parametrize("place", [(64, 0, 1), (-1, 0, 1), (0, -1, 1), (0, 0, 0), (0, 0, 257)])
def test_a_tile_outside_the_format_has_no_name(place: tuple[int, int, int]) -> None:
    with pytest.raises(tiles.TileError):
        tiles.path(*place)


def test_the_edge_of_seventy_thousand_leaves_is_the_one_of_the_specification() -> None:
    assert list(tiles.edge(70_000)) == [(0, 273, 112), (1, 1, 17), (2, 0, 1)]
    assert list(tiles.edge(256)) == [(1, 0, 1)]
    assert list(tiles.edge(0)) == []


class Store:
    """A log kept as tiles only, grown batch by batch."""

    def __init__(self) -> None:
        self.size = 0
        self.tiles: dict[tuple[int, int], bytes] = {}

    def partial(self) -> dict[int, bytes]:
        return {level: self.tiles[level, number] for level, number, _ in tiles.edge(self.size)}

    def append(self, count: int) -> None:
        added = b"".join(HASHES[self.size : self.size + count])
        for tile in tiles.grow(self.size, self.partial(), added):
            before = self.tiles.get((tile.level, tile.number), b"")
            assert tile.hashes.startswith(before), "a tile only ever grows"
            assert len(tile.hashes) > len(before)
            self.tiles[tile.level, tile.number] = tile.hashes
        self.size += count

    def node(self) -> merkle.Node:
        return tiles.reader(lambda level, number: self.tiles[level, number])


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(1, 1500), min_size=1, max_size=12))
def test_however_the_batches_fall_the_tiles_and_the_root_are_the_same(counts: list[int]) -> None:
    grown, at_once = Store(), Store()
    for count in counts:
        grown.append(count)
        assert tiles.root(grown.size, grown.partial()) == merkle.tree_hash(
            b"".join(HASHES[: grown.size])
        )
    at_once.append(grown.size)
    assert grown.tiles == at_once.tiles


def test_three_levels_of_tiles_hold_seventy_thousand_leaves() -> None:
    store = Store()
    store.append(65_536)
    store.append(70_000 - 65_536)
    assert len(store.tiles) == 274 + 2 + 1
    assert tiles.root(store.size, store.partial()) == merkle.tree_hash(b"".join(HASHES))
    for index in (0, 255, 256, 65_535, 65_536, 69_999):
        proof = merkle.inclusion_proof(index, store.size, store.node())
        merkle.verify_inclusion(
            HASHES[index],
            index=index,
            size=store.size,
            proof=proof,
            root=merkle.tree_hash(b"".join(HASHES)),
        )


@pytest.mark.parametrize("partial", [{}, {0: b"\x00" * 32}, {0: b"\x00" * 96, 1: b"\x00" * 32}])
def test_partial_tiles_that_do_not_fit_the_size_are_refused(partial: dict[int, bytes]) -> None:
    with pytest.raises(tiles.TileError):
        tiles.grow(3, partial, HASHES[0])
    with pytest.raises(tiles.TileError):
        tiles.root(3, partial)


def test_a_tile_too_narrow_for_the_proof_is_refused() -> None:
    narrow = tiles.reader(lambda _level, _number: HASHES[0])
    with pytest.raises(tiles.TileError):
        merkle.inclusion_proof(0, 3, narrow)


LOG = VECTORS / "tessera" / "testdata" / "log"
KEY = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"


@needs_vectors
def test_a_real_log_of_another_implementation_is_read_to_its_signed_roots() -> None:
    heads = [read_head(size) for size in range(16)]
    hashes: list[bytes] = []
    for size, head in enumerate(heads):
        if size:
            tile = (LOG / "tile/0/000.p" / str(size)).read_bytes()
            entries = read_entries((LOG / "tile/entries/000.p" / str(size)).read_bytes())
            hashes = [merkle.leaf_hash(entry) for entry in entries]
            assert tile == b"".join(hashes)
            assert tiles.grow(0, {}, tile) == [tiles.Tile(0, 0, tile)]
        assert head == note.Checkpoint(
            "example.com/log/testdata", size, merkle.tree_hash(b"".join(hashes))
        )
    node = tiles.reader(lambda _level, _number: b"".join(hashes))
    for old, new in pairwise(heads[1:]):
        proof = merkle.consistency_proof(old.size, new.size, node)
        merkle.verify_consistency(
            old.size, new.size, old_root=old.root, new_root=new.root, proof=proof
        )


def read_head(size: int) -> note.Checkpoint:
    text = note.decode((LOG / f"checkpoint.{size}").read_bytes())
    return note.open_checkpoint(text, note.VerifierKey.parse(KEY))


def read_entries(bundle: bytes) -> list[bytes]:
    """Entry bundles: big-endian uint16 lengths before each entry."""
    found, offset = [], 0
    while offset < len(bundle):
        start = offset + 2
        offset = start + int.from_bytes(bundle[offset:start])
        found.append(bundle[start:offset])
    return found


@needs_vectors
def test_one_changed_bit_in_the_real_logs_head_is_refused() -> None:
    text = (LOG / "checkpoint.15").read_text()
    root = base64.b64decode(text.split("\n")[2])
    forged = base64.b64encode(bytes([root[0] ^ 1]) + root[1:]).decode()
    with pytest.raises(note.NoteError):
        note.open_checkpoint(text.replace(text.split("\n")[2], forged), note.VerifierKey.parse(KEY))
