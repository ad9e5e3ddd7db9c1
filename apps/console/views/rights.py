"""What a person may demand, recorded on the page of their record: restriction (art. 18)."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from apps.console.doors import attempt, staff_page
from apps.console.forms import LiftForm, RestrictionForm, day_in
from apps.console.staff import StaffRequest
from apps.console.views.record import show_with
from apps.retention import services as retention
from apps.retention.models import Restriction
from apps.subjects import selectors as subjects


@staff_page("POST")
def restrict(request: StaffRequest, record_id: UUID) -> HttpResponse:
    found = subjects.record(record_id)
    form = RestrictionForm(
        request.POST, grounds=Restriction.Ground.choices, auto_id="restriction_%s"
    )
    done = attempt(
        form,
        lambda: retention.restrict(
            actor=request.staff.actor,
            subject_id=found.subject_id,
            ground=form.cleaned_data["ground"],
        ),
    )
    if not done:
        return show_with(request, found, restriction=form)
    said = _("Restricted: nothing about this person is erased until you lift it.")
    messages.success(request, said)
    return redirect("console:record", record_id)


@staff_page("POST")
def lift(request: StaffRequest, record_id: UUID, restriction_id: UUID) -> HttpResponse:
    found = subjects.record(record_id)
    form = LiftForm(request.POST, auto_id="lift_%s")
    done = attempt(
        form,
        lambda: retention.lift_restriction(
            actor=request.staff.actor,
            restriction_id=restriction_id,
            told_on=day_in(form.cleaned_data, "told_on"),
        ),
    )
    if not done:
        return show_with(request, found, lift=form)
    messages.success(request, _("Lifted. The record follows its retention period again."))
    return redirect("console:record", record_id)
