"""Certificates as files: signed, on paper, and the script that checks them without Lethe."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from django.http import HttpResponse
from django.utils.translation import gettext as _

from apps.audit import selectors as audit
from apps.console import certificates, words
from apps.console.doors import staff_page
from apps.console.staff import StaffRequest
from apps.core import scope
from apps.erasure import selectors, services
from apps.erasure.offline import verify_certificate


@staff_page()
def of_plan(request: StaffRequest, plan_id: UUID) -> HttpResponse:
    """The signed note: it stands without Lethe."""
    number = selectors.plan(plan_id).number
    return _file(services.certificate(plan_id).note, f"plan-{number}.certificate.txt")


@staff_page()
def of_plan_on_paper(request: StaffRequest, plan_id: UUID) -> HttpResponse:
    plan = selectors.plan(plan_id)
    return _paper(
        request,
        services.certificate(plan_id).note,
        title=_("Certificate of erasure, plan %(number)d") % {"number": plan.number},
        name=f"plan-{plan.number}.certificate",
        people={plan.decided_by.pk: plan.decided_by.name} if plan.decided_by else {},
    )


@staff_page()
def of_subject(request: StaffRequest, subject_id: UUID) -> HttpResponse:
    note = services.certificate_of_subject(actor=request.staff.actor, subject_id=subject_id).note
    return _file(note, f"person-{words.reference(subject_id)}.certificate.txt")


@staff_page()
def of_subject_on_paper(request: StaffRequest, subject_id: UUID) -> HttpResponse:
    reference = words.reference(subject_id)
    return _paper(
        request,
        services.certificate_of_subject(actor=request.staff.actor, subject_id=subject_id).note,
        title=_("Certificate of erasure, person %(reference)s") % {"reference": reference},
        name=f"person-{reference}.certificate",
        people={},
    )


@staff_page()
def verifier(request: StaffRequest) -> HttpResponse:
    """The script, as it is."""
    source = Path(verify_certificate.__file__).read_text(encoding="utf-8")
    return _file(source, certificates.SCRIPT)


def _file(text: str, name: str) -> HttpResponse:
    return _attached(HttpResponse(text, content_type="text/plain; charset=utf-8"), name)


def _paper(
    request: StaffRequest, note: str, *, title: str, name: str, people: dict[UUID, str]
) -> HttpResponse:
    made = certificates.sheet(
        note,
        title=title,
        file=f"{name}.txt",
        entity=request.staff.controller.name,
        log=audit.log(scope.current()),
        people=people,
    )
    return _attached(HttpResponse(made, content_type="application/pdf"), f"{name}.pdf")


def _attached(response: HttpResponse, name: str) -> HttpResponse:
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
