"""Connections: tried before they are kept, sealed when kept, never two of one account."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from apps.audit.models import Pending
from apps.connectors import credentials, selectors, services
from apps.connectors.fakes.greenhouse import Server, start
from apps.connectors.models import Connection, RateWindow
from apps.core import clock, scope
from apps.core.errors import Conflict, DomainError, Invalid, Missing, Refused, Unavailable
from apps.core.ids import new_id
from tests import cast

from .greenhouse_caller import SECRET, config
from .scripted_server import answer, scripted

GIVEN = {
    "client_id": "client",
    "client_secret": "secret",
    "sub": "4004",
    "webhook_secret": SECRET,
}


@pytest.fixture
def nordlys(db: None) -> cast.Company:
    return cast.company()


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[Server]:
    with start(config(tmp_path, candidates=2)) as server:
        yield server


def connect(company: cast.Company, fake: Server, **changes: Any) -> Connection:
    settings: dict[str, Any] = {
        "name": "Greenhouse",
        "vendor": "greenhouse",
        "credentials": GIVEN,
        "base_url": fake.url,
        "auth_url": fake.token_url,
        "country": "FR",
        "pool_tags": ["vivier"],
    }
    with scope.enter(company.id):
        return services.connect(actor=company.recops_actor, **(settings | changes))


def verbs(company: cast.Company) -> list[str]:
    rows = Pending.objects.filter(log_id=company.id, verb__startswith="connection.")
    return list(rows.order_by("pk").values_list("verb", flat=True))


def test_an_account_that_works_is_kept_with_its_limiter_and_its_entry(
    nordlys: cast.Company, fake: Server
) -> None:
    connection = connect(nordlys, fake)
    with scope.enter(nordlys.id):
        assert list(selectors.connections()) == [connection]
    assert len(connection.account) == 64
    assert RateWindow.objects.filter(pk=connection.pk).exists()
    assert verbs(nordlys) == ["connection.opened"]


def test_credentials_are_sealed_to_their_row(nordlys: cast.Company, fake: Server) -> None:
    connection = connect(nordlys, fake)
    kept = bytes(connection.credentials)
    for value in GIVEN.values():
        assert value.encode() not in kept
    assert credentials.open_of(connection) == GIVEN
    connection.pk = new_id()
    with pytest.raises(Unavailable, match=r"^credentials_closed$"):
        credentials.open_of(connection)


def refused(nordlys: cast.Company, fake: Server, **changes: Any) -> DomainError:
    with pytest.raises(DomainError) as caught:
        connect(nordlys, fake, **changes)
    with scope.enter(nordlys.id):
        assert not selectors.connections().exists(), "nothing is left behind"
    assert verbs(nordlys) == []
    return caught.value


def test_a_wrong_secret_is_told_and_nothing_is_kept(nordlys: cast.Company, fake: Server) -> None:
    error = refused(nordlys, fake, credentials=GIVEN | {"client_secret": "no"})
    assert (type(error), error.code, error.field) == (Invalid, "unauthorized", "credentials")


def test_a_missing_scope_is_named(nordlys: cast.Company, tmp_path: Path) -> None:
    scopes = config(tmp_path).scopes - {"harvest:notes:list"}
    with start(config(tmp_path, scopes=scopes)) as fake:
        error = refused(nordlys, fake)
    assert (type(error), error.code) == (Refused, "scopes_missing")
    assert "harvest:notes:list" in str(error.message)


def test_an_account_is_connected_once_whoever_asks(nordlys: cast.Company, fake: Server) -> None:
    connect(nordlys, fake)
    mallory = cast.mallory()
    for company in (nordlys, mallory):
        with pytest.raises(Conflict, match=r"^account_connected$"):
            connect(company, fake, name="Again")
    with scope.enter(mallory.id):
        assert not selectors.connections().exists()


def test_a_connection_is_hidden_from_another_controller(
    nordlys: cast.Company, fake: Server
) -> None:
    connection = connect(nordlys, fake)
    mallory = cast.mallory()
    with scope.enter(mallory.id), pytest.raises(Missing):
        services.pause(actor=mallory.dpo_actor, connection_id=connection.pk)


def test_a_host_nobody_allowed_is_refused_before_any_call(
    nordlys: cast.Company, fake: Server, settings: Settings
) -> None:
    settings.ATS_HOSTS = ["harvest.greenhouse.io"]
    error = refused(nordlys, fake)
    assert (error.code, error.field) == ("host_refused", "base_url")


def test_a_server_that_is_no_greenhouse_is_told(nordlys: cast.Company, fake: Server) -> None:
    with scripted(answer(200, "<html>")) as other:
        error = refused(nordlys, fake, base_url=other.url)
    assert (type(error), error.code) == (Unavailable, "malformed")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"vendor": "lever"}, "vendor"),
        ({"action": "burn"}, "action"),
        ({"country": "France"}, "country"),
        ({"grace_seconds": -1}, "grace_seconds"),
        ({"settle_seconds": 10**9}, "settle_seconds"),
        ({"pool_tags": "vivier"}, "pool_tags"),
        ({"pool_tags": [" "]}, "pool_tags"),
        ({"base_url": "http://harvest.greenhouse.io"}, "base_url"),
        ({"auth_url": "https://evil.example/token"}, "auth_url"),
        ({"base_url": "https://127.0.0.1/?x=1"}, "base_url"),
        ({"credentials": {}}, "client_id"),
        ({"credentials": GIVEN | {"client_secret": ""}}, "client_secret"),
        ({"credentials": GIVEN | {"client_secret": "é"}}, "client_secret"),
        ({"credentials": GIVEN | {"client_secret": "a\nb"}}, "client_secret"),
        ({"credentials": GIVEN | {"sub": 4004}}, "sub"),
        ({"credentials": GIVEN | {"sub": "4" * 5000}}, "sub"),
        ({"credentials": GIVEN | {"password": "x"}}, "password"),
    ],
)
def test_what_is_wrong_is_named(
    nordlys: cast.Company, fake: Server, changes: dict[str, Any], field: str
) -> None:
    error = refused(nordlys, fake, **changes)
    assert (type(error), error.field) == (Invalid, field)
    assert str(error.message)


def test_settings_change_with_one_entry(nordlys: cast.Company, fake: Server) -> None:
    connection = connect(nordlys, fake)
    values = {"name": "Greenhouse Lyon", "grace_seconds": 60}
    with scope.enter(nordlys.id):
        services.change(actor=nordlys.recops_actor, connection_id=connection.pk, values=values)
        kept = Connection.objects.get(pk=connection.pk)
    assert (kept.name, kept.grace_seconds) == ("Greenhouse Lyon", 60)
    assert verbs(nordlys) == ["connection.opened", "connection.changed"]


@pytest.mark.parametrize("values", [{"account": "x"}, {"state": "active"}, {"country": "fr"}])
def test_what_may_not_be_changed_is_refused(
    nordlys: cast.Company, fake: Server, values: dict[str, Any]
) -> None:
    connection = connect(nordlys, fake)
    with scope.enter(nordlys.id), pytest.raises(Invalid):
        services.change(actor=nordlys.recops_actor, connection_id=connection.pk, values=values)


@pytest.mark.django_db(transaction=True)
def test_new_credentials_are_tried_and_must_open_the_same_account(
    fake: Server, transactional_db: None
) -> None:
    nordlys = cast.company()
    connection = connect(nordlys, fake)
    renew: dict[str, Any] = {
        "actor": nordlys.recops_actor,
        "connection_id": connection.pk,
        "values": {},
    }
    with scope.enter(nordlys.id):
        services.change(**renew, credentials={"sub": "4001"})
        kept = Connection.objects.get(pk=connection.pk)
        assert credentials.open_of(kept) == GIVEN | {"sub": "4001"}
        with pytest.raises(Invalid, match=r"^unauthorized$"):
            services.change(**renew, credentials={"client_secret": "no"})
        Connection.objects.filter(pk=connection.pk).update(account="0" * 64)
        with pytest.raises(Refused, match=r"^another_account$"):
            services.change(**renew, credentials={"sub": "4004"})
        assert credentials.open_of(Connection.objects.get(pk=connection.pk))["sub"] == "4001"


@pytest.mark.django_db(transaction=True)
def test_a_kept_connection_reads_under_the_limiter_of_all_processes(
    fake: Server, transactional_db: None
) -> None:
    nordlys = cast.company()
    connection = connect(nordlys, fake)
    with scope.enter(nordlys.id):
        pages = list(services.adapter(connection).changes(""))
    assert sum(len(page.candidates) for page in pages) == 2
    window = RateWindow.objects.get(pk=connection.pk)
    assert (window.allowed, window.taken) == (10_000, 0)
    assert window.remaining < 10_000


def test_a_paused_connection_is_resumed_and_nothing_twice(
    nordlys: cast.Company, fake: Server
) -> None:
    connection = connect(nordlys, fake)
    given: dict[str, Any] = {"actor": nordlys.recops_actor, "connection_id": connection.pk}
    with scope.enter(nordlys.id):
        services.pause(**given)
        with pytest.raises(Conflict):
            services.pause(**given)
        services.note_failure(**given, code="unreachable")
        assert Connection.objects.get(pk=connection.pk).state == "paused"
        services.resume(**given)
        with pytest.raises(Conflict):
            services.resume(**given)
    assert verbs(nordlys)[1:] == ["connection.paused", "connection.resumed"]


def test_a_failure_is_told_once_and_a_recovery_once(nordlys: cast.Company, fake: Server) -> None:
    connection = connect(nordlys, fake)
    given: dict[str, Any] = {"actor": nordlys.recops_actor, "connection_id": connection.pk}
    with scope.enter(nordlys.id):
        for code in ("unreachable", "unreachable", "unauthorized"):
            services.note_failure(**given, code=code)
        kept = Connection.objects.get(pk=connection.pk)
        assert (kept.state, kept.failure) == ("failing", "unauthorized")
        at = clock.now()
        services.note_synced(**given, at=at)
        services.note_synced(**given, at=at)
        kept = Connection.objects.get(pk=connection.pk)
    assert (kept.state, kept.failure, kept.synced_at) == ("active", "", at)
    assert verbs(nordlys)[1:] == ["connection.failed", "connection.failed", "connection.recovered"]


def test_a_csv_connection_needs_no_credential(nordlys: cast.Company) -> None:
    with scope.enter(nordlys.id):
        connection = services.connect(actor=nordlys.recops_actor, name="Export", vendor="csv")
        assert services.adapter(connection).capabilities.actions == frozenset()
        assert services.capabilities(connection).actions == frozenset()
