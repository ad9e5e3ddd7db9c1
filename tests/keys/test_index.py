"""Blind indexes: every spelling finds the subject, and nothing outlives its key."""

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from django.db import connections, transaction

from apps.core import scope
from apps.core.actors import SYSTEM
from apps.core.ids import new_id
from apps.keys import services as keys
from apps.keys.models import BlindIndex

ADA = "ada@example.org"


@pytest.mark.django_db
def test_every_spelling_asked_for_is_answered() -> None:
    subject = new_id()
    spellings = [ADA, ADA.upper(), f" {ADA}"]
    with scope.enter(new_id()):
        keys.new([subject], actor=SYSTEM)
        keys.index([(subject, "email", "Ada@Example.org")])
        found = keys.find("email", [*spellings, "bo@example.org"])
    assert found == {spelling: {subject} for spelling in spellings}


@pytest.mark.django_db
def test_a_subject_without_a_key_is_not_indexed() -> None:
    living, shredded, theirs = new_id(), new_id(), new_id()
    with scope.enter(new_id()):
        keys.new([theirs], actor=SYSTEM)
    with scope.enter(new_id()):
        keys.new([living, shredded], actor=SYSTEM)
        keys.shred(shredded, actor=SYSTEM, seq=None)
        keys.index((one, "email", ADA) for one in (living, shredded, theirs, new_id()))
        assert keys.find("email", [ADA]) == {ADA: {living}}
    assert BlindIndex.objects.count() == 1


def _index(controller: UUID, subject: UUID) -> None:
    try:
        with scope.enter(controller):
            keys.index([(subject, "email", ADA)])
    finally:
        connections.close_all()


@pytest.mark.django_db(transaction=True)
def test_a_digest_never_outlives_a_shredding_under_way() -> None:
    controller, subject = new_id(), new_id()
    with scope.enter(controller):
        keys.new([subject], actor=SYSTEM)
        with ThreadPoolExecutor() as pool:
            with transaction.atomic(using="keys"):
                keys.shred(subject, actor=SYSTEM, seq=None)
                indexing = pool.submit(_index, controller, subject)
                with pytest.raises(TimeoutError):
                    indexing.result(timeout=0.5)
            indexing.result(timeout=30)
        assert not BlindIndex.objects.exists()
