"""Plans: what they will touch, the DPO's decision, what became of each record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from apps.connectors import services as connectors
from apps.connectors.models import Connection
from apps.console import advice, badges, paging, people, words
from apps.console.doors import attempt, page, staff_page, today
from apps.console.forms import PostponeForm, day_in
from apps.console.staff import StaffRequest
from apps.console.views.archive import FIELDS as FIELDS_OF_ARCHIVE
from apps.controllers import selectors as controllers
from apps.core import clock
from apps.erasure import gates, obstacles, planning, selectors, services
from apps.erasure.models import Plan, Step
from apps.erasure.selectors import Progress
from apps.erasure.states import NEEDS_ATTENTION
from apps.retention import labels
from apps.retention import selectors as retention
from apps.subjects import telling

#: States that are no trouble, and say what they mean all the same.
SAID = ("stale", "held", "by_hand", "stated")
FIELDS = ("residue", "unread", "confirmed", "clean")
#: When a postponed plan begins, by the legal entity's clock.
MORNING = time(8)
SECOND_PERSON = {
    "first_run": gettext_lazy("it is the first plan of this connection"),
    "new_policy": gettext_lazy("it is the first plan of this version of the policy"),
    "size": gettext_lazy("it is a large one"),
}


@dataclass(frozen=True, slots=True)
class Outcome:
    state: str
    badge: badges.Badge
    count: int


@dataclass(frozen=True, slots=True)
class Fields:
    badge: badges.Badge
    names: Sequence[str]
    #: What is left is shown at once; what is clean is counted, and shown when asked for.
    open: bool


@dataclass(frozen=True, slots=True)
class StepRow:
    step: Step
    name: str
    rule: str
    badge: badges.Badge
    fields: tuple[Fields, ...]
    advice: Sequence[advice.Words]

    @property
    def advise(self) -> bool:
        return self.step.state in NEEDS_ATTENTION or self.step.state in SAID


@dataclass(frozen=True, slots=True)
class PlanRow:
    plan: Plan
    total: int
    outcomes: list[Outcome]


@dataclass(frozen=True, slots=True)
class RuleCount:
    label: str
    count: int


@dataclass(frozen=True, slots=True)
class Phase:
    label: str
    kind: str  # done | now | stop | ""


@staff_page()
def plans(request: StaffRequest) -> HttpResponse:
    found = paging.take(
        selectors.plans(),
        by="number",
        after=request.GET.get("after", ""),
        descending=True,
    )
    by_plan = _states_of([plan.pk for plan in found.rows])
    rows = [
        PlanRow(plan, sum(by_plan[plan.pk].values()), outcomes(by_plan[plan.pk]))
        for plan in found.rows
    ]
    counts = retention.counts(as_of=today(request))
    context = {
        "plans": rows,
        "waiting": selectors.plans().filter(state=Plan.State.PROPOSED).count(),
        "due": counts.due + counts.archive,
        "attention": selectors.attention().exists(),
        **found.links(request),
    }
    return page(request, "console/plans.html", context)


@staff_page()
def plan(request: StaffRequest, plan_id: UUID) -> HttpResponse:
    return _show(request, plan_id)


def _show(
    request: StaffRequest,
    plan_id: UUID,
    postponing: PostponeForm | None = None,
    status: int = 200,
) -> HttpResponse:
    found = selectors.plan(plan_id)
    state = request.GET.get("state", "")
    steps = selectors.steps(plan_id, state=state if state in Step.State.values else None)
    shown = paging.take(steps, by="pk", after=request.GET.get("after", ""))
    context = {
        **_standing(found),
        "steps": _rows(shown.rows),
        "shown_state": state,
        "by_rule": _by_rule(plan_id),
        "touched": [field.name for field in connectors.capabilities(found.connection).fields],
        "left_by_field": [
            (badges.of("field", kind), name, n)
            for kind, name, n in selectors.left_by_field(plan_id)
        ],
        "certificate_ready": found.state == Plan.State.FINISHED,
        "postponing": postponing or PostponeForm(),
        **shown.links(request),
    }
    return page(request, "console/plan.html", context, status=status)


@staff_page()
def progress(request: StaffRequest, plan_id: UUID) -> HttpResponse:
    """The moving part alone, asked for every two seconds; the last answer stops asking."""
    context = _standing(selectors.plan(plan_id))
    response = page(request, "console/parts/plan_progress.html", context)
    if not context["moving"]:
        response["HX-Refresh"] = "true"
    return response


@staff_page("POST")
def propose(request: StaffRequest) -> HttpResponse:
    made = services.propose(
        actor=request.staff.actor, as_of=today(request), again=bool(request.POST.get("again"))
    )
    if not made:
        messages.info(request, _("Nothing to propose: what is due is in a plan already."))
        return redirect("console:plans")
    messages.success(
        request,
        ngettext(
            "%(count)d plan proposed. A DPO now approves or refuses it.",
            "%(count)d plans proposed. A DPO now approves or refuses them.",
            len(made),
        )
        % {"count": len(made)},
    )
    return redirect("console:plan", made[0].pk) if len(made) == 1 else redirect("console:plans")


@staff_page("POST")
def approve(request: StaffRequest, plan_id: UUID) -> HttpResponse:
    services.approve(
        actor=request.staff.actor,
        plan_id=plan_id,
        accept_unreadable=bool(request.POST.get("accept_unreadable")),
    )
    messages.success(request, _("Approved. It can be called back until it begins."))
    return redirect("console:plan", plan_id)


@staff_page("POST")
def refuse(request: StaffRequest, plan_id: UUID) -> HttpResponse:
    services.refuse(actor=request.staff.actor, plan_id=plan_id)
    messages.success(request, _("Refused. Every record is kept."))
    return redirect("console:plan", plan_id)


@staff_page("POST")
def postpone(request: StaffRequest, plan_id: UUID) -> HttpResponse:
    """To the morning of another day: the legal entity's own."""
    form = PostponeForm(request.POST)
    zone = ZoneInfo(request.staff.controller.time_zone)
    done = attempt(
        form,
        lambda: services.postpone(
            actor=request.staff.actor,
            plan_id=plan_id,
            until=datetime.combine(day_in(form.cleaned_data, "day"), MORNING, tzinfo=zone),
        ),
    )
    if not done:
        return _show(request, plan_id, postponing=form, status=422)
    messages.success(request, _("Postponed. Until then it can be called back."))
    return redirect("console:plan", plan_id)


