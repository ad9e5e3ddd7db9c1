"""What a pack must satisfy: the schema, then what one value says about another.

Every complaint names file, line, key, what is wrong and how to put it right; the first one in
the file is raised. Nothing is guessed and nothing is skipped.
"""

from __future__ import annotations

import difflib
import functools
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.utils.translation import gettext as _
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from apps.retention import periods
from apps.retention.documents import Document, dotted, refuse
from apps.retention.documents import Path as KeyPath

#: rule → (its category, the triggers it can run from). Facts lead nowhere else (rules.py).
KNOWN: Final[Mapping[str, tuple[str, frozenset[str]]]] = {
    "rejected": (
        "applicant_rejected",
        frozenset(
            {
                "process.closed",
                "decision.rejected_notified",
                "last_contact",
                "application.received",
            }
        ),
    ),
    "withdrawn": ("candidate_withdrew", frozenset({"candidate.withdrew"})),
    "spontaneous": ("spontaneous", frozenset({"application.received"})),
    "talent_pool": ("talent_pool", frozenset({"consent.given", "last_contact"})),
    "sourced": ("sourced_never_contacted", frozenset({"sourced.collected"})),
    "sourced_informed": ("sourced_informed", frozenset({"last_contact"})),
    "hired": ("hired", frozenset({"hire.started"})),
}
ARCHIVED: Final = frozenset({"rejected", "withdrawn"})
#: An archive may also run from the day the active phase ends.
ENTERED: Final = "archive.entered"

#: What a variant says of itself; the rest is laid over its rule.
_OF_VARIANT: Final = frozenset({"id", "title", "risk"})

Complaint = tuple[int, str, str, str]
_Remark = tuple[KeyPath, str, str]


def check(document: Document) -> None:
    """Raises Invalid for the first thing that is wrong."""
    errors = list(_schema().iter_errors(document.data))
    # A misspelt key is also a missing one: speak of the misspelling.
    unknown = [error for error in errors if error.validator == "additionalProperties"]
    complaints = [_of_schema(document, error) for error in unknown or errors]
    if not complaints:
        complaints = list(_of_meaning(document))
    if complaints:
        line, key, problem, fix = min(complaints)
        refuse(document.name, line, key, problem, fix)


def line_of(document: Document, rule_id: str, *keys: str) -> int:
    """The line of a key of a rule."""
    number = next(n for n, one in enumerate(document.data["rules"]) if one["id"] == rule_id)
    return document.line(("rules", number, *keys))


@functools.cache
def _schema() -> Draft202012Validator:
    path = Path(settings.BASE_DIR) / "fixtures" / "policies" / "schema.json"
    return Draft202012Validator(json.loads(path.read_text(encoding="utf-8")))


def _of_schema(document: Document, error: ValidationError) -> Complaint:
    if error.validator == "oneOf":
        error = _branch(error)
    path: KeyPath = tuple(error.absolute_path)
    key, problem, fix = _said(error)
    where = (*path, key) if key else path
    return (document.line(where), dotted(where), problem, fix)


def _branch(error: ValidationError) -> ValidationError:
    """Of an archive, the complaint about the form that was meant: inherited or written out."""
    inherited = isinstance(error.instance, dict) and "inherit" in error.instance
    wanted = 1 if inherited else 2
    meant = [one for one in error.context or [] if one.schema_path[0] == wanted]
    return meant[0] if meant else error


def _said(error: ValidationError) -> tuple[str, str, str]:
    """(key inside the value, problem, fix) for a broken schema keyword."""
    raw: Any = error.instance
    known: Mapping[str, Any] = error.schema if isinstance(error.schema, Mapping) else {}
    if error.validator == "additionalProperties":
        return _unknown_key(raw, known)
    problem, fix = _problem(str(error.validator), raw, known)
    return "", problem, fix


