"""The shared client: who is called, what is repeated and what never, what is kept quiet."""

import logging
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from pytest_django import Settings

from apps.connectors import deadline, http
from apps.connectors.errors import OUTCOME_UNKNOWN, ConnectorError
from apps.connectors.http import Client, Target, check_host

from .scripted_server import CUT, Scripted, answer, scripted

TOKEN = "Bearer of-the-tests"


@dataclass
class Counting:
    """A meter that lets everything through and remembers."""

    told: list[int | None] = field(default_factory=list)
    taken: int = 0

    def take(self) -> None:
        self.taken += 1

    def learn(self, _ticket: Any, _headers: Mapping[str, str] | None, status: int | None) -> None:
        self.told.append(status)


def client(meter: Counting | None = None) -> Client:
    return Client(meter or Counting(), wait_initial=0.01)


def get(server: Scripted, path: str = "/v3/candidates", **params: str) -> Target:
    return Target("GET", server.url + path, TOKEN, params=params or None)


def patch(server: Scripted) -> Target:
    return Target("PATCH", server.url + "/v3/candidates/7/anonymize", TOKEN, json={"fields": ["a"]})


def test_a_read_comes_back_with_its_body_and_request_id() -> None:
    with scripted(answer(200, '[{"id": 7}]', X_Request_Id="r-1")) as server:
        found = client().read(get(server))
    assert (found.status, found.body, found.request_id) == (200, [{"id": 7}], "r-1")


def test_a_request_id_that_could_hold_anything_is_not_kept() -> None:
    with scripted(answer(200, "[]", X_Request_Id="ada lovelace <ada@example.org>")) as server:
        assert client().read(get(server)).request_id == ""


@pytest.mark.parametrize("first", [answer(500), answer(502), answer(503), CUT])
def test_a_read_is_repeated_after_a_fault(first: bytes) -> None:
    meter = Counting()
    with scripted(first, answer(200, "[]")) as server:
        assert client(meter).read(get(server)).status == 200
    assert meter.taken == 2, "each attempt asks the limiter"
    assert len(meter.told) == 2, "each attempt tells the limiter"


def test_a_read_waits_as_long_as_retry_after_says() -> None:
    with scripted(answer(429, Retry_After="1"), answer(200, "[]")) as server:
        started = time.monotonic()
        client().read(get(server))
    assert time.monotonic() - started >= 1


def test_a_read_gives_up_with_the_code_of_the_last_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "ATTEMPTS", 3)
    with scripted(answer(500)) as server, pytest.raises(ConnectorError, match=r"^vendor_error$"):
        client().read(get(server))
    assert len(server.asked) == 3


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, "rejected"), (401, "unauthorized"), (403, "forbidden"), (404, "not_found"),
     (409, "rejected"), (422, "rejected"), (302, "redirected"), (307, "redirected")],
)  # fmt: skip
def test_what_the_vendor_refuses_is_not_repeated(status: int, code: str) -> None:
    with (
        scripted(answer(status, '{"errors": ["Ada Lovelace is gone"]}')) as server,
        pytest.raises(ConnectorError) as caught,
    ):
        client().read(get(server))
    assert (caught.value.code, caught.value.status) == (code, status)
    assert len(server.asked) == 1
    assert "Ada" not in str(caught.value)
    assert "Ada" not in repr(caught.value.__dict__)


def test_a_redirect_is_not_followed_so_the_token_stays_here() -> None:
    with scripted(answer(200, "[]")) as elsewhere:
        with (
            scripted(answer(302, Location=elsewhere.url)) as server,
            pytest.raises(ConnectorError, match=r"^redirected$"),
        ):
            client().read(get(server))
        assert elsewhere.asked == []


@pytest.mark.parametrize("fault", [CUT, answer(500), answer(502), answer(503, Retry_After="0")])
def test_an_effect_of_unknown_outcome_is_never_sent_again(fault: bytes) -> None:
    with scripted(fault, answer(200)) as server, pytest.raises(ConnectorError) as caught:
        client().effect(patch(server))
    assert caught.value.code == OUTCOME_UNKNOWN
    assert len(server.asked) == 1


def test_an_effect_that_times_out_is_of_unknown_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setattr(http, "TIMEOUT", 0.2)
        http.close_pool()
        server = Scripted(f"http://127.0.0.1:{silent.getsockname()[1]}", [])
        with pytest.raises(ConnectorError) as caught:
            client().effect(patch(server))
    http.close_pool()
    assert caught.value.code == OUTCOME_UNKNOWN


