"""A recipient, what it was given of Ada, and what leaves when she is erased."""

from __future__ import annotations

from datetime import date

from apps.core.actors import SYSTEM
from apps.outbox import services as outbox
from apps.subjects import recipients, shredding
from apps.subjects.models import Disclosure, Recipient, Record
from tests.cast import Company

REFERENCE = "BGC-20417"
DAY = date(2026, 5, 4)


def ada() -> Record:
    return Record.objects.exclude(state="erased").order_by("pk")[0]


def recipient(company: Company, channel: str, address: str) -> recipients.Added:
    return recipients.add(
        actor=company.dpo_actor, name=f"Vetting {channel}", channel=channel, address=address
    )


def disclosed(company: Company, to: Recipient, reference: str = REFERENCE) -> Disclosure:
    return recipients.disclose(
        actor=company.recops_actor,
        subject_id=ada().subject_id,
        recipient_id=to.pk,
        reference=reference,
        disclosed_on=DAY,
        source="console",
    )


def deliver() -> None:
    outbox.deliver(actor=SYSTEM)
    shredding.finish_shredding(actor=SYSTEM)
