"""Recipients are told of an erasure before the key goes, by their own reference (art. 19)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connections
from pytest_django import Settings
from standardwebhooks import Webhook, WebhookVerificationError

from apps.audit import services as audit
from apps.audit.models import Entry
from apps.core import clock
from apps.core.errors import Conflict, Invalid, Missing, Refused
from apps.keys import services as keys
from apps.outbox import services as outbox
from apps.outbox.models import Message
from apps.subjects import recipients, telling
from apps.subjects.models import Disclosure, Recipient, Record, Subject
from tests import cast
from tests.cast import Company
from tests.endpoint import Endpoint, open_endpoint
from tests.post import PostOffice
from tests.subjects.disclosures import DAY, REFERENCE, ada, deliver, disclosed, recipient
from tests.subjects.steps import erase

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def endpoint(settings: Settings) -> Iterator[Endpoint]:
    settings.WEBHOOK_HOSTS = ["127.0.0.1"]
    with open_endpoint() as found:
        yield found


def verbs(subject_id: UUID) -> list[str]:
    audit.integrate()
    rows = Entry.objects.filter(object_id=subject_id).order_by("index")
    return list(rows.values_list("verb", flat=True))


def test_a_webhook_is_told_by_its_own_reference_and_then_the_key_goes(
    nordlys: Company, endpoint: Endpoint
) -> None:
    added = recipient(nordlys, "webhook", endpoint.url)
    made = disclosed(nordlys, added.recipient)
    record = ada()
    erase(record)
    subject = Subject.objects.get(pk=record.subject_id)
    assert subject.state == Subject.State.SHREDDING, "not before it was told"
    deliver()
    ((headers, body),) = endpoint.calls
    sent = Webhook(added.secret).verify(body, headers)
    assert sent["data"]["reference"] == REFERENCE
    assert sent["type"] == "person.erased"
    with pytest.raises(WebhookVerificationError):
        Webhook(added.secret).verify(body.replace(REFERENCE, "BGC-1"), headers)
    subject.refresh_from_db()
    made.refresh_from_db()
    assert (subject.state, made.state) == ("shredded", "told")
    assert made.sealed_reference is None
    with pytest.raises(keys.KeyShredded):
        keys.open_one(subject.pk)
    said = verbs(subject.pk)
    assert said[-3:] == ["disclosure.telling", "disclosure.told", "subject.shredded"]


def test_of_a_recipient_only_those_who_were_disclosed_to_it_wait(
    nordlys: Company, endpoint: Endpoint
) -> None:
    disclosed(nordlys, recipient(nordlys, "webhook", endpoint.url).recipient)
    other = Record.objects.exclude(pk=ada().pk).get()
    erase(other)
    assert Subject.objects.get(pk=other.subject_id).state == "shredded"
    assert endpoint.calls == []


def test_a_mail_names_the_reference_and_nobody(nordlys: Company, office: PostOffice) -> None:
    disclosed(nordlys, recipient(nordlys, "mail", "privacy@vetting.example").recipient)
    erase(ada())
    deliver()
    (letter,) = office.letters
    assert letter["To"] == "privacy@vetting.example"
    assert REFERENCE in office.body()
    assert "Quillfeather" not in office.body()
    assert REFERENCE not in letter["Subject"]
    assert Disclosure.objects.get().state == "mailed", "whether they have it no mail server says"


def test_a_mail_that_is_refused_is_for_a_person_and_says_so(
    nordlys: Company, office: PostOffice
) -> None:
    office.refuses = "550 no such user"
    added = recipient(nordlys, "mail", "gone@vetting.example")
    made = disclosed(nordlys, added.recipient)
    record = ada()
    erase(record)
    deliver()
    made.refresh_from_db()
    assert (made.state, made.code) == ("by_hand", "address_refused")
    assert Recipient.objects.get().failure == "address_refused"
    assert Subject.objects.get(pk=record.subject_id).state == "shredding"
    (waiting,) = telling.waiting()
    assert telling.references([waiting]) == {made.pk: REFERENCE}
    # Corrected, it leaves by mail after all.
    recipients.change(
        actor=nordlys.dpo_actor,
        recipient_id=added.recipient.pk,
        channel="mail",
        address="right@vetting.example",
    )
    office.refuses = ""
    assert telling.tell_again(actor=nordlys.recops_actor, recipient_id=added.recipient.pk) == 1
    deliver()
    made.refresh_from_db()
    assert made.state == "mailed"
    assert [letter["To"] for letter in office.letters] == ["right@vetting.example"]
    assert Subject.objects.get(pk=record.subject_id).state == "shredded"


def test_by_hand_a_named_person_states_it(nordlys: Company) -> None:
    made = disclosed(nordlys, recipient(nordlys, "hand", "Their portal").recipient)
    record = ada()
    erase(record)
    with pytest.raises(Refused):
        telling.told(actor=cast.mallory().dpo_actor, disclosure_id=made.pk)
    telling.told(actor=nordlys.recops_actor, disclosure_id=made.pk)
    with pytest.raises(Conflict):
        telling.told(actor=nordlys.recops_actor, disclosure_id=made.pk)
    made.refresh_from_db()
    assert (made.state, made.settled_by) == ("stated", nordlys.recops.pk)
    deliver()
    assert Subject.objects.get(pk=record.subject_id).state == "shredded"


def test_why_nobody_is_told_is_a_dpos_to_say(nordlys: Company) -> None:
    made = disclosed(nordlys, recipient(nordlys, "hand", "Closed in 2024").recipient)
    erase(ada())
    with pytest.raises(Refused):
        telling.exempt(actor=nordlys.recops_actor, disclosure_id=made.pk, ground="impossible")
    with pytest.raises(Invalid) as caught:
        telling.exempt(actor=nordlys.dpo_actor, disclosure_id=made.pk, ground="tedious")
    assert caught.value.field == "ground"
    telling.exempt(actor=nordlys.dpo_actor, disclosure_id=made.pk, ground="impossible")
    made.refresh_from_db()
    assert (made.state, made.code) == ("exempt", "impossible")


def test_who_cannot_be_reached_does_not_keep_the_key_alive(nordlys: Company) -> None:
    made = disclosed(nordlys, recipient(nordlys, "hand", "Their portal").recipient)
    record = ada()
    erase(record)
    deliver()
    assert Subject.objects.get(pk=record.subject_id).state == "shredding"
    Disclosure.objects.update(tell_by=clock.now() - timedelta(seconds=1))
    deliver()
    made.refresh_from_db()
    assert made.state == "lapsed"
    subject = Subject.objects.get(pk=record.subject_id)
    assert subject.state == "shredded"
    assert "disclosure.lapsed" in verbs(subject.pk)


@pytest.mark.parametrize(
    ("status", "code", "ends"),
    [
        (500, "webhook_fault", False),
        (307, "webhook_fault", False),
        (401, "webhook_refused", False),
        (410, "webhook_gone", True),
    ],
)
def test_a_webhook_that_does_not_take_it_told_nobody(
    nordlys: Company, endpoint: Endpoint, status: int, code: str, ends: bool
) -> None:
    endpoint.status = status
    made = disclosed(nordlys, recipient(nordlys, "webhook", endpoint.url).recipient)
    erase(ada())
    deliver()
    assert len(endpoint.calls) == 1, "a redirect is not followed"
    assert Message.objects.get().code == code
    made.refresh_from_db()
    assert made.state == ("by_hand" if ends else "telling")


def test_who_cannot_be_reached_is_a_persons_for_everybody_who_waits(
    nordlys: Company, endpoint: Endpoint
) -> None:
    endpoint.status = 410
    added = recipient(nordlys, "webhook", endpoint.url)
    for reference in ("BGC-1", "BGC-2", "BGC-3"):
        disclosed(nordlys, added.recipient, reference)
    erase(ada())
    deliver()
    states = Disclosure.objects.values_list("state", "code").distinct()
    assert list(states) == [("by_hand", "webhook_gone")]
    assert len(endpoint.calls) == 1
    assert Recipient.objects.get().failure == "webhook_gone"
    assert "recipient.unreachable" in verbs(added.recipient.pk)


def test_one_that_cannot_be_written_is_its_own_trouble(
    nordlys: Company, endpoint: Endpoint
) -> None:
    added = recipient(nordlys, "webhook", endpoint.url)
    first, second = (disclosed(nordlys, added.recipient, f"BGC-{n}") for n in (1, 2))
    first.sealed_reference = b"not what was sealed"
    first.save(update_fields=["sealed_reference"])
    erase(ada())
    Message.objects.filter(about=first.pk).update(attempt=outbox.MOST_ATTEMPTS)
    deliver()
    found = {row.pk: (row.state, row.code) for row in Disclosure.objects.all()}
    assert found == {first.pk: ("by_hand", "unreadable"), second.pk: ("told", "")}
    assert Recipient.objects.get().failure == ""


def test_a_host_that_is_no_longer_allowed_is_not_called(
    nordlys: Company, endpoint: Endpoint, settings: Settings
) -> None:
    made = disclosed(nordlys, recipient(nordlys, "webhook", endpoint.url).recipient)
    settings.WEBHOOK_HOSTS = []
    erase(ada())
    deliver()
    made.refresh_from_db()
    assert (endpoint.calls, made.state, made.code) == ([], "by_hand", "webhook_host")


def test_a_new_secret_is_good_beside_the_one_before_it(
    nordlys: Company, endpoint: Endpoint
) -> None:
    added = recipient(nordlys, "webhook", endpoint.url)
    renewed = recipients.renew_secret(actor=nordlys.dpo_actor, recipient_id=added.recipient.pk)
    disclosed(nordlys, added.recipient)
    erase(ada())
    deliver()
    ((headers, body),) = endpoint.calls
    for secret in (added.secret, renewed.secret):
        assert Webhook(secret).verify(body, headers)["data"]["reference"] == REFERENCE


def test_told_in_another_way_nothing_leaves_in_the_first(
    nordlys: Company, endpoint: Endpoint
) -> None:
    added = recipient(nordlys, "webhook", endpoint.url)
    made = disclosed(nordlys, added.recipient)
    erase(ada())
    recipients.change(
        actor=nordlys.dpo_actor,
        recipient_id=added.recipient.pk,
        channel="hand",
        address=endpoint.url,
    )
    deliver()
    made.refresh_from_db()
    assert (endpoint.calls, made.state) == ([], "by_hand")


def test_without_a_mail_server_a_person_tells_them(nordlys: Company) -> None:
    added = recipient(nordlys, "mail", "privacy@vetting.example")
    made = disclosed(nordlys, added.recipient)
    erase(ada())
    made.refresh_from_db()
    assert (made.state, made.code) == ("by_hand", "no_mail_server")
    with pytest.raises(Conflict):
        telling.tell_again(actor=nordlys.recops_actor, recipient_id=added.recipient.pk)


def test_said_twice_it_is_one_and_another_reference_is_another(nordlys: Company) -> None:
    to = recipient(nordlys, "hand", "Their portal").recipient
    assert disclosed(nordlys, to).pk == disclosed(nordlys, to).pk
    assert disclosed(nordlys, to, "BGC-2").pk != disclosed(nordlys, to).pk
    assert Disclosure.objects.count() == 2


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": " "}, "name"),
        ({"channel": "pigeon"}, "channel"),
        ({"channel": "webhook", "address": "https://elsewhere.example/"}, "address"),
        ({"channel": "webhook", "address": "file:///etc/passwd"}, "address"),
        ({"channel": "webhook", "address": "https://127.0.0.1:99999999999/"}, "address"),
        ({"channel": "mail", "address": "nobody"}, "address"),
        ({"address": ""}, "address"),
    ],
)
def test_a_recipient_that_cannot_be_told_is_refused(
    nordlys: Company, changes: dict[str, str], field: str
) -> None:
    good = {"name": "Vetting", "channel": "hand", "address": "Their portal"}
    with pytest.raises(Invalid) as caught:
        recipients.add(actor=nordlys.dpo_actor, **(good | changes))
    assert caught.value.field == field
    assert not Recipient.objects.exists()


def test_who_may_and_what_may_be_recorded(nordlys: Company) -> None:
    with pytest.raises(Refused):
        recipients.add(actor=nordlys.recops_actor, name="V", channel="hand", address="x")
    to = recipient(nordlys, "hand", "Their portal").recipient
    with pytest.raises(Invalid, match="name_taken"):
        recipient(nordlys, "hand", "Their portal")
    given: dict[str, Any] = {
        "subject_id": ada().subject_id,
        "recipient_id": to.pk,
        "source": "console",
    }
    with pytest.raises(Invalid) as caught:
        recipients.disclose(actor=nordlys.recops_actor, reference=" ", disclosed_on=DAY, **given)
    assert caught.value.field == "reference"
    tomorrow = clock.today("Europe/Paris") + timedelta(days=2)
    with pytest.raises(Invalid) as caught:
        recipients.disclose(
            actor=nordlys.recops_actor, reference="1", disclosed_on=tomorrow, **given
        )
    assert caught.value.field == "disclosed_on"
    recipients.end(actor=nordlys.dpo_actor, recipient_id=to.pk)
    with pytest.raises(Conflict):
        disclosed(nordlys, to)
    erase(ada())
    with pytest.raises((Missing, Conflict)):
        disclosed(nordlys, to)


def test_nothing_of_a_reference_or_a_secret_lies_open(nordlys: Company, endpoint: Endpoint) -> None:
    added = recipient(nordlys, "webhook", endpoint.url)
    disclosed(nordlys, added.recipient)
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT string_agg(row_to_json(r)::text, '') FROM subjects_recipient r) ||"
            "(SELECT string_agg(row_to_json(d)::text, '') FROM subjects_disclosure d)"
        )
        (stored,) = cursor.fetchone()
    for hidden in (REFERENCE, added.secret.removeprefix("whsec_")):
        assert hidden not in stored
        assert hidden.encode().hex() not in json.loads(json.dumps(stored))