def test_an_effect_that_no_connection_carried_is_known_not_to_have_happened() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    with pytest.raises(ConnectorError, match=r"^unreachable$"):
        client().effect(patch(Scripted(f"http://127.0.0.1:{port}", [])))


def test_an_effect_refused_by_the_limit_is_sent_once_more() -> None:
    meter = Counting()
    with scripted(answer(429, Retry_After="0"), answer(200)) as server:
        assert client(meter).effect(patch(server)).status == 200
    assert meter.told == [429, 200]
    assert len(server.asked) == 2


@dataclass
class Slow(Counting):
    """A limit that lets nobody through at once."""

    def take(self) -> None:
        time.sleep(0.05)
        super().take()


def test_an_effect_that_waited_beyond_its_deadline_never_leaves() -> None:
    meter = Slow()
    with scripted(answer(200)) as server:
        with deadline.within(0.01), pytest.raises(ConnectorError, match=r"^rate_limited$"):
            client(meter).effect(patch(server))
        assert server.asked == []
        with deadline.within(5):
            assert client(meter).effect(patch(server)).status == 200
    assert meter.told == [None, 200]


def test_a_deadline_for_effects_leaves_reads_alone() -> None:
    with scripted(answer(200, "[]")) as server, deadline.within(0):
        assert client(Slow()).read(get(server)).status == 200


def test_an_effect_refused_by_the_limit_twice_is_given_back() -> None:
    with (
        scripted(answer(429, Retry_After="0")) as server,
        pytest.raises(ConnectorError, match=r"^rate_limited$"),
    ):
        client().effect(patch(server))
    assert len(server.asked) == 2


def test_an_answer_that_is_not_json_is_malformed() -> None:
    with (
        scripted(answer(200, "<html>")) as server,
        pytest.raises(ConnectorError, match=r"^malformed$"),
    ):
        client().read(get(server))


def test_an_endless_answer_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MAX_BYTES", 100)
    with (
        scripted(answer(200, "[" + " " * 1000 + "]")) as server,
        pytest.raises(ConnectorError, match=r"^too_large$"),
    ):
        client().read(get(server))


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/v3",
        "http://harvest.greenhouse.io/v3",
        "https://harvest.greenhouse.io.evil.example/",
        "https://harvest.greenhouse.io@evil.example/",
        "https://user:password@harvest.greenhouse.io/",
        "ftp://harvest.greenhouse.io/",
        "file:///etc/passwd",
        "//harvest.greenhouse.io/",
        "http://127.0.0.1:8000/",
        "http://169.254.169.254/latest/meta-data",
        "",
    ],
)
def test_a_host_nobody_allowed_is_refused(url: str, settings: Settings) -> None:
    settings.ATS_HOSTS = ["harvest.greenhouse.io"]
    with pytest.raises(ConnectorError, match=r"^host_refused$"):
        check_host(url)


@pytest.mark.parametrize("url", ["https://harvest.greenhouse.io/v3", "http://127.0.0.1:8000/"])
def test_an_allowed_host_is_called_and_plain_http_only_on_loopback(
    url: str, settings: Settings
) -> None:
    settings.ATS_HOSTS = ["harvest.greenhouse.io", "127.0.0.1"]
    check_host(url)


def test_a_refused_host_opens_no_socket(settings: Settings) -> None:
    meter = Counting()
    settings.ATS_HOSTS = []
    with scripted(answer(200)) as server:
        with pytest.raises(ConnectorError):
            client(meter).read(get(server))
        assert server.asked == []
    assert meter.taken == 0


def test_no_url_header_or_body_reaches_a_log(caplog: pytest.LogCaptureFixture) -> None:
    for name in ("", "httpx", "apps.connectors.http", "stamina"):
        caplog.set_level(logging.DEBUG, logger=name)
    with scripted(answer(500, '"Lovelace"'), answer(200, '["Lovelace"]')) as server:
        client().read(get(server, "/v3/candidates/secret-path", email="ada@example.org"))
    assert "email=ada" in server.asked[0], "it was really sent"
    written = caplog.text
    assert written, "something is logged"
    for private in ("ada", "secret-path", "Lovelace", "of-the-tests", "candidates"):
        assert private not in written


def test_nothing_of_a_target_shows_in_its_representation() -> None:
    target = Target("GET", "https://x/y", "Bearer t", params={"email": "ada@example.org"}, json={})
    assert "Bearer" not in repr(target)
    assert "ada" not in repr(target)


def test_no_proxy_of_the_environment_sees_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    with scripted(answer(200)) as proxy, scripted(answer(200, "[]")) as server:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        http.close_pool()
        client().read(get(server))
        http.close_pool()
        assert proxy.asked == []
