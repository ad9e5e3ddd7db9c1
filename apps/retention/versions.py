"""Pure: the life of a policy version, written before the code that walks it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

#: state → (the next one, what it takes).
LIFE: Final[Mapping[str, tuple[str, str]]] = {
    "drafted": ("signed", "a DPO and a second person sign"),
    "signed": ("active", "a DPO puts it in force from a day on"),
    "active": ("superseded", "the next version of the country has begun"),
}


def may(before: str, after: str) -> bool:
    """Whether a version may go from one state to the other."""
    return before in LIFE and LIFE[before][0] == after
