"""What must hold after every fault: nothing lost, nothing claimed, nothing done twice, no trace."""

from __future__ import annotations

import itertools
import os
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connections
from psycopg.conninfo import conninfo_to_dict

from apps.audit import services as audit
from apps.audit import verification
from apps.core import dumps
from apps.erasure.models import Step
from apps.subjects import selectors as subjects
from apps.subjects.models import Subject
from config import broker
from config.celery import TICKS
from tests.journeys.house import House


def people(record_ids: Iterable[Any]) -> set[str]:
    """Addresses and numbers of these people, while they can be read."""
    found = subjects.identities(list(record_ids))
    return {value for who in found.values() for value in (*who.emails, *who.phones) if value}


def wait_for_shredding(total: int) -> None:
    """Whoever's worker was killed between the step and the key is left to the reconciler, whose
    bell rings for the first time that long after a worker began."""
    deadline = time.monotonic() + TICKS["apps.subjects.tasks.finish_shredding"] + 30
    shredded = Subject.objects.filter(state=Subject.State.SHREDDED)
    while shredded.count() < total and time.monotonic() < deadline:
        time.sleep(0.2)


def wrongs(house: House, known: set[str], logs: Iterable[Path] = ()) -> dict[str, int]:
    """Everything that must be zero, counted."""
    connections["default"].close_if_unusable_or_obsolete()
    steps = list(Step.objects.values_list("state", "clean", "confirmed"))
    by_person = _calls(house)
    effects = {who: sum(call["effect"] for call in own) for who, own in by_person.items()}
    verified = [step for step in steps if step[0] in ("verified", "archived")]
    audit.integrate()
    return {
        "steps lost": sum(state in ("planned", "claimed", "sent") for state, *_ in steps)
        + sum(state in ("failed", "unverifiable", "stale") for state, *_ in steps),
        "verified without reading": sum(not (clean or sure) for _, clean, sure in verified),
        "effects repeated": sum(max(0, count - 1) for count in effects.values()),
        "calls repeated unread": sum(_unread(own) for own in by_person.values()),
        "people not shredded": len(verified)
        - Subject.objects.filter(state=Subject.State.SHREDDED).count(),
        "ledgers broken": sum(not verdict.ok for verdict in verification.verify_all()),
        "traces": traces(known, logs),
    }


def _calls(house: House) -> dict[int, list[dict[str, Any]]]:
    by_person: dict[int, list[dict[str, Any]]] = {}
    for call in house.control("GET", "journal"):
        for remote_id in call["candidate_ids"]:
            by_person.setdefault(remote_id, []).append(call)
    return by_person


def _unread(own: list[dict[str, Any]]) -> int:
    """Second calls with an effect that no reading came before."""
    places = [place for place, call in enumerate(own) if call["method"] == "PATCH"]
    return sum(
        not any(call["method"] == "GET" for call in own[earlier + 1 : later])
        for earlier, later in itertools.pairwise(places)
    )


def traces(known: set[str], logs: Iterable[Path]) -> int:
    """How many of these values are found in dumps of all databases, in logs and in key files."""
    texts = [_dump(os.environ[name]) for name in ("DATABASE_URL", "KEYS_DATABASE_URL")]
    if dsn := broker.read(os.environ["BROKER_URL"]).dsn:
        texts.append(_dump(dsn))
    texts += [path.read_bytes() for path in logs if path.exists()]
    texts += [path.read_bytes() for path in Path(settings.LETHE_KEYS_DIR).rglob("*.key")]
    return sum(any(value.encode() in text for text in texts) for value in known)


def _dump(dsn: str) -> bytes:
    given = {key: str(value) for key, value in conninfo_to_dict(dsn).items()}
    tool = dumps.tool("pg_dump", "default")
    done = subprocess.run(
        [tool, "--format=plain", "--no-owner", f"--dbname={given['dbname']}"],
        env={
            **os.environ,
            "PGHOST": given.get("host", ""),
            "PGPORT": given.get("port", ""),
            "PGUSER": given.get("user", ""),
            "PGPASSWORD": given.get("password", ""),
        },
        capture_output=True,
        check=True,
    )
    return done.stdout
