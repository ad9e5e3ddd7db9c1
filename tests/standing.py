"""A house stocked once for the tests of a module, instead of once for each.

It stands in one transaction around them; every test works in a savepoint of it and leaves it as
it was, as with Django's setUpTestData. A test that commits must build its own.

    @pytest.fixture(scope="module")
    def _house(django_db_setup, django_db_blocker):
        with standing(django_db_blocker, build) as house:
            yield house

    @pytest.fixture
    def house(_house, db):             # in this order: the savepoint comes after
        return copy.deepcopy(_house)
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TypeVar

from django.db import connections, transaction
from pytest_django import DjangoDbBlocker

T = TypeVar("T")


@contextlib.contextmanager
def standing(blocker: DjangoDbBlocker, build: Callable[[], T]) -> Iterator[T]:
    """What `build` made, in both databases, until the module's last test has ended."""
    around = contextlib.ExitStack()
    with blocker.unblock():
        try:
            for alias in connections:
                around.enter_context(transaction.atomic(using=alias))
            built = build()
        except BaseException:
            _undo(around)
            raise
    try:
        yield built
    finally:
        with blocker.unblock():
            _undo(around)


def _undo(around: contextlib.ExitStack) -> None:
    for alias in connections:
        transaction.set_rollback(True, using=alias)
    around.close()
