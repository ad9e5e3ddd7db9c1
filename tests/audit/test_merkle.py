"""The tree against RFC 6962 read literally, against known roots, and against published cases."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.audit import merkle
from tests.audit import reference
from tests.audit.reference import VECTORS, needs_vectors

LIMIT = 66

#: The eight leaves and roots of the tree that Certificate Transparency has tested with from
#: its first day.
CT_LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
CT_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def entries(count: int) -> list[bytes]:
    return [b"entry %d" % number for number in range(count)]


def leaves(count: int) -> list[bytes]:
    return [merkle.leaf_hash(entry) for entry in entries(count)]


def root(hashes: list[bytes]) -> bytes:
    return merkle.tree_hash(b"".join(hashes))


def node_over(hashes: list[bytes]) -> merkle.Node:
    def node(level: int, index: int) -> bytes:
        chosen = hashes[index << level : (index + 1) << level]
        assert len(chosen) == 1 << level, "only full subtrees may be asked for"
        return root(chosen)

    return node


@pytest.mark.parametrize("size", range(1, len(CT_ROOTS) + 1))
def test_the_roots_of_the_certificate_transparency_tree_come_out(size: int) -> None:
    hashes = [merkle.leaf_hash(leaf) for leaf in CT_LEAVES[:size]]
    assert root(hashes).hex() == CT_ROOTS[size - 1]


def test_the_empty_tree_has_the_hash_of_nothing() -> None:
    assert merkle.tree_hash(b"") == merkle.CompactRange().root() == reference.sha(b"")


def test_every_root_equals_the_recursive_definition() -> None:
    growing = merkle.CompactRange()
    for size in range(LIMIT):
        expected = reference.mth(entries(size))
        assert root(leaves(size)) == growing.root() == expected
        assert merkle.root_of(0, size, node_over(leaves(size))) == expected
        growing.append(merkle.leaf_hash(b"entry %d" % size))


def test_a_range_grows_by_whole_subtrees_only_where_they_begin() -> None:
    growing = merkle.CompactRange()
    for start in (0, 8):
        growing.append(root(leaves(LIMIT)[start : start + 8]), level=3)
    for index in range(16, LIMIT):
        assert growing.root() == reference.mth(entries(index))
        growing.append(leaves(LIMIT)[index])
    with pytest.raises(merkle.ProofError):
        growing.append(b"\x00" * 32, level=3)
    with pytest.raises(merkle.ProofError):
        merkle.tree_hash(b"\x00" * 33)


def test_every_inclusion_proof_is_the_one_of_the_rfc_and_verifies() -> None:
    for size in range(1, LIMIT):
        top, node = root(leaves(size)), node_over(leaves(size))
        for index in range(size):
            proof = merkle.inclusion_proof(index, size, node)
            assert proof == reference.path(index, entries(size))
            leaf = merkle.leaf_hash(b"entry %d" % index)
            merkle.verify_inclusion(leaf, index=index, size=size, proof=proof, root=top)


def test_an_inclusion_proof_holds_for_no_other_index_and_no_other_leaf() -> None:
    for size in range(1, 20):
        top, node = root(leaves(size)), node_over(leaves(size))
        for index in range(size):
            proof = merkle.inclusion_proof(index, size, node)
            for other in (*range(size), -1, size, size + 1):
                leaf = merkle.leaf_hash(b"entry %d" % (index if other != index else index + 1))
                with pytest.raises(merkle.ProofError):
                    merkle.verify_inclusion(leaf, index=other, size=size, proof=proof, root=top)


def test_every_consistency_proof_is_the_one_of_the_rfc_and_verifies() -> None:
    for new in range(1, LIMIT):
        node, new_root = node_over(leaves(new)), reference.mth(entries(new))
        for old in range(1, new + 1):
            proof = merkle.consistency_proof(old, new, node)
            assert proof == reference.proof(old, entries(new))
            old_root = reference.mth(entries(old))
            merkle.verify_consistency(old, new, old_root=old_root, new_root=new_root, proof=proof)


@given(st.data())
def test_a_consistency_proof_with_any_bit_changed_is_refused(data: st.DataObject) -> None:
    new = data.draw(st.integers(2, 300))
    old = data.draw(st.integers(1, new - 1))
    hashes = leaves(new)
    proof = merkle.consistency_proof(old, new, node_over(hashes))
    roots = [root(hashes[:old]), root(hashes)]
    parts = [*roots, *proof]
    which = data.draw(st.integers(0, len(parts) - 1))
    bit = data.draw(st.integers(0, 255))
    parts[which] = (int.from_bytes(parts[which]) ^ 1 << bit).to_bytes(32)
    with pytest.raises(merkle.ProofError):
        merkle.verify_consistency(old, new, old_root=parts[0], new_root=parts[1], proof=parts[2:])


@pytest.mark.parametrize(("old", "new"), [(0, 0), (0, 1), (2, 1), (-1, 3)])
def test_nothing_is_consistent_with_the_empty_tree_or_with_a_smaller_one(
    old: int, new: int
) -> None:
    root = merkle.EMPTY_ROOT
    with pytest.raises(merkle.ProofError):
        merkle.consistency_proof(old, new, node_over(leaves(3)))
    with pytest.raises(merkle.ProofError):
        merkle.verify_consistency(old, new, old_root=root, new_root=root, proof=[])


@pytest.mark.parametrize(("index", "size"), [(0, 0), (3, 3), (-1, 3)])
def test_no_proof_is_made_for_a_leaf_that_is_not_there(index: int, size: int) -> None:
    with pytest.raises(merkle.ProofError):
        merkle.inclusion_proof(index, size, node_over(leaves(3)))


def test_a_node_passed_off_as_an_entry_is_refused() -> None:
    left, right = leaves(2)
    forged = merkle.leaf_hash(left + right)
    top = root(leaves(2))
    with pytest.raises(merkle.ProofError):
        merkle.verify_inclusion(forged, index=0, size=1, proof=[], root=top)


def published(kind: str) -> Iterator[Any]:
    folder = VECTORS / "transparency-dev-merkle" / "testdata" / kind
    for file in sorted(folder.rglob("*.json")) if folder.is_dir() else ():
        yield pytest.param(file, id=str(file.relative_to(folder)))


def decode(text: str | None) -> bytes:
    return base64.b64decode(text or "")


def refused(case: dict[str, Any]) -> bool:
    proof = [decode(item) for item in case["proof"] or []]
    try:
        if "leafIdx" in case:
            merkle.verify_inclusion(
                decode(case["leafHash"]),
                index=case["leafIdx"],
                size=case["treeSize"],
                proof=proof,
                root=decode(case["root"]),
            )
        else:
            merkle.verify_consistency(
                case["size1"],
                case["size2"],
                old_root=decode(case["root1"]),
                new_root=decode(case["root2"]),
                proof=proof,
            )
    except merkle.ProofError:
        return True
    return False


@needs_vectors
@pytest.mark.parametrize("file", [*published("inclusion"), *published("consistency")])
def test_the_published_cases_are_judged_as_published(file: Path) -> None:
    case = json.loads(file.read_text())
    assert refused(case) is case["wantErr"], case["desc"]


@needs_vectors
def test_all_of_the_published_cases_were_found() -> None:
    assert [len(list(published(kind))) for kind in ("inclusion", "consistency")] == [98, 98]
