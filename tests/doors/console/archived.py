"""An archive, and a candidate who was warned, as the work leaves them; journeys make theirs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta

from apps.connectors.port import Dated
from apps.consents.models import EndWarning
from apps.core import canonical, clock, crypto, scope
from apps.core.actors import SYSTEM
from apps.core.ids import new_id
from apps.erasure import archiving, profile
from apps.erasure.models import Archive, ArchiveGround, Plan, Step
from apps.keys import services as keys
from apps.retention import selectors, warnings
from apps.retention import services as retention
from apps.retention.models import Cell, Policy
from apps.subjects import intake
from apps.subjects import services as subjects
from apps.subjects.models import Record
from tests import cast
from tests.doors.console.house import House

NAME = "Ada Quillfeather-Archived"


@dataclass
class Filled:
    archive: Archive
    content: dict[str, dict[str, str]]


def archived(house: House) -> Filled:
    """An archive as a step leaves it; the journeys make theirs through an ATS."""
    with scope.enter(house.nordlys.id):
        record = Record.objects.get(pk=house.ada)
        policy = Policy.objects.get()
        plan = Plan.objects.create(
            connection=record.connection,
            policy=policy,
            number=900,
            action="anonymize",
            as_of=clock.today("Europe/Paris"),
            state=Plan.State.FINISHED,
        )
        step = Step.objects.create(
            plan=plan,
            record=record,
            record_version=1,
            rule="rejected.archive",
            due_on=plan.as_of,
            state=Step.State.ARCHIVED,
            to_archive=True,
        )
        archive = Archive(step=step, record=record, subject=record.subject, policy=policy)
        key = keys.new([archive.pk], actor=SYSTEM)[archive.pk]
        content = {"full_name": {"candidate.first_name": NAME}}
        plain = canonical.dumps(content)
        archive.commitment, salt = crypto.commit(plain)
        for column, value in (("sealed_content", plain), ("sealed_salt", salt)):
            sealed = crypto.seal(key, value, table=archiving.TABLE, column=column, row=archive.pk)
            setattr(archive, column, sealed)
        archive.controller_id = house.nordlys.id
        archive.profile = profile.NAME
        archive.fields = dict.fromkeys(profile.FIELDS, "absent") | {"full_name": "archived"}
        archive.state, archive.kept_at = Archive.State.KEPT, clock.now()
        archive.save()
        cell = Cell.objects.get(rule="rejected.archive")
        ArchiveGround.objects.create(archive=archive, cell=cell, anchor=plan.as_of)
        subjects.count_archived(subject_id=record.subject_id, by=1)
    return Filled(archive, content)


def warned(house: House) -> str:
    """The address of the page of somebody who was told of an end that is to come."""
    day = clock.today("Europe/Paris") - timedelta(days=75)
    at = Dated(datetime.combine(day, time(12), UTC), "exact")
    last = replace(cast.ADA.applications[0], remote_id="7075", applied=at, closed=at)
    last = replace(last, rejected_notified=at)
    with scope.enter(house.nordlys.id):
        candidate = cast.candidate(75, applications=(last,))
        intake.take(actor=SYSTEM, connection_id=house.connection.pk, candidates=[candidate])
        retention.refresh(actor=SYSTEM)
        record = Record.objects.latest("pk")
        mail = new_id()
        due_on = selectors.decide(record.pk, as_of=day).due_on
        assert due_on is not None
        EndWarning.objects.create(
            subject_id=record.subject_id,
            record=record,
            due_on=due_on,
            mail=mail,
            state="sent",
        )
        return warnings.link(mail)
