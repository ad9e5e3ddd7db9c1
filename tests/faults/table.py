"""What the fault suite found, fault by fault: every number that must be zero is one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Row:
    test: str
    seed: int
    fault: str = ""
    did: dict[str, int] = field(default_factory=dict)
    #: Must all be zero: steps lost, outcomes verified without a reading, effects repeated …
    wrong: dict[str, int] = field(default_factory=dict)


_rows: list[Row] = []
_current: list[Row] = []


@contextmanager
def seeded(test: str, seed: int) -> Iterator[Row]:
    """Whatever this test reports goes under its seed."""
    row = Row(test, seed)
    _rows.append(row)
    _current.append(row)
    try:
        yield row
    finally:
        _current.remove(row)


def report(fault: str, *, did: dict[str, int], wrong: dict[str, int]) -> None:
    """Note what was done and found, then fail for anything that is wrong."""
    row = _current[-1]
    row.fault, row.did, row.wrong = fault, did, wrong
    assert not any(wrong.values()), (fault, row.seed, wrong)


def lines() -> list[str]:
    if not _rows:
        return []
    found = ["", "fault · done · found wrong (all must be 0) · seed"]
    for row in _rows:
        did = ", ".join(f"{count} {what}" for what, count in row.did.items()) or "did not finish"
        wrong = ", ".join(f"{count} {what}" for what, count in row.wrong.items()) or "unknown"
        found.append(f"  {row.fault or row.test}: {did} | {wrong} | {row.seed}")
    return found
