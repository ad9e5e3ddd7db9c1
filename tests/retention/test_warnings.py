"""Candidates are warned before their data go: whom, of what, and what their answer does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from uuid import UUID

import pytest
from pytest_django import Settings

from apps.audit.models import Pending
from apps.connectors.models import Connection
from apps.connectors.port import Dated, RemoteApplication
from apps.consents.models import ConsentEvent, EndWarning
from apps.core import clock, scope
from apps.core.actors import SYSTEM, Actor
from apps.core.errors import Conflict, Invalid, Missing, Refused
from apps.outbox import services as outbox
from apps.outbox.models import Message
from apps.retention import selectors, services, warnings
from apps.retention.models import Policy
from apps.subjects import intake
from apps.subjects.models import Record
from tests import cast
from tests.cast import ADA, Company
from tests.post import PostOffice, open_office
from tests.retention import steps
from tests.retention.steps import without_archive

pytestmark = pytest.mark.django_db
#: Rejected so many days ago, three months are over in some days, next month, and yesterday.
SOON, NEXT_MONTH, OVER = 75, 30, 120


@pytest.fixture
def office(settings: Settings) -> Iterator[PostOffice]:
    with open_office(settings) as found:
        yield found


@pytest.fixture
def nordlys(office: PostOffice) -> Iterator[Company]:
    company = cast.company()
    with scope.enter(company.id):
        without_archive(company)
        cast.csv_connection()
        warnings.choose(actor=company.dpo_actor, warns=True)
        yield company


def rejected(days_ago: int, number: str = "9001") -> RemoteApplication:
    day = clock.today("Europe/Paris") - timedelta(days=days_ago)
    at = Dated(datetime.combine(day, time(12), UTC), "exact")
    application = ADA.applications[0]
    return replace(application, remote_id=number, applied=at, closed=at, rejected_notified=at)


def taken(number: int, days_ago: int, *, country: str = "FR", **changes: object) -> Record:
    connection = Connection.objects.order_by("pk")[0]
    application = replace(rejected(days_ago, f"7{number:05d}"), country=country)
    person = cast.candidate(number, applications=(application,), **changes)
    intake.take(actor=SYSTEM, connection_id=connection.pk, candidates=[person])
    services.refresh(actor=SYSTEM)
    found: Record = Record.objects.latest("pk")
    return found


def warned() -> int:
    return warnings.queue(actor=SYSTEM)


def delivered() -> int:
    return outbox.deliver(actor=SYSTEM)


def link_of(office: PostOffice) -> tuple[UUID, UUID]:
    (path,) = re.findall(r"/stay/([^/\s]+)/", office.body().replace("=\n", ""))
    return warnings.read_link(path)


def said(record: Record) -> list[str]:
    rows = Pending.objects.filter(object_id=record.pk).order_by("pk")
    return list(rows.values_list("verb", flat=True))


def test_whoever_goes_within_thirty_days_is_told_what_goes_and_when(
    nordlys: Company, office: PostOffice
) -> None:
    soon = taken(1, SOON)
    taken(2, NEXT_MONTH)
    taken(3, OVER)
    assert [one.record_id for one in warnings.coming(as_of=clock.today("Europe/Paris"))] == [
        soon.pk
    ]
    assert (warned(), warned()) == (1, 0)
    assert delivered() == 1
    (letter,) = office.letters
    assert letter["To"] == "tarnholt1@example.net"
    due_on = selectors.decide(soon.pk, as_of=clock.today("Europe/Paris")).due_on
    assert due_on is not None
    last = due_on - timedelta(days=1)
    assert f"{last.day} " in letter["Subject"]
    assert str(last.year) in letter["Subject"]
    assert "Bonjour Ada" in office.body()
    assert nordlys.controller.dpo_email in office.body()
    assert said(soon)[-1] == "warning.sent"
    assert EndWarning.objects.get().state == "sent"


def test_what_is_past_its_end_waits_for_no_warning(nordlys: Company) -> None:
    over = taken(3, OVER)
    assert warned() == 0
    assert selectors.due_ids(as_of=clock.today("Europe/Paris")) == [over.pk]


def test_nothing_personal_waits_for_the_message(nordlys: Company) -> None:
    taken(1, SOON)
    warned()
    stored = [*Message.objects.values_list(), *EndWarning.objects.values_list()]
    assert "tarnholt" not in str(stored).casefold()


def test_a_new_activity_before_it_leaves_takes_the_message_back(
    nordlys: Company, office: PostOffice
) -> None:
    record = taken(1, SOON)
    warned()
    taken(1, 0)
    assert delivered() == 1
    assert office.letters == []
    assert EndWarning.objects.get().state == "dropped"
    assert (Message.objects.get().code, "warning.sent" in said(record)) == ("changed", False)


def test_a_new_end_has_a_warning_of_its_own(nordlys: Company, office: PostOffice) -> None:
    taken(1, SOON)
    warned()
    delivered()
    taken(1, SOON - 5)
    assert warned() == 1
    delivered()
    assert len(office.letters) == 2
    assert EndWarning.objects.count() == 2


def test_a_hold_says_nothing_to_anybody(nordlys: Company, office: PostOffice) -> None:
    record = taken(1, SOON)
    services.place_hold(
        actor=nordlys.dpo_actor,
        subject_id=record.subject_id,
        reason="A claim",
        review_on=clock.today("Europe/Paris") + timedelta(days=90),
    )
    assert warned() == 0


def test_a_message_taken_back_for_a_hold_is_sent_once_it_is_released(
    nordlys: Company, office: PostOffice
) -> None:
    record = taken(1, SOON)
    warned()
    hold = services.place_hold(
        actor=nordlys.dpo_actor,
        subject_id=record.subject_id,
        reason="A claim",
        review_on=clock.today("Europe/Paris") + timedelta(days=90),
    )
    delivered()
    assert (office.letters, warned()) == ([], 0)
    services.release_hold(actor=nordlys.dpo_actor, hold_id=hold.pk)
    assert (warned(), delivered(), warned()) == (1, 1, 0)
    assert len(office.letters) == 1


def test_one_person_with_two_files_gets_one_message(nordlys: Company, office: PostOffice) -> None:
    other = cast.csv_connection("Another")
    taken(1, SOON)
    application = rejected(SOON, "800001")
    person = cast.candidate(1, remote_id="another", applications=(application,))
    intake.take(actor=SYSTEM, connection_id=other.pk, candidates=[person])
    services.refresh(actor=SYSTEM)
    assert warned() == 2
    assert delivered() == 1
    assert "Another, Export" in office.body()


def test_files_that_end_on_different_days_are_told_with_the_day_of_each(
    nordlys: Company, office: PostOffice
) -> None:
    other = cast.csv_connection("Another")
    taken(1, SOON)
    person = cast.candidate(1, remote_id="another", applications=(rejected(SOON - 5, "800001"),))
    intake.take(actor=SYSTEM, connection_id=other.pk, candidates=[person])
    services.refresh(actor=SYSTEM)
    assert warned() == 2
    assert delivered() == 2
    days = {str(letter["Subject"]) for letter in office.letters}
    assert len(days) == 2
    named = [
        {name for name in ("Export", "Another") if name in office.body(number)}
        for number in range(2)
    ]
    assert sorted(named, key=str) == [{"Another"}, {"Export"}]


def test_somebody_without_an_address_is_counted_and_not_pretended(
    nordlys: Company, office: PostOffice
) -> None:
    taken(1, SOON, emails=())
    warned()
    delivered()
    assert (EndWarning.objects.get().state, EndWarning.objects.get().code) == (
        "dropped",
        "no_address",
    )


def test_nobody_is_warned_unless_a_dpo_chose_it_and_a_mail_server_is_there(
    nordlys: Company, settings: Settings
) -> None:
    taken(1, SOON)
    with pytest.raises(Refused):
        warnings.choose(actor=nordlys.recops_actor, warns=False)
    warnings.choose(actor=nordlys.dpo_actor, warns=False)
    assert warned() == 0
    settings.EMAIL_HOST = ""
    with pytest.raises(Invalid) as caught:
        warnings.choose(actor=nordlys.dpo_actor, warns=True)
    assert caught.value.field == "warns"


def test_staying_is_a_consent_that_keeps(nordlys: Company, office: PostOffice) -> None:
    record = taken(1, SOON)
    warned()
    delivered()
    controller, mail = link_of(office)
    assert controller == nordlys.id
    warnings.answer(actor=Actor("subject", mail), mail=mail, answer="stay")
    event = ConsentEvent.objects.get()
    assert (event.source, event.notice, event.state) == ("portal", warnings.NOTICE, "given")
    services.refresh(actor=SYSTEM)
    day = clock.today("Europe/Paris") + timedelta(days=60)
    assert selectors.decide(record.pk, as_of=day).outcome == "kept"
    with pytest.raises(Conflict):
        warnings.answer(actor=Actor("subject", mail), mail=mail, answer="object")


def test_nobody_is_asked_to_stay_where_there_is_no_talent_pool(
    nordlys: Company, office: PostOffice
) -> None:
    taken(1, SOON)
    services.override(
        actor=nordlys.dpo_actor,
        policy_id=Policy.objects.get().pk,
        rule="talent_pool",
        duration="",
        reason="No talent pool here",
        active_from=clock.today("Europe/Paris"),
    )
    warned()
    delivered()
    assert "vivier" not in office.body()
    _controller, mail = link_of(office)
    assert not warnings.answerable(mail).may_stay
    with pytest.raises(Conflict) as caught:
        warnings.answer(actor=Actor("subject", mail), mail=mail, answer="stay")
    assert caught.value.code == "no_pool"
    assert not ConsentEvent.objects.exists()
    warnings.answer(actor=Actor("subject", mail), mail=mail, answer="object")


def test_an_objection_waits_for_a_dpo_who_decides_once(
    nordlys: Company, office: PostOffice
) -> None:
    record = taken(1, SOON)
    warned()
    delivered()
    _controller, mail = link_of(office)
    warnings.answer(actor=Actor("subject", mail), mail=mail, answer="object")
    assert said(record)[-1] == "warning.answered"
    assert selectors.decide(record.pk, as_of=clock.today("Europe/Paris")).outcome == "kept"
    with pytest.raises(Refused):
        warnings.settle_objection(actor=nordlys.recops_actor, mail=mail)
    warnings.settle_objection(actor=nordlys.dpo_actor, mail=mail)
    with pytest.raises(Conflict):
        warnings.settle_objection(actor=nordlys.dpo_actor, mail=mail)


def test_an_answer_that_comes_too_late_or_is_none_changes_nothing(
    nordlys: Company, office: PostOffice
) -> None:
    taken(1, SOON)
    warned()
    delivered()
    _controller, mail = link_of(office)
    me = Actor("subject", mail)
    with pytest.raises(Invalid):
        warnings.answer(actor=me, mail=mail, answer="whatever")
    taken(1, 0)
    with pytest.raises(Conflict):
        warnings.answer(actor=me, mail=mail, answer="stay")
    assert not ConsentEvent.objects.exists()
    assert warnings.answerable(mail).kept_until is None


def test_a_link_nobody_signed_opens_nothing(nordlys: Company) -> None:
    for token in ("", "x", warnings.link(nordlys.id).split("/")[2] + "x"):
        with pytest.raises(Missing):
            warnings.read_link(token)


def test_a_message_that_was_never_sent_has_no_page(nordlys: Company) -> None:
    taken(1, SOON)
    warned()
    with pytest.raises(Missing):
        warnings.answerable(EndWarning.objects.get().mail)


def test_the_pack_says_how_long_before(nordlys: Company) -> None:
    taken(1, SOON)
    policy = Policy.objects.get()
    Policy.objects.filter(pk=policy.pk).update(
        about=policy.about | {"disposal": {"pre_notice": "P5D"}}
    )
    assert warned() == 0


def test_a_country_that_warns_later_holds_up_nobody_else(nordlys: Company) -> None:
    policy = steps.signed(nordlys, "de")
    services.override(
        actor=nordlys.dpo_actor,
        policy_id=policy.pk,
        rule="rejected",
        duration="P3M",
        reason="As in France",
    )
    services.activate(actor=nordlys.dpo_actor, policy_id=policy.pk, active_from=steps.START)
    late = policy.about | {"disposal": {"pre_notice": "P5D"}}
    Policy.objects.filter(pk=policy.pk).update(about=late)
    german = taken(1, SOON + 5, country="DE")
    french = taken(2, SOON)
    today = clock.today("Europe/Paris")
    assert [one.record_id for one in warnings.coming(as_of=today, limit=1)] == [french.pk]
    last_days = today + timedelta(days=9)
    assert german.pk in {one.record_id for one in warnings.coming(as_of=last_days)}
