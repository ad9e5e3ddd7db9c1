"""Dates in words, in the reader's language."""

from __future__ import annotations

from datetime import date

from django.utils import formats, translation


def day(value: date) -> str:
    """12 March 2025; French writes the first of a month « 1er »."""
    text = str(formats.date_format(value, "j F Y"))
    if translation.get_language() == "fr" and value.day == 1:
        text = text.replace("1 ", "1er ", 1)
    return text
