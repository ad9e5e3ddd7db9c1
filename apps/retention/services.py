"""Writes of this room, by noun: policies, grounds, holds. Call them by this module's name."""

from __future__ import annotations

from apps.retention.grounds import refresh, refresh_all
from apps.retention.holds import place_hold, release_hold
from apps.retention.policies import activate, load_policy, override, sign, supersede

__all__ = [
    "activate",
    "load_policy",
    "override",
    "place_hold",
    "refresh",
    "refresh_all",
    "release_hold",
    "sign",
    "supersede",
]