def _problem(keyword: str, raw: Any, known: Mapping[str, Any]) -> tuple[str, str]:
    match keyword:
        case "required":
            missing = next(key for key in known["required"] if key not in raw)
            return _("“%(key)s” is missing.") % {"key": missing}, _("Add it.")
        case "enum" | "const":
            allowed = known.get("enum", [known.get("const")])
            fix = _("Use one of: %(names)s.") % {"names": ", ".join(map(_written, allowed))}
            return _("“%(raw)s” is not known here.") % {"raw": raw}, fix
        case "pattern":
            return _malformed(raw, str(known["pattern"]))
        case "minItems" | "minLength":
            return _("This is empty."), _("Fill it in, or remove the key.")
    return _("This is not the kind of value expected here."), _expected(known)


def _written(value: Any) -> str:
    """As the pack would have it: `true`, not Python's `True`."""
    return value if isinstance(value, str) else json.dumps(value)


def _unknown_key(raw: Mapping[str, Any], known: Mapping[str, Any]) -> tuple[str, str, str]:
    allowed = list(known["properties"])
    key = next(key for key in raw if key not in known["properties"])
    near = difflib.get_close_matches(key, allowed, n=1)
    fix = (
        _("Did you mean “%(near)s”?") % {"near": near[0]}
        if near
        else _("Use one of: %(names)s.") % {"names": ", ".join(allowed)}
    )
    return key, _("This key is not known here."), fix


def _malformed(raw: str, pattern: str) -> tuple[str, str]:
    if pattern.startswith("^P("):
        return (
            _("“%(raw)s” is not an ISO 8601 period.") % {"raw": raw},
            _("Write P3M for three months, P2Y for two years, P30D for thirty days."),
        )
    return (
        _("“%(raw)s” does not have the expected form.") % {"raw": raw},
        _("Follow the form %(pattern)s.") % {"pattern": pattern},
    )


def _expected(known: Mapping[str, Any]) -> str:
    kinds = {
        "string": _("Write a text, between quotes."),
        "array": _("Write a list."),
        "object": _("Write keys and values."),
    }
    return kinds.get(str(known.get("type", "")), _("Read schema.json for this key."))


def _of_meaning(document: Document) -> Iterable[Complaint]:
    """Complaints about a pack whose every value is well formed by itself."""
    data = document.data
    if document.name != f"{data['id']}.yaml":
        problem = _("The id is not the name of the file.")
        fix = _("Rename the file to %(name)s.yaml.") % {"name": data["id"]}
        yield (document.line(("id",)), "id", problem, fix)
    seen: set[str] = set()
    for number, rule in enumerate(data["rules"]):
        if rule["id"] in seen:
            path: KeyPath = ("rules", number, "id")
            problem = _("The rule “%(rule)s” is there twice.") % {"rule": rule["id"]}
            yield (document.line(path), dotted(path), problem, _("Keep one of them."))
        seen.add(rule["id"])
        yield from _at(document, ("rules", number), _of_rule(rule, data.get("sources", {})))
    for number, register in enumerate(data.get("registers", [])):
        remarks = _of_sources(register["sources"], data.get("sources", {}))
        yield from _at(document, ("registers", number), remarks)


def _at(document: Document, place: KeyPath, remarks: Iterable[_Remark]) -> Iterable[Complaint]:
    for keys, problem, fix in remarks:
        path = (*place, *keys)
        yield (document.line(path), dotted(path), problem, fix)


def varied(rule: Mapping[str, Any], variant: Mapping[str, Any]) -> dict[str, Any]:
    """The rule under another reading of the law: what the variant does not say stays."""
    said = {key: value for key, value in variant.items() if key not in _OF_VARIANT}
    found = {key: value for key, value in rule.items() if key != "variants"}
    for key, value in said.items():
        own = found.get(key)
        if isinstance(value, dict) and isinstance(own, dict):
            found[key] = {**own, **value}
        else:
            found[key] = value
    return found


