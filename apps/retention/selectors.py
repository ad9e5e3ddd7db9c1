"""Reads of this room: what is due, how many, why, what would be.

`as_of` is a local date of the establishment: what ended before it is due.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from apps.core.errors import Missing
from apps.retention import due_sql as sql
from apps.retention import facts, first_due
from apps.retention.counting_sql import COUNTS
from apps.retention.differences import Difference, between, with_overrides
from apps.retention.explaining import Explanation, GroundView, decide, explain
from apps.retention.grounds import for_many_rows
from apps.retention.models import Policy
from apps.retention.simulating import Simulation, simulate

__all__ = [
    "Counts",
    "Due",
    "Explanation",
    "GroundView",
    "Simulation",
    "counts",
    "decide",
    "differences",
    "due",
    "due_ids",
    "explain",
    "policies_of",
    "policy_in_force",
    "simulate",
    "to_archive",
]


@dataclass(frozen=True, slots=True)
class Due:
    """A record to dispose of: `rule` decided it, `due_on` is the first local day it is due.

    `record_version` is the version of the facts it was decided on. `cell` is where the rule
    that decided applies; None for a record that came back after its erasure. `to_archive`: it
    goes to the intermediate archive, where `rule` keeps it.
    """

    record_id: UUID
    record_version: int
    rule: str
    due_on: date
    cell: int | None
    to_archive: bool = False


@dataclass(frozen=True, slots=True)
class Counts:
    """Records by outcome. `pending`: their facts are newer than their grounds."""

    due: int
    archive: int
    kept: int
    held: int
    undecided: int
    pending: int

    @property
    def decided(self) -> int:
        """Those of which something can be said."""
        return self.due + self.archive + self.kept + self.held


def due(*, as_of: date, limit: int | None = None, connection_id: UUID | None = None) -> list[Due]:
    """What may be disposed of, the longest due first. The first few are found without looking
    at all of them (first_due.py)."""
    if limit is not None:
        first = first_due.read(as_of=as_of, limit=limit, connection_id=connection_id)
        return [Due(*row) for row in first]
    given = facts.now_in_force(as_of) | {"limit": None, "connection": connection_id}
    return [Due(*row) for row in _rows(sql.DUE, given)]


def to_archive(
    *, as_of: date, limit: int | None = None, connection_id: UUID | None = None
) -> list[Due]:
    """What leaves the active base for the intermediate archive, the longest waiting first."""
    given = facts.now_in_force(as_of) | {"limit": limit, "connection": connection_id}
    return [Due(*row) for row in _rows(sql.ARCHIVE, given)]


def due_ids(*, as_of: date) -> list[UUID]:
    """The records of `due`, all of them, in no order."""
    return [row[0] for row in _rows(sql.DUE_IDS, facts.now_in_force(as_of))]


def counts(*, as_of: date) -> Counts:
    """Every record of the controller that was not erased, by what is to be done with it."""
    with transaction.atomic(), connection.cursor() as cursor:
        for_many_rows(cursor)
        cursor.execute(COUNTS, facts.now_in_force(as_of))
        return Counts(*cursor.fetchone())


def _rows(statement: str, given: dict[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, given)
        rows: list[Any] = cursor.fetchall()
        return rows


def policies_of(rows: Sequence[Due], *, as_of: date) -> dict[UUID, Policy]:
    """By record, the version that made it due: that of its deciding cell, whatever the country.

    For a record that came back after its erasure, the version activated last; without any
    version the record is absent.
    """
    by_cell = facts.governing((row.cell for row in rows if row.cell is not None), as_of)
    last = policy_in_force(as_of=as_of)
    found = {row.record_id: by_cell.get(row.cell or 0, last) for row in rows}
    return {record_id: policy for record_id, policy in found.items() if policy is not None}


def differences(policy_id: UUID, *, as_of: date) -> tuple[Policy | None, tuple[Difference, ...]]:
    """What a version changes against the one that governs its country on a day, overrides
    included; that one is None where nothing governs yet. Raises Missing."""
    policy: Policy | None = Policy.objects.filter(pk=policy_id).first()
    if policy is None:
        raise Missing("policy", _("There is no such policy version."))
    other = policy_in_force(as_of=as_of, country=policy.country)
    if other is None or other.pk == policy.pk:
        return None, ()
    return other, between(_governing_rules(other), _governing_rules(policy))


def _governing_rules(policy: Policy) -> list[Mapping[str, Any]]:
    everywhere = policy.overrides.filter(job="").order_by("signed_at", "pk")
    return with_overrides(policy.rules, {one.rule: one.duration for one in everywhere})


def policy_in_force(*, as_of: date, country: str | None = None) -> Policy | None:
    """The version that governs on a day, of one country or the last activated of any."""
    started = Policy.objects.filter(active_from__lte=as_of)
    if country is not None:
        started = started.filter(country=country)
    return started.order_by("-active_from", "-number").first()
