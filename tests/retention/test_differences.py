"""What one version changes against another."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from apps.core import scope
from apps.core.errors import Missing
from apps.core.ids import new_id
from apps.retention import packs, selectors, services
from apps.retention.differences import Difference, between, with_overrides
from tests import cast
from tests.retention import steps

FRANCE = [rule.as_json() for rule in packs.resolve("fr-cnil").rules]


def test_a_version_does_not_differ_from_itself() -> None:
    assert between(FRANCE, FRANCE) == ()


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"duration": "P2M"}, Difference("rejected", "period", "P3M", "P2M")),
        ({"ceiling": "P4M"}, Difference("rejected", "ceiling", "P3M", "P4M")),
        (
            {"trigger": "decision.rejected_notified"},
            Difference("rejected", "trigger", "process.closed", "decision.rejected_notified"),
        ),
        (
            {"end_action": "erase"},
            Difference("rejected", "end_action", "anonymize_or_erase", "erase"),
        ),
    ],
)
def test_a_changed_value_is_named_with_both(changes: dict[str, str], found: Difference) -> None:
    rule = replace(packs.resolve("fr-cnil").rules[0], **changes).as_json()  # type: ignore[arg-type]  # texts of it
    assert between(FRANCE, [rule, *FRANCE[1:]]) == (found,)


def test_rules_that_come_and_go_are_named() -> None:
    assert between(FRANCE[1:], FRANCE) == (Difference("rejected", "added", after="P3M"),)
    assert between(FRANCE, FRANCE[1:]) == (Difference("rejected", "removed", "P3M"),)


def test_an_override_counts_as_the_period() -> None:
    off = with_overrides(FRANCE, {"rejected.archive": ""})
    assert between(off, FRANCE) == (Difference("rejected.archive", "period", "", "P5Y"),)


@pytest.mark.django_db
def test_a_draft_is_compared_with_what_governs_its_country() -> None:
    nordlys = cast.company()
    today = date(2026, 6, 1)
    with scope.enter(nordlys.id):
        assert selectors.differences(steps.signed(nordlys).pk, as_of=today) == (None, ())
        governing = steps.without_archive(nordlys)
        assert selectors.differences(governing.pk, as_of=today) == (None, ())
        draft = services.load_policy(actor=nordlys.dpo_actor, pack="fr-cnil")
        other, found = selectors.differences(draft.pk, as_of=today)
        assert other == governing
        # An override belongs to its version: a new one must sign it again.
        assert {one.rule for one in found} == {"rejected.archive", "withdrawn.archive"}
        germany = services.load_policy(actor=nordlys.dpo_actor, pack="de")
        assert selectors.differences(germany.pk, as_of=today) == (None, ())
        with pytest.raises(Missing):
            selectors.differences(new_id(), as_of=today)