def _of_variants(rule: Mapping[str, Any], sources: Mapping[str, str]) -> Iterable[_Remark]:
    """Each is a rule like another once it is laid over its own."""
    seen: set[str] = set()
    for number, variant in enumerate(rule.get("variants", [])):
        path: KeyPath = ("variants", number)
        if variant["id"] in seen:
            problem = _("The variant “%(variant)s” is there twice.") % {"variant": variant["id"]}
            yield (*path, "id"), problem, _("Keep one of them.")
        seen.add(variant["id"])
        if variant.get("archive") and "end" not in (rule.get("archive") or {}):
            problem = _("The rule itself has no archive that this could change.")
            yield (*path, "archive"), problem, _("Write archive: null.")
            continue
        for keys, problem, fix in _of_rule(varied(rule, variant), sources):
            yield (*path, *keys), problem, fix


def _of_rule(rule: Mapping[str, Any], sources: Mapping[str, str]) -> Iterable[_Remark]:
    category, triggers = KNOWN[rule["id"]]
    if rule["category"] != category:
        fix = _("Write %(wanted)s.") % {"wanted": category}
        yield ("category",), _("This category belongs to another rule."), fix
    if rule["trigger"] not in triggers:
        yield _wrong_trigger(("trigger",), rule["trigger"], triggers)
    yield from _of_sources(rule["sources"], sources)
    yield from _of_period(("active", "default"), rule["active"]["default"], rule["active"])
    yield from _of_archive(rule)
    yield from _of_end(rule)
    yield from _of_variants(rule, sources)


def _of_sources(named: Iterable[str], sources: Mapping[str, str]) -> Iterable[_Remark]:
    for name in named:
        if name not in sources:
            problem = _("The source “%(name)s” is not in the pack's list.") % {"name": name}
            yield ("sources",), problem, _("Add its title under sources.")


def _wrong_trigger(path: KeyPath, trigger: str, allowed: Iterable[str]) -> _Remark:
    problem = _("Nothing gives this rule the date “%(trigger)s”.") % {"trigger": trigger}
    return path, problem, _("Use one of: %(names)s.") % {"names": ", ".join(sorted(allowed))}


def _of_period(path: KeyPath, duration: str, phase: Mapping[str, Any]) -> Iterable[_Remark]:
    """The default is not malformed (too long for a calendar) and not above its ceiling."""
    for key, value in ((path, duration), ((path[0], "ceiling"), phase["ceiling"])):
        try:
            periods.parse(value)
        except ValueError:
            yield key, *_malformed(value, "^P(")
            return
    if periods.exceeds(duration, phase["ceiling"]):
        problem = _("%(period)s is longer than the ceiling, %(ceiling)s.")
        said = problem % {"period": duration, "ceiling": phase["ceiling"]}
        yield path, said, _("Shorten the period, or raise the ceiling with its source.")


def _of_archive(rule: Mapping[str, Any]) -> Iterable[_Remark]:
    archive = rule.get("archive")
    if archive is None:
        return
    if rule["id"] not in ARCHIVED or archive.get("inherit") == rule["id"]:
        yield ("archive",), _("This rule cannot have such an archive."), _("Write archive: null.")
    elif "inherit" not in archive:
        allowed = KNOWN[rule["id"]][1] | {ENTERED}
        if archive["trigger"] not in allowed:
            yield _wrong_trigger(("archive", "trigger"), archive["trigger"], allowed)
        yield from _of_period(("archive", "end"), archive["end"], archive)


def _of_end(rule: Mapping[str, Any]) -> Iterable[_Remark]:
    """Keys that go together: consent, the by-hand transfer, what a rule moves to."""
    pairs = (
        ("consent", rule["id"] == "talent_pool"),
        ("moves_to", rule["end_action"] == "move_to_category"),
        ("transfer", rule["end_action"] == "transfer_to_hr_file"),
        ("notice", rule["id"] == "sourced"),
        ("on_notice_sent", rule["id"] == "sourced"),
    )
    for key, wanted in pairs:
        if wanted and key not in rule:
            yield (), _("“%(key)s” is missing.") % {"key": key}, _("Add it.")
        if not wanted and key in rule:
            yield (key,), _("This key means nothing for this rule."), _("Remove it.")
    if (rule["id"] == "hired") != (rule["end_action"] == "transfer_to_hr_file"):
        problem = _("Only hired people are transferred by hand, and they always are.")
        yield ("end_action",), problem, _("Change the end action.")
