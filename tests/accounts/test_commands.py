"""The operator invites people and issues keys; no password and no secret passes through argv."""

from collections.abc import Iterator
from uuid import UUID

import pytest
from django.test import Client

from apps.accounts import selectors, services
from apps.accounts.management import passwords
from apps.accounts.models import ApiKey, User
from apps.core import scope
from apps.core.errors import Refused
from apps.core.ids import new_id
from tests import cast
from tests.commands import Terminal, refused, run

PASSWORD = "violet harbour 91"
EMAIL = "nina@nordlys.example"


@pytest.fixture
def nordlys(db: None) -> cast.Company:
    return cast.company()


def invite(company: cast.Company, *more: str, stdin: str = PASSWORD + "\n") -> list[str]:
    return run("invite", EMAIL, *_nina(company), *more, stdin=stdin)


def _nina(company: cast.Company) -> tuple[object, ...]:
    return ("--name", "Nina", "--controller", company.id, "--role", "dpo")


def test_an_invited_person_signs_in_with_the_password_from_stdin(nordlys: cast.Company) -> None:
    (printed,) = invite(nordlys, "--role", "recops")
    assert selectors.roles(UUID(printed), nordlys.id) == {"dpo", "recops"}
    browser = Client()
    answer = browser.post("/account/login/", {"login": EMAIL, "password": PASSWORD})
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert browser.get("/").status_code == 200


def test_an_invited_person_works_for_that_controller_only(nordlys: cast.Company) -> None:
    mallory = cast.mallory()
    (printed,) = invite(nordlys)
    assert selectors.controllers_of(UUID(printed)) == [nordlys.controller]
    assert selectors.roles(UUID(printed), mallory.id) == frozenset()


@pytest.mark.parametrize("stdin", ["", "\n", "short\n", "password\n", EMAIL + "\n"])
def test_a_weak_password_is_refused_and_nobody_is_invited(
    nordlys: cast.Company, stdin: str
) -> None:
    said = refused("invite", EMAIL, *_nina(nordlys), stdin=stdin)
    assert said.endswith("(password)")
    assert not User.objects.filter(email=EMAIL).exists()


def _typing(monkeypatch: pytest.MonkeyPatch, *typed: str) -> None:
    answers: Iterator[str] = iter(typed)
    monkeypatch.setattr(passwords.__name__ + ".getpass", lambda _prompt: next(answers))


def test_at_a_terminal_the_password_is_typed_twice_and_not_shown(
    nordlys: cast.Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    _typing(monkeypatch, PASSWORD, PASSWORD)
    printed = run("invite", EMAIL, *_nina(nordlys), stdin=Terminal("not read\n"))
    assert printed == [str(selectors.user(EMAIL).pk)]
    assert selectors.user(EMAIL).check_password(PASSWORD)


def test_two_different_passwords_are_refused(
    nordlys: cast.Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    _typing(monkeypatch, PASSWORD, PASSWORD + "2")
    said = refused("invite", EMAIL, *_nina(nordlys), stdin=Terminal())
    assert said == "You typed two passwords. (password)"


def test_nobody_is_invited_twice_but_may_get_another_role(nordlys: cast.Company) -> None:
    mallory = cast.mallory()
    (printed,) = invite(nordlys)
    said = refused("invite", EMAIL.upper(), *_nina(mallory), stdin=PASSWORD)
    assert said == "This person already has an account. (email)"
    run("grant_role", EMAIL, "--controller", mallory.id, "--role", "auditor")
    assert selectors.roles(UUID(printed), mallory.id) == {"auditor"}


def test_what_does_not_exist_is_refused_by_name(nordlys: cast.Company) -> None:
    role = ("--role", "dpo")
    assert refused("grant_role", "no@one.example", "--controller", nordlys.id, *role) == (
        "Nobody has an account with this address. (email)"
    )
    assert "(controller)" in refused("grant_role", EMAIL, "--controller", new_id(), *role)
    assert "invalid choice: 'king'" in refused("invite", EMAIL, *_nina(nordlys), "--role", "king")


def issue(company: cast.Company, *scopes: str) -> list[str]:
    asked = [part for item in scopes for part in ("--scope", item)]
    return run("issue_key", "--controller", company.id, "--name", "HRIS", *asked)


def test_a_secret_is_printed_once_and_opens_the_api_until_it_is_revoked(
    nordlys: cast.Company,
) -> None:
    told, secret = issue(nordlys, "records:read", "plans:read")
    key = services.authenticate_key(secret)
    assert key.scopes == ["plans:read", "records:read"]
    assert str(key.pk) in told
    (listed,) = run("list_keys", "--controller", nordlys.id)
    assert str(key.pk) in listed
    assert secret not in listed
    run("revoke_key", key.pk, "--controller", nordlys.id)
    with pytest.raises(Refused):
        services.authenticate_key(secret)
    assert "revoked" in run("list_keys", "--controller", nordlys.id)[0]


def test_an_unknown_scope_is_refused_with_those_there_are(nordlys: cast.Company) -> None:
    said = refused(
        "issue_key", "--controller", nordlys.id, "--name", "HRIS", "--scope", "records:burn"
    )
    assert "records:read" in said
    assert said.endswith("(scopes)")


def test_a_key_is_hidden_from_another_controller(nordlys: cast.Company) -> None:
    mallory = cast.mallory()
    issue(nordlys, "records:read")
    with scope.enter(nordlys.id):
        key = ApiKey.objects.get()
    assert run("list_keys", "--controller", mallory.id) == []
    said = refused("revoke_key", key.pk, "--controller", mallory.id)
    assert said == "There is no such active key."
    with scope.enter(nordlys.id):
        assert ApiKey.objects.get().revoked_at is None
