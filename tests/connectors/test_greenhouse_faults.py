"""The Greenhouse adapter when things go wrong: faults, tokens that end, scopes that are missing."""

import time
from pathlib import Path
from typing import Any

import pytest

from apps.connectors import http
from apps.connectors.errors import OUTCOME_UNKNOWN, ConnectorError
from apps.connectors.fakes.greenhouse import start
from apps.connectors.greenhouse import token

from .greenhouse_account import account, adapter, calls, everyone
from .greenhouse_caller import config

# --- faults ---------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["rate_limited", "server_error"])
def test_a_sync_gets_over_faults(
    tmp_path: Path, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.connectors.greenhouse.api.MAX_ROWS", 20)
    with account(tmp_path) as (greenhouse, caller):
        caller.fault(fault, times=3, path="/v3/")
        assert len(everyone(greenhouse)[0]) == 60


def test_a_cut_read_is_read_again(tmp_path: Path) -> None:
    with account(tmp_path) as (greenhouse, caller):
        caller.fault("cut_connection", times=2, methods=["GET"])
        assert len(everyone(greenhouse)[0]) == 60


@pytest.mark.parametrize(
    ("fault", "settings"),
    [
        ("cut_connection", {}),
        ("server_error", {"status": 500}),
        ("server_error", {"status": 503}),
        ("timeout_before_effect", {"seconds": 2}),
        ("timeout_after_effect", {"seconds": 2}),
    ],
)
def test_an_effect_whose_outcome_is_unknown_is_sent_once(
    tmp_path: Path, fault: str, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "TIMEOUT", 1.0)
    http.close_pool()
    with account(tmp_path, candidates=2) as (greenhouse, caller):
        someone = caller.dump()["candidate"][0]["id"]
        caller.fault(fault, methods=["PATCH"], **settings)
        with pytest.raises(ConnectorError) as caught:
            greenhouse.anonymize(str(someone))
        if "seconds" in settings:
            time.sleep(1.2)  # until the server has let go of the request it holds
        sent = [call for call in calls(caller) if call["method"] == "PATCH"]
        assert len(caller.effects(someone)) <= 1
    http.close_pool()
    assert caught.value.code == OUTCOME_UNKNOWN
    assert len(sent) <= 1


def test_an_effect_that_the_limit_refused_happens_once(tmp_path: Path) -> None:
    with account(tmp_path, candidates=2) as (greenhouse, caller):
        someone = caller.dump()["candidate"][0]["id"]
        caller.fault("rate_limited", methods=["PATCH"], times=1)
        greenhouse.anonymize(str(someone))
        assert len(caller.effects(someone)) == 1


@pytest.mark.parametrize("lost", ["harvest:jobs:list", "harvest:offices:list"])
def test_a_country_that_may_not_be_read_is_no_other_country(tmp_path: Path, lost: str) -> None:
    with account(tmp_path, candidates=5) as (greenhouse, caller):
        caller.fault("scope_lost", scope=lost)
        with pytest.raises(ConnectorError, match=r"^forbidden$"):
            everyone(greenhouse)


# --- tokens ---------------------------------------------------------------------------------


def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Whose tokens are fetched from now on."""
    fetched: list[str] = []
    fetch = token._fetch

    def counting(credential: token.Credential) -> tuple[str, float]:
        fetched.append(credential.client_id)
        return fetch(credential)

    monkeypatch.setattr(token, "_fetch", counting)
    return fetched


def test_a_token_is_fetched_once_and_used_until_it_nears_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched = counted(monkeypatch)
    with account(tmp_path, candidates=1) as (greenhouse, _caller):
        everyone(greenhouse)
        everyone(greenhouse)
    assert fetched == ["client"]


def test_an_expired_token_is_fetched_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched = counted(monkeypatch)
    with account(tmp_path, candidates=1, token_seconds=4) as (greenhouse, _caller):
        everyone(greenhouse)
        time.sleep(2.1)  # half of its life is over: it is not used any more
        assert len(everyone(greenhouse)[0]) == 1
    assert fetched == ["client", "client"]


def test_a_token_refused_before_its_time_is_replaced_once(tmp_path: Path) -> None:
    with account(tmp_path, candidates=2, token_seconds=3600) as (greenhouse, caller):
        everyone(greenhouse)
        (credential,) = token._kept
        token._kept[credential] = ("revoked", token._kept[credential][1])
        someone = str(caller.dump()["candidate"][0]["id"])
        assert greenhouse.anonymize(someone).status == 200
        token._kept[credential] = ("revoked", token._kept[credential][1])
        assert len(greenhouse.fetch([someone])) == 1


# --- check ----------------------------------------------------------------------------------


def test_a_whole_credential_passes_and_changes_nothing(tmp_path: Path) -> None:
    with account(tmp_path, candidates=3) as (greenhouse, caller):
        before = caller.dump()
        found = greenhouse.check()
        assert caller.dump() == before
        assert caller.control("GET", "effects") == []
    assert (found.ok, found.missing_scopes, found.code) == (True, (), "")
    assert len(found.account) == 64


def test_a_whole_credential_is_not_asked_again_for_a_minute_and_a_broken_one_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with account(tmp_path, candidates=1) as (greenhouse, caller):
        caller.fault("scope_lost", scope="harvest:notes:list", times=1)
        assert not greenhouse.check().ok
        assert greenhouse.check().ok
        asked = len(calls(caller))
        assert greenhouse.check().ok
        assert len(calls(caller)) == asked
        monkeypatch.setattr("apps.connectors.greenhouse.adapter.CHECK_LIFETIME", 0.0)
        assert adapter(caller.fake).check().ok
        assert len(calls(caller)) > asked


@pytest.mark.parametrize("wrong", [{"client_secret": "no"}, {"client_id": "no"}])
def test_a_wrong_credential_is_told(tmp_path: Path, wrong: dict[str, str]) -> None:
    with start(config(tmp_path)) as fake:
        found = adapter(fake, **wrong).check()
    assert (found.ok, found.code, found.account) == (False, "unauthorized", "")


@pytest.mark.parametrize(
    ("action", "lost"),
    [
        ("anonymize", "harvest:candidates:anonymize"),
        ("delete", "harvest:candidates:destroy"),
        ("anonymize", "harvest:scorecards:list"),
        ("anonymize", "harvest:jobs:list"),
    ],
)
def test_a_missing_scope_is_named(tmp_path: Path, action: str, lost: str) -> None:
    whole = config(tmp_path).scopes
    with start(config(tmp_path, scopes=whole - {lost})) as fake:
        found = adapter(fake, action=action).check()
    assert (found.ok, found.missing_scopes) == (False, (lost,))


def test_a_scope_of_the_other_action_is_not_asked_for(tmp_path: Path) -> None:
    scopes = config(tmp_path).scopes - {"harvest:candidates:destroy"}
    with start(config(tmp_path, scopes=scopes)) as fake:
        assert adapter(fake, action="anonymize").check().ok


def test_an_account_is_the_same_for_another_credential(tmp_path: Path) -> None:
    with start(config(tmp_path, candidates=1)) as fake:
        assert adapter(fake).check().account == adapter(fake, user_id="4001").check().account
