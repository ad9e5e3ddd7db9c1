"""The intermediate archive: what is kept and until when; one opened at a time, with a reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Role
from apps.console import paging, words
from apps.console.doors import attempt, page, staff_page, today
from apps.console.forms import ReasonForm
from apps.console.staff import StaffRequest
from apps.erasure import archives, profile, services
from apps.erasure.archives import Until
from apps.erasure.models import Archive, ArchiveReading
from apps.retention import labels

FIELDS = {
    "candidate_ref": _("reference in the ATS"),
    "full_name": _("name"),
    "contact_email": _("e-mail"),
    "job_ref": _("job"),
    "application_date": _("date of the application"),
    "stage_dates": _("dates of the process"),
    "decision": _("decision"),
    "decision_reason_objective": _("objective reason of the decision"),
    "evaluation_grid": _("evaluation grid"),
    "refusal_communication": _("day the refusal was told"),
    "notices_version": _("versions of the notices given"),
    "ai_screening_ref": _("automated screening"),
}
STATUSES = {
    "archived": (_("archived"), "good"),
    "absent": (_("the ATS had none"), ""),
    "unreadable": (_("could not be read"), "warn"),
}


@dataclass(frozen=True, slots=True)
class Row:
    archive: Archive
    until: Until
    rules: Sequence[str]


@dataclass(frozen=True, slots=True)
class Field:
    label: object
    status: object
    tone: str
    #: Opened: (where in the ATS, what it says).
    values: Sequence[tuple[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    reading: ArchiveReading
    reason: str


@staff_page()
def listed(request: StaffRequest) -> HttpResponse:
    """References and dates: nobody's name, and no search. `endless`: those no period ends."""
    only = bool(request.GET.get("endless"))
    rows = archives.endless(as_of=today(request)) if only else archives.kept()
    found = paging.take(
        rows.prefetch_related("grounds__cell"),
        by="pk",
        after=request.GET.get("after", ""),
        descending=True,
    )
    until = archives.until(found.rows, as_of=today(request))
    shown = [Row(one, until[one.pk], _rules(one)) for one in found.rows]
    context = {"rows": shown, "only": only, "total": rows.count(), **found.links(request)}
    return page(request, "console/archives.html", context)


@staff_page()
def show(request: StaffRequest, archive_id: UUID) -> HttpResponse:
    return _show(request, archives.one(archive_id))


@staff_page("POST")
def read(request: StaffRequest, archive_id: UUID) -> HttpResponse:
    """Shown once, in the answer to the request that gave the reason; nothing is cached."""
    form = ReasonForm(request.POST)
    taken: list[Mapping[str, Any]] = []
    done = attempt(
        form,
        lambda: taken.append(
            services.read(
                actor=request.staff.actor,
                archive_id=archive_id,
                reason=form.cleaned_data["reason"],
            )
        ),
    )
    archive = archives.one(archive_id)
    if not done:
        return _show(request, archive, form=form, status=422)
    return _show(request, archive, content=taken[0])


@staff_page("POST")
def export(request: StaffRequest, archive_id: UUID) -> HttpResponse:
    form = ReasonForm(request.POST)
    taken: list[bytes] = []
    done = attempt(
        form,
        lambda: taken.append(
            services.export(
                actor=request.staff.actor,
                archive_id=archive_id,
                reason=form.cleaned_data["reason"],
            )
        ),
    )
    if not done:
        return _show(request, archives.one(archive_id), form=form, status=422)
    response = HttpResponse(taken[0], content_type="application/json")
    name = f"archive-{words.reference(archive_id)}.json"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "no-store"
    return response


def _show(
    request: StaffRequest,
    archive: Archive,
    *,
    content: Mapping[str, Any] | None = None,
    form: ReasonForm | None = None,
    status: int = 200,
) -> HttpResponse:
    audits = request.staff.is_dpo or Role.AUDITOR in request.staff.roles
    context = {
        "archive": archive,
        "holds": archives.holding(archive) if archive.state == Archive.State.KEPT else (),
        "until": archives.until([archive], as_of=today(request))[archive.pk],
        "rules": _rules(archive),
        "fields": _fields(archive, content or {}),
        "opened": content is not None,
        "may_open": Role.ARCHIVE_READER in request.staff.roles,
        "form": form or ReasonForm(),
        "readings": [
            Reading(one, archives.reason_of(one) if audits else "")
            for one in archives.readings(archive.pk)
        ],
    }
    response = page(request, "console/archive.html", context, status=status)
    response["Cache-Control"] = "no-store"
    return response


def _rules(archive: Archive) -> list[str]:
    return sorted({labels.rule(one.cell.rule) for one in archive.grounds.select_related("cell")})


def _fields(archive: Archive, content: Mapping[str, Any]) -> list[Field]:
    return [
        Field(FIELDS[name], *STATUSES[archive.fields[name]], tuple(content.get(name, {}).items()))
        for name in profile.FIELDS
        if name in archive.fields
    ]
