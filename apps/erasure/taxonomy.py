"""Pure: what kind of trouble a code is, and what becomes of a step that meets it.

    retry      nobody knows why: the same again, a little later
    wait       the ATS has too much to do: it says when, or we ask less often
    blocked    something must be there first: a credential, a permission, an address
    person     only this record, and asking again will not help: somebody looks
    permanent  the ATS refuses this very request, for good

A trouble of the whole connection is an obstacle (obstacles.py) and costs no step anything; a
trouble of one record is counted on its step, so that it never keeps the others waiting.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

Kind = Literal["retry", "wait", "blocked", "person", "permanent"]

_KINDS: Final[Mapping[str, Kind]] = {
    "outcome_unknown": "retry",
    "unreachable": "retry",
    "timed_out": "retry",
    "rate_limited": "wait",
    "vendor_error": "wait",
    "unauthorized": "blocked",
    "forbidden": "blocked",
    "host_refused": "blocked",
    "redirected": "blocked",
    "not_found": "person",
    "malformed": "person",
    "too_large": "person",
    "by_hand": "permanent",
    "rejected": "permanent",
}
#: How often one record is tried before it is set aside.
_TRIES: Final[Mapping[Kind, int]] = {
    "retry": 12,
    "wait": 12,
    "blocked": 3,
    "person": 3,
    "permanent": 1,
}


def kind(code: str) -> Kind:
    """An unknown code is ours or new: it is tried again, never taken for a success."""
    return _KINDS.get(code, "retry")


def is_worn(code: str, errors: int) -> bool:
    """Whether a step that met this trouble so often in a row is set aside for a person."""
    return errors >= _TRIES[kind(code)]
