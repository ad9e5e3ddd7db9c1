"""Tasks for a person, where an ATS has no call for it: where the file is, what to look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.accounts.models import User
from apps.console import advice, badges, paging, people
from apps.console.doors import attempt, page, staff_page
from apps.console.forms import HandForm
from apps.console.staff import StaffRequest
from apps.erasure import hands
from apps.erasure.models import Statement, Step
from apps.retention import labels

#: What every ATS has, in words; a vendor's own names of fields stay as they are.
FIELDS: Mapping[str, str | Promise] = {
    "full_name": gettext_lazy("Name"),
    "contact_details": gettext_lazy("E-mails, phones, addresses, links"),
    "attachments": gettext_lazy("CV and other attachments"),
    "notes": gettext_lazy("Notes and comments"),
    "messages": gettext_lazy("E-mails and messages exchanged"),
    "evaluations": gettext_lazy("Evaluations and interviews"),
    "answers": gettext_lazy("Answers to questions"),
    "tags": gettext_lazy("Tags and sources"),
}


@dataclass(frozen=True, slots=True)
class Row:
    step: Step
    name: str
    rule: str


@staff_page()
def tasks(request: StaffRequest) -> HttpResponse:
    found = paging.take(hands.waiting(), by="pk", after=request.GET.get("after", ""))
    names = people.of_records([step.record_id for step in found.rows])
    context = {
        "rows": [
            Row(step, names[step.record_id].name, labels.rule(step.rule)) for step in found.rows
        ],
        "total": hands.waiting().count(),
        **found.links(request),
    }
    return page(request, "console/by_hand.html", context)


@staff_page()
def task(request: StaffRequest, step_id: UUID) -> HttpResponse:
    return _show(request, step_id)


@staff_page("POST")
def begin(request: StaffRequest, step_id: UUID) -> HttpResponse:
    if hands.begin(actor=request.staff.actor, step_id=step_id):
        messages.success(request, _("Begun: erase the file in the ATS now, then close the task."))
    else:
        messages.warning(request, _("Do not erase it: something changed. See why below."))
    return redirect("console:hand", step_id)


@staff_page("POST")
def close(request: StaffRequest, step_id: UUID) -> HttpResponse:
    step = hands.task(step_id)
    form = HandForm(request.POST, checklist=_checklist(step))
    done = attempt(
        form,
        lambda: hands.close(
            actor=request.staff.actor,
            step_id=step_id,
            seen=form.cleaned_data["seen"],
            statement=form.cleaned_data["statement"],
        ),
    )
    if not done:
        return _show(request, step_id, form, status=422)
    messages.success(request, _("Closed. The person’s data are erased here too."))
    return redirect("console:by_hand")


@staff_page("POST")
def give_up(request: StaffRequest, step_id: UUID) -> HttpResponse:
    hands.give_up(actor=request.staff.actor, step_id=step_id)
    messages.success(request, _("Given up. The record stays, and is due again."))
    return redirect("console:by_hand")


def _show(
    request: StaffRequest, step_id: UUID, form: HandForm | None = None, status: int = 200
) -> HttpResponse:
    step = hands.task(step_id)
    open_now = step.state == Step.State.BY_HAND
    context = {
        "step": step,
        "person": people.of_records([step.record_id])[step.record_id],
        "rule": labels.rule(step.rule),
        "badge": badges.of("step", step.state),
        "advice": advice.of_step(step.state, step.code),
        "open": open_now,
        "begun": open_now and step.sent_at is not None,
        "reads": hands.can_read_back(step),
        "link": hands.link(step) if open_now else "",
        "checklist": [label for _name, label in _checklist(step)],
        "form": form or HandForm(checklist=_checklist(step)),
        "stated": _stated(step),
    }
    return page(request, "console/hand.html", context, status=status)


def _checklist(step: Step) -> Sequence[tuple[str, str | Promise]]:
    return [(name, FIELDS.get(name, name)) for name in hands.checklist(step)]


def _stated(step: Step) -> tuple[Statement, User, str] | None:
    found = Statement.objects.select_related("made_by").filter(step=step).first()
    return None if found is None else (found, found.made_by, hands.statement_of(found))
