"""No scope, no query.

Lethe serves several controllers (legal entities) from one database, and a row of one must
never be seen by the people of another. So every scoped manager asks this module which
controller it works for, and raises when nobody said so:

    with scope.enter(controller_id):
        Record.objects.filter(...)      # only that controller's rows

Principles. The scope is explicit, entered by the doors (from the membership or the API key)
and by ticks (one controller after another), never guessed from a row. It lives in a context
variable, so threads and tasks do not inherit each other's. `unscoped` exists for the few
places that work on the installation as a whole (claiming work, placing ledger entries,
verifying, the limiter, backups); tests/architecture holds the list of modules that may call
it. The managers are the first wall; PostgreSQL's row-level security will be the second.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar
from uuid import UUID

from django.db import models


class ScopeError(RuntimeError):
    """A scoped query was attempted outside `scope.enter`: a bug, never a user's mistake."""


class _Unscoped:
    """The deliberate absence of a scope."""


_UNSCOPED = _Unscoped()
_scope: ContextVar[UUID | _Unscoped | None] = ContextVar("lethe_scope", default=None)

M = TypeVar("M", bound=models.Model)


@contextmanager
def enter(controller_id: UUID) -> Iterator[UUID]:
    """Work for one controller until the block ends."""
    token = _scope.set(controller_id)
    try:
        yield controller_id
    finally:
        _scope.reset(token)


@contextmanager
def unscoped(reason: str) -> Iterator[None]:
    """Work for the installation; `reason` is for the reader and may not be empty."""
    if not reason.strip():
        raise ScopeError("unscoped work needs a reason")
    token = _scope.set(_UNSCOPED)
    try:
        yield
    finally:
        _scope.reset(token)


def current() -> UUID:
    """The controller this code works for. Raises ScopeError when there is none."""
    value = _scope.get()
    if not isinstance(value, UUID):
        raise ScopeError("no controller in scope: wrap this in scope.enter(controller_id)")
    return value


def each(controller_ids: Iterable[UUID]) -> Iterator[UUID]:
    """Walk controllers one at a time, each inside its own scope."""
    for controller_id in controller_ids:
        with enter(controller_id):
            yield controller_id


class ScopedManager(models.Manager[M]):
    """Filters by the controller in scope, and writes it into every row created."""

    def get_queryset(self) -> models.QuerySet[M]:
        value = _scope.get()
        if value is None:
            raise ScopeError(f"{self.model.__name__} queried without a scope")
        rows = super().get_queryset()
        return rows if isinstance(value, _Unscoped) else rows.filter(controller_id=value)

    def create(self, **values: Any) -> M:
        values.setdefault("controller_id", current())
        if values["controller_id"] != current():
            raise ScopeError(f"{self.model.__name__} created for another controller")
        return super().create(**values)
