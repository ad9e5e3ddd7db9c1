"""Writes of this room, by noun: policies, grounds, holds. Call them by this module's name."""

from __future__ import annotations

from apps.retention.demands import (
    cancel_erasure,
    lift_restriction,
    require_erasure,
    restrict,
)
from apps.retention.grounds import refresh, refresh_all
from apps.retention.holds import open_case, place_hold, release_case, release_hold, review_case
from apps.retention.mapping import change_mapping
from apps.retention.overrides import override
from apps.retention.policies import activate, load_policy, sign, supersede

__all__ = [
    "activate",
    "cancel_erasure",
    "change_mapping",
    "lift_restriction",
    "load_policy",
    "open_case",
    "override",
    "place_hold",
    "refresh",
    "refresh_all",
    "release_case",
    "release_hold",
    "require_erasure",
    "restrict",
    "review_case",
    "sign",
    "supersede",
]
