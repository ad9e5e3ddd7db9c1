"""Today: what waits for a person and why, how things stand, and the next step in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.connectors import selectors as connectors
from apps.connectors.models import Connection
from apps.console import advice, figures
from apps.console.doors import page, staff_page, today
from apps.console.staff import StaffRequest
from apps.console.views import recipients, warnings
from apps.console.views.ledger import standing
from apps.erasure import archives, hands, obstacles
from apps.erasure import selectors as erasure
from apps.erasure.models import Plan
from apps.retention import held, listing
from apps.retention import selectors as retention
from apps.retention.models import Policy
from apps.retention.selectors import Counts

DAYS = 30


@dataclass(frozen=True, slots=True)
class Todo:
    title: str
    why: str
    url: str
    button: str
    #: The first thing to do has the one coloured button.
    first: bool = False


@dataclass(frozen=True, slots=True)
class Running:
    plan: Plan
    ended: int
    total: int


@staff_page()
def show(request: StaffRequest) -> HttpResponse:
    day = today(request)
    counts = retention.counts(as_of=day)
    connections = list(connectors.connections())
    todos = _todos(request, counts, connections)
    context = {
        "counts": counts,
        "todos": [_numbered(n, todo) for n, todo in enumerate(todos)],
        "waiting": erasure.plans().filter(state=Plan.State.PROPOSED).count(),
        "running": _running(),
        "connections": connections,
        "progress": erasure.all_progress().by_state,
        "chart": _chart(day),
        **standing(request),
    }
    return page(request, "console/today.html", context)


def _numbered(n: int, todo: Todo) -> Todo:
    return Todo(todo.title, todo.why, todo.url, todo.button, first=n == 0)


def _chart(day: date) -> figures.Bars:
    counted = erasure.verified_per_day(DAYS)
    return figures.bars(figures.filled(counted, since=day - timedelta(days=DAYS - 1), until=day))


def _running() -> list[Running]:
    plans = erasure.plans().filter(state=Plan.State.APPROVED)[:5]
    found = [(plan, erasure.progress(plan.pk)) for plan in plans]
    return [Running(plan, progress.ended, progress.total) for plan, progress in found]


def _todos(request: StaffRequest, counts: Counts, connections: list[Connection]) -> list[Todo]:
    """In the order in which a person should look: what is broken, what waits, what to start."""
    return [
        *_stopped(request),
        *_broken(connections),
        *_blocked(),
        *_policy(),
        *_decisions(request),
        *_reviews(held.overdue(as_of=today(request))),
        *_objections(),
        *_endless(today(request)),
        *_by_hand(),
        *_to_tell(),
        *_unfinished(),
        *_overdue(request, counts),
        *_undecided(counts, today(request)),
    ]


def _broken(connections: list[Connection]) -> list[Todo]:
    return [
        Todo(
            _("%(name)s does not answer as it should") % {"name": item.name},
            str(advice.of_code(item.failure)),
            reverse("console:connections"),
            _("See the connection"),
        )
        for item in connections
        if item.state == Connection.State.FAILING
    ]


def _stopped(request: StaffRequest) -> list[Todo]:
    if request.staff.controller.erases:
        return []
    return [
        Todo(
            _("All erasures are stopped"),
            _("Nothing new is sent to any ATS until a DPO resumes them."),
            reverse("console:connections"),
            _("See the connections"),
        )
    ]


def _blocked() -> list[Todo]:
    return [
        Todo(
            _("Erasures on %(name)s wait") % {"name": item.connection.name},
            str(advice.of_code(item.code)),
            reverse("console:connections"),
            _("See the connection"),
        )
        for item in obstacles.standing()
        if item.connection.state == Connection.State.ACTIVE
    ]


def _policy() -> list[Todo]:
    if Policy.objects.filter(state=Policy.State.ACTIVE).exists():
        return []
    return [
        Todo(
            _("No retention policy is in force"),
            _("Nothing can be due before a DPO and a second person have signed one."),
            reverse("console:policies"),
            _("See the retention periods"),
        )
    ]


def _decisions(request: StaffRequest) -> list[Todo]:
    """Every plan that waits, for a DPO to decide, for others to know."""
    waiting = erasure.plans().filter(state=Plan.State.PROPOSED)[:5]
    button = _("Approve or refuse") if request.staff.is_dpo else _("See the plan")
    found = []
    for plan in waiting:
        total = erasure.progress(plan.pk).total
        why = ngettext(
            "%(count)d record on %(name)s. Nothing is erased before a DPO approves.",
            "%(count)d records on %(name)s. Nothing is erased before a DPO approves.",
            total,
        ) % {"count": total, "name": plan.connection.name}
        title = _("Plan %(number)d waits for approval") % {"number": plan.number}
        found.append(Todo(title, why, reverse("console:plan", args=[plan.pk]), button))
    return found


def _reviews(overdue: int) -> list[Todo]:
    if not overdue:
        return []
    title = ngettext(
        "%(count)d legal hold is to be reviewed",
        "%(count)d legal holds are to be reviewed",
        overdue,
    )
    return [
        Todo(
            title % {"count": overdue},
            _("Is the reason still there? A hold keeps data for as long as nobody asks."),
            reverse("console:holds"),
            _("See the holds"),
        )
    ]


def _objections() -> list[Todo]:
    title, count = warnings.waiting()
    why = _("A DPO decides each one and answers the person.")
    return [Todo(title, why, reverse("console:warnings"), _("See them"))] if count else []


def _endless(day: date) -> list[Todo]:
    count = archives.endless(as_of=day).count()
    if not count:
        return []
    title = ngettext("%(count)d archive has no end", "%(count)d archives have no end", count)
    return [
        Todo(
            title % {"count": count},
            _("No period in force says until when. A DPO signs one for their rule."),
            f"{reverse('console:archives')}?endless=1",
            _("See them"),
        )
    ]


def _by_hand() -> list[Todo]:
    count = hands.waiting().count()
    if not count:
        return []
    title = ngettext(
        "%(count)d file is to be erased by hand", "%(count)d files are to be erased by hand", count
    )
    return [
        Todo(
            title % {"count": count},
            _("Their ATS has no call for it. Each task says where, and what to look at."),
            reverse("console:by_hand"),
            _("See the tasks"),
        )
    ]


def _to_tell() -> list[Todo]:
    count = recipients.waiting()
    if not count:
        return []
    title = ngettext(
        "%(count)d erasure is to be told to a recipient",
        "%(count)d erasures are to be told to recipients",
        count,
    )
    return [
        Todo(
            title % {"count": count},
            _("No machine can tell them. The person’s key waits for it, some days and no longer."),
            reverse("console:recipients"),
            _("See whom to tell"),
        )
    ]


def _unfinished() -> list[Todo]:
    """Erasures that ended without proof, by plan: the last step of each record only."""
    by_plan: dict[Plan, int] = {}
    for step in erasure.attention()[:500]:
        by_plan[step.plan] = by_plan.get(step.plan, 0) + 1
    return [
        Todo(
            ngettext(
                "%(count)d erasure of plan %(number)d needs you",
                "%(count)d erasures of plan %(number)d need you",
                count,
            )
            % {"count": count, "number": plan.number},
            _("Data remain, the ATS refused, or nothing shows that they are gone."),
            reverse("console:plan", args=[plan.pk]),
            _("See what remains"),
        )
        for plan, count in by_plan.items()
    ]


def _overdue(request: StaffRequest, counts: Counts) -> list[Todo]:
    busy = erasure.plans().filter(state__in=[Plan.State.PROPOSED, Plan.State.APPROVED]).exists()
    if not counts.due + counts.archive or busy:
        return []
    titles = []
    if counts.due:
        said = ngettext(
            "%(count)d record is past its retention period",
            "%(count)d records are past their retention period",
            counts.due,
        )
        titles.append(said % {"count": counts.due})
    if counts.archive:
        said = ngettext(
            "%(count)d record goes to the archive",
            "%(count)d records go to the archive",
            counts.archive,
        )
        titles.append(said % {"count": counts.archive})
    return [
        Todo(
            " · ".join(titles),
            _("Propose a plan: it lists them, and a DPO decides."),
            reverse("console:plans"),
            _("Propose a plan") if request.staff.may_propose else _("See the plans"),
        )
    ]


def _undecided(counts: Counts, day: date) -> list[Todo]:
    """What cannot be decided, by what is missing: kept, and never forgotten."""
    if not counts.undecided:
        return []
    address = reverse("console:records") + "?outcome=undecided&reason="
    return [
        Todo(
            ngettext(
                "%(count)d record cannot be decided: %(why)s",
                "%(count)d records cannot be decided: %(why)s",
                count,
            )
            % {"count": count, "why": advice.missing(reason).what},
            str(advice.missing(reason).fix),
            f"{address}{reason.name.lower()}",
            _("See them"),
        )
        for reason, count in listing.tally(as_of=day).undecided.items()
    ]
