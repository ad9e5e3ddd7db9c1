"""The invented people and their cases; and the fake as a process of its own."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

import httpx
import pytest

from apps.connectors.fakes.greenhouse import start
from apps.connectors.fakes.greenhouse.people import MAX_PEOPLE, folded, person
from apps.connectors.fakes.greenhouse.portfolio import case, cases
from tests.connectors.greenhouse_caller import TODAY, calling, config


def test_no_two_of_22_000_people_share_a_name_an_email_or_a_phone() -> None:
    people = [person(1, index) for index in range(22_000)]
    for traces in (
        [who.surname for who in people],
        [folded(who.surname) for who in people],
        [email for who in people for email in who.emails],
        [digits for who in people for digits in who.digits],
    ):
        assert len(traces) == len(set(traces))


def test_no_surname_is_part_of_another() -> None:
    people = [person(1, index) for index in range(0, MAX_PEOPLE, 997)]
    assert {len(who.surname) for who in people} == {8}
    assert {len(folded(who.surname)) for who in people} == {8}


def test_most_names_have_accents_and_all_addresses_are_reserved_ones() -> None:
    people = [person(1, index) for index in range(1000)]
    assert sum(not who.surname.isascii() for who in people) > 800
    domains = {email.partition("@")[2] for who in people for email in who.emails}
    assert domains == {"example.org", "example.net", "example.com"}


def test_phones_are_numbers_set_aside_for_fiction() -> None:
    french = ("63998", "19900", "26191", "35301", "46571", "53649")
    british = ("7700900", "1", "2")
    for index in range(0, MAX_PEOPLE, 501):
        who = person(1, index)
        allowed = british if who.country == "GB" else french
        assert who.digits[0].startswith(allowed)
        assert len(who.digits[0]) == (10 if who.country == "GB" else 9)


def test_the_same_seed_invents_the_same_people_and_another_seed_others() -> None:
    assert person(3, 14) == person(3, 14)
    assert person(3, 14).surname != person(4, 14).surname
    with pytest.raises(ValueError, match="index"):
        person(1, MAX_PEOPLE)


def test_about_thirty_in_a_hundred_are_long_expired() -> None:
    portfolio = cases(1, 2000, TODAY)
    expired = [one for one in portfolio if one.expired]
    assert len(expired) == 600
    three_months_ago = TODAY - timedelta(days=100)
    assert all(one.rejected_on and one.rejected_on < three_months_ago for one in expired)
    assert not any(one.in_pool or one.consent for one in expired)


def test_every_kind_is_there_and_one_pair_is_merged() -> None:
    kinds = Counter(one.kind for one in cases(1, 2000, TODAY))
    assert len(kinds) == 15
    assert kinds["merged"] == 1
    assert min(kinds[kind] for kind in kinds if kind != "merged") >= 40


def test_candidates_have_one_to_four_applications() -> None:
    sizes = {len(one.application_ids) for one in cases(1, 2000, TODAY)}
    assert sizes == {1, 2, 3, 4}


def test_a_case_says_what_the_server_says(tmp_path: Path) -> None:
    with start(config(tmp_path, candidates=150)) as fake, calling(fake) as caller:
        rows = {row["id"]: row for row in caller.rows("candidates", per_page=500)}
        applications = caller.rows("applications", per_page=500)
        offers = caller.rows("offers", per_page=500)
    for one in cases(1, 150, TODAY):
        mine = [row for row in applications if row["candidate_id"] == one.remote_id]
        closed = [row["rejected_at"][:10] for row in mine if row["rejected_at"]]
        starts = {row["starts_on"] for row in offers if row["candidate_id"] == one.remote_id}
        assert rows[one.remote_id]["last_name"] == person(1, one.index).surname
        assert {row["id"] for row in mine} == set(one.application_ids)
        assert (max(closed) if closed else None) == (
            one.rejected_on.isoformat() if one.rejected_on else None
        )
        assert ("vivier" in rows[one.remote_id]["tags"]) is one.in_pool
        assert (starts - {None} or {None}) == {one.starts_on and one.starts_on.isoformat()}


def test_a_merged_duplicate_is_gone(tmp_path: Path) -> None:
    (merged,) = (one for one in cases(1, 100, TODAY) if one.kind == "merged")
    with start(config(tmp_path, candidates=2)) as fake, calling(fake) as caller:
        assert caller.rows("candidates", ids=merged.merged_ids[0]) == []
        assert caller.control("GET", "dump")["merged"] == [
            {"id": merged.merged_ids[0], "into_id": merged.remote_id}
        ]


def test_two_accounts_of_one_seed_share_nobody(tmp_path: Path) -> None:
    first = config(tmp_path, candidates=20)
    second = config(tmp_path, candidates=20, first_index=20, state=tmp_path / "other.sqlite")
    with start(first) as one, start(second) as other:
        with calling(one) as caller:
            ids = {row["id"] for row in caller.rows("candidates")}
        with calling(other) as caller:
            assert ids.isdisjoint(row["id"] for row in caller.rows("candidates"))


def test_an_invented_candidate_arrives_on_command(tmp_path: Path) -> None:
    with start(config(tmp_path, candidates=2)) as fake, calling(fake) as caller:
        body = {"index": 700, "kind": "rejected_years_ago"}
        added = caller.control("POST", "candidates", body)
        rows = caller.rows("applications", candidate_ids=added["id"])
    assert added["id"] == case(1, 700, TODAY).remote_id
    assert [row["status"] for row in rows] == ["rejected"]
    assert rows[0]["rejected_at"] < "2021-11-24"


def test_the_state_is_kept_and_not_seeded_again(tmp_path: Path) -> None:
    with start(config(tmp_path, candidates=5)) as fake, calling(fake) as caller:
        caller.send("DELETE", "candidates/40000001")
        token = fake.control_token
    with start(config(tmp_path, candidates=50)) as fake, calling(fake) as caller:
        assert len(caller.rows("candidates")) == 4
        assert fake.control_token == token


def test_a_stopped_fake_hangs_up_and_can_be_started_on_the_same_port(tmp_path: Path) -> None:
    with httpx.Client() as client:
        with start(config(tmp_path)) as fake:
            assert client.get(f"{fake.url}/v3/users").status_code == 401
            port = httpx.URL(fake.url).port
        with pytest.raises(httpx.TransportError):
            client.get(f"{fake.url}/v3/users")
        with start(config(tmp_path, port=port)) as fake:
            assert client.get(f"{fake.url}/v3/users").status_code == 401


def test_a_bearer_token_outlives_a_restart(tmp_path: Path) -> None:
    with start(config(tmp_path, candidates=1)) as fake, calling(fake) as caller:
        header = caller.client.headers["Authorization"]
    with start(config(tmp_path)) as fake:
        answer = httpx.get(f"{fake.url}/v3/candidates", headers={"Authorization": header})
    assert answer.status_code == 200


@contextmanager
def _process(tmp_path: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    module = "apps.connectors.fakes.greenhouse"
    known = ("--state", str(tmp_path / "state.sqlite"), "--client-id", "client")
    # An environment without Django settings: the fake must not need Lethe.
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(
        [sys.executable, "-m", module, *known, "--client-secret", "secret", *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _delete_one(facts: dict[str, str], candidate_id: int) -> int:
    """How many candidates are left afterwards."""
    form = {"grant_type": "client_credentials", "sub": "1"}
    answer = httpx.post(facts["token_url"], auth=("client", "secret"), data=form)
    header = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    httpx.delete(f"{facts['url']}/v3/candidates/{candidate_id}", headers=header)
    return len(httpx.get(f"{facts['url']}/v3/candidates", headers=header).json())


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_as_a_process_it_says_where_it_listens_and_keeps_its_state(
    tmp_path: Path, end: signal.Signals
) -> None:
    log, port_file = tmp_path / "fake.log", tmp_path / "port.json"
    arguments = ("--candidates", "3", "--log", str(log), "--port-file", str(port_file))
    left = []
    for run in range(2):
        with _process(tmp_path, *arguments) as process:
            assert process.stdout is not None
            facts = json.loads(process.stdout.readline())
            assert facts == json.loads(port_file.read_text())
            left.append(_delete_one(facts, 40_000_000 + run))
            process.send_signal(end)
            assert process.wait(10) == (0 if end is signal.SIGTERM else -signal.SIGKILL)
    assert left == [2, 1]
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["path"] for line in lines].count("/v3/candidates") == 2
    assert "secret" not in log.read_text()


def test_the_fake_imports_nothing_of_lethe_and_no_django() -> None:
    script = (
        "import sys; import apps.connectors.fakes.greenhouse.__main__;"
        "print([name for name in sys.modules if name.split('.')[0] in ('django', 'config')"
        " or name.startswith('apps.') and not name.startswith('apps.connectors')])"
    )
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert shown.stdout.decode().strip() == "[]"


def test_dates_are_relative_to_the_given_day() -> None:
    earlier, later = (case(1, 5, day) for day in (date(2026, 1, 10), date(2026, 1, 20)))
    assert later.created_on - earlier.created_on == timedelta(days=10)