@staff_page("POST")
def call_back(request: StaffRequest, plan_id: UUID) -> HttpResponse:
    services.call_back(actor=request.staff.actor, plan_id=plan_id)
    messages.success(request, _("Called back. Nothing was sent; the plan waits for a decision."))
    return redirect("console:plan", plan_id)


@staff_page("POST")
def stop(request: StaffRequest, plan_id: UUID) -> HttpResponse:
    kept = services.stop(actor=request.staff.actor, plan_id=plan_id)
    said = ngettext(
        "Stopped: %(count)d record is kept. What was sent is read back.",
        "Stopped: %(count)d records are kept. What was sent is read back.",
        kept,
    )
    messages.success(request, said % {"count": kept})
    return redirect("console:plan", plan_id)


@staff_page("POST")
def retry(request: StaffRequest, plan_id: UUID) -> HttpResponse:
    """What this plan left, proposed anew: a DPO approves it again."""
    made = services.propose(actor=request.staff.actor, as_of=today(request), after=plan_id)
    if not made:
        messages.info(request, _("None of them is due now, or they are in another plan already."))
        return redirect("console:plan", plan_id)
    messages.success(request, _("Proposed again. A DPO now approves or refuses it."))
    return redirect("console:plan", made[0].pk)


def outcomes(by_state: Mapping[str, int]) -> list[Outcome]:
    """Counts in the order of a step's life, without the empty ones."""
    return [
        Outcome(state, badges.of("step", state), by_state[state])
        for state in Step.State.values
        if by_state.get(state)
    ]


