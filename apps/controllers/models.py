from __future__ import annotations

from django.db import models

from apps.core.models import Base, Scoped

FRENCH_SPEAKING = frozenset({"FR", "BE", "CH", "LU"})


class Controller(Base):
    """A legal entity that decides why and how candidates' data are processed (art. 4(7))."""

    name = models.CharField(max_length=200)
    #: ISO 3166-1 alpha-2 country of establishment.
    country = models.CharField(max_length=2)
    #: IANA time zone: legal dates are local dates there.
    time_zone = models.CharField(max_length=64, default="Europe/Paris")
    dpo_name = models.CharField(max_length=200)
    dpo_email = models.EmailField()
    #: Candidates are warned before their data go (retention.warnings).
    warns = models.BooleanField(default=False)
    #: False: somebody stopped everything, so that nothing new is sent to any ATS.
    erases = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    @property
    def language(self) -> str:
        """In which its letters are written, where the reader's own is not known."""
        return "fr" if self.country in FRENCH_SPEAKING else "en"


class ProcessingActivity(Scoped):
    """One line of the record of processing activities (art. 30)."""

    controller = models.ForeignKey(Controller, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=200)
    #: W3C DPV identifier, such as `dpv:RecruitmentManagement`.
    purpose = models.CharField(max_length=100)
    #: W3C DPV identifier of the legal basis, such as `eu-gdpr:A6-1-f-controller`.
    legal_basis = models.CharField(max_length=100)
    #: Categories of recipients, in words (art. 30(1)(d)).
    recipients = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["controller", "name"], name="activity_once"),
        )

    def __str__(self) -> str:
        return self.name
