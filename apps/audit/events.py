"""What the ledger says of itself."""

from django.utils.translation import gettext_lazy as _

from apps.audit.verbs import Verb, declare

LOG_OPENED = declare(
    Verb("ledger.opened", _("Ledger opened"), commitments=("key",)),
)
CHECKPOINTED = declare(
    Verb(
        "ledger.checkpointed",
        _("Ledger sealed at %(size)s entries"),
        counts=("size",),
        commitments=("root",),
    ),
)
