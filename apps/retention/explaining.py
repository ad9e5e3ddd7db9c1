"""Why a record is kept or due: the pure rule on present facts, as a sentence and as data."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any
from uuid import UUID

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.core.errors import Missing
from apps.retention import derivation, facts, labels, rules
from apps.retention.models import HoldCase, Policy
from apps.retention.rules import Decision, Judged, Reason
from apps.subjects.models import Record


@dataclass(frozen=True, slots=True)
class GroundView:
    """One ground, for people (labels, in the reader's language) and machines (codes)."""

    rule: str
    label: str
    trigger: str
    trigger_label: str
    anchor: date | None
    approximate: bool
    duration: str
    duration_label: str
    ends_on: date | None
    #: ended | living | off | no_end
    status: str
    reason: str
    reason_label: str
    sources: tuple[str, ...]
    application_id: UUID | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """The whole derivation. The first ground decides; the others are the losers."""

    record_id: UUID
    as_of: date
    #: due | archive | kept | held | undecided | erased
    outcome: str
    #: The first local day the record leaves the active base; None while nothing with an end
    #: decides.
    due_on: date | None
    #: Whether it then goes to the intermediate archive.
    to_archive: bool
    sentence: str
    grounds: tuple[GroundView, ...]
    held: bool
    #: Number and pack of the policy version that governs the deciding ground.
    policy_number: int | None
    policy_pack: str

    def as_json(self) -> dict[str, Any]:
        """Only strings, numbers, booleans, lists and maps; dates as YYYY-MM-DD."""
        plain: dict[str, Any] = _plain(asdict(self))
        return plain


def decide(record_id: UUID, *, as_of: date) -> Decision:
    """The pure rule on present facts. Raises Missing for a record outside the scope.

    Under the step's lock this is the last word: it reads facts and holds, not grounds.
    """
    row = _record(record_id)
    return _decision(row, as_of, bool(facts.holding(row.subject_id)))


def would_keep(record_id: UUID, *, as_of: date) -> bool:
    """Whether a talent-pool consent given on that day would keep a record longer than it is kept
    now: not where the policy switched the talent pool off. Raises Missing."""
    row = _record(record_id)
    known, periods = facts.of([row.pk])[row.pk], facts.periods(as_of)
    book = facts.book()
    now, then = (
        rules.decide(derivation.grounds(one, book), periods, held=False, as_of=as_of).due_on
        for one in (known, replace(known, consented_on=as_of))
    )
    return now is not None and (then is None or then > now)


def explain(record_id: UUID, *, as_of: date) -> Explanation:
    """Why a record is kept or due on a local day. Raises Missing."""
    row = _record(record_id)
    held = facts.holding(row.subject_id)
    decision = _decision(row, as_of, bool(held))
    judged = () if decision.deciding is None else (decision.deciding, *decision.others)
    cells = [one.ground.cell for one in judged if one.ground.cell is not None]
    governing = facts.governing(cells, as_of)
    views = tuple(_view(one, governing) for one in judged)
    policy = _policy_of(decision.deciding, governing, as_of)
    erased = row.state == Record.State.ERASED
    return Explanation(
        record_id=row.pk,
        as_of=as_of,
        outcome="erased" if erased else decision.outcome,
        due_on=decision.due_on,
        to_archive=decision.to_archive,
        sentence=_("This record was erased.") if erased else _sentence(decision, views, held),
        grounds=views,
        held=bool(held),
        policy_number=policy.number if policy else None,
        policy_pack=f"{policy.pack} {policy.pack_version}" if policy else "",
    )


def _record(record_id: UUID) -> Record:
    row: Record | None = Record.objects.filter(pk=record_id).first()
    if row is None:
        raise Missing("record", _("There is no such record."))
    return row


def _decision(row: Record, as_of: date, held: bool) -> Decision:
    found = derivation.grounds(facts.of([row.pk])[row.pk], facts.book())
    return rules.decide(found, facts.periods(as_of), held=held, as_of=as_of)


def _policy_of(deciding: Judged | None, governing: dict[int, Policy], as_of: date) -> Policy | None:
    if deciding is not None and deciding.ground.cell in governing:
        return governing[deciding.ground.cell]
    started = Policy.objects.filter(active_from__lte=as_of)
    return started.order_by("-active_from", "-number").first()


def _view(one: Judged, governing: dict[int, Policy]) -> GroundView:
    ground = one.ground
    return GroundView(
        rule=ground.rule,
        label=labels.rule(ground.rule),
        trigger=ground.trigger,
        trigger_label=labels.trigger(ground.trigger),
        anchor=ground.anchor,
        approximate=ground.approximate,
        duration=one.duration,
        duration_label=_duration_label(one),
        ends_on=one.ends_on,
        status=one.status,
        reason=one.reason.name.lower(),
        reason_label=str(labels.OFF if one.status == "off" else labels.REASONS[one.reason]),
        sources=_sources(ground.rule, governing.get(ground.cell or 0)),
        application_id=ground.application_id,
    )


def _duration_label(one: Judged) -> str:
    return labels.duration(one.duration) if one.duration or one.status == "off" else ""


def _sources(rule: str, policy: Policy | None) -> tuple[str, ...]:
    listed = policy.rules if policy else []
    return tuple(title for one in listed if one["rule"] == rule for title in one["sources"])


def _sentence(decision: Decision, views: tuple[GroundView, ...], held: list[HoldCase]) -> str:
    """The deciding ground first; then, if any, what else was weighed."""
    parts = []
    if held:
        said = ngettext(
            "Kept under legal hold %(numbers)s, to be reviewed on %(day)s. Without it:",
            "Kept under legal holds %(numbers)s, the first to be reviewed on %(day)s. Without "
            "them:",
            len(held),
        )
        numbers = ", ".join(str(one.number) for one in held)
        parts.append(said % {"numbers": numbers, "day": _day(min(one.review_on for one in held))})
    if decision.deciding is None:
        return " ".join([*parts, _("Nothing is known that would keep this record or end it.")])
    parts.append(_said(decision, decision.deciding, views[0]))
    if len(views) > 1:
        listed = "; ".join(_short(view) for view in views[1:])
        parts.append(_("Also weighed: %(grounds)s.") % {"grounds": listed})
    return " ".join(parts)


def _said(decision: Decision, one: Judged, view: GroundView) -> str:
    if one.status == "off":
        return _("Cannot decide: the only rule, %(rule)s, is switched off.") % {"rule": view.label}
    if one.status == "no_end":
        return _without_end(one, view)
    if one.reason in rules.AT_ONCE:
        said = {
            Reason.RESURRECTED: _("Due since %(day)s: the record came back after its erasure."),
            Reason.ERASURE_ACCEPTED: _(
                "Due since %(day)s: the person's request for erasure was granted."
            ),
        }[one.reason]
    elif one.status == "ended":
        said = _("Due since %(day)s: %(ground)s.")
    elif one.ground.archived:
        said = _(
            "To archive since %(day)s: the active base needs it no longer, the archive keeps it "
            "until the end of %(end)s: %(ground)s."
        )
    elif decision.to_archive:
        said = _("Kept until the end of %(end)s, then archived: %(ground)s.")
    else:
        said = _("Kept until the end of %(end)s: %(ground)s.")
    return said % {
        "day": _day(decision.due_on),
        "end": _day(view.ends_on),
        "ground": _derivation(view) if view.trigger else "",
    }


def _without_end(one: Judged, view: GroundView) -> str:
    said = {
        Reason.OPEN_APPLICATION: _("Kept: an application is in process."),
        Reason.BY_HAND: _(
            "Kept: the person was hired; transfer what is needed to the staff file by hand."
        ),
        Reason.RESTRICTED: _(
            "Kept: the processing is restricted (GDPR art. 18); nothing is erased until a DPO "
            "lifts the restriction."
        ),
        Reason.CONTRADICTION: _(
            "Cannot decide: an application (%(rule)s) ended before it was made; correct one of "
            "the two dates in the ATS."
        ),
        Reason.FUTURE: _(
            "Cannot decide: %(rule)s would run from the day %(trigger)s, %(anchor)s, which has "
            "not come yet; correct the date in the ATS."
        ),
        Reason.NO_TRIGGER: _(
            "Cannot decide: %(rule)s runs from the day %(trigger)s, and that day is missing."
        ),
        Reason.NO_POLICY: _(
            "Cannot decide: no policy in force covers this case (%(rule)s, %(country)s)."
        ),
        Reason.NO_COUNTRY: _("Cannot decide: the country of the establishment is unknown."),
        Reason.UNMAPPED: _unmapped(one),
        Reason.NO_FACTS: _("Cannot decide: the record has no application and no consent."),
    }[one.reason]
    return said % {
        "rule": view.label,
        "trigger": view.trigger_label,
        "anchor": _day(view.anchor),
        "country": one.ground.country,
        "word": one.ground.word,
    }


def _unmapped(one: Judged) -> str:
    if one.ground.word:
        return _(
            "Cannot decide: the ATS says “%(word)s” of an application, and the mapping of the "
            "connection does not say what that means."
        )
    return _("Cannot decide: the ATS does not say the state of an application.")


def _derivation(view: GroundView) -> str:
    values = {
        "rule": view.label,
        "duration": view.duration_label,
        "trigger": view.trigger_label,
        "anchor": _day(view.anchor),
    }
    if view.approximate:
        said = _("%(rule)s, %(duration)s from the day %(trigger)s (about %(anchor)s)")
    else:
        said = _("%(rule)s, %(duration)s from the day %(trigger)s (%(anchor)s)")
    return said % values


def _short(view: GroundView) -> str:
    if view.ends_on is None:
        return f"{view.label} ({view.reason_label})" if view.label else view.reason_label
    if not view.trigger:
        return _("%(rule)s (since %(day)s)") % {"rule": view.label, "day": _day(view.ends_on)}
    if view.status == "ended":
        said = _("%(rule)s (%(duration)s, ended on %(day)s)")
    else:
        said = _("%(rule)s (%(duration)s, until the end of %(day)s)")
    return said % {
        "rule": view.label,
        "duration": view.duration_label,
        "day": _day(view.ends_on),
    }


def _day(day: date | None) -> str:
    return date_format(day, "DATE_FORMAT") if day is not None else ""


def _plain(value: Any) -> Any:
    if isinstance(value, (date, UUID)):
        return str(value)
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
