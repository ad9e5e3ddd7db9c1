from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from apps.controllers.models import Controller
from apps.core.models import Scoped


class Message(Scoped):
    """One message to deliver: the row is the queue. Nothing personal waits here; who it is for
    and what it says is worked out at delivery, when it may be no longer wanted."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        DELIVERED = "delivered", _("delivered")
        #: Rendered at delivery, it was no longer wanted, or there is no address.
        DROPPED = "dropped", _("no longer wanted")
        FAILED = "failed", _("failed")

    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+")
    #: Kind of message (kinds.py) and what it is about there.
    kind = models.CharField(max_length=32)
    about = models.UUIDField()
    state = models.CharField(max_length=16, choices=State.choices, default=State.WAITING)
    #: Stable code of why (never a server's text, which holds the address).
    code = models.CharField(max_length=32, blank=True)
    #: Fencing token: a worker whose attempt is not this one writes nothing.
    attempt = models.PositiveIntegerField(default=0)
    #: Attempts before somebody asked to try again: the tries are counted from there.
    attempts_before = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    not_before = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["controller", "kind", "about"], name="message_once"),
        )
        indexes = (
            models.Index(
                fields=["controller", "not_before"],
                condition=models.Q(state="waiting"),
                name="message_waiting",
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"
