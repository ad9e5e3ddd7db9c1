"""A restored ledger goes on under another name and key, and says where it left the old one."""

from __future__ import annotations

from uuid import UUID

import pytest

from apps.audit import events, note, origins, selectors, services, verification
from apps.audit.models import Checkpoint, Entry, Log
from apps.core import scope
from apps.core.actors import SYSTEM
from apps.core.errors import Missing
from apps.core.ids import new_id
from tests.audit.ledger import sealed

pytestmark = pytest.mark.django_db


def _vkeys(log_id: UUID) -> list[note.VerifierKey]:
    return [note.VerifierKey.parse(one.vkey) for one in origins.of(Log.objects.get(pk=log_id))]


def test_the_first_entry_under_the_new_name_holds_the_old_size_and_root() -> None:
    log_id = sealed(3)
    before = Checkpoint.objects.get(log=log_id, size=3)
    services.record(
        events.CHECKPOINTED,
        actor=SYSTEM,
        log_id=log_id,
        object_id=new_id(),
        counts={"size": 1},
        commitments={"root": bytes(32)},
    )
    services.continue_log(log_id=log_id, actor=SYSTEM)
    services.integrate(log_id=log_id)
    told = list(Entry.objects.filter(log=log_id).order_by("index").values_list("verb", flat=True))
    assert told[3:] == ["ledger.continued", "ledger.checkpointed"]
    with scope.enter(log_id):
        shown = selectors.entry(3)
    assert shown.body.facts["counts"] == {"size": 3, "number": 2}
    assert shown.body.facts["commitments"]["root"] == bytes(before.root).hex()
    assert verification.verify(log_id).ok


def test_each_name_signs_its_own_checkpoints_only() -> None:
    log_id = sealed(3)
    services.continue_log(log_id=log_id, actor=SYSTEM)
    services.integrate(log_id=log_id)
    first, second = _vkeys(log_id)
    old, new = Checkpoint.objects.filter(log=log_id).order_by("size")
    assert first.name != second.name
    assert note.open_checkpoint(old.note, first).size == 3
    assert note.open_checkpoint(new.note, second).size == 4
    with pytest.raises(note.NoteError):
        note.open_checkpoint(new.note, first)


def test_a_log_restored_again_takes_a_name_nobody_has_signed_with() -> None:
    log_id = sealed(1)
    for _ in range(3):
        services.continue_log(log_id=log_id, actor=SYSTEM)
        services.integrate(log_id=log_id)
    names = [one.name for one in origins.of(Log.objects.get(pk=log_id))]
    assert len(set(names)) == 4
    assert verification.verify(log_id).ok


def test_an_unknown_log_does_not_go_on() -> None:
    with pytest.raises(Missing):
        services.continue_log(log_id=new_id(), actor=SYSTEM)
