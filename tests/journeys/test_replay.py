"""A main database that is behind the keys' journal answers nothing until it is up to it again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connections
from django.test import Client
from django.utils import translation

from apps.audit import services as audit
from apps.audit import tasks, verification
from apps.audit.models import Entry, Pending
from apps.controllers.models import Controller
from apps.core.actors import SYSTEM
from apps.core.errors import Conflict, Unavailable
from apps.core.ids import new_id
from apps.erasure import replay, services
from apps.erasure.models import Archive, Restore, Step
from apps.keys import services as keys
from apps.keys.models import BlindIndex, Journal, SubjectKey
from apps.subjects.models import Application, Record, Subject
from config import restored
from config.celery import Tick, app
from tests.journeys.archiving import archived
from tests.journeys.house import House, planned


@pytest.fixture(autouse=True)
def asked_anew() -> Iterator[None]:
    restored.forget()
    yield
    restored.forget()


def _behind(subject: Subject) -> None:
    """The keys know that this person was shredded; the main database, older, does not."""
    connections["default"].cursor().execute("SELECT nextval('subjects_shred_seq')")
    keys.shred(subject.pk, actor=SYSTEM, seq=1)
    restored.forget()


def touch(house: House) -> None:
    """Something for the ledger."""
    services.resume_all(actor=house.company.dpo_actor)


def test_a_service_at_work_is_whole(house: House) -> None:
    assert replay.standing() == "whole"
    planned(house, 1, 2)
    house.run()
    assert replay.standing() == "whole"
    numbers = set(Journal.objects.values_list("seq", flat=True))
    assert numbers == set(Subject.objects.values_list("shred_seq", flat=True))
    with pytest.raises(Conflict):
        replay.replay(actor=SYSTEM)


def test_nothing_is_answered_and_no_tick_works_before_the_replay(house: House) -> None:
    _, (record,) = planned(house, 1)
    _behind(record.subject)
    assert replay.standing() == "restored"
    for language, said in (("en", "restored from a backup"), ("fr", "restauré d’une sauvegarde")):
        with translation.override(language):
            page = Client(headers={"accept-language": language}).get("/")
        assert page.status_code == 503
        assert said in page.content.decode()
    told = Client().get("/api/v1/records")
    assert (told.status_code, told.json()["code"]) == (503, "restored")
    assert told["Content-Type"] == "application/problem+json"
    assert Client().get("/healthz").status_code == 200
    assert issubclass(app.Task, Tick)
    waiting = Pending.objects.count()
    tasks.integrate()
    assert Pending.objects.count() == waiting > 0
    replay.replay(actor=SYSTEM)
    touch(house)
    tasks.integrate()
    assert not Pending.objects.exists()
    assert Client().get("/").status_code == 302


def test_the_replay_erases_stops_everything_and_continues_the_ledger(house: House) -> None:
    _, (record, other) = planned(house, 1, 2)
    _behind(record.subject)
    stranger = new_id()
    keys.new([stranger], actor=SYSTEM)
    keys.index([(stranger, "email", "newer@example.org")])
    done = replay.replay(actor=SYSTEM)
    assert (done.people, done.archives, done.forgotten) == (1, 0, 1)
    record.refresh_from_db()
    subject = Subject.objects.get(pk=record.subject_id)
    assert (record.state, record.sealed_remote_id) == (Record.State.ERASED, None)
    assert (subject.state, subject.sealed_name) == (Subject.State.SHREDDED, None)
    assert not Application.objects.filter(record=record).exists()
    step = house.outcome(record)
    assert (step.state, step.code) == (Step.State.STALE, "restored")
    assert not SubjectKey.objects.filter(subject_id=stranger).exists()
    assert not BlindIndex.objects.filter(subject_id=stranger).exists()
    assert keys.open_one(other.subject_id)
    assert not Controller.objects.get(pk=house.company.id).erases
    assert replay.standing() == "whole"
    audit.integrate()
    verbs = set(Entry.objects.values_list("verb", flat=True))
    assert {"ledger.continued", "subject.shredding_replayed", "erasure.replayed"} <= verbs
    assert all(verdict.ok for verdict in verification.verify_all())


def test_a_replay_that_was_killed_goes_on_and_continues_no_ledger_twice(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, (record,) = planned(house, 1)
    _behind(record.subject)
    monkeypatch.setattr(replay, "_reach", lambda _seq: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        replay.replay(actor=SYSTEM)
    monkeypatch.undo()
    assert replay.standing() == "restored"  # until its last act
    replay.replay(actor=SYSTEM)
    assert replay.standing() == "whole"
    audit.integrate()
    told = Entry.objects.filter(verb="ledger.continued", log_id=house.company.id)
    assert told.count() == 1
    assert Restore.objects.exclude(replayed_at=None).count() == 1


def test_an_archive_disposed_of_since_is_disposed_of_again(house: House) -> None:
    (archive,) = archived(house, 1)
    connections["default"].cursor().execute("SELECT nextval('subjects_shred_seq')")
    last = Journal.objects.order_by("-seq").values_list("seq", flat=True)[0]
    assert last is not None
    keys.shred(archive.pk, actor=SYSTEM, seq=last + 1)
    assert replay.standing() == "restored"
    assert replay.replay(actor=SYSTEM).archives == 1
    archive.refresh_from_db()
    assert (archive.state, archive.sealed_content) == (Archive.State.DISPOSED, None)


def test_an_older_keys_database_is_refused(house: House) -> None:
    planned(house, 1)
    house.run()
    Subject.objects.filter(state=Subject.State.SHREDDED).update(shred_seq=1_000)
    assert replay.standing() == "keys_behind"
    with pytest.raises(Unavailable):
        replay.require_whole()
    with pytest.raises(Unavailable):
        replay.replay(actor=SYSTEM)
