"""What the ledger says of records and of the people behind them."""

from django.utils.translation import gettext_lazy as _

from apps.audit.verbs import Verb, declare
from apps.subjects.models import Contact

PAGE_TAKEN = declare(
    Verb(
        "intake.page_taken",
        _(
            "Page of candidates taken in: %(created)s new, %(changed)s changed, "
            "%(resurrected)s came back after erasure"
        ),
        refs=("connection",),
        counts=("created", "changed", "resurrected"),
        commitments=("records",),
    )
)
SHREDDING_REPLAYED = declare(
    Verb(
        "subject.shredding_replayed",
        _("Restored from a backup, though shredded since: shredded here too"),
        counts=("records",),
    )
)
RECORD_GONE = declare(
    Verb("record.gone", _("The ATS no longer returns this record"), refs=("connection",))
)
RECORD_ENTOMBED = declare(
    Verb("record.entombed", _("Record entombed: only its tombstone is kept"), refs=("subject",))
)
SUBJECT_SHREDDED = declare(
    Verb(
        "subject.shredded",
        _("The person's key was destroyed: effective now, irreversible at the epoch's end"),
        refs=("epoch",),
    )
)
EPOCH_ENDED = declare(
    Verb(
        "keys.epoch_ended",
        _("Key epoch ended: %(rewrapped)s living keys re-wrapped, the old key destroyed"),
        counts=("rewrapped",),
        dates=("ended_on",),
    )
)
CONTACT_NOTED = declare(
    Verb(
        "contact.noted",
        _("Contact from the candidate on %(happened_on)s: %(kind)s"),
        refs=("contact",),
        codes={"kind": dict(Contact.Kind.choices)},
        dates=("happened_on",),
    )
)
