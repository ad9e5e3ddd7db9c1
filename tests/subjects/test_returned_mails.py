"""A mail that a server took may come back: then its recipient was told nothing."""

from __future__ import annotations

import pytest

from apps.core.actors import SYSTEM
from apps.keys import services as keys
from apps.outbox import services as outbox
from apps.outbox.models import Message
from apps.subjects import shredding, telling
from apps.subjects.models import Disclosure, Subject
from tests.cast import Company
from tests.post import PostOffice
from tests.subjects.disclosures import ada, deliver, disclosed, recipient
from tests.subjects.steps import erase

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_mail_that_came_back_told_nobody(nordlys: Company, office: PostOffice) -> None:
    added = recipient(nordlys, "mail", "privacy@vetting.example")
    made = disclosed(nordlys, added.recipient)
    erase(ada())
    deliver()
    assert telling.came_back(actor=nordlys.recops_actor, recipient_id=added.recipient.pk) == 1
    made.refresh_from_db()
    assert (made.state, made.code) == ("returned", "mail_returned")
    # Who is erased next is for a person.
    later = disclosed(nordlys, added.recipient, "BGC-2")
    erase(ada())
    later.refresh_from_db()
    assert (later.state, later.code) == ("by_hand", "mail_returned")


def test_a_mail_that_comes_back_before_the_key_went_is_for_a_person(
    nordlys: Company, office: PostOffice
) -> None:
    added = recipient(nordlys, "mail", "gone@vetting.example")
    made = disclosed(nordlys, added.recipient)
    other = disclosed(nordlys, recipient(nordlys, "hand", "Their portal").recipient, "BGC-2")
    record = ada()
    erase(record)
    deliver()
    made.refresh_from_db()
    assert made.state == "mailed"
    assert telling.came_back(actor=nordlys.recops_actor, recipient_id=added.recipient.pk) == 1
    made.refresh_from_db()
    assert (made.state, made.code, made.settled_at) == ("by_hand", "mail_returned", None)
    telling.told(actor=nordlys.recops_actor, disclosure_id=other.pk)
    shredding.finish_shredding(actor=SYSTEM)
    assert Subject.objects.get(pk=record.subject_id).state == "shredding", "it waits for this one"
    telling.told(actor=nordlys.recops_actor, disclosure_id=made.pk)
    shredding.finish_shredding(actor=SYSTEM)
    assert Subject.objects.get(pk=record.subject_id).state == "shredded"


def test_a_mail_that_comes_back_while_the_key_is_going_is_returned(
    nordlys: Company, office: PostOffice
) -> None:
    added = recipient(nordlys, "mail", "gone@vetting.example")
    made = disclosed(nordlys, added.recipient)
    record = ada()
    erase(record)
    outbox.deliver(actor=SYSTEM)
    keys.shred(record.subject_id, actor=SYSTEM, seq=1)  # and here the worker was killed
    assert telling.came_back(actor=nordlys.recops_actor, recipient_id=added.recipient.pk) == 1
    made.refresh_from_db()
    assert (made.state, made.code) == ("returned", "mail_returned")
    assert shredding.finish_shredding(actor=SYSTEM) == 1


def test_what_is_open_when_the_key_has_gone_is_returned(
    nordlys: Company, office: PostOffice
) -> None:
    """It came back between the two databases."""
    made = disclosed(nordlys, recipient(nordlys, "mail", "gone@vetting.example").recipient)
    record = ada()
    erase(record)
    outbox.deliver(actor=SYSTEM)
    epoch = keys.shred(record.subject_id, actor=SYSTEM, seq=1)
    Disclosure.objects.update(state="by_hand", code="mail_returned", settled_at=None)
    assert shredding._say_shredded({record.subject_id: epoch}, SYSTEM) == 1
    made.refresh_from_db()
    assert (made.state, telling.waiting().count()) == ("returned", 0)


def test_told_again_it_leaves_whatever_became_of_the_first_message(
    nordlys: Company, office: PostOffice
) -> None:
    added = recipient(nordlys, "mail", "privacy@vetting.example")
    made = disclosed(nordlys, added.recipient)
    erase(ada())
    telling.came_back(actor=nordlys.recops_actor, recipient_id=added.recipient.pk)
    outbox.deliver(actor=SYSTEM)
    assert (Message.objects.get().state, office.letters) == ("dropped", [])
    telling.tell_again(actor=nordlys.recops_actor, recipient_id=added.recipient.pk)
    deliver()
    made.refresh_from_db()
    assert made.state == "mailed"
    assert len(office.letters) == 1
