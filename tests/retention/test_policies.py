"""A policy version: drafted, signed by two, active from a date, superseded; and its overrides."""

from __future__ import annotations

import importlib
from datetime import date, timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from apps.accounts.models import Role
from apps.audit.models import Pending
from apps.core import scope
from apps.core.actors import SYSTEM, Actor
from apps.core.clock import today
from apps.core.errors import Conflict, Invalid, Missing, Refused
from apps.retention import overrides, reasons, selectors, services
from apps.retention.models import Cell, Ground, Override, Period, Policy
from apps.subjects import intake
from apps.subjects.models import Record
from tests import cast
from tests.cast import ADA, Company
from tests.retention.steps import governed, signed

pytestmark = pytest.mark.django_db
#: Ada was refused on 2 March 2026.
ENDED = date(2026, 6, 3)
REASON = "Five years are out of proportion for these jobs"


@pytest.fixture
def nordlys() -> Company:
    company = cast.company()
    with scope.enter(company.id):
        connection = cast.csv_connection()
        intake.take(actor=SYSTEM, connection_id=connection.pk, candidates=[ADA])
        services.refresh(actor=SYSTEM)
    return company


def verbs() -> list[str]:
    return list(Pending.objects.order_by("pk").values_list("verb", flat=True))


def switch_off_archive(nordlys: Company, policy: Policy) -> Override:
    return services.override(
        actor=nordlys.dpo_actor,
        policy_id=policy.pk,
        rule="rejected.archive",
        duration="",
        reason=REASON,
        active_from=date(2026, 1, 1),
    )


