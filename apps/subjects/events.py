"""What the ledger says of records and of the people behind them."""

from django.utils.translation import gettext_lazy as _

from apps.audit.verbs import Verb, declare
from apps.subjects.models import Contact, Recipient

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

_CHANNELS = {"channel": dict(Recipient.Channel.choices)}
RECIPIENT_ADDED = declare(
    Verb("recipient.added", _("Recipient added, told by: %(channel)s"), codes=_CHANNELS)
)
RECIPIENT_CHANGED = declare(
    Verb("recipient.changed", _("Recipient changed, told by: %(channel)s"), codes=_CHANNELS)
)
RECIPIENT_SECRET = declare(
    Verb("recipient.secret_renewed", _("New secret for a recipient's webhook"))
)
RECIPIENT_ENDED = declare(
    Verb("recipient.ended", _("Nothing is disclosed to this recipient any more"))
)
RECIPIENT_RETURNED = declare(
    Verb(
        "recipient.returned",
        _("Mail to a recipient came back: %(returned)s erasures are not told to them"),
        counts=("returned",),
    )
)
RECIPIENT_UNREACHABLE = declare(
    Verb(
        "recipient.unreachable",
        _("A recipient cannot be reached: a person tells them of %(erasures)s erasures"),
        counts=("erasures",),
    )
)
DISCLOSED = declare(
    Verb(
        "disclosure.recorded",
        _("Disclosed to a recipient on %(disclosed_on)s"),
        refs=("recipient", "disclosure"),
        dates=("disclosed_on",),
    )
)
TELLING = declare(
    Verb(
        "disclosure.telling",
        _("%(recipients)s recipients are told of the erasure before the key goes"),
        counts=("recipients",),
    )
)
TOLD = declare(
    Verb(
        "disclosure.told",
        _("Recipient told of the erasure (GDPR art. 19)"),
        refs=("recipient", "disclosure"),
    )
)
MAILED = declare(
    Verb(
        "disclosure.mailed",
        _("Erasure notice to a recipient taken by a mail server (GDPR art. 19)"),
        refs=("recipient", "disclosure"),
    )
)
TELL_BY_HAND = declare(
    Verb(
        "disclosure.by_hand",
        _("Recipient to be told of the erasure by a person"),
        refs=("recipient", "disclosure"),
    )
)
TOLD_BY_HAND = declare(
    Verb(
        "disclosure.stated",
        _("Recipient told of the erasure, as a named person states"),
        refs=("recipient", "disclosure"),
    )
)
EXEMPTIONS = {
    "impossible": _("telling them is impossible"),
    "disproportionate": _("telling them is a disproportionate effort"),
}
EXEMPTED = declare(
    Verb(
        "disclosure.exempted",
        _("Recipient not told of the erasure: %(ground)s"),
        refs=("recipient", "disclosure"),
        codes={"ground": EXEMPTIONS},
    )
)
LAPSED = declare(
    Verb(
        "disclosure.lapsed",
        _("Recipient not told in time: the key goes all the same"),
        refs=("recipient", "disclosure"),
    )
)
TOLD_AGAIN = declare(
    Verb(
        "recipient.told_again",
        _("Recipient reached again: %(erasures)s erasures leave by mail or webhook"),
        counts=("erasures",),
    )
)
TOMBSTONES_EXPIRED = declare(
    Verb(
        "tombstones.expired",
        _("%(tombstones)s tombstones ended: those remote ids are forgotten"),
        counts=("tombstones",),
    )
)
