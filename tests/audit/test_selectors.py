"""Reading the ledger: only one's own, from the bodies, with a proof to take away."""

import uuid
from datetime import date

import pytest
from django.db import transaction
from django.utils import translation

from apps.audit import merkle, note, selectors, services
from apps.audit.services import INSTANCE
from apps.core import scope
from apps.core.errors import Missing
from apps.core.ids import new_id
from tests.audit.ledger import DORA, HAPPENED, PLAIN, RIK, opened, sealed, write


def diary() -> tuple[uuid.UUID, uuid.UUID]:
    """A log with four entries after its opening: two by Dora, two by Rik; and one object."""
    log_id, target = opened(), new_id()
    with transaction.atomic(), scope.enter(log_id):
        services.record(PLAIN, actor=DORA)
        services.record(HAPPENED, actor=RIK, object_id=target, counts={"count": 1})
        services.record(PLAIN, actor=RIK, object_id=target)
        services.record(
            HAPPENED,
            actor=DORA,
            counts={"count": 2},
            codes={"how": "anonymize"},
            dates={"until": date(2030, 1, 31)},
        )
    services.integrate(log_id=log_id)
    return log_id, target


def indexes(found: list[selectors.Shown]) -> list[int]:
    return [entry.index for entry in found]


@pytest.mark.django_db
def test_entries_are_shown_newest_first_and_by_every_filter() -> None:
    log_id, target = diary()
    with scope.enter(log_id):
        assert indexes(selectors.entries()) == [4, 3, 2, 1, 0]
        assert indexes(selectors.entries(log_id, limit=2)) == [4, 3]
        assert indexes(selectors.entries(before=3, limit=2)) == [2, 1]
        assert indexes(selectors.entries(verb="test.happened")) == [4, 2]
        assert indexes(selectors.entries(object_id=target)) == [3, 2]
        assert indexes(selectors.entries(actor=DORA)) == [4, 1, 0]
        assert indexes(selectors.entries(actor=RIK, verb="test.passed")) == [3]
        assert selectors.entries(object_id=new_id()) == []


@pytest.mark.django_db
def test_an_entry_reads_as_a_sentence() -> None:
    log_id, _target = diary()
    with scope.enter(log_id):
        newest = selectors.entry(4)
    with translation.override("en"):
        assert newest.sentence == "2 files, made anonymous, until 31 January 2030"
    assert (newest.body.actor_kind, newest.body.actor_id) == ("user", DORA.id)
    assert newest.body.log == log_id


@pytest.mark.django_db
def test_another_controllers_ledger_is_not_read_nor_any_without_a_scope() -> None:
    ours, theirs = sealed(2), sealed(3)
    for read in (
        lambda: selectors.entries(theirs),
        lambda: selectors.entry(0, theirs),
        lambda: selectors.inclusion_proof(0, theirs),
    ):
        with pytest.raises(scope.ScopeError):
            read()
        with scope.enter(ours), pytest.raises(scope.ScopeError):
            read()
    with pytest.raises(scope.ScopeError):
        selectors.entries()
    with scope.enter(ours):
        assert {entry.body.log for entry in selectors.entries()} == {ours}
        assert {entry.body.log for entry in selectors.entries(INSTANCE)} == {INSTANCE}


@pytest.mark.django_db
def test_an_entry_and_its_proof_verify_far_from_here_with_the_key_alone() -> None:
    log_id = sealed(600)
    key = note.VerifierKey.parse(selectors.log(log_id).vkey)
    with scope.enter(log_id):
        for index in (0, 255, 256, 511, 599):
            body, text = selectors.inclusion_proof(index)
            proof = note.Proof.parse(text)
            assert proof.verify(body, key).size == 600
            with pytest.raises(merkle.ProofError):
                proof.verify(body + b" ", key)


@pytest.mark.django_db
def test_what_is_not_sealed_has_no_proof() -> None:
    log_id = opened()
    with scope.enter(log_id):
        with pytest.raises(Missing):
            selectors.inclusion_proof(0)
        with pytest.raises(Missing):
            selectors.entry(0)
    with pytest.raises(Missing):
        selectors.log(new_id())


@pytest.mark.django_db
def test_the_state_of_a_ledger_is_its_size_its_head_and_what_waits() -> None:
    log_id = opened()
    assert selectors.checkpoint(log_id) is None
    assert (selectors.size(log_id), selectors.pending(log_id)) == (0, 1)
    write(log_id, 2)
    services.integrate()
    head = selectors.checkpoint(log_id)
    assert head is not None
    assert (head.size, selectors.size(log_id), selectors.pending(log_id)) == (3, 3, 0)
    assert [log.pk for log in selectors.logs()] == [INSTANCE, log_id]
