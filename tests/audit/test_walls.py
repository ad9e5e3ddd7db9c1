"""What the database refuses, whatever the code above it does."""

from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from apps.audit import services
from apps.audit.models import Checkpoint, Entry, Log, Pending, Tile
from apps.core.ids import new_id
from tests.audit.ledger import DORA, PLAIN, opened, owner, sealed, write

TABLES = ["audit_log", "audit_pending", "audit_entry", "audit_tile", "audit_checkpoint"]
CHANGES = ["UPDATE {} SET log_id = log_id", "DELETE FROM {}", "TRUNCATE {}"]


def change(statement: str, table: str) -> str:
    statement = statement.format(table)
    return statement.replace("log_id", "id") if table == "audit_log" else statement


@pytest.mark.django_db
@pytest.mark.parametrize("statement", CHANGES)
@pytest.mark.parametrize("table", TABLES)
def test_the_runtime_role_changes_and_removes_nothing(statement: str, table: str) -> None:
    with (
        pytest.raises(DatabaseError, match="permission denied"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(change(statement, table))


@pytest.mark.django_db
def test_the_runtime_role_places_nothing_by_hand() -> None:
    log_id = opened()
    rows = [
        Entry(log_id=log_id, index=0, verb="test.passed", body=b"{}"),
        Tile(log_id=log_id, level=0, number=0, hashes=b"\x00" * 32),
        Checkpoint(log_id=log_id, size=1, root=b"\x00" * 32, note="x"),
    ]
    for row in rows:
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            row.save(force_insert=True)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("statement", CHANGES)
def test_the_owner_is_refused_too(statement: str) -> None:
    log_id = sealed(3)
    write(log_id, 1)
    for table in TABLES:
        if (table, statement) == ("audit_pending", CHANGES[1]):
            continue  # audit_place deletes what it moves; the runtime role cannot (above)
        with pytest.raises(DatabaseError, match="the ledger only grows") as refused:
            run_as_owner(change(statement, table))
        assert refused.value is not None
    assert Entry.objects.filter(log=log_id).count() == 3
    assert Pending.objects.filter(log=log_id).count() == 1


def run_as_owner(statement: str) -> None:
    with connection.wrap_database_errors, owner() as hand:
        if statement.startswith("TRUNCATE"):
            statement += " CASCADE"
        hand.execute(statement)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "changed",
    [
        "UPDATE audit_tile SET hashes = substring(hashes FROM 1 FOR 32)",
        "UPDATE audit_tile SET hashes = hashes",
        "UPDATE audit_tile SET hashes = set_byte(hashes, 0, get_byte(hashes, 0) # 1) || hashes",
        "UPDATE audit_tile SET number = number + 1",
        "UPDATE audit_tile SET hashes = hashes || '\\x00'::bytea",
    ],
)
def test_a_tile_keeps_the_hashes_it_has(changed: str) -> None:
    log_id = sealed(1)  # one tile each in this log and in the installation's
    before = Tile.objects.get(log=log_id).hashes
    with pytest.raises(DatabaseError, match=r"only grows|audit_tile_size"):
        run_as_owner(changed)
    assert Tile.objects.get(log=log_id).hashes == before


@pytest.mark.django_db
@pytest.mark.parametrize("sizes", [(0, 3), (0, 5), (2, 4), (4, 4)])
def test_a_checkpoint_covers_exactly_what_was_placed(sizes: tuple[int, int]) -> None:
    log_id = sealed(4)
    arguments: list[Any] = [log_id, *sizes, b"\x00" * 32, "a note", [], [], []]
    with (
        pytest.raises(DatabaseError, match="exactly what was placed"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(
            "SELECT audit_publish(%s, %s, %s, %s, %s, %s::int[], %s::bigint[], %s::bytea[])",
            arguments,
        )


@pytest.mark.django_db
def test_only_who_was_granted_it_may_place_or_publish() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT proname, has_function_privilege('public', oid, 'EXECUTE'),"
            " has_function_privilege(current_user, oid, 'EXECUTE')"
            " FROM pg_proc WHERE proname IN ('audit_place', 'audit_publish') ORDER BY proname"
        )
        assert cursor.fetchall() == [("audit_place", False, True), ("audit_publish", False, True)]


@pytest.mark.django_db
@pytest.mark.parametrize("size", [0, 65_536])
def test_an_entry_that_fits_no_bundle_is_refused(size: int) -> None:
    with pytest.raises(DatabaseError, match="audit_pending_body_size"), transaction.atomic():
        Pending.objects.create(log_id=new_id(), verb="x.y", body=b" " * size)


@pytest.mark.django_db
def test_a_log_without_a_row_is_not_placed() -> None:
    Pending.objects.create(log_id=new_id(), verb="x.y", body=b"{}")
    assert services.integrate() == 0
    stray = Pending.objects.get()
    assert not Log.objects.filter(pk=stray.log_id).exists()
    with (
        pytest.raises(DatabaseError, match="no such log"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT * FROM audit_place(%s, 10)", [stray.log_id])


@pytest.mark.django_db(transaction=True)
def test_what_was_placed_without_being_published_is_sealed_with_the_next_batch() -> None:
    log_id = sealed(2)
    write(log_id, 3)
    with connection.cursor() as cursor:
        cursor.execute("SELECT placed FROM audit_place(%s, 2)", [log_id])
    with transaction.atomic():
        services.record(PLAIN, actor=DORA, log_id=log_id)
    services.integrate(log_id=log_id)
    assert Checkpoint.objects.filter(log=log_id).latest("size").size == 6
