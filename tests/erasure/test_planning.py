"""Plans: what they take together, and under which version of the policy."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from apps.core import scope
from apps.core.actors import SYSTEM
from apps.erasure import services as erasure
from apps.retention import services as retention
from apps.retention.models import Policy
from apps.subjects import intake
from tests import cast
from tests.cast import ADA, Company

pytestmark = pytest.mark.django_db
LONG_AFTER = date(2040, 1, 1)


def _governed(company: Company, pack: str) -> Policy:
    policy = retention.load_policy(actor=company.dpo_actor, pack=pack)
    retention.sign(actor=company.dpo_actor, policy_id=policy.pk)
    retention.sign(actor=company.recops_actor, policy_id=policy.pk)
    return retention.activate(
        actor=company.dpo_actor, policy_id=policy.pk, active_from=date(2026, 1, 1)
    )


def test_two_countries_of_one_account_are_two_plans_each_under_its_own_version() -> None:
    nordlys = cast.company()
    german = replace(ADA.applications[0], remote_id="9777", country="DE")
    with scope.enter(nordlys.id):
        france, germany = _governed(nordlys, "fr-cnil"), _governed(nordlys, "de")
        account = cast.csv_connection()
        people = [ADA, cast.candidate(1, applications=(german,)), cast.candidate(2)]
        intake.take(actor=SYSTEM, connection_id=account.pk, candidates=people)
        retention.refresh(actor=SYSTEM)
        plans = erasure.propose(actor=nordlys.recops_actor, as_of=LONG_AFTER)
        found = [(plan.policy_id, plan.steps.count()) for plan in plans]
    assert found == [(france.pk, 2), (germany.pk, 1)]