def _states_of(plan_ids: Sequence[UUID]) -> dict[UUID, dict[str, int]]:
    """Steps by state for each plan of a page, in one query."""
    found: dict[UUID, dict[str, int]] = {plan_id: {} for plan_id in plan_ids}
    rows = Step.objects.filter(plan_id__in=plan_ids).order_by().values_list("plan_id", "state")
    for plan_id, state, count in rows.annotate(n=Count("pk")):
        found[plan_id][state] = count
    return found


def _by_rule(plan_id: UUID) -> list[RuleCount]:
    counts = selectors.by_rule(plan_id).items()
    return [RuleCount(labels.rule(rule), count) for rule, count in counts]


def _standing(found: Plan) -> dict[str, Any]:
    """Where a plan stands: what the whole page and its moving part both show."""
    counted: Progress = selectors.progress(found.pk)
    phase = _phase(found)
    left = int((found.grace_until - clock.now()).total_seconds()) if found.grace_until else 0
    return {
        "plan": found,
        "progress": counted,
        "outcomes": outcomes(counted.by_state),
        "phase": phase,
        "phases": _phases(phase),
        "moving": phase in ("grace", "running"),
        "done": counted.ended,
        "by_hand": counted.by_state.get(Step.State.BY_HAND, 0),
        "unbegun": planning.unbegun(found).count(),
        "stoppable": found.stopped_at is None and counted.ended < counted.total,
        "telling": telling.open_of(found.steps.values("record__subject_id")),
        "left": words.lasting(left),
        "grace": words.lasting(found.connection.grace_seconds),
        "lost": [FIELDS_OF_ARCHIVE[name] for name in planning.unreadable(found)]
        if found.state == Plan.State.PROPOSED
        else [],
        **_gates(found),
        "to_archive": found.steps.filter(to_archive=True).count(),
        "problems": sum(counted.by_state.get(state, 0) for state in NEEDS_ATTENTION),
    }


def _gates(found: Plan) -> dict[str, Any]:
    """What holds it back: a brake or the need of a second person before the approval, the day's
    brake after it."""
    waiting = found.steps.filter(state=Step.State.PLANNED, code=gates.FULL).count()
    if found.state != Plan.State.PROPOSED:
        return {
            "braked": waiting,
            "asleep": found.connection_id in gates.closed(),
            "stopped": not controllers.current().erases,
            "paused": found.connection.state == Connection.State.PAUSED,
            "blocked": _blocked(found),
        }
    code = gates.over(found)
    return {
        "over": gates.why_over(found, code) if code else "",
        "two": [SECOND_PERSON[reason] for reason in gates.second_person(found)],
    }


def _blocked(found: Plan) -> advice.Words:
    """Why its connection cannot go on, when that lasts."""
    obstacle = obstacles.of(found.connection_id)
    return advice.of_code(obstacle.code) if obstacle is not None and obstacle.told else ""


def _phase(found: Plan) -> str:
    if found.state != Plan.State.APPROVED:
        return found.state
    begun = found.grace_until is not None and found.grace_until <= clock.now()
    return "running" if begun else "grace"


def _phases(phase: str) -> list[Phase]:
    order = ["proposed", "grace", "running", "finished"]
    labels = [_("Proposed"), _("Approved"), _("Running"), _("Finished")]
    if phase == "refused":
        return [Phase(labels[0], "done"), Phase(_("Refused"), "stop")]
    at = order.index(phase)
    ended = phase == "finished"
    kinds = ["done" if n < at or ended else "now" if n == at else "" for n in range(len(order))]
    return [Phase(label, kind) for label, kind in zip(labels, kinds, strict=True)]


def _rows(steps: Sequence[Step]) -> list[StepRow]:
    names = people.of_records([step.record_id for step in steps])
    return [
        StepRow(
            step=step,
            name=names[step.record_id].name,
            rule=labels.rule(step.rule),
            badge=badges.of("step", step.state),
            fields=_fields(step),
            advice=advice.of_step(step.state, step.code),
        )
        for step in steps
    ]


def _fields(step: Step) -> tuple[Fields, ...]:
    named = ((kind, getattr(step, kind)) for kind in FIELDS)
    return tuple(
        Fields(badges.of("field", kind), names, open=kind == "residue")
        for kind, names in named
        if names
    )
