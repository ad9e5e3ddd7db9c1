"""What the ledger says of itself."""

from django.utils.translation import gettext_lazy as _

from apps.audit.verbs import Verb, declare

LOG_OPENED = declare(
    Verb("ledger.opened", _("Ledger opened"), commitments=("key",)),
)
CONTINUED = declare(
    Verb(
        "ledger.continued",
        _("Ledger restored from a backup of %(size)s entries: it goes on under another name"),
        counts=("size", "number"),
        commitments=("root", "key"),
    ),
)
CHECKPOINTED = declare(
    Verb(
        "ledger.checkpointed",
        _("Ledger sealed at %(size)s entries"),
        counts=("size",),
        commitments=("root",),
    ),
)
