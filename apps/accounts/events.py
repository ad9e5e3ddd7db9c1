"""What the ledger says of people and machines."""

from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Role
from apps.audit.verbs import Verb, declare

USER_INVITED = declare(Verb("account.invited", _("Person invited")))
ROLE_GRANTED = declare(
    Verb(
        "account.role_granted",
        _("Role %(role)s granted"),
        codes={"role": dict(Role.choices)},
    ),
)
KEY_ISSUED = declare(
    Verb("account.key_issued", _("API key issued (%(scopes)s scopes)"), counts=("scopes",)),
)
KEY_REVOKED = declare(Verb("account.key_revoked", _("API key revoked")))
VIEW_SAVED = declare(Verb("account.view_saved", _("View of a list saved"), refs=("view",)))
VIEW_FORGOTTEN = declare(
    Verb("account.view_forgotten", _("View of a list removed"), refs=("view",))
)
SIGNED_IN = declare(
    Verb("account.signed_in", _("Signed in"), codes={"by": ("password", "passkey", "link")}),
)
