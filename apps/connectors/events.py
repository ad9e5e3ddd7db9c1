"""What the ledger says of connections. Deliveries, cursors and the limiter write nothing."""

from django.utils.translation import gettext_lazy as _

from apps.audit.verbs import Verb, declare
from apps.connectors.errors import CODES
from apps.connectors.models import Connection, Vendor

CONNECTED = declare(
    Verb(
        "connection.opened",
        _("Connected to %(vendor)s (erases by: %(action)s)"),
        codes={"vendor": dict(Vendor.choices), "action": dict(Connection.Action.choices)},
    ),
)
CHANGED = declare(
    Verb(
        "connection.changed",
        _("Settings of a connection changed (%(changed)s values)"),
        counts=("changed",),
    ),
)
PAUSED = declare(Verb("connection.paused", _("Connection paused")))
RESUMED = declare(Verb("connection.resumed", _("Connection resumed")))
FAILED = declare(
    Verb(
        "connection.failed",
        _("Connection fails (%(failure)s)"),
        codes={"failure": tuple(sorted(CODES | {"scopes_missing"}))},
    ),
)
RECOVERED = declare(Verb("connection.recovered", _("Connection works again")))
