"""Every pack at once, on an invented population with establishments in every pack's country.

Each pack is loaded, simulated, signed by two people and put in force; then the statements over all
records say what the pure rule says of each person: with one to four applications, consents given
and withdrawn, people merged, held, hired, reopened, and facts that decide nothing.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from pytest_django import DjangoDbBlocker

from apps.connectors import selectors as connectors
from apps.connectors.port import Dated, RemoteApplication, RemoteCandidate, State
from apps.consents import services as consents
from apps.core import scope
from apps.core.actors import SYSTEM
from apps.retention import packs, selectors, services, simulating
from apps.retention.models import Policy
from apps.subjects import intake
from apps.subjects.models import Record, Subject
from tests import cast
from tests.cast import ADA, Company
from tests.retention.steps import START, signed
from tests.standing import standing

PACKS = [name for name, _title in packs.titles("en")]
COUNTRIES = [packs.resolve(name).jurisdiction for name in PACKS]
PEOPLE_PER_COUNTRY = 8
AS_OF = (date(2026, 2, 28), date(2026, 8, 31), date(2028, 2, 29))
STATES: list[State] = ["rejected", "rejected", "rejected", "withdrawn", "open", "hired", "unknown"]
#: Ends of months and 29 February among them.
DAYS = [
    *(date(2024, 2, 29) + timedelta(days=61 * number) for number in range(14)),
    date(2025, 8, 31),
    date(2025, 11, 30),
    date(2026, 1, 31),
]


def _dated(dice: random.Random, earliest: date | None = None) -> Dated:
    day = dice.choice([day for day in DAYS if earliest is None or day >= earliest] or DAYS[-1:])
    at = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    return dice.choice([Dated(at, "exact")] * 4 + [Dated(at, "approximate"), Dated()])


def _application(dice: random.Random, country: str, number: int) -> RemoteApplication:
    applied = _dated(dice)
    since = applied.at.date() if applied.at else None
    closed = _dated(dice, since)
    return RemoteApplication(
        remote_id=f"7{number:06d}",
        state=dice.choice(STATES),
        prospect=dice.random() < 0.1,
        job=dice.choice(["77", "78", ""]),
        country=dice.choice([country] * 9 + [""]),
        applied=applied,
        closed=closed,
        rejected_notified=dice.choice([closed, closed, Dated()]),
    )


def _people(dice: random.Random) -> list[RemoteCandidate]:
    found, number = [], 0
    for country in COUNTRIES:
        # One in each country of whom nothing is unclear.
        number += 1
        plain = replace(ADA.applications[0], remote_id=f"7{number:06d}", country=country)
        found.append(cast.candidate(number, applications=(plain,)))
        for _person in range(PEOPLE_PER_COUNTRY):
            number += 1
            own = [
                _application(dice, country, number * 10 + one)
                for one in range(dice.choice([1, 1, 2, 3, 4]))
            ]
            found.append(cast.candidate(number, applications=tuple(own), collected=ADA.collected))
    return found


def _said(subject_id: UUID, verb: str) -> None:
    if verb == "given":
        consents.record(
            actor=SYSTEM,
            subject_id=subject_id,
            purpose="talent_pool",
            effective_on=date(2025, 11, 30),
            notice="v1",
            source="api",
        )
    else:
        consents.withdraw(
            actor=SYSTEM,
            subject_id=subject_id,
            purpose="talent_pool",
            effective_on=date(2026, 1, 31),
            source="api",
        )


def _events(company: Company, dice: random.Random, subjects: list[Subject]) -> None:
    """What happens to people besides: merged, consenting, taking it back, held."""
    for subject in dice.sample(subjects, len(subjects) // 3):
        for verb in dice.choice([["given"], ["given", "withdrawn"]]):
            _said(subject.pk, verb)
    for one, other in zip(subjects[::20], subjects[1::20], strict=False):
        Subject.objects.filter(pk=one.pk).update(merged_into=other)
    for subject in dice.sample(subjects, len(subjects) // 15):
        services.place_hold(
            actor=company.dpo_actor,
            subject_id=subject.pk,
            reason="A claim",
            review_on=date(2090, 1, 1),
        )


def _built() -> Company:
    company, dice = cast.company(), random.Random(20261126)
    people = _people(random.Random(20261126))
    with scope.enter(company.id):
        connection = cast.csv_connection()
        type(connection).objects.update(country="")
        for page in range(0, len(COUNTRIES) * (PEOPLE_PER_COUNTRY + 1), 50):
            intake.take(
                actor=SYSTEM,
                connection_id=connection.pk,
                candidates=people[page : page + 50],
            )
        rows = {bytes(row.remote_digest): row for row in Record.objects.select_related("subject")}
        digests = [connectors.remote_digest(connection.pk, one.remote_id) for one in people]
        plain = slice(None, None, PEOPLE_PER_COUNTRY + 1)
        del digests[plain]  # nothing happens to those of whom nothing is unclear
        _events(company, dice, [rows[digest].subject for digest in digests])
        services.refresh_all(actor=SYSTEM)
    return company


@pytest.fixture(scope="module")
def _company(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Company]:
    with standing(django_db_blocker, _built) as company:
        yield company


@pytest.fixture
def nordlys(_company: Company, db: None) -> Iterator[Company]:
    with scope.enter(_company.id):
        yield _company


def everywhere(company: Company) -> None:
    for pack in PACKS:
        policy = signed(company, pack)
        services.activate(actor=company.dpo_actor, policy_id=policy.pk, active_from=START)


def judged(as_of: date, country: str = "") -> dict[UUID, str]:
    """By the pure rule: of everyone, or of those who applied in a country."""
    rows = Record.objects.all()
    rows = rows.filter(applications__country=country).distinct() if country else rows
    return {row.pk: selectors.decide(row.pk, as_of=as_of).outcome for row in rows}


@pytest.mark.parametrize("pack", PACKS)
def test_a_pack_is_simulated_signed_by_two_and_does_what_was_simulated(
    nordlys: Company, pack: str
) -> None:
    policy = services.load_policy(actor=nordlys.recops_actor, pack=pack)
    as_of = date(2027, 8, 31)
    foreseen = simulating.simulate(policy_id=policy.pk, as_of=as_of)
    assert foreseen.now == 0
    for actor in (nordlys.recops_actor, nordlys.dpo_actor):
        services.sign(actor=actor, policy_id=policy.pk)
    services.activate(actor=nordlys.dpo_actor, policy_id=policy.pk, active_from=START)
    assert Policy.objects.get(pk=policy.pk).state == Policy.State.ACTIVE
    outcomes = Counter(judged(as_of, policy.country).values())
    assert (foreseen.total, foreseen.archive) == (outcomes["due"], outcomes["archive"])
    assert foreseen.total + foreseen.archive > 0
    assert set(foreseen.by("country")) == {policy.country}


@pytest.mark.parametrize("as_of", AS_OF)
def test_with_every_country_governed_the_sets_equal_the_pure_rule(
    nordlys: Company, as_of: date
) -> None:
    everywhere(nordlys)
    outcomes = judged(as_of)
    assert set(selectors.due_ids(as_of=as_of)) == {
        pk for pk, outcome in outcomes.items() if outcome == "due"
    }
    assert {row.record_id for row in selectors.to_archive(as_of=as_of)} == {
        pk for pk, outcome in outcomes.items() if outcome == "archive"
    }
    counts = selectors.counts(as_of=as_of)
    told = Counter(outcomes.values())
    assert (counts.kept, counts.held, counts.undecided) == (
        told["kept"],
        told["held"],
        told["undecided"],
    )
    assert set(told) == {"due", "archive", "kept", "held", "undecided"} or as_of < START


def test_of_people_of_several_countries_each_follows_its_own(nordlys: Company) -> None:
    everywhere(nordlys)
    said = simulating.simulate(policy_id=Policy.objects.earliest("number").pk, as_of=AS_OF[2])
    assert set(said.by("country")) == set(COUNTRIES)
