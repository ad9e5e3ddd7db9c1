"""Letters of this room: to recipients, in the language of the legal entity."""

from __future__ import annotations

from django.utils import translation
from django.utils.translation import gettext as _

from apps.controllers.models import Controller
from apps.outbox.kinds import Mail


def erasure_notice(controller: Controller, *, to: str, reference: str) -> Mail:
    """A person was erased: the recipient erases what it was given (GDPR art. 17(2) and 19)."""
    with translation.override(controller.language):
        values = {
            "company": controller.name,
            "reference": reference,
            "dpo": controller.dpo_name,
            "dpo_email": controller.dpo_email,
        }
        paragraphs = [
            _("Hello,"),
            _(
                "%(company)s has erased the data of a candidate that it had disclosed to you. You "
                "know this person as:"
            ),
            "%(reference)s",
            _(
                "As the GDPR (article 19) asks of us, we tell you so that you erase them too, with "
                "every copy and link, unless a law obliges you to keep them."
            ),
            _("Nothing else about the person is left with us: we cannot answer about them."),
            _("Our data protection officer answers your questions: %(dpo)s, %(dpo_email)s."),
            "%(company)s",
        ]
        return Mail(
            to=to,
            subject=_("A candidate’s data are to be erased (GDPR art. 19)"),
            body="\n\n".join(paragraph % values for paragraph in paragraphs) + "\n",
            language=controller.language,
        )
