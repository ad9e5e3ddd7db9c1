"""Moving what is staged into the log: in order, once, signed, whatever happens meanwhile."""

import threading
import uuid
from pathlib import Path
from typing import NoReturn

import pytest
from django.conf import settings
from django.db import connection, transaction
from pytest_django import Settings

from apps.audit import events, note, selectors, services, signing, tasks, verification
from apps.audit.models import Checkpoint, Entry, Pending, Tile
from apps.audit.services import INSTANCE
from apps.core.errors import Conflict, Missing, Unavailable
from apps.core.ids import new_id
from tests.audit.ledger import DORA, PLAIN, opened, sealed, tampering, write


def objects_in(log_id: uuid.UUID) -> list[uuid.UUID | None]:
    rows = Entry.objects.filter(log=log_id).order_by("index")
    return list(rows.values_list("object_id", flat=True))


@pytest.mark.django_db
def test_entries_are_placed_in_the_order_they_were_staged() -> None:
    log_id = opened()
    staged = write(log_id, 700)
    assert services.integrate(log_id=log_id) == 701
    assert objects_in(log_id) == [None, *staged]
    assert selectors.pending(log_id) == 0
    assert selectors.size(log_id) == 701


@pytest.mark.django_db
def test_each_batch_ends_in_a_checkpoint_that_the_logs_key_signed() -> None:
    log_id = opened()
    write(log_id, 699)
    assert services.integrate(log_id=log_id, limit=300) == 700
    heads = list(Checkpoint.objects.filter(log=log_id).order_by("size"))
    assert [head.size for head in heads] == [300, 600, 700]
    key = note.VerifierKey.parse(selectors.log(log_id).vkey)
    for head in heads:
        read = note.open_checkpoint(head.note, key)
        assert read == note.Checkpoint(f"lethe.test/log/{log_id}", head.size, bytes(head.root))
    assert verification.verify(log_id).ok


@pytest.mark.django_db
def test_the_installations_log_remembers_every_checkpoint_and_does_not_feed_itself() -> None:
    log_id = sealed(5)
    told = selectors.entries(INSTANCE, verb=events.CHECKPOINTED.name)
    assert [entry.body.object for entry in told] == [log_id]
    head = selectors.checkpoint(log_id)
    assert head is not None
    assert told[0].body.facts["commitments"] == {"root": bytes(head.root).hex()}
    assert told[0].body.facts["counts"] == {"size": 5}
    before = selectors.size(INSTANCE)
    assert services.integrate() == 0
    assert tasks.integrate() == 0
    assert selectors.size(INSTANCE) == before


@pytest.mark.django_db
def test_there_is_nothing_to_seal_in_a_log_that_does_not_exist() -> None:
    with pytest.raises(Missing):
        services.integrate(log_id=new_id())


@pytest.mark.django_db(transaction=True)
def test_concurrent_writers_and_two_runners_lose_nothing_and_place_nothing_twice() -> None:
    log_id = opened()
    staged: list[uuid.UUID] = []
    failures: list[BaseException] = []
    writing = threading.Event()

    def attempt(work: object) -> None:
        try:
            assert callable(work)
            work()
        except BaseException as error:  # noqa: BLE001 - a thread's error must reach the test
            failures.append(error)
        finally:
            connection.close()

    def writer() -> None:
        for _ in range(60):
            target = new_id()
            with transaction.atomic():
                services.record(PLAIN, actor=DORA, log_id=log_id, object_id=target)
            staged.append(target)

    def runner() -> None:
        while not writing.is_set():
            services.integrate(limit=17)

    writers = [threading.Thread(target=attempt, args=(writer,)) for _ in range(5)]
    runners = [threading.Thread(target=attempt, args=(runner,)) for _ in range(2)]
    for thread in writers + runners:
        thread.start()
    for thread in writers:
        thread.join()
    writing.set()
    for thread in runners:
        thread.join()
    services.integrate()
    assert failures == []
    placed = objects_in(log_id)
    assert len(placed) == 301
    assert set(placed) == {None, *staged}
    assert selectors.pending(log_id) == 0
    assert [verdict.ok for verdict in verification.verify_all()] == [True, True]


