"""Paths of leaves: one segment a star, so that an allow-list cannot reach too far."""

import pytest

from apps.connectors.paths import leaves, matches


def test_every_scalar_has_a_path_and_empty_containers_have_none() -> None:
    value = {"a": [{"b": 1}, {"b": None}], "c": {}, "d": [], "e": True}
    assert dict(leaves(value, "x")) == {"x.a.0.b": 1, "x.a.1.b": None, "x.e": True}


def test_a_number_with_a_fraction_is_compared_as_text() -> None:
    assert dict(leaves({"salary": 1.5})) == {"salary": "1.5"}


def test_a_dot_in_a_vendors_key_does_not_make_a_new_segment() -> None:
    assert dict(leaves({"a.b": {"c": 1}})) == {"a_b.c": 1}


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("candidate.id", "candidate.id", True),
        ("candidate.tags.*", "candidate.tags.0", True),
        ("candidate.tags.*", "candidate.tags", False),
        ("candidate.custom_fields.*.name", "candidate.custom_fields.boss.name", True),
        ("candidate.custom_fields.*.name", "candidate.custom_fields.boss.value.name", False),
        ("note.**", "note.NOTE.7.body", True),
        ("note.**", "note", False),
        ("note.**", "notes.7", False),
    ],
)
def test_a_star_stands_for_one_segment_and_two_for_the_rest(
    pattern: str, path: str, expected: bool
) -> None:
    assert matches(pattern, path) is expected
