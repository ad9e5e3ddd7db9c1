"""What the ledger says of legal entities."""

from django.utils.translation import gettext_lazy as _

from apps.audit.verbs import Verb, declare

CONTROLLER_REGISTERED = declare(
    Verb("controller.registered", _("Legal entity registered")),
)
SETTINGS_CHANGED = declare(
    Verb(
        "controller.settings_changed",
        _("Settings of the legal entity changed (%(changed)s values)"),
        counts=("changed",),
    ),
)
WARNINGS_ON = declare(
    Verb("controller.warnings_on", _("Candidates are warned before their data go")),
)
WARNINGS_OFF = declare(
    Verb("controller.warnings_off", _("Candidates are no longer warned before their data go")),
)
ERASURES_STOPPED = declare(
    Verb("controller.erasures_stopped", _("All erasures stopped: nothing new is sent to an ATS")),
)
ERASURES_RESUMED = declare(Verb("controller.erasures_resumed", _("Erasures resumed")))
ACTIVITY_REGISTERED = declare(
    Verb("controller.activity_registered", _("Processing activity registered")),
)
