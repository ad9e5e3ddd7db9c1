"""The life of a step: what the page draws is what the code walks."""

from __future__ import annotations

from pathlib import Path

from apps.erasure import states
from apps.erasure.models import Step

PAGE = Path(__file__).parents[2] / "docs" / "design" / "erasure.md"


def test_the_page_draws_these_transitions() -> None:
    assert f"```mermaid\n{states.diagram()}\n```" in PAGE.read_text(), states.diagram()


def test_every_state_is_lived_or_ended_and_an_end_is_an_end() -> None:
    assert set(states.LIVING) | set(states.ENDED) == set(Step.State.values)
    assert set(states.TRANSITIONS) == set(states.LIVING)
    reached = {after for targets in states.TRANSITIONS.values() for after in targets}
    assert reached | {"planned"} == set(Step.State.values)
