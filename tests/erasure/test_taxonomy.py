"""Every code of the wire has a kind, and each kind its patience."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.connectors.errors import CODES
from apps.erasure import taxonomy, waits


def test_every_code_of_the_wire_is_sorted_knowingly() -> None:
    assert set(taxonomy._KINDS) == set(CODES)


@pytest.mark.parametrize(
    ("code", "tries"),
    [("rejected", 1), ("malformed", 3), ("vendor_error", 12), ("never heard of", 12)],
)
def test_a_step_is_set_aside_after_so_many_errors_in_a_row(code: str, tries: int) -> None:
    assert not taxonomy.is_worn(code, tries - 1)
    assert taxonomy.is_worn(code, tries)


def test_waits_grow_differ_and_keep_to_what_the_ats_asks() -> None:
    found = {waits.backoff(4) for _ in range(50)}
    assert len(found) > 1
    assert all(timedelta(seconds=4) <= wait <= timedelta(seconds=8) for wait in found)
    assert waits.backoff(1, at_least=90) == timedelta(seconds=90)
    assert waits.backoff(1_000) <= timedelta(minutes=5)
