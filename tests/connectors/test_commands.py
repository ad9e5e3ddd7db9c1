"""The operator connects an ATS over real HTTP; no credential passes through argv or is repeated."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from apps.connectors import credentials, selectors
from apps.connectors.fakes.greenhouse import Server, start
from apps.connectors.models import Connection
from apps.core import scope
from apps.core.ids import new_id
from tests import cast
from tests.commands import Terminal, refused, run

from .greenhouse_caller import SECRET, config
from .test_connections import GIVEN


@pytest.fixture
def nordlys(db: None) -> cast.Company:
    return cast.company()


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[Server]:
    with start(config(tmp_path, candidates=2)) as server:
        yield server


def options(company: cast.Company, fake: Server) -> list[object]:
    addresses = ["--base-url", fake.url, "--auth-url", fake.token_url]
    return ["--controller", company.id, "--name", "Greenhouse", "--country", "FR", *addresses]


def connect(company: cast.Company, fake: Server, *more: str) -> UUID:
    (printed,) = run("connect_greenhouse", *options(company, fake), *more, stdin=json.dumps(GIVEN))
    return UUID(printed)


def kept(company: cast.Company, connection_id: UUID) -> Connection:
    with scope.enter(company.id):
        return selectors.connections().get(pk=connection_id)


def secret_file(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "credentials.json"
    path.write_text(text)
    path.chmod(mode)
    return path


def test_an_account_is_connected_with_credentials_from_stdin(
    nordlys: cast.Company, fake: Server
) -> None:
    connection = kept(nordlys, connect(nordlys, fake, "--action", "delete", "--pool-tag", "vivier"))
    assert (connection.vendor, connection.action) == ("greenhouse", "delete")
    assert (connection.country, connection.pool_tags) == ("FR", ["vivier"])
    assert credentials.open_of(connection) == GIVEN


def test_an_account_is_connected_with_credentials_from_a_private_file(
    nordlys: cast.Company, fake: Server, tmp_path: Path
) -> None:
    path = secret_file(tmp_path, json.dumps(GIVEN))
    (printed,) = run("connect_greenhouse", *options(nordlys, fake), "--credentials", path)
    connection = kept(nordlys, UUID(printed))
    assert connection.action == "anonymize"
    assert credentials.open_of(connection) == GIVEN


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_file_that_others_can_reach_is_not_read(
    nordlys: cast.Company, fake: Server, tmp_path: Path, mode: int
) -> None:
    path = secret_file(tmp_path, json.dumps(GIVEN), mode)
    said = refused("connect_greenhouse", *options(nordlys, fake), "--credentials", path)
    assert said == "Others can read this file. Run chmod 600 on it first. (credentials)"


@pytest.mark.parametrize("text", ["", f"{{{SECRET}", f'["{SECRET}"]', f'"{SECRET}"', "{}", "\xff"])
def test_credentials_that_cannot_be_understood_are_never_repeated(
    nordlys: cast.Company, fake: Server, tmp_path: Path, text: str
) -> None:
    path = secret_file(tmp_path, "")
    path.write_bytes(text.encode("latin-1"))
    said = refused("connect_greenhouse", *options(nordlys, fake), "--credentials", path)
    assert said == "Give the credentials as a JSON object with at least one value. (credentials)"


def test_a_missing_file_and_a_terminal_are_told(
    nordlys: cast.Company, fake: Server, tmp_path: Path
) -> None:
    asked = ["connect_greenhouse", *options(nordlys, fake)]
    missing = refused(*map(str, asked), "--credentials", tmp_path / "no.json")
    assert missing == "This file cannot be read. (credentials)"
    assert "a terminal would show it" in refused(*map(str, asked), stdin=Terminal())


def test_what_the_ats_refuses_is_told_without_a_secret_and_nothing_is_kept(
    nordlys: cast.Company, fake: Server, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = json.dumps(GIVEN | {"client_secret": "wrong-and-secret"})
    with caplog.at_level(logging.DEBUG):
        said = refused("connect_greenhouse", *options(nordlys, fake), stdin=wrong)
    assert said.startswith("The ATS refuses these credentials.")
    assert "wrong-and-secret" not in said + caplog.text
    assert run("list_connections", "--controller", nordlys.id) == []


def test_an_address_nobody_allowed_is_refused_by_its_option(
    nordlys: cast.Company, fake: Server
) -> None:
    addresses = ["--base-url", "https://evil.example"]
    asked = [*options(nordlys, fake), *addresses]
    said = refused("connect_greenhouse", *asked, stdin=json.dumps(GIVEN))
    assert said.endswith("(base_url)")


def test_a_connection_is_listed_to_its_controller_only(nordlys: cast.Company, fake: Server) -> None:
    mallory = cast.mallory()
    connection_id = connect(nordlys, fake)
    (line,) = run("list_connections", "--controller", nordlys.id)
    assert line == f"{connection_id}  greenhouse  active  -  Greenhouse"
    assert run("list_connections", "--controller", mallory.id) == []


@pytest.mark.parametrize(
    "name", ["check_connection", "pause_connection", "resume_connection", "change_credentials"]
)
def test_another_controllers_connection_is_one_that_does_not_exist(
    nordlys: cast.Company, fake: Server, name: str
) -> None:
    connection_id, mallory = connect(nordlys, fake), cast.mallory()
    given = json.dumps({"sub": "4001"})
    asked = [
        refused(name, some, "--controller", mallory.id, stdin=given)
        for some in (connection_id, new_id())
    ]
    assert asked == ["There is no such connection."] * 2
    assert kept(nordlys, connection_id).state == "active"


def test_a_connection_is_paused_and_resumed(nordlys: cast.Company, fake: Server) -> None:
    connection_id = connect(nordlys, fake)
    asked = (connection_id, "--controller", nordlys.id)
    run("pause_connection", *asked)
    assert kept(nordlys, connection_id).state == "paused"
    assert refused("pause_connection", *asked) == "The connection is in this state already."
    run("resume_connection", *asked)
    assert kept(nordlys, connection_id).state == "active"


@pytest.mark.django_db(transaction=True)
def test_new_credentials_are_tried_and_a_credential_that_fails_later_is_told(
    fake: Server, tmp_path: Path, transactional_db: None
) -> None:
    nordlys = cast.company()
    asked = (connect(nordlys, fake), "--controller", nordlys.id)
    assert run("check_connection", *asked) == [
        "The ATS answers; the credential has every permission it needs."
    ]
    run("change_credentials", *asked, stdin=json.dumps({"sub": "4001"}))
    assert credentials.open_of(kept(nordlys, asked[0])) == GIVEN | {"sub": "4001"}
    wrong = json.dumps({"client_secret": "no"})
    assert "refuses" in refused("change_credentials", *asked, stdin=wrong)
    assert credentials.open_of(kept(nordlys, asked[0])) == GIVEN | {"sub": "4001"}


@pytest.mark.django_db(transaction=True)
def test_a_permission_that_was_taken_away_is_named_by_the_check(
    tmp_path: Path, transactional_db: None
) -> None:
    nordlys, whole = cast.company(), config(tmp_path)
    with start(whole) as fake:
        asked = (connect(nordlys, fake), "--controller", nordlys.id)
        port = int(fake.url.rsplit(":", 1)[1])
    less = whole.scopes - {"harvest:notes:list"}
    with start(config(tmp_path, scopes=less, port=port)):
        assert "harvest:notes:list" in refused("check_connection", *asked)
    assert refused("check_connection", *asked).startswith("The ATS does not answer")
