"""Dates, periods and codes in words, in the reader's language."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.core import dates

NARROW = "\u00a0"


def day(value: date | None) -> str:
    """12 March 2025; nothing for none."""
    return "" if value is None else dates.day(value)


def month(value: date) -> str:
    """March 2025."""
    return str(formats.date_format(value, "F Y"))


def weekday(value: date) -> str:
    """Monday 23 November 2026, to head a page."""
    return f"{formats.date_format(value, 'l')} {day(value)}".capitalize()


def moment(value: datetime | None) -> str:
    """An instant in the controller's time zone, to the minute."""
    if value is None:
        return ""
    local = timezone.localtime(value)
    if local.date() == timezone.localdate():
        return _("today at %(time)s") % {"time": local.strftime("%H:%M")}
    return _("%(day)s at %(time)s") % {"day": day(local.date()), "time": local.strftime("%H:%M")}


def due(value: date, today: date) -> str:
    """How far a due date is: `value` is the first day on which the record is due."""
    days = (value - today).days
    if days < 0:
        return overdue(-days)
    if days == 0:
        return _("due today")
    if days < 60:
        return ngettext("%(count)d day left", "%(count)d days left", days) % {"count": days}
    if days < 730:
        months = days // 30
        return ngettext("in %(count)d month", "in %(count)d months", months) % {"count": months}
    years = days // 365
    return ngettext("in %(count)d year", "in %(count)d years", years) % {"count": years}


def overdue(days: int) -> str:
    if days < 60:
        return ngettext("%(count)d day late", "%(count)d days late", days) % {"count": days}
    if days < 730:
        months = days // 30
        return ngettext("%(count)d month late", "%(count)d months late", months) % {"count": months}
    years = days // 365
    return ngettext("%(count)d year late", "%(count)d years late", years) % {"count": years}


def lasting(seconds: int) -> str:
    """A countdown or a delay: 45 s, 1 min 05 s, 24 h, 23 h 10 min."""
    seconds = max(seconds, 0)
    hours, minutes = seconds // 3600, seconds % 3600 // 60
    if hours:
        return f"{hours}{NARROW}h" + (f" {minutes:02d}{NARROW}min" if minutes else "")
    if minutes:
        rest = seconds % 60
        return f"{minutes}{NARROW}min" + (f" {rest:02d}{NARROW}s" if rest else "")
    return f"{seconds}{NARROW}s"


def reference(value: UUID) -> str:
    """The short name of a record for people: the last eight digits of its id."""
    return value.hex[-8:].upper()
