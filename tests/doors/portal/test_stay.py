"""The one page of a candidate: a signed link, nothing by GET, nobody's name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from apps.consents.models import ConsentEvent, EndWarning
from apps.core import scope
from apps.core.actors import SYSTEM
from apps.outbox import services as outbox
from apps.retention import warnings
from tests import cast
from tests.cast import Company
from tests.post import open_office
from tests.retention.steps import without_archive
from tests.retention.test_warnings import SOON, taken

pytestmark = pytest.mark.django_db


@dataclass
class Sent:
    company: Company
    address: str


@pytest.fixture
def sent(settings: Settings) -> Iterator[Sent]:
    company = cast.company()
    with open_office(settings) as office:
        with scope.enter(company.id):
            without_archive(company)
            cast.csv_connection()
            warnings.choose(actor=company.dpo_actor, warns=True)
            taken(1, SOON)
            warnings.queue(actor=SYSTEM)
            outbox.deliver(actor=SYSTEM)
        (address,) = re.findall(r"(/stay/[^/\s]+/)", office.body())
        yield Sent(company, address)


def page(answer: Any) -> str:
    return str(answer.content.decode())


def answers(sent: Sent) -> list[str]:
    with scope.enter(sent.company.id):
        return list(EndWarning.objects.values_list("answer", flat=True))


def test_looking_changes_nothing_and_names_nobody(sent: Sent) -> None:
    looks = [Client().get(sent.address, headers={"accept-language": "en"}) for _ in range(3)]
    answer = looks[-1]
    assert answer.status_code == 200
    assert "Your data are kept until the end of" in page(answer)
    assert "Tarnholt" not in page(answer)
    assert "tarnholt1" not in page(answer)
    # Nobody linked from here learns the address; "no-referrer" would hide the Origin of its forms.
    assert answer["Referrer-Policy"] == "same-origin"
    assert "no-store" in answer["Cache-Control"]
    assert 'content="noindex"' in page(answer)
    assert answers(sent) == [""]


def test_it_speaks_french_first(sent: Sent) -> None:
    answer = Client().get(sent.address)
    assert "Vos données sont conservées jusqu" in page(answer)


def test_staying_is_said_by_post_once(sent: Sent) -> None:
    client = Client(headers={"accept-language": "en"})
    done = client.post(sent.address, {"answer": "stay"}, follow=True)
    assert "You stay in our talent pool" in page(done)
    with scope.enter(sent.company.id):
        assert ConsentEvent.objects.get().source == "portal"
    again = client.post(sent.address, {"answer": "object"})
    assert again.status_code == 409
    assert "You have answered already" in page(again)
    assert answers(sent) == ["stay"]


def test_a_consent_is_taken_back_as_easily_as_it_was_given(sent: Sent) -> None:
    client = Client(headers={"accept-language": "en"})
    assert client.post(sent.address, {"answer": "withdraw"}).status_code == 409
    client.post(sent.address, {"answer": "stay"})
    done = client.post(sent.address, {"answer": "withdraw"}, follow=True)
    assert "You have left our talent pool" in page(done)
    with scope.enter(sent.company.id):
        states = ConsentEvent.objects.order_by("sequence").values_list("state", flat=True)
        assert list(states) == ["given", "withdrawn"]


def test_an_objection_reaches_the_dpo(sent: Sent) -> None:
    client = Client(headers={"accept-language": "en"})
    done = client.post(sent.address, {"answer": "object"}, follow=True)
    assert "Your objection has arrived" in page(done)
    assert answers(sent) == ["object"]


def test_a_form_of_another_site_says_nothing(sent: Sent) -> None:
    strict = Client(enforce_csrf_checks=True)
    assert strict.post(sent.address, {"answer": "stay"}).status_code == 403
    assert answers(sent) == [""]


def test_a_wrong_link_says_so_and_tells_nothing(sent: Sent) -> None:
    for address in ("/stay/nothing/", sent.address[:-2] + "x/"):
        answer = Client().get(address, headers={"accept-language": "en"})
        assert answer.status_code == 404
        assert "This link does not work" in page(answer)
        assert "Nordlys" not in page(answer)
