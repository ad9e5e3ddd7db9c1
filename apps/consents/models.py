from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from apps.controllers.models import Controller
from apps.core.models import APPEND_ONLY, Scoped
from apps.subjects.models import Subject


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
