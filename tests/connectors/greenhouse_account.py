"""A fake Greenhouse with its adapter and somebody who steers it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from apps.connectors.fakes.greenhouse import Server, start
from apps.connectors.greenhouse.adapter import Account, Greenhouse
from apps.connectors.limiter import Alone
from apps.connectors.port import RemoteCandidate

from .greenhouse_caller import Caller, calling, config


@contextmanager
def account(tmp_path: Path, **settings: Any) -> Iterator[tuple[Greenhouse, Caller]]:
    with (
        start(config(tmp_path, **({"candidates": 60} | settings))) as fake,
        calling(fake) as caller,
    ):
        yield adapter(fake), caller


def adapter(fake: Server, **settings: Any) -> Greenhouse:
    known = {"client_id": "client", "client_secret": "secret", "user_id": "4004"} | settings
    return Greenhouse(
        Account(base_url=fake.url, auth_url=fake.token_url, pool_tags=["Vivier"], **known),
        Alone(),
        now=lambda: datetime.now(UTC),
    )


def everyone(greenhouse: Greenhouse, since: str = "") -> tuple[list[RemoteCandidate], str]:
    found: list[RemoteCandidate] = []
    cursor = since
    for page in greenhouse.changes(since):
        found += page.candidates
        cursor = page.cursor
    return found, cursor


def calls(caller: Caller, part: str = "") -> list[dict[str, Any]]:
    journal: list[dict[str, Any]] = caller.control("GET", "journal")
    return [call for call in journal if part in call["path"]]
