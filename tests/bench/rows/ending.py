"""The end of an epoch, with people coming and going meanwhile, and how long they wait for it.

Real keys, wrapped and made findable by our own services. The limit is the crypto alone: the same
keys unwrapped and wrapped in a loop of one process, nothing read or written.
"""

from __future__ import annotations

import os
import time
from typing import Final
from uuid import UUID

from django.db import connections

from apps.core import crypto, scope
from apps.core.actors import SYSTEM
from apps.core.ids import new_id
from apps.keys import epochs
from apps.keys import selectors as keys_selectors
from apps.keys import services as keys
from apps.keys.models import Epoch, SubjectKey
from apps.subjects import shredding
from tests.bench.figures import Goal, Row
from tests.bench.rounds import Run, say
from tests.bench.rows import stage
from tests.bench.rows.processes import processes

_MADE: Final = 5_000


def measure(run: Run) -> list[Row]:
    size = run.sized(1_000_000, 6_000)
    company = stage.company("Bench")
    with scope.enter(company.id):
        _people(size)
    with stage.admin("lethe_keys") as it:
        it.execute("VACUUM (ANALYZE)")
    rates, limits, stalls, calls = [], [], [], []
    for number in range(run.rounds):
        stage.settle()
        limits.append(_crypto_alone(company.id))
        with processes("tests.bench.rows.keeper", [[str(company.id)]], os.environ) as (live,):
            live.tell("go")
            time.sleep(0.5)
            began = time.perf_counter()
            with scope.enter(company.id):
                ended = shredding.end_epoch(actor=SYSTEM)
            took = time.perf_counter() - began
            told = live.ask("stop")
        rates.append(sum(one.rewrapped for one in ended) / took)
        stalls.append(told["longest"] * 1_000)
        calls.append(told["calls"])
        _check(company.id, told["people"])
        say(
            f"round {number + 1}/{run.rounds}: {rates[-1]:,.0f} keys/s, longest {stalls[-1]:.0f} ms"
        )
    return [
        Row(
            "epoch.rate",
            f"keys re-wrapped at the end of an epoch, {size:,} people with an address each, "
            "live writers",
            "keys/s",
            rates,
            limit_name="the crypto alone, one process",
            limit=limits,
            goal=Goal(150_000, "at least", of="ours"),
        ),
        Row(
            "epoch.stall",
            "the longest that a live writer waited meanwhile",
            "ms",
            stalls,
            notes={
                "calls of the writer": calls,
            },
        ),
    ]


def _people(size: int) -> None:
    say(f"making {size:,} keys")
    for start in range(0, size, _MADE):
        people = [new_id() for _ in range(min(_MADE, size - start))]
        keys.new(people, actor=SYSTEM)
        keys.index((one, "email", f"{one}@example.org") for one in people)


def _crypto_alone(controller: UUID) -> float:
    """Keys per second."""
    epoch = Epoch.objects.filter(controller_id=controller, destroyed_at=None).latest("number")
    rows = SubjectKey.objects.filter(epoch=epoch).values_list("subject_id", "wrapped")[:20_000]
    found = [(subject_id.bytes, bytes(wrapped)) for subject_id, wrapped in rows]
    fresh = new_id()
    rewrap = crypto.rewrapper(epochs.load(epoch.pk), crypto.new_key(), old=epoch.pk, new=fresh)
    began = time.perf_counter()
    for subject, wrapped in found:
        rewrap(subject, wrapped)
    return len(found) / (time.perf_counter() - began)


def _check(controller: UUID, people: list[str]) -> None:
    """One epoch is left, nobody's key is under another, and whoever came meanwhile is found."""
    with scope.enter(controller):
        (living,) = [one for one in keys_selectors.standings() if not one.ended]
        total = SubjectKey.objects.filter(controller_id=controller).count()
        if living.living != total:
            raise AssertionError(f"{total - living.living} keys are under an epoch that ended")
        ids = [UUID(one) for one in people]
        if len(keys.open_many(ids)) != len(ids):
            raise AssertionError("somebody who came meanwhile has no key")
        found = keys.find("email", [f"{one}@example.org" for one in ids])
        if len(found) != len(ids):
            raise AssertionError("somebody who came meanwhile is not found")
    connections["keys"].close()
