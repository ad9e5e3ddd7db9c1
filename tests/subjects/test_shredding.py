"""Shredding crosses two databases: what a half that is missing does to the others."""

from __future__ import annotations

import pytest

from apps.core import scope
from apps.core.actors import SYSTEM
from apps.keys.models import SubjectKey
from apps.subjects import intake, shredding
from apps.subjects.models import Subject
from tests import cast

pytestmark = pytest.mark.django_db


def test_a_person_whose_key_cannot_be_found_does_not_keep_the_others() -> None:
    with scope.enter(cast.company().id):
        account = cast.csv_connection()
        people = [cast.ADA, cast.candidate(1)]
        intake.take(actor=SYSTEM, connection_id=account.pk, candidates=people)
        lost, other = Subject.objects.order_by("pk")
        SubjectKey.objects.filter(subject_id=lost.pk).delete()  # without a line in the journal
        Subject.objects.update(state=Subject.State.SHREDDING)
        assert shredding.finish_shredding(actor=SYSTEM) == 1
        states = dict(Subject.objects.values_list("pk", "state"))
    assert states == {lost.pk: Subject.State.SHREDDING, other.pk: Subject.State.SHREDDED}
