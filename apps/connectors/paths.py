"""Paths of JSON leaves, such as `candidate.email_addresses.0.value`, and patterns over them.

A pattern is matched segment by segment: `*` stands for exactly one segment, `**` as the last
segment for one or more. Segment by segment, because a star that crosses dots would let an
allow-list for ids also allow the `id` inside somebody's custom field.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from apps.connectors.port import Scalar


def leaves(value: Any, prefix: str = "") -> Iterator[tuple[str, Scalar]]:
    """Every scalar of a JSON value with its path. Empty lists and objects have no leaf.

    Numbers with a fraction become text: a leaf is compared and committed to, never computed.
    """
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from leaves(item, _join(prefix, _segment(str(key))))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from leaves(item, _join(prefix, str(index)))
    else:
        yield prefix, str(value) if isinstance(value, float) else value


def matches(pattern: str, path: str) -> bool:
    return _segments_match(tuple(pattern.split(".")), tuple(path.split(".")))


def any_matches(patterns: Iterable[str], path: str) -> bool:
    return any(matches(pattern, path) for pattern in patterns)


@lru_cache(maxsize=65_536)
def _segments_match(pattern: tuple[str, ...], path: tuple[str, ...]) -> bool:
    if pattern[-1] == "**":
        head = pattern[:-1]
        return len(path) > len(head) and _each_matches(head, path[: len(head)])
    return len(path) == len(pattern) and _each_matches(pattern, path)


def _each_matches(pattern: tuple[str, ...], path: tuple[str, ...]) -> bool:
    return all(want in ("*", have) for want, have in zip(pattern, path, strict=True))


def _segment(key: str) -> str:
    """A key of the vendor's may hold a dot; a path may not."""
    return key.replace(".", "_")


def _join(prefix: str, segment: str) -> str:
    return f"{prefix}.{segment}" if prefix else segment
