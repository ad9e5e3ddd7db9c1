"""Keys: how the epochs stand, which copies still open, and what an operator should change."""

from __future__ import annotations

from django.http import HttpResponse

from apps.console.doors import page, staff_page
from apps.console.staff import StaffRequest
from apps.core import roots
from apps.core.errors import DomainError
from apps.keys import selectors as keys


@staff_page()
def show(request: StaffRequest) -> HttpResponse:
    found = keys.standings()
    context = {
        "epochs": found,
        "current": next((one for one in found if not one.ended), None),
        "unsound": [one for one in found if not one.sound],
        "copies": keys.copies(),
        "shared": keys.shares_cluster(),
        "root": _root(),
    }
    return page(request, "console/keys.html", context)


def _root() -> tuple[str, int]:
    """Vault | file, and how many old root keys still open something; empty: it does not open."""
    try:
        return roots.standing()
    except DomainError:
        return "", 0
