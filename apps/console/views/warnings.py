"""Warning candidates before their data go: whether, what they read, and what they answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from apps.consents.models import EndWarning
from apps.console import advice, people
from apps.console.doors import page, staff_page, today
from apps.console.staff import StaffRequest
from apps.outbox import selectors as outbox
from apps.outbox.kinds import Mail
from apps.retention import services as retention
from apps.retention import warnings
from apps.retention.models import ErasureRequirement

#: A page lists this many objections; they are decided one by one.
MOST = 50
LANGUAGES = (("fr", gettext_lazy("French")), ("en", gettext_lazy("English")))


@dataclass(frozen=True, slots=True)
class Objection:
    warning: EndWarning
    name: str


@dataclass(frozen=True, slots=True)
class Letter:
    language: object
    mail: Mail


@staff_page()
def show(request: StaffRequest) -> HttpResponse:
    controller = request.staff.controller
    states = outbox.states(warnings.END.name)
    context = {
        "warns": controller.warns,
        "ready": outbox.ready(),
        "coming": len(warnings.coming(as_of=today(request))),
        "most": warnings.BATCH,
        "waiting": states.get("waiting", 0),
        "sent": states.get("delivered", 0),
        "dropped": states.get("dropped", 0),
        "failed": states.get("failed", 0),
        "causes": [(advice.of_code(code), n) for code, n in outbox.causes("end_warning").items()],
        "stayed": EndWarning.objects.filter(answer="stay").values("mail").distinct().count(),
        "objections": objections(),
        "letters": [Letter(name, warnings.preview(code)) for code, name in LANGUAGES],
    }
    return page(request, "console/warnings.html", context)


@staff_page("POST")
def choose(request: StaffRequest) -> HttpResponse:
    warns = request.POST.get("warns") == "1"
    warnings.choose(actor=request.staff.actor, warns=warns)
    said = (
        _("Candidates are warned from now on. The first messages leave within the hour.")
        if warns
        else _("Nobody is warned any more. What was sent keeps its page.")
    )
    messages.success(request, said)
    return redirect("console:warnings")


@staff_page("POST")
def decide(request: StaffRequest, mail: UUID) -> HttpResponse:
    """A DPO grants the erasure that the objection asks for, or says that it was decided."""
    if request.POST.get("grant"):
        found = EndWarning.objects.filter(mail=mail).first()
        if found is not None:
            retention.require_erasure(
                actor=request.staff.actor,
                subject_id=found.subject_id,
                ground=ErasureRequirement.Ground.OBJECTION,
            )
    warnings.settle_objection(actor=request.staff.actor, mail=mail)
    messages.success(request, _("Decided. Tell the person; their address is on the record."))
    return redirect("console:warnings")


def objections() -> Sequence[Objection]:
    """Those that wait for a DPO, the oldest first: one for each message."""
    rows = EndWarning.objects.filter(answer="object", settled_at=None).order_by("mail", "pk")
    first = sorted(rows.distinct("mail")[:MOST], key=lambda one: (one.answered_at, one.pk))
    names = people.of_records([one.record_id for one in first])
    return [Objection(one, names[one.record_id].name) for one in first]


def waiting() -> tuple[str, int]:
    """For the first page: what to do about objections, and how many."""
    count = EndWarning.objects.filter(answer="object", settled_at=None).values("mail").distinct()
    number = count.count()
    said = ngettext(
        "%(count)d person objects to being kept until the end",
        "%(count)d people object to being kept until the end",
        number,
    )
    return said % {"count": number}, number
