"""What every page of the console shows: who is here, for whom, and what waits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _

from apps.erasure import hands
from apps.erasure.models import Plan
from apps.subjects import telling


@dataclass(frozen=True, slots=True)
class Link:
    label: str
    url: str
    current: bool
    count: int = 0


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    links: tuple[Link, ...]


def console(request: HttpRequest) -> dict[str, Any]:
    """`staff` and `navigation`; nothing is read from the database unless a page shows it."""
    staff = getattr(request, "staff", None)
    if staff is None:
        return {"staff": None}
    return {"staff": staff, "navigation": SimpleLazyObject(lambda: _navigation(request))}


def _navigation(request: HttpRequest) -> list[Section]:
    match = request.resolver_match
    here = (match.url_name or "") if match and match.app_name == "console" else ""

    def link(label: str, page: str, names: tuple[str, ...], count: int = 0) -> Link:
        return Link(label, reverse(f"console:{page}"), here in (page, *names), count)

    waiting = Plan.objects.filter(state=Plan.State.PROPOSED).count()
    by_hand = hands.waiting().count()
    return [
        Section(
            "",
            (
                link(_("Today"), "today", ()),
                link(_("Records"), "records", ("record", "search")),
                link(_("Erasure plans"), "plans", ("plan",), waiting),
                link(_("To erase by hand"), "by_hand", ("hand", "close_hand"), by_hand),
            ),
        ),
        Section(
            _("Compliance"),
            (
                link(_("Retention periods"), "policies", ("policy", "simulation")),
                link(_("Legal holds"), "holds", ("hold_case", "new_hold")),
                link(_("Warned candidates"), "warnings", ()),
                link(_("Recipients"), "recipients", (), telling.waiting().count()),
                link(_("Archive"), "archives", ("archive", "open_archive", "export_archive")),
                link(_("What stays"), "figures", ()),
                link(_("Keys"), "keys", ()),
                link(_("Audit log"), "ledger", ()),
            ),
        ),
        Section(
            _("Settings"),
            (
                link(
                    _("ATS connections"),
                    "connections",
                    ("import_file", "import_check", "import_take", "mapping", "pool_tags"),
                ),
            ),
        ),
    ]
