"""Whether a step may still act: asked under the lock that a hold would take, before every call.

A plan is a photograph and a call may be made long after it, or a second time: what governs is
what holds now. Asked in the transaction that commits `sent`, the first time and every time.
"""

from __future__ import annotations

from apps.controllers import selectors as controllers
from apps.core import clock
from apps.erasure.models import Plan, Step
from apps.retention import selectors as retention
from apps.retention.models import Policy
from apps.subjects import selectors as subject_selectors
from apps.subjects import services as subjects
from apps.subjects.models import Record


def refused_under_lock(step: Step) -> tuple[str, str] | None:
    """Lock what a hold would lock, then ask whether the step may still go on."""
    family = subject_selectors.family(step.record.subject_id)
    records = {record.pk: record for record in subjects.lock_family(family)}
    plan = Plan.objects.select_for_update().get(pk=step.plan_id)
    return _refusal(step, plan, records.get(step.record_id))


def _refusal(step: Step, plan: Plan, record: Record | None) -> tuple[str, str] | None:
    """Under the lock: why this step may not be sent, as (state, code), or None."""
    stale = Step.State.STALE
    if plan.state != Plan.State.APPROVED or record is None:
        return (stale, "plan_withdrawn")
    if plan.stopped_at is not None:
        return (stale, "plan_stopped")
    if record.version != step.record_version or record.state == Record.State.ERASED:
        return (stale, "facts_changed")
    if not Policy.objects.filter(pk=plan.policy_id, state=Policy.State.ACTIVE).exists():
        return (stale, "policy_changed")
    as_of = clock.today(controllers.current().time_zone)
    outcome = retention.decide(step.record_id, as_of=as_of).outcome
    if outcome == "held":
        return (Step.State.HELD, "hold")
    wanted = "archive" if step.to_archive else "due"
    return None if outcome == wanted else (stale, "no_longer_due")
