"""Pure: what one version of a policy changes against another, rule by rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

What = Literal["added", "removed", "period", "trigger", "ceiling", "end_action", "sources"]
#: Compared key by key, in the order in which a reader cares.
_KEYS: tuple[tuple[str, What], ...] = (
    ("duration", "period"),
    ("trigger", "trigger"),
    ("ceiling", "ceiling"),
    ("end_action", "end_action"),
    ("sources", "sources"),
)


@dataclass(frozen=True, slots=True)
class Difference:
    """`before` and `after` are values as the rules hold them; empty for a period: switched off."""

    rule: str
    what: What
    before: str = ""
    after: str = ""


def between(
    old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]
) -> tuple[Difference, ...]:
    """From resolved rules (packs.ResolvedRule.as_json) with their overrides applied.

    In the order of the new version; what it no longer has comes last.
    """
    before = {rule["rule"]: rule for rule in old}
    after = {rule["rule"]: rule for rule in new}
    found: list[Difference] = []
    for name, rule in after.items():
        found += _of_rule(before[name], rule) if name in before else [_added(rule)]
    removed = (rule for name, rule in before.items() if name not in after)
    found += [Difference(rule["rule"], "removed", _text(rule["duration"])) for rule in removed]
    return tuple(found)


def with_overrides(
    rules: Sequence[Mapping[str, Any]], overrides: Mapping[str, str]
) -> list[Mapping[str, Any]]:
    """The rules with the periods that overrides (rule → duration) put in their place."""
    return [{**rule, "duration": overrides.get(rule["rule"], rule["duration"])} for rule in rules]


def _added(rule: Mapping[str, Any]) -> Difference:
    return Difference(rule["rule"], "added", after=_text(rule["duration"]))


def _of_rule(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Difference]:
    return [
        Difference(new["rule"], what, _text(old[key]), _text(new[key]))
        for key, what in _KEYS
        if old[key] != new[key]
    ]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else " · ".join(value)
