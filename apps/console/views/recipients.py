"""Recipients: who was given candidates' data, how they are told of an erasure, and what a person
tells them where no machine can (GDPR art. 19)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.console import advice, badges, paging
from apps.console.doors import attempt, page, staff_page, today
from apps.console.forms import ChannelForm, DisclosureForm, RecipientForm
from apps.console.staff import StaffRequest
from apps.outbox import selectors as outbox
from apps.subjects import recipients, telling
from apps.subjects import selectors as subjects
from apps.subjects.models import Disclosure, Recipient
from apps.subjects.recipients import Added


@dataclass(frozen=True, slots=True)
class Task:
    disclosure: Disclosure
    reference: str
    why: advice.Words


@dataclass(frozen=True, slots=True)
class Row:
    recipient: Recipient
    failure: advice.Words
    #: Badge and how many, by what became of the telling.
    counts: list[tuple[badges.Badge, int]]
    form: ChannelForm
    #: How many a person would have to tell.
    by_hand: int


@dataclass(frozen=True, slots=True)
class Forms:
    new: RecipientForm
    #: A change that was refused, and of whom.
    changed: tuple[UUID, ChannelForm] | None = None


@staff_page()
def show(request: StaffRequest) -> HttpResponse:
    return _show(request, Forms(RecipientForm()))


@staff_page("POST")
def add(request: StaffRequest) -> HttpResponse:
    form = RecipientForm(request.POST)
    made: list[Added] = []
    done = attempt(
        form,
        lambda: made.append(recipients.add(actor=request.staff.actor, **form.cleaned_data)),
    )
    if not done:
        return _show(request, Forms(form), status=422)
    messages.success(request, _("Added. Record on a person’s page what they are given."))
    return _after(request, made[0])


@staff_page("POST")
def change(request: StaffRequest, recipient_id: UUID) -> HttpResponse:
    form = ChannelForm(request.POST, auto_id=f"{recipient_id}_%s")
    made: list[Added] = []
    done = attempt(
        form,
        lambda: made.append(
            recipients.change(
                actor=request.staff.actor, recipient_id=recipient_id, **form.cleaned_data
            )
        ),
    )
    if not done:
        return _show(request, Forms(RecipientForm(), (recipient_id, form)), status=422)
    messages.success(request, _("Saved. Tell those again who wait for it."))
    return _after(request, made[0])


@staff_page("POST")
def renew_secret(request: StaffRequest, recipient_id: UUID) -> HttpResponse:
    made = recipients.renew_secret(actor=request.staff.actor, recipient_id=recipient_id)
    messages.success(request, _("A new secret. The one before it stays good beside it."))
    return _after(request, made)


def _after(request: StaffRequest, made: Added) -> HttpResponse:
    """A secret is on this one page, and nowhere after it."""
    if not made.secret:
        return redirect("console:recipients")
    return _show(request, Forms(RecipientForm()), secret=made)


@staff_page("POST")
def end(request: StaffRequest, recipient_id: UUID) -> HttpResponse:
    recipients.end(actor=request.staff.actor, recipient_id=recipient_id)
    messages.success(request, _("Ended. Whoever they were given is still told of."))
    return redirect("console:recipients")


@staff_page("POST")
def again(request: StaffRequest, recipient_id: UUID) -> HttpResponse:
    count = telling.tell_again(actor=request.staff.actor, recipient_id=recipient_id)
    said = ngettext(
        "%(count)d message leaves within a minute.",
        "%(count)d messages leave within a minute.",
        count,
    )
    messages.success(request, said % {"count": count})
    return redirect("console:recipients")


@staff_page("POST")
def came_back(request: StaffRequest, recipient_id: UUID) -> HttpResponse:
    count = telling.came_back(actor=request.staff.actor, recipient_id=recipient_id)
    said = ngettext(
        "Noted: %(count)d erasure of the last days is not told. From now on a person tells them.",
        "Noted: %(count)d erasures of the last days are not told. From now on a person tells them.",
        count,
    )
    messages.success(request, said % {"count": count})
    return redirect("console:recipients")


@staff_page("POST")
def told(request: StaffRequest, disclosure_id: UUID) -> HttpResponse:
    telling.told(actor=request.staff.actor, disclosure_id=disclosure_id)
    messages.success(
        request, _("Noted under your name. The person’s key goes once nobody else is to be told.")
    )
    return redirect("console:recipients")


@staff_page("POST")
def exempt(request: StaffRequest, disclosure_id: UUID) -> HttpResponse:
    telling.exempt(
        actor=request.staff.actor,
        disclosure_id=disclosure_id,
        ground=request.POST.get("ground", ""),
    )
    messages.success(request, _("Noted under your name, with its ground."))
    return redirect("console:recipients")


@staff_page("POST")
def disclose(request: StaffRequest, record_id: UUID) -> HttpResponse:
    found = subjects.record(record_id)
    form = DisclosureForm(request.POST, recipients=choices())
    done = attempt(
        form,
        lambda: recipients.disclose(
            actor=request.staff.actor,
            subject_id=found.subject_id,
            recipient_id=UUID(form.cleaned_data["recipient"]),
            reference=form.cleaned_data["reference"],
            disclosed_on=form.cleaned_data["disclosed_on"],
            source=Disclosure.Source.CONSOLE,
        ),
    )
    if not done:
        # No field of it is in the address: what was typed stays on the page that was sent.
        return _record(request, record_id, form)
    messages.success(request, _("Recorded. They are told when the person is erased."))
    return redirect("console:record", record_id)


def _record(request: StaffRequest, record_id: UUID, form: DisclosureForm) -> HttpResponse:
    context = {"record": subjects.record(record_id), "form": form}
    return page(request, "console/disclose.html", context, status=422)


@staff_page()
def disclosing(request: StaffRequest, record_id: UUID) -> HttpResponse:
    form = DisclosureForm(initial={"disclosed_on": today(request)}, recipients=choices())
    context = {"record": subjects.record(record_id), "form": form}
    return page(request, "console/disclose.html", context)


def choices() -> list[tuple[str, str]]:
    rows = Recipient.objects.filter(ended_at=None).order_by("name")
    return [(str(one.pk), one.name) for one in rows]


def waiting() -> int:
    """For the first page: how many recipients a person has to tell."""
    return telling.waiting().count()


def _show(
    request: StaffRequest, forms: Forms, *, secret: Added | None = None, status: int = 200
) -> HttpResponse:
    found = paging.take(telling.waiting(), by="pk", after=request.GET.get("after", ""))
    known = telling.references(found.rows)
    counts = telling.per_recipient()
    context = {
        "tasks": [
            Task(row, known.get(row.pk, ""), advice.of_code(row.code) if row.code else "")
            for row in found.rows
        ],
        "total": telling.waiting().count(),
        "rows": [
            _row(one, counts.get(one.pk, {}), forms) for one in Recipient.objects.order_by("name")
        ],
        "form": forms.new,
        "secret": secret,
        "ready": outbox.ready(),
        **found.links(request),
    }
    response = page(request, "console/recipients.html", context, status=status)
    if secret is not None:
        response["Cache-Control"] = "no-store"
    return response


def _row(recipient: Recipient, states: dict[str, int], forms: Forms) -> Row:
    form = ChannelForm(
        initial={"channel": recipient.channel, "address": recipient.address},
        auto_id=f"{recipient.pk}_%s",
    )
    row = Row(
        recipient,
        advice.of_code(recipient.failure) if recipient.failure else "",
        [(badges.of("told", state), n) for state, n in sorted(states.items())],
        form,
        states.get(Disclosure.State.BY_HAND, 0),
    )
    if forms.changed is not None and forms.changed[0] == recipient.pk:
        return replace(row, form=forms.changed[1])
    return row
