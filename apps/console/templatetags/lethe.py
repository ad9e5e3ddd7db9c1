"""Filters and tags of the console's templates; the words themselves are in words.py."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from django import template
from django.template.context import RequestContext
from django.utils import formats

from apps.console import badges, words
from apps.retention import labels

register = template.Library()


@register.filter
def day(value: date | None) -> str:
    return words.day(value)


@register.filter
def month(value: date) -> str:
    return words.month(value)


@register.filter
def weekday(value: date) -> str:
    return words.weekday(value)


@register.filter
def moment(value: datetime | None) -> str:
    return words.moment(value)


@register.filter
def period(value: str) -> str:
    return labels.duration(value)


@register.filter
def reference(value: UUID) -> str:
    return words.reference(value)


@register.filter
def number(value: int) -> str:
    """Thousands are separated as the reader's language does."""
    return formats.number_format(value, use_l10n=True, force_grouping=True)


@register.filter
def hexadecimal(value: bytes | memoryview) -> str:
    return bytes(value).hex()


@register.simple_tag(takes_context=True)
def due(context: RequestContext, value: date) -> str:
    return words.due(value, context["today"])


@register.simple_tag
def badge(kind: str, value: str) -> badges.Badge:
    """The colour and words of a state: {% badge "step" step.state as shown %}."""
    return badges.of(kind, value)
