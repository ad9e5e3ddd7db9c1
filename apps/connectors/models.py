from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from apps.controllers.models import Controller
from apps.core.models import APPEND_ONLY, Scoped


class Vendor(models.TextChoices):
    GREENHOUSE = "greenhouse", "Greenhouse"
    CSV = "csv", _("CSV import")


class Connection(Scoped):
    """An account at an ATS. Credentials are sealed; the action is fixed before approval."""

    class Action(models.TextChoices):
        ANONYMIZE = "anonymize", _("anonymize")
        DELETE = "delete", _("delete")

    class State(models.TextChoices):
        ACTIVE = "active", _("active")
        FAILING = "failing", _("failing")
        PAUSED = "paused", _("paused")

    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=100)
    vendor = models.CharField(max_length=32, choices=Vendor.choices)
    base_url = models.URLField(blank=True)
    auth_url = models.URLField(blank=True)
    #: Sealed canonical JSON (client id, client secret, acting user, webhook secret).
    credentials = models.BinaryField(default=bytes)
    #: Digest of the ATS account: no account may be connected twice.
    account = models.CharField(max_length=64, blank=True)
    action = models.CharField(max_length=16, choices=Action.choices, default=Action.ANONYMIZE)
    #: ISO country of the establishment when the ATS does not say; empty: unknown.
    country = models.CharField(max_length=2, blank=True)
    #: Where a person finds a candidate's file in the ATS, with `{id}` for its id there; empty: the
    #: page does not say.
    candidate_url = models.CharField(max_length=300, blank=True)
    #: Tags of the ATS that mean "talent pool".
    pool_tags = models.JSONField(default=list)
    #: Time between approval and the first effect, in which a plan can be called back.
    grace_seconds = models.PositiveIntegerField(default=86_400)
    #: How long a step waits for the vendor's read-back or event before it is unverifiable.
    settle_seconds = models.PositiveIntegerField(default=3_600)
    #: Brakes (erasure.gates): records of one plan, in all and in a hundred of those that are here;
    #: records a day; and how many one person may both propose and approve.
    most_per_run = models.PositiveIntegerField(default=5_000)
    most_percent = models.PositiveSmallIntegerField(default=25)
    most_per_day = models.PositiveIntegerField(default=5_000)
    alone_up_to = models.PositiveIntegerField(default=100)
    #: Hours of the legal entity's clock in which erasures are sent, so that somebody is there to
    #: see them; NULL: at any hour.
    acts_from = models.TimeField(null=True)
    acts_until = models.TimeField(null=True)
    #: On working days of the legal entity's country only (core.workdays).
    acts_on_weekdays = models.BooleanField(default=False)
    state = models.CharField(max_length=16, choices=State.choices, default=State.ACTIVE)
    #: Stable code of what fails (never a vendor's text, which may hold a person).
    failure = models.CharField(max_length=64, blank=True)
    #: Opaque to all but the adapter; vendors do not bound theirs.
    cursor = models.TextField(blank=True)
    synced_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["vendor", "account"],
                condition=~models.Q(account=""),
                name="account_connected_once",
            ),
        )

    def __str__(self) -> str:
        return self.name


class VendorEvent(Scoped):
    """What an ATS told us by webhook, reduced to what may be kept: no person, no payload."""

    privileges = APPEND_ONLY

    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+")
    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="+")
    #: The vendor's delivery id: the same delivery twice is one event.
    delivery = models.CharField(max_length=100)
    action = models.CharField(max_length=64)
    #: Keyed digest of the candidate's remote id (keys.digest); empty when none is named.
    remote_digest = models.BinaryField(max_length=32, default=bytes)
    #: Vendor names of the fields it says it anonymized, normalised to the request's spelling.
    fields = models.JSONField(default=list)
    received_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["connection", "delivery"], name="delivery_once"),
        )
        indexes = (
            models.Index(fields=["connection", "remote_digest"], name="event_of_remote"),
            models.Index(fields=["connection", "received_at"], name="event_since"),
        )

    def __str__(self) -> str:
        return f"{self.action} {self.pk}"


class RateWindow(models.Model):
    """The limiter all processes share: one row a connection, taken with one UPDATE."""

    connection = models.OneToOneField(
        Connection, on_delete=models.CASCADE, primary_key=True, related_name="+"
    )
    #: Requests the vendor allows in a window, and what is left of the present one.
    allowed = models.PositiveIntegerField(default=1)
    remaining = models.IntegerField(default=0)
    #: The vendor's name of the present window (epoch second of its end), and of the one before.
    vendor_window = models.BigIntegerField(default=0)
    late_window = models.BigIntegerField(default=-1)
    #: Requests under way: taken in the present window, and in the one before it.
    taken = models.PositiveIntegerField(default=0)
    late = models.PositiveIntegerField(default=0)
    #: One request is out to learn the new window; nobody else calls.
    scouting = models.BooleanField(default=False)
    #: The window's end by this database's clock; empty: unknown.
    resets_at = models.DateTimeField(null=True)
    #: Set by Retry-After: nobody calls before.
    blocked_until = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return str(self.connection_id)
