"""The Merkle tree of a log: hashes, roots, proofs (RFC 6962 §2.1, SHA-256).

Why a tree and not a chain. A chain proves an entry only by handing over all that follow it,
which here means other people's files; and every writer must wait for the hash of the one
before, so that a slow transaction stops the whole house. A tree proves one entry with some
twenty hashes, proves that today's log continues last year's with some twenty more, and lets
writers stage entries without waiting: their order is given afterwards, in batches.

Principles.
1. A leaf is SHA-256(0x00 ‖ entry), a node SHA-256(0x01 ‖ left ‖ right). The prefixes keep a
   node from being passed off as an entry (RFC 6962 §2.1, second preimages).
2. A tree of n leaves splits at the largest power of two below n. So a full subtree never
   changes again, whatever is appended; that is why tiles can be written once (tiles.py), and
   why the root of n leaves folds from at most log2(n) full subtrees.
3. The tree holds 32-byte hashes and no entry. Erasing what belonged to a person leaves every
   hash, every root and every proof as it was.
4. Verifying trusts nothing it was handed: lengths, sizes and the unused rest of a proof are
   checked before the root is compared. A proof from the empty tree is an error, also from
   0 to 0: everything is consistent with nothing, so it proves nothing.

What can never be undone: a signed root that left the house. Code that signs must first have
recomputed the previous root from what is stored (services.integrate does).

Hashes are `bytes` of length 32 throughout; indexes count from 0; sizes count leaves.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable, Sequence

HASH_BYTES = 32
LEAF_PREFIX = b"\x00"
NODE_PREFIX = b"\x01"
EMPTY_ROOT = hashlib.sha256(b"").digest()

#: node(level, index): the hash of the full subtree over leaves [index·2^level, (index+1)·2^level).
Node = Callable[[int, int], bytes]


class ProofError(ValueError):
    """A proof does not prove what it claims."""


def leaf_hash(entry: bytes) -> bytes:
    return hashlib.sha256(LEAF_PREFIX + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(NODE_PREFIX + left + right).digest()


def tree_hash(hashes: bytes) -> bytes:
    """The root over concatenated leaf hashes. Pairing level by level and lifting an odd last
    one gives the tree of RFC 6962's recursive split, without recursion and at a third of the
    cost. Raises ProofError unless the length is a multiple of 32."""
    if len(hashes) % HASH_BYTES:
        raise ProofError("every hash is 32 bytes")
    if not hashes:
        return EMPTY_ROOT
    sha256, pair = hashlib.sha256, 2 * HASH_BYTES
    while len(hashes) > HASH_BYTES:
        paired = len(hashes) // pair * pair
        above = [
            sha256(NODE_PREFIX + hashes[at : at + pair]).digest() for at in range(0, paired, pair)
        ]
        hashes = b"".join(above) + hashes[paired:]
    return hashes


def fold(subtrees: Sequence[bytes]) -> bytes:
    """The root over full subtrees given from left (largest) to right (smallest)."""
    if not subtrees:
        return EMPTY_ROOT
    root = subtrees[-1]
    for left in reversed(subtrees[:-1]):
        root = node_hash(left, root)
    return root


def full_subtrees(begin: int, end: int) -> Iterable[tuple[int, int]]:
    """(level, index) of the full subtrees that cover leaves [begin, end), left to right.

    `begin` must be a multiple of the largest power of two that fits, as it is for every
    subtree RFC 6962 speaks of: sizes then only fall.
    """
    for level in reversed(range((end - begin).bit_length())):
        if (end - begin) >> level & 1:
            yield level, begin >> level
            begin += 1 << level


def root_of(begin: int, end: int, node: Node) -> bytes:
    """The hash of the subtree over leaves [begin, end): MTH(D[begin:end])."""
    return fold([node(level, index) for level, index in full_subtrees(begin, end)])


def inclusion_proof(index: int, size: int, node: Node) -> list[bytes]:
    """PATH(index, D[size]) of RFC 6962 §2.1.1: from the leaf's sibling up to the root's child.

    Raises ProofError when the tree of that size has no such leaf.
    """
    if not 0 <= index < size:
        raise ProofError("the index lies outside the tree")
    begin, end, path = 0, size, []
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            path.append(root_of(middle, end, node))
            end = middle
        else:
            path.append(root_of(begin, middle, node))
            begin = middle
    return path[::-1]


def consistency_proof(old: int, new: int, node: Node) -> list[bytes]:
    """PROOF(old, D[new]) of RFC 6962 §2.1.2.

    Raises ProofError for sizes that no proof can join: old must be 1 to new.
    """
    if not 0 < old <= new:
        raise ProofError("consistency is proved from a size of at least 1 to a larger one")
    begin, end, path = 0, new, []
    while old != end:
        middle = begin + _split(end - begin)
        if old <= middle:
            path.append(root_of(middle, end, node))
            end = middle
        else:
            path.append(root_of(begin, middle, node))
            begin = middle
    if begin:
        path.append(root_of(begin, end, node))
    return path[::-1]


def _split(count: int) -> int:
    """The largest power of two smaller than `count` (count of at least 2)."""
    return 1 << (count - 1).bit_length() - 1


def verify_inclusion(
    leaf: bytes, *, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> None:
    """The algorithm of RFC 9162 §2.1.3.2. Raises ProofError unless the leaf hash stands at
    `index` in the tree of `size` leaves with that root."""
    if not 0 <= index < size:
        raise ProofError("the index lies outside the tree")
    _check_hashes([leaf, *proof])
    position, last, computed = index, size - 1, leaf
    for sibling in proof:
        if not last:
            raise ProofError("the proof is too long")
        if position & 1 or position == last:
            computed = node_hash(sibling, computed)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            computed = node_hash(computed, sibling)
        position, last = position >> 1, last >> 1
    if last:
        raise ProofError("the proof is too short")
    _check_root(computed, root)


def verify_consistency(
    old: int, new: int, *, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """The algorithm of RFC 9162 §2.1.4.2. Raises ProofError unless the tree of `new` leaves
    begins with the tree of `old` leaves."""
    if not 0 < old <= new:
        raise ProofError("consistency is proved from a size of at least 1 to a larger one")
    _check_hashes(proof)
    if old == new:
        if proof:
            raise ProofError("equal sizes need no proof")
        _check_root(old_root, new_root)
        return
    path = list(proof) if old & (old - 1) else [old_root, *proof]
    if not path:
        raise ProofError("the proof is too short")
    computed_old, computed_new = _replay(old, new, path)
    _check_root(computed_old, old_root)
    _check_root(computed_new, new_root)


def _replay(old: int, new: int, path: Sequence[bytes]) -> tuple[bytes, bytes]:
    """Both roots that a consistency path leads to."""
    position, last = old - 1, new - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    old_root = new_root = path[0]
    for sibling in path[1:]:
        if not last:
            raise ProofError("the proof is too long")
        if position & 1 or position == last:
            old_root = node_hash(sibling, old_root)
            new_root = node_hash(sibling, new_root)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            new_root = node_hash(new_root, sibling)
        position, last = position >> 1, last >> 1
    if last:
        raise ProofError("the proof is too short")
    return old_root, new_root


def _check_hashes(hashes: Iterable[bytes]) -> None:
    if any(len(item) != HASH_BYTES for item in hashes):
        raise ProofError("every hash is 32 bytes")


def _check_root(computed: bytes, claimed: bytes) -> None:
    if not hmac.compare_digest(computed, claimed):
        raise ProofError("the root does not match")


class CompactRange:
    """The full subtrees of a growing tree: enough to append and to give the root, no more.

    Holds at most 64 hashes. `append` costs one hash on average.
    """

    __slots__ = ("_levels", "_subtrees", "size")

    def __init__(self) -> None:
        self.size = 0
        self._subtrees: list[bytes] = []
        self._levels: list[int] = []

    def append(self, subtree: bytes, level: int = 0) -> None:
        """Add the full subtree over the next 2^level leaves; `size` must be a multiple of it."""
        if self.size & (1 << level) - 1:
            raise ProofError("a subtree can only be appended where it begins")
        self.size += 1 << level
        while self._levels and self._levels[-1] == level:
            subtree = node_hash(self._subtrees.pop(), subtree)
            level = self._levels.pop() + 1
        self._subtrees.append(subtree)
        self._levels.append(level)

    def root(self) -> bytes:
        return fold(self._subtrees)
