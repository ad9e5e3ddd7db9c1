"""Reads of this room."""

from __future__ import annotations

from django.conf import settings
from django.db.models import Count

from apps.outbox.models import Message


def ready() -> bool:
    """Whether there is a mail server and an address to send from."""
    return bool(settings.EMAIL_HOST and settings.DEFAULT_FROM_EMAIL)


def states(kind: str) -> dict[str, int]:
    """How many messages of a kind are where."""
    rows = Message.objects.filter(kind=kind).order_by().values_list("state")
    return dict(rows.annotate(n=Count("pk")))


def causes(kind: str) -> dict[str, int]:
    """Of those that failed or still wait after a try: code → how many."""
    rows = Message.objects.filter(kind=kind, state__in=["waiting", "failed"]).exclude(code="")
    return dict(rows.order_by().values_list("code").annotate(n=Count("pk")))
