"""One record: why this date, what is known, holds and consents, and what was done to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

from django.contrib import messages
from django.forms import Form
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.audit import selectors as ledger
from apps.consents import selectors as consents
from apps.consents import services as consent_services
from apps.consents.models import ConsentEvent
from apps.console import badges, people, words
from apps.console.doors import as_uuid, attempt, page, staff_page, today
from apps.console.forms import (
    ConsentForm,
    LiftForm,
    PersonHoldForm,
    RestrictionForm,
    WithdrawalForm,
    day_in,
)
from apps.console.ledger import lines_about
from apps.console.staff import StaffRequest
from apps.erasure import archives
from apps.erasure.models import Statement, Step
from apps.erasure.states import LIVING
from apps.retention import held, mapped
from apps.retention import selectors as retention
from apps.retention import services as retention_services
from apps.retention.explaining import Explanation
from apps.retention.models import Hold, Restriction
from apps.subjects import selectors as subjects
from apps.subjects import telling
from apps.subjects.events import SHREDDING_REPLAYED
from apps.subjects.models import Record, Subject

#: A hold is looked at again within half a year unless the person says otherwise.
REVIEW_AFTER = timedelta(days=180)
POOL = ConsentEvent.Purpose.TALENT_POOL
ASKING = (ConsentEvent.State.GIVEN, ConsentEvent.State.RENEWED)


#: What to do about a record in no plan, by outcome.
_NEXT = {
    "kept": gettext_lazy("To do: nothing until then. It is decided again by itself."),
    "held": gettext_lazy("To do: release the hold when its reason is over."),
    "undecided": gettext_lazy(
        "To do: complete what is missing in the ATS. It is read again within minutes."
    ),
}


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do next about a record, in words, with where to do it."""

    words: str
    url: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True)
class Forms:
    hold: PersonHoldForm
    consent: ConsentForm
    withdrawal: WithdrawalForm
    restriction: RestrictionForm
    lift: LiftForm


@dataclass(frozen=True, slots=True)
class Named:
    """A hold on the person by name; only a DPO reads why."""

    hold: Hold
    reason: str


@staff_page()
def record(request: StaffRequest, record_id: UUID) -> HttpResponse:
    return _show(request, subjects.record(record_id), _forms(request))


@staff_page("POST")
def place_hold(request: StaffRequest, record_id: UUID) -> HttpResponse:
    found = subjects.record(record_id)
    form = PersonHoldForm(request.POST, cases=_cases())
    placed = attempt(
        form,
        lambda: retention_services.place_hold(
            actor=request.staff.actor,
            subject_id=found.subject_id,
            reason=form.cleaned_data["reason"],
            review_on=form.cleaned_data["review_on"],
            case_id=as_uuid(form.cleaned_data.get("case", "")),
        ),
    )
    if not placed:
        return show_with(request, found, hold=form)
    messages.success(request, _("Held: nothing about this person is erased until you release it."))
    return redirect("console:record", record_id)


@staff_page("POST")
def release_hold(request: StaffRequest, record_id: UUID, hold_id: UUID) -> HttpResponse:
    retention_services.release_hold(actor=request.staff.actor, hold_id=hold_id)
    messages.success(request, _("Released. The record follows its retention period again."))
    return redirect("console:record", record_id)


@staff_page("POST")
def consent(request: StaffRequest, record_id: UUID) -> HttpResponse:
    found = subjects.record(record_id)
    form = ConsentForm(request.POST, auto_id="consent_%s")
    recorded = attempt(
        form,
        lambda: consent_services.record(
            actor=request.staff.actor,
            subject_id=found.subject_id,
            purpose=POOL,
            effective_on=day_in(form.cleaned_data, "effective_on"),
            notice=form.cleaned_data["notice"],
            source=ConsentEvent.Source.CONSOLE,
        ),
    )
    if not recorded:
        return show_with(request, found, consent=form)
    messages.success(request, _("Consent recorded. The date follows within a minute."))
    return redirect("console:record", record_id)


@staff_page("POST")
def withdraw(request: StaffRequest, record_id: UUID) -> HttpResponse:
    found = subjects.record(record_id)
    form = WithdrawalForm(request.POST, auto_id="withdrawal_%s")
    withdrawn = attempt(
        form,
        lambda: consent_services.withdraw(
            actor=request.staff.actor,
            subject_id=found.subject_id,
            purpose=POOL,
            effective_on=day_in(form.cleaned_data, "effective_on"),
            source=ConsentEvent.Source.CONSOLE,
        ),
    )
    if not withdrawn:
        return show_with(request, found, withdrawal=form)
    messages.success(request, _("Withdrawal recorded. The date follows within a minute."))
    return redirect("console:record", record_id)