def test_nothing_configured_makes_nothing_due(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        assert selectors.due(as_of=date(2090, 1, 1)) == []
        assert selectors.counts(as_of=date(2090, 1, 1)).undecided == 1


def test_a_draft_and_a_single_signature_govern_nothing(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        policy = services.load_policy(actor=nordlys.recops_actor)
        assert (policy.state, policy.number, policy.country) == ("drafted", 1, "FR")
        services.sign(actor=nordlys.dpo_actor, policy_id=policy.pk)
        with pytest.raises(Conflict, match="unsigned"):
            services.activate(
                actor=nordlys.dpo_actor, policy_id=policy.pk, active_from=date(2026, 1, 1)
            )
        assert not Cell.objects.exists()
        assert not Period.objects.exists()


def test_the_same_person_cannot_sign_twice(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        policy = services.load_policy(actor=nordlys.dpo_actor)
        services.sign(actor=nordlys.dpo_actor, policy_id=policy.pk)
        with pytest.raises(Conflict, match="signed_once"):
            services.sign(actor=nordlys.dpo_actor, policy_id=policy.pk)


def test_two_people_without_a_dpo_do_not_sign_it(nordlys: Company) -> None:
    second = cast.person(nordlys.controller, "ravi@nordlys.example", Role.RECOPS)
    with scope.enter(nordlys.id):
        policy = services.load_policy(actor=nordlys.recops_actor)
        services.sign(actor=nordlys.recops_actor, policy_id=policy.pk)
        policy = services.sign(actor=Actor("user", second.pk), policy_id=policy.pk)
        assert policy.state == "drafted"
        policy = services.sign(actor=nordlys.dpo_actor, policy_id=policy.pk)
        assert policy.state == "signed"
        with pytest.raises(Conflict, match="signed"):
            services.sign(actor=nordlys.dpo_actor, policy_id=policy.pk)


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.OPERATOR])
def test_other_roles_neither_load_nor_sign(nordlys: Company, role: Role) -> None:
    other = Actor("user", cast.person(nordlys.controller, "x@nordlys.example", role).pk)
    with scope.enter(nordlys.id):
        policy = services.load_policy(actor=nordlys.dpo_actor)
        with pytest.raises(Refused):
            services.load_policy(actor=other)
        with pytest.raises(Refused):
            services.sign(actor=other, policy_id=policy.pk)


def test_another_reading_of_the_law_takes_a_dpo_and_a_reason(nordlys: Company) -> None:
    chosen = {"rejected": "last_contact"}
    with scope.enter(nordlys.id):
        with pytest.raises(Refused):
            services.load_policy(actor=nordlys.recops_actor, variants=chosen, reason=REASON)
        with pytest.raises(Invalid, match="reason"):
            services.load_policy(actor=nordlys.dpo_actor, variants=chosen)
        with pytest.raises(Invalid, match="variant"):
            services.load_policy(actor=nordlys.dpo_actor, variants={"x": "y"}, reason=REASON)
        assert not Policy.objects.exists()
        policy = services.load_policy(actor=nordlys.dpo_actor, variants=chosen, reason=REASON)
        (choice,) = policy.choices.all()
        assert (choice.rule, choice.variant) == ("rejected", "last_contact")
        assert REASON.encode() not in bytes(choice.sealed_reason)
        assert (
            reasons.open_one(
                choice.pk, bytes(choice.sealed_reason), table="retention_variantchoice"
            )
            == REASON
        )
        rejected = next(one for one in policy.rules if one["rule"] == "rejected")
        assert (rejected["trigger"], rejected["duration"]) == ("last_contact", "P2Y")
        assert "policy.variant_chosen" in verbs()


def test_only_a_dpo_activates_and_overrides(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        policy = signed(nordlys)
        with pytest.raises(Refused):
            services.activate(
                actor=nordlys.recops_actor, policy_id=policy.pk, active_from=date(2026, 1, 1)
            )
        with pytest.raises(Refused):
            services.override(
                actor=nordlys.recops_actor,
                policy_id=policy.pk,
                rule="rejected",
                duration="P1M",
                reason=REASON,
            )


def test_mallory_sees_no_policy_of_nordlys(nordlys: Company) -> None:
    other = cast.mallory()
    with scope.enter(nordlys.id):
        policy = governed(nordlys)
    with scope.enter(other.id):
        with pytest.raises(Missing):
            services.sign(actor=other.dpo_actor, policy_id=policy.pk)
        assert selectors.policy_in_force(as_of=date(2026, 6, 1)) is None
        assert selectors.due_ids(as_of=date(2090, 1, 1)) == []
        assert not Cell.objects.exists()
    with scope.enter(nordlys.id):
        assert selectors.policy_in_force(as_of=date(2026, 6, 1)) == policy


def test_a_base_pack_is_no_policy(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        with pytest.raises(Invalid, match="base_pack"):
            services.load_policy(actor=nordlys.dpo_actor, pack="eu-default")
        with pytest.raises(Missing):
            services.load_policy(actor=nordlys.dpo_actor, pack="atlantis")


def test_an_active_policy_governs_what_is_there_already(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        governed(nordlys)
        assert [ground.reason for ground in Ground.objects.all()] == [0, 0]
        assert selectors.due(as_of=ENDED) == []  # the archive keeps for five years
        assert [row.rule for row in selectors.due(as_of=date(2031, 3, 3))] == ["rejected.archive"]


def test_before_its_first_day_a_policy_governs_nothing(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        governed(nordlys, active_from=date(2032, 1, 1))
        assert selectors.counts(as_of=date(2031, 12, 31)).undecided == 1
        assert selectors.counts(as_of=date(2032, 1, 1)).due == 1


def test_an_override_switches_the_archive_off_with_one_period(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        policy = governed(nordlys)
        periods, grounds = Period.objects.count(), set(Ground.objects.values_list("pk", flat=True))
        switch_off_archive(nordlys, policy)
        assert Period.objects.count() == periods + 1
        assert set(Ground.objects.values_list("pk", flat=True)) == grounds
        assert selectors.due(as_of=ENDED - timedelta(days=1)) == []
        (due,) = selectors.due(as_of=ENDED)
        assert (due.rule, due.due_on, due.record_version) == ("rejected", ENDED, 1)


def test_overrides_signed_with_the_draft_start_with_the_version(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        policy = signed(nordlys)
        switch_off_archive(nordlys, policy)
        assert not Period.objects.exists()
        services.activate(
            actor=nordlys.dpo_actor, policy_id=policy.pk, active_from=date(2026, 1, 1)
        )
        assert len(selectors.due(as_of=ENDED)) == 1


def test_a_longer_period_leaves_the_queue_again(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        policy = governed(nordlys)
        switch_off_archive(nordlys, policy)
        assert len(selectors.due_ids(as_of=ENDED)) == 1
        services.override(
            actor=nordlys.dpo_actor,
            policy_id=policy.pk,
            rule="rejected",
            duration="P6M",
            reason=REASON,
            active_from=date(2026, 6, 3),
        )
        assert selectors.due_ids(as_of=ENDED) == []
        # Nothing changes for the days before it was signed.
        assert len(selectors.due_ids(as_of=date(2026, 9, 3))) == 1


def test_the_reason_is_sealed_and_only_committed_to(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        made = switch_off_archive(nordlys, governed(nordlys))
        assert REASON.encode() not in bytes(made.sealed_reason)
        assert overrides.reason_of(made) == REASON
        entry = bytes(Pending.objects.get(verb="policy.overridden").body)
        assert b"rejected.archive" in entry
        assert b'"off"' in entry
        assert REASON.encode() not in entry


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"reason": "  "}, "reason"),
        ({"duration": "3 months"}, "duration"),
        ({"rule": "hired"}, "unknown_rule"),
        ({"rule": "everything"}, "unknown_rule"),
    ],
)
def test_a_bad_override_is_refused_and_nothing_is_written(
    nordlys: Company, values: dict[str, str], code: str
) -> None:
    with scope.enter(nordlys.id):
        policy = governed(nordlys)
        before = Period.objects.count()
        given = {"rule": "rejected", "duration": "P1M", "reason": REASON} | values
        with pytest.raises(Invalid, match=code):
            services.override(actor=nordlys.dpo_actor, policy_id=policy.pk, **given)  # type: ignore[arg-type]  # strings
        assert Period.objects.count() == before
        assert not Override.objects.exists()


def test_a_newer_version_supersedes_and_takes_no_override_over(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        first = governed(nordlys)
        switch_off_archive(nordlys, first)
        second = governed(nordlys, active_from=date(2026, 6, 1))
        first.refresh_from_db()
        assert (first.state, second.state, second.number) == ("superseded", "active", 2)
        assert selectors.due_ids(as_of=ENDED) == []
        with pytest.raises(Conflict, match="superseded"):
            switch_off_archive(nordlys, first)


def test_a_version_that_starts_later_supersedes_when_it_starts(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        first = governed(nordlys)
        second = governed(nordlys, active_from=today("Europe/Paris") + timedelta(days=30))
        assert services.supersede(actor=SYSTEM) == 0
        first.refresh_from_db()
        assert first.state == "active"
        Policy.objects.filter(pk=second.pk).update(active_from=date(2026, 2, 1))
        assert services.supersede(actor=SYSTEM) == 1
        first.refresh_from_db()
        assert first.state == "superseded"


def test_a_version_cannot_start_before_one_that_governs(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        governed(nordlys, active_from=date(2026, 6, 1))
        with pytest.raises(Conflict, match="later_version"):
            governed(nordlys, active_from=date(2026, 5, 1))


def test_another_trigger_takes_effect_today_or_not_at_all(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        governed(nordlys)
        changed = signed(nordlys)
        for one in changed.rules:
            if one["rule"] == "rejected":
                one["trigger"] = "decision.rejected_notified"
        changed.save()
        later = today("Europe/Paris") + timedelta(days=1)
        with pytest.raises(Invalid, match="trigger_changes"):
            services.activate(actor=nordlys.dpo_actor, policy_id=changed.pk, active_from=later)


def test_a_rule_a_new_version_drops_is_switched_off(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        governed(nordlys)
        leaner = signed(nordlys)
        leaner.rules = [one for one in leaner.rules if one["rule"] != "rejected.archive"]
        leaner.save()
        services.activate(
            actor=nordlys.dpo_actor, policy_id=leaner.pk, active_from=date(2026, 6, 1)
        )
        assert len(selectors.due_ids(as_of=ENDED)) == 1


def test_simulating_a_draft_tells_what_activating_it_does(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        policy = signed(nordlys)
        before = (Ground.objects.count(), Period.objects.count(), len(verbs()))
        kept = selectors.simulate(policy_id=policy.pk, as_of=ENDED)
        assert (kept.total, kept.by_rule, kept.now) == (0, {}, 0)
        switch_off_archive(nordlys, policy)
        said = selectors.simulate(policy_id=policy.pk, as_of=ENDED)
        assert (said.total, said.by_rule) == (1, {"rejected": 1})
        assert (Ground.objects.count(), Period.objects.count(), len(verbs()) - 1) == before
        services.activate(
            actor=nordlys.dpo_actor, policy_id=policy.pk, active_from=date(2026, 1, 1)
        )
        assert len(selectors.due_ids(as_of=ENDED)) == said.total
        assert said.as_json()["as_of"] == "2026-06-03"


def test_each_act_leaves_an_entry(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        start = len(verbs())
        switch_off_archive(nordlys, governed(nordlys))
        assert verbs()[start:] == [
            "policy.loaded",
            "policy.signed",
            "policy.signed",
            "policy.activated",
            "grounds.refreshed",
            "policy.overridden",
        ]


def test_signatures_periods_and_overrides_cannot_be_rewritten(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        switch_off_archive(nordlys, governed(nordlys))
        for table in ("retention_signature", "retention_period", "retention_override"):
            with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
                connection.cursor().execute(f"DELETE FROM {table}")  # noqa: S608 - three names above
            with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
                connection.cursor().execute(f"UPDATE {table} SET id = id")  # noqa: S608 - as above


def test_orphans_are_cleared_by_the_next_refresh(nordlys: Company) -> None:
    with scope.enter(nordlys.id):
        governed(nordlys)
        Record.objects.update(state=Record.State.ERASED)
        services.refresh_all(actor=SYSTEM)
        assert not Ground.objects.exists()


def test_grounds_stored_by_an_older_version_learn_of_each_other(nordlys: Company) -> None:
    """An installation that is brought up to date: a pair nobody told of the other is never due."""
    with scope.enter(nordlys.id):
        governed(nordlys)
        told = sorted(Ground.objects.values_list("pk", "other_cell", "other_anchor"))
        Ground.objects.update(other_cell=None, other_anchor=None)
        late = date(2031, 3, 3)
        assert selectors.due(as_of=late) == []
        migration = importlib.import_module("apps.retention.migrations.0006_other_ground")
        with connection.cursor() as cursor:
            cursor.execute(migration.TELL)
        assert sorted(Ground.objects.values_list("pk", "other_cell", "other_anchor")) == told
        assert len(selectors.due(as_of=late)) == 1
