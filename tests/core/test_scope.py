"""No scope, no query (invariant 1)."""

import threading

import pytest

from apps.connectors.models import Connection
from apps.core import scope
from apps.core.ids import new_id
from tests import cast

pytestmark = pytest.mark.django_db


def test_outside_a_scope_every_scoped_query_raises() -> None:
    with pytest.raises(scope.ScopeError):
        Connection.objects.all()
    with pytest.raises(scope.ScopeError):
        Connection.objects.create(name="x", vendor="csv")


def test_a_scope_shows_its_own_rows_and_hides_the_others() -> None:
    ours, theirs = cast.company(), cast.mallory()
    with scope.enter(ours.id):
        mine = cast.csv_connection("ours")
    with scope.enter(theirs.id):
        other = cast.csv_connection("theirs")
    with scope.enter(ours.id):
        assert set(Connection.objects.all()) == {mine}
        assert not Connection.objects.filter(pk=other.pk).exists()
    with scope.enter(theirs.id):
        assert set(Connection.objects.all()) == {other}


def test_nothing_is_created_for_another_controller() -> None:
    ours, theirs = cast.company(), cast.mallory()
    with scope.enter(ours.id), pytest.raises(scope.ScopeError):
        Connection.objects.create(name="x", vendor="csv", controller_id=theirs.id)


def test_scopes_nest_and_end() -> None:
    outer, inner = new_id(), new_id()
    with scope.enter(outer):
        with scope.enter(inner):
            assert scope.current() == inner
        assert scope.current() == outer
    with pytest.raises(scope.ScopeError):
        scope.current()


def test_a_thread_inherits_no_scope() -> None:
    seen: list[str] = []

    def look() -> None:
        try:
            scope.current()
        except scope.ScopeError:
            seen.append("none")

    with scope.enter(new_id()):
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
    assert seen == ["none"]


def test_unscoped_work_needs_a_reason() -> None:
    with pytest.raises(scope.ScopeError), scope.unscoped(" "):
        pass
