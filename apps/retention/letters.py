"""Letters of this room, in the candidate's language: French where the legal entity is French-
speaking, English elsewhere. Plain text, no picture, nothing that tells who opened it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from django.conf import settings
from django.utils import translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from apps.controllers.models import Controller
from apps.outbox.kinds import Mail


def end_warning(
    controller: Controller,
    *,
    to: str,
    name: str,
    due_on: date,
    systems: Sequence[str],
    link: str,
    may_stay: bool,
    language: str = "",
) -> Mail:
    """What goes, when, how to stay where there is a talent pool, and how to object."""
    spoken = language or controller.language
    with translation.override(spoken):
        last = date_format(due_on - timedelta(days=1), "j F Y")
        values = {
            "name": name,
            "company": controller.name,
            "day": last,
            "systems": ", ".join(systems),
            "link": f"{settings.BASE_URL}{link}",
            "dpo": controller.dpo_name,
            "dpo_email": controller.dpo_email,
        }
        paragraphs = [
            _("Hello %(name)s,") if name else _("Hello,"),
            _(
                "You were in touch with %(company)s about a job. We keep your data until the end "
                "of %(day)s; then they are erased from our recruitment tools (%(systems)s): your "
                "contact details, your CV and documents, your answers, and our notes about your "
                "application. What a law makes us keep as evidence, if anything, is kept apart."
            ),
            _("You need not do anything: it happens by itself."),
            _(
                "If you wish to stay in our talent pool, or if you object to being kept until "
                "then, say so here:"
            )
            if may_stay
            else _("If you object to being kept until then, say so here:"),
            "%(link)s",
            _(
                "Our data protection officer answers your questions: %(dpo)s, %(dpo_email)s. You "
                "may also lodge a complaint with your data protection authority."
            ),
            "%(company)s",
        ]
        return Mail(
            to=to,
            subject=_("Your data at %(company)s are kept until %(day)s") % values,
            body="\n\n".join(paragraph % values for paragraph in paragraphs) + "\n",
            language=spoken,
        )
