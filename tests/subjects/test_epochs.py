"""The end of an epoch in the ledger: by the tick, by the operator, and after a crash."""

from __future__ import annotations

from uuid import uuid4

import pytest

from apps.audit import selectors as ledger
from apps.audit import services as audit
from apps.audit.selectors import Shown
from apps.core import clock, scope
from apps.core.actors import SYSTEM
from apps.core.ids import new_id
from apps.keys import epochs
from apps.keys import services as keys
from apps.keys.models import Epoch, SubjectKey
from apps.subjects import shredding, tasks
from tests import cast
from tests.cast import Company
from tests.commands import refused, run

pytestmark = pytest.mark.django_db


def _company_whose_epoch_is_due(name: str = "Nordlys", dpo: str = "dora") -> Company:
    company = cast.company(name, dpo=dpo, recops=f"{dpo}s-colleague")
    with scope.enter(company.id):
        keys.new([new_id(), new_id()], actor=SYSTEM)
        Epoch.objects.filter(controller_id=company.id).update(ends_on=clock.now().date())
    return company


def _told(company: Company) -> list[Shown]:
    audit.integrate()
    with scope.enter(company.id):
        return ledger.entries(verb="keys.epoch_ended")


def _first_epoch(company: Company) -> Epoch:
    return Epoch.objects.filter(controller_id=company.id).earliest("number")


def test_the_tick_ends_what_is_due_and_says_so_once() -> None:
    company = _company_whose_epoch_is_due()
    tasks.end_due_epochs()
    tasks.end_due_epochs()
    (entry,) = _told(company)
    tasks.end_due_epochs()
    assert len(_told(company)) == 1
    assert entry.body.object == _first_epoch(company).pk
    assert entry.body.facts["counts"] == {"rewrapped": 2}
    assert entry.body.facts["dates"] == {"ended_on": clock.now().date().isoformat()}


def test_an_epoch_that_cannot_end_does_not_keep_the_others() -> None:
    stuck = _company_whose_epoch_is_due()
    other = _company_whose_epoch_is_due("Vantage", "mallory")
    epochs.destroy(_first_epoch(stuck).pk)  # its key file was lost
    tasks.end_due_epochs()
    assert (len(_told(stuck)), len(_told(other))) == (0, 1)


def test_a_key_that_does_not_open_keeps_its_own_epoch_only() -> None:
    company = _company_whose_epoch_is_due()
    broken = SubjectKey.objects.filter(controller_id=company.id)[:1].get()
    SubjectKey.objects.filter(pk=broken.pk).update(wrapped=b"\x01" + bytes(60))
    tasks.end_due_epochs()
    second = Epoch.objects.filter(controller_id=company.id).latest("number")
    Epoch.objects.filter(pk=second.pk).update(ends_on=clock.now().date())
    tasks.end_due_epochs()
    assert [entry.body.object for entry in _told(company)] == [second.pk]
    assert epochs.exists(_first_epoch(company).pk)


def test_an_ending_that_a_crash_kept_from_the_ledger_is_told_by_the_next_run() -> None:
    company = _company_whose_epoch_is_due()

    def dies(*_args: object, **_options: object) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch, scope.enter(company.id):
        patch.setattr(audit, "record", dies)
        with pytest.raises(KeyboardInterrupt):
            shredding.end_due_epoch(actor=SYSTEM)
    assert _first_epoch(company).destroyed_at is not None
    assert _told(company) == []
    tasks.end_due_epochs()
    assert [entry.body.object for entry in _told(company)] == [_first_epoch(company).pk]


def test_the_operator_ends_an_epoch_before_its_day() -> None:
    company = cast.company()
    with scope.enter(company.id):
        keys.new([new_id()], actor=SYSTEM)
    assert run("end_epoch", "--controller", company.id) == [f"{_first_epoch(company).pk}  1"]
    assert len(_told(company)) == 1
    assert "no such legal entity" in refused("end_epoch", "--controller", uuid4())
