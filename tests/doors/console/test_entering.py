"""Who gets in, how, and for which legal entity."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from pytest_django import Settings

from apps.accounts import services as accounts
from apps.accounts.models import Role, User
from apps.audit.models import Pending
from apps.core import scope
from apps.core.actors import SYSTEM
from tests import cast
from tests.doors.console.house import House, browser, text

PAGES = ("/", "/records/", "/plans/", "/ledger/", "/policies/", "/connections/", "/styleguide/")


@pytest.fixture
def dora_alone(db: None) -> User:
    return cast.company().dpo


def _link(user: User) -> str:
    return "/enter/" + accounts.create_sign_in_link(actor=SYSTEM, user_id=user.pk)


@pytest.mark.parametrize("page", PAGES)
def test_a_stranger_is_sent_to_the_sign_in_page(db: None, page: str) -> None:
    answer = Client().get(page)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/account/login/")


def test_a_link_signs_in_once_and_only_by_pressing_the_button(dora_alone: User) -> None:
    link, client = _link(dora_alone), Client()
    for _ in range(3):
        assert client.get(link).status_code == 200
        assert "_auth_user_id" not in client.session
    assert client.post(link)["Location"] == "/"
    assert client.session["_auth_user_id"] == str(dora_alone.pk)
    late = Client()
    assert late.post(link).status_code == 403
    assert "_auth_user_id" not in late.session


def test_a_link_does_not_exist_for_another_machine(dora_alone: User) -> None:
    link = _link(dora_alone)
    away = Client(REMOTE_ADDR="203.0.113.9")
    behind_a_proxy = Client(headers={"x-forwarded-for": "203.0.113.9"})
    for client in (away, behind_a_proxy):
        assert client.get(link).status_code == 404
        assert client.post(link).status_code == 404
    assert Client().post(link).status_code == 302


def test_signing_in_by_password_works_and_is_in_the_ledger(dora_alone: User) -> None:
    client = Client()
    form = {"login": dora_alone.email, "password": "long enough 42"}
    assert client.post("/account/login/", form)["Location"] == "/"
    assert client.get("/styleguide/").status_code == 200
    (entry,) = Pending.objects.filter(verb="account.signed_in")
    assert b'"by":"password"' in bytes(entry.body)


def test_a_wrong_password_is_refused_without_saying_which_part_is_wrong(
    dora_alone: User,
) -> None:
    known = {"login": dora_alone.email, "password": "wrong"}
    unknown = {"login": "nobody@example.org", "password": "wrong"}
    answers = [text(Client().post("/account/login/", form)) for form in (known, unknown)]
    assert "error" in answers[0]
    bare = [
        _bare(page, form["login"]) for page, form in zip(answers, (known, unknown), strict=True)
    ]
    assert bare[0] == bare[1]


def test_nobody_signs_up(db: None) -> None:
    form = {"email": "new@example.org", "password1": "long enough 42"}
    Client().post("/account/signup/", form)
    assert not User.objects.filter(email="new@example.org").exists()


def test_a_person_without_a_role_is_told_whom_to_ask(db: None) -> None:
    user = accounts.invite(actor=SYSTEM, email="new@example.org", name="New")
    answer = browser(user).get("/")
    assert answer.status_code == 403
    assert b"nobody has given you a role" in answer.content


@pytest.mark.parametrize("path", ["/records/{}/", "/records/{}/hold/", "/plans/{}/"])
def test_what_belongs_to_another_controller_is_as_absent_as_what_never_was(
    house: House, mallory: Client, path: str
) -> None:
    unknown = "01900000-0000-7000-8000-000000000000"
    method = mallory.post if "hold" in path else mallory.get
    theirs = method(path.format(house.ada))
    nobodys = method(path.format(unknown))
    assert theirs.status_code == nobodys.status_code == 404
    assert _bare(text(theirs), str(house.ada)) == _bare(text(nobodys), unknown)


def _bare(page: str, asked: str) -> str:
    """A page without what differs between two requests: the address and the CSRF token."""
    return re.sub(r'value="\w{64}"', "", page).replace(asked, "")


def test_switching_needs_a_membership(house: House, dora: Client) -> None:
    assert dora.post("/switch/", {"controller": str(house.vantage.id)}).status_code == 404
    with scope.enter(house.vantage.id):
        accounts.grant(actor=SYSTEM, user_id=house.nordlys.dpo.pk, role=Role.AUDITOR)
    assert dora.get(f"/records/{house.theirs}/").status_code == 404
    assert dora.post("/switch/", {"controller": str(house.vantage.id)}).status_code == 302
    assert dora.get(f"/records/{house.theirs}/").status_code == 200
    assert dora.get(f"/records/{house.ada}/").status_code == 404


def test_a_membership_that_ended_ends_the_scope(house: House, dora: Client) -> None:
    session = dora.session
    session["controller"] = str(house.vantage.id)
    session.save()
    assert dora.get(f"/records/{house.theirs}/").status_code == 404
    assert dora.get(f"/records/{house.ada}/").status_code == 200


@pytest.mark.parametrize("page", PAGES)
def test_no_page_is_kept_by_a_cache_or_needs_an_unsafe_policy(
    house: House, dora: Client, page: str
) -> None:
    answer = dora.get(page)
    assert answer.status_code == 200
    assert answer["Cache-Control"] == "no-store"
    assert "unsafe" not in answer["Content-Security-Policy"]
    page_text = text(answer)
    assert " style=" not in page_text
    assert "<style" not in page_text
    assert " onclick=" not in page_text


@pytest.mark.parametrize(("language", "word"), [("fr", "Dossiers"), ("en", "Records")])
def test_every_page_comes_in_both_languages(house: House, language: str, word: str) -> None:
    answer = browser(house.nordlys.dpo, language).get("/records/")
    assert answer["Content-Language"] == language
    assert f'lang="{language}"' in text(answer)


def test_without_a_mail_server_nobody_is_told_that_a_mail_was_sent(
    house: House, settings: Settings
) -> None:
    settings.EMAIL_BACKEND = "apps.core.mail.NoServer"
    client = Client(headers={"accept-language": "en"})
    address = "/account/password/reset/"
    answer = client.post(address, {"email": house.nordlys.dpo.email}, follow=True)
    assert "no message was sent" in text(answer)
