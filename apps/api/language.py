"""The language of an answer: what `Accept-Language` asks for, else English.

A machine's door takes no cookie and no default of the installation: the same request gets the
same words everywhere.
"""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.translation import get_supported_language_variant
from django.utils.translation.trans_real import parse_accept_lang_header

DEFAULT = "en"


def of(request: HttpRequest) -> str:
    for wanted, _weight in parse_accept_lang_header(request.headers.get("Accept-Language", "")):
        if wanted == "*":
            break
        try:
            return get_supported_language_variant(wanted)
        except LookupError:
            continue
    return DEFAULT