@pytest.mark.django_db(transaction=True)
def test_a_runner_that_dies_before_it_publishes_leaves_everything_pending(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log_id = sealed(3)
    staged = write(log_id, 4)

    def die(*_arguments: object) -> NoReturn:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(note.Signer, "sign", die)
        with pytest.raises(KeyboardInterrupt):
            services.integrate()
    assert (selectors.size(log_id), selectors.pending(log_id)) == (3, 4)
    assert services.integrate(log_id=log_id) == 4
    assert objects_in(log_id)[3:] == staged
    assert verification.verify(log_id).ok


@pytest.mark.django_db(transaction=True)
def test_the_runner_refuses_to_work_inside_somebody_elses_transaction() -> None:
    log_id = opened()
    with transaction.atomic(), pytest.raises(RuntimeError, match="durable"):
        services.integrate(log_id=log_id)


def key_file(log_id: uuid.UUID) -> Path:
    return Path(settings.LETHE_KEYS_DIR) / "logs" / f"{log_id}.key"


@pytest.mark.django_db
def test_a_signing_key_lies_in_a_file_only_its_owner_reads_and_not_in_clear() -> None:
    log_id = opened()
    file = key_file(log_id)
    assert file.stat().st_mode & 0o777 == 0o600
    signer = signing.signer(log_id, "x")
    assert signer.key.private_bytes_raw() not in file.read_bytes()


@pytest.mark.django_db
def test_without_its_key_a_log_is_not_sealed_and_the_others_are() -> None:
    broken, whole = opened(), opened()
    key_file(broken).unlink()
    with pytest.raises(Unavailable):
        services.integrate()
    assert (selectors.size(broken), selectors.pending(broken)) == (0, 1)
    assert selectors.size(whole) == 1


@pytest.mark.django_db
def test_under_another_root_key_nothing_is_signed(settings: Settings) -> None:
    log_id = opened()
    signing._open.cache_clear()
    settings.LETHE_ROOT_KEY = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
    with pytest.raises(Unavailable):
        services.integrate(log_id=log_id)
    assert selectors.pending(log_id) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE audit_tile SET hashes = set_byte(hashes, 5, get_byte(hashes, 5) # 1)",
        "UPDATE audit_tile SET hashes = substring(hashes FROM 33)",
        "DELETE FROM audit_tile",
        "UPDATE audit_checkpoint SET root = sha256('x')",
        "UPDATE audit_checkpoint SET note = replace(note, E'\\n3\\n', E'\\n2\\n')",
    ],
)
def test_nothing_is_signed_on_top_of_a_log_that_was_tampered_with(harm: str) -> None:
    log_id = sealed(3)
    write(log_id, 2)
    with tampering() as hand:
        hand.execute(f"{harm} WHERE log_id = '{log_id}'")
    with pytest.raises(Conflict) as refused:
        services.integrate(log_id=log_id)
    assert refused.value.code == "ledger_tampered"
    assert Checkpoint.objects.filter(log=log_id).count() == 1
    assert Pending.objects.filter(log=log_id).count() == 2


@pytest.mark.django_db
def test_tiles_fill_and_are_kept_as_the_format_says() -> None:
    log_id = opened()
    for count in (255, 300, 44):
        write(log_id, count)
        services.integrate(log_id=log_id)
    widths = {
        (level, number): len(bytes(hashes)) // 32
        for level, number, hashes in Tile.objects.filter(log=log_id).values_list(
            "level", "number", "hashes"
        )
    }
    assert widths == {(0, 0): 256, (0, 1): 256, (0, 2): 88, (1, 0): 2}
