"""What the ledger says of consents."""

from django.utils.translation import gettext_lazy as _

from apps.audit.verbs import Verb, declare
from apps.consents.models import ConsentEvent

_PURPOSES = {"purpose": dict(ConsentEvent.Purpose.choices)}

CONSENT_GIVEN = declare(
    Verb("consent.given", _("Consent given (%(purpose)s)"), refs=("receipt",), codes=_PURPOSES)
)
CONSENT_RENEWED = declare(
    Verb("consent.renewed", _("Consent renewed (%(purpose)s)"), refs=("receipt",), codes=_PURPOSES)
)
CONSENT_WITHDRAWN = declare(
    Verb(
        "consent.withdrawn",
        _("Consent withdrawn (%(purpose)s)"),
        refs=("receipt",),
        codes=_PURPOSES,
    )
)
NOTICE_GIVEN = declare(
    Verb(
        "notice.given",
        _("Sourced person told under GDPR art. 14 on %(given_on)s"),
        refs=("notice",),
        dates=("given_on",),
    )
)