def _forms(request: StaffRequest) -> Forms:
    day = today(request)
    return Forms(
        hold=PersonHoldForm(initial={"review_on": day + REVIEW_AFTER}, cases=_cases()),
        consent=ConsentForm(initial={"effective_on": day}, auto_id="consent_%s"),
        withdrawal=WithdrawalForm(initial={"effective_on": day}, auto_id="withdrawal_%s"),
        restriction=RestrictionForm(grounds=Restriction.Ground.choices, auto_id="restriction_%s"),
        lift=LiftForm(initial={"told_on": day}, auto_id="lift_%s"),
    )


def _cases() -> list[tuple[str, str]]:
    """Open cases that a person can be put under, by number."""
    return [
        (str(one.pk), f"{one.number} · {held.matter(one) or _('About one person')}")
        for one in held.living()
    ]


def show_with(request: StaffRequest, found: Record, **refused: Form) -> HttpResponse:
    """The page with a form that was refused, open at it."""
    forms = replace(_forms(request), **refused)  # type: ignore[arg-type]  # by the field's name
    return _show(request, found, forms, opened=next(iter(refused)), status=422)


def _show(
    request: StaffRequest, found: Record, forms: Forms, *, opened: str = "", status: int = 200
) -> HttpResponse:
    as_of = today(request)
    explained = retention.explain(found.pk, as_of=as_of)
    erased = found.state == Record.State.ERASED
    due_on = None if erased else explained.due_on
    history = consents.history(found.subject_id)
    family = subjects.family(found.subject_id)
    cases = held.holding(found.subject_id)
    named = held.holds().filter(subject_id__in=family)
    step = _last_step(found)
    context = {
        "record": found,
        "erased": erased,
        "replayed": erased and bool(ledger.told(SHREDDING_REPLAYED, [found.subject_id])),
        "stated": Statement.objects.filter(step__record=found).select_related("made_by").first(),
        "shredded": found.subject.state != Subject.State.LIVING,
        "person": people.of_records([found.pk])[found.pk],
        "remote_id": subjects.remote_ids([found.pk]).get(found.pk, ""),
        "explained": explained,
        "outcome": badges.of("outcome", "erased" if erased else explained.outcome),
        "due_on": due_on,
        "how_far": words.due(due_on, as_of) if due_on and not cases else "",
        "cases": cases,
        "named": [Named(hold, held.hold_reason(hold)) for hold in named],
        "restriction": Restriction.objects.filter(subject_id__in=family, lifted_at=None).first(),
        "applications": mapped.applications(found.pk),
        "disclosures": [(one, badges.of("told", one.state)) for one in telling.of_people(family)],
        "consents": history,
        "consenting": bool(history) and history[-1].state in ASKING,
        "siblings": _siblings(found),
        "step": step,
        "advice": _advice(found, explained, step),
        "timeline": lines_about([found.pk, found.subject_id]),
        "forms": forms,
        "opened": opened,
    }
    return page(request, "console/record.html", context, status=status)


def _living(step: Step) -> Advice:
    if step.state == Step.State.BY_HAND:
        said = _("To do: erase it by hand in the ATS.")
        return Advice(said, reverse("console:hand", args=[step.pk]), _("See the task"))
    said = _("To do: nothing here, it is in plan %(number)d.") % {"number": step.plan.number}
    return Advice(said, reverse("console:plan", args=[step.plan_id]), _("See the plan"))


def _advice(found: Record, explained: Explanation, step: Step | None) -> Advice:
    if step is not None and step.state in LIVING:
        return _living(step)
    if explained.outcome == "undecided" and explained.grounds[0].reason == "unmapped":
        said = _("To do: say what the words of the ATS mean.")
        address = reverse("console:mapping", args=[found.connection_id])
        return Advice(said, address, _("Words of the ATS"))
    archive = archives.of_record(found.pk)
    if archive is not None:
        said = _("What the rule keeps as evidence is in the archive.")
        return Advice(said, reverse("console:archive", args=[archive.pk]), _("See the archive"))
    if explained.outcome == "archive":
        said = _("To do: propose a plan; what is evidence is archived before the ATS erases it.")
        return Advice(said, reverse("console:plans"), _("See the plans"))
    if explained.outcome == "due":
        said = _("To do: propose a plan; a DPO approves it.")
        return Advice(said, reverse("console:plans"), _("See the plans"))
    return Advice(str(_NEXT.get(explained.outcome) or _("To do: nothing.")))


def _siblings(found: Record) -> Sequence[Record]:
    """Other files on the same person: a hold or a consent counts for all of them."""
    family = subjects.family(found.subject_id)
    return list(subjects.records().filter(subject_id__in=family).exclude(pk=found.pk)[:20])


def _last_step(found: Record) -> Step | None:
    steps = Step.objects.filter(record_id=found.pk).select_related("plan")
    last: Step | None = steps.order_by("-plan__number").first()
    return last
