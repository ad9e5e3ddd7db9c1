from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.controllers.models import Controller
from apps.core.models import APPEND_ONLY, Scoped
from apps.subjects.models import Record, Subject


class ConsentEvent(Scoped):
    """One thing a person said about one purpose. Never changed, never removed.

    States are those of W3C DPV 2.3 (ConsentGiven, RenewedConsentGiven, ConsentWithdrawn,
    ConsentExpired); `pk` is the receipt's id (ISO/IEC TS 27560).
    """

    privileges = APPEND_ONLY

    class State(models.TextChoices):
        GIVEN = "given", _("consent given")
        RENEWED = "renewed", _("consent renewed")
        WITHDRAWN = "withdrawn", _("consent withdrawn")
        EXPIRED = "expired", _("consent expired")

    class Purpose(models.TextChoices):
        TALENT_POOL = "talent_pool", _("talent pool")

    class Source(models.TextChoices):
        API = "api", _("API")
        IMPORT = "import", _("import")
        CONSOLE = "console", _("console")
        PORTAL = "portal", _("candidate’s page")

    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+")
    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="consents")
    purpose = models.CharField(max_length=32, choices=Purpose.choices)
    state = models.CharField(max_length=16, choices=State.choices)
    source = models.CharField(max_length=16, choices=Source.choices)
    #: Version of the notice the person read; required for a consent to be informed.
    notice = models.CharField(max_length=64, blank=True)
    #: The local date the person said it, and the instant we wrote it down.
    effective_on = models.DateField()
    recorded_at = models.DateTimeField(db_default=Now())
    #: Counts events of one subject and purpose: the highest is the present state.
    sequence = models.PositiveIntegerField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["subject", "purpose", "sequence"], name="consent_sequence_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.state} {self.pk}"


class NoticeGiven(Scoped):
    """A sourced person was told where their data come from (GDPR art. 14). Never changed."""

    privileges = APPEND_ONLY

    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+")
    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="notices")
    #: Version of the notice that was sent.
    notice = models.CharField(max_length=64)
    source = models.CharField(max_length=16, choices=ConsentEvent.Source.choices)
    #: The local date it was sent.
    given_on = models.DateField()
    recorded_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.notice} {self.pk}"


class EndWarning(Scoped):
    """A person is told that a record of theirs will go, and may answer (retention.warnings)."""

    class State(models.TextChoices):
        QUEUED = "queued", _("queued")
        SENT = "sent", _("sent")
        #: The record does not go on that day any more, or has no address.
        DROPPED = "dropped", _("no longer wanted")
        FAILED = "failed", _("failed")

    class Answer(models.TextChoices):
        STAY = "stay", _("wishes to stay")
        OBJECT = "object", _("objects")
        #: Took the consent back on the same page, as easily as it was given (art. 7(3)).
        WITHDRAW = "withdraw", _("wishes to stay no longer")

    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+")
    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="warnings")
    record = models.ForeignKey(Record, on_delete=models.PROTECT, related_name="warnings")
    #: The first local day on which the record leaves the active base, as it was told.
    due_on = models.DateField()
    #: One mail may tell of several records of one person.
    mail = models.UUIDField(db_index=True)
    state = models.CharField(max_length=16, choices=State.choices, default=State.QUEUED)
    code = models.CharField(max_length=32, blank=True)
    queued_at = models.DateTimeField(db_default=Now())
    sent_at = models.DateTimeField(null=True)
    answer = models.CharField(max_length=16, choices=Answer.choices, blank=True)
    answered_at = models.DateTimeField(null=True)
    #: When a DPO decided an objection, and who.
    settled_at = models.DateTimeField(null=True)
    settled_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = (
            # One that was taken back, because of a hold or something new, may be said again.
            models.UniqueConstraint(
                fields=["record", "due_on"],
                condition=~models.Q(code="changed"),
                name="warned_once_of_an_end",
            ),
        )
        indexes = (
            models.Index(
                fields=["controller"],
                condition=models.Q(answer="object", settled_at=None),
                name="objection_open",
            ),
        )

    def __str__(self) -> str:
        return f"{self.state} {self.pk}"
