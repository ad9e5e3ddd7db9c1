"""The country that free text names: an office (“Lyon, France”), a cell of an export."""

from __future__ import annotations

import importlib.util
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path


def _names_by_language() -> Mapping[str, Mapping[str, str]]:
    """Country code → language → name, from phonenumbers. Its file is read by itself: to import
    it as `phonenumbers.geodata.locale` brings the places of every telephone number with it, 136
    megabytes in each worker (bench: sync.memory). Its name below is one inside phonenumbers,
    from where it imports a neighbour."""
    package = importlib.util.find_spec("phonenumbers")
    if package is None or package.origin is None:
        raise ImportError("phonenumbers is not installed: run `make setup`")
    file = Path(package.origin).with_name("geodata") / "locale.py"
    found = importlib.util.spec_from_file_location("phonenumbers.countries.names", file)
    if found is None or found.loader is None:
        raise ImportError("phonenumbers has no names of countries")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    names: Mapping[str, Mapping[str, str]] = module.LOCALE_DATA
    return names


LOCALE_DATA = _names_by_language()
_LANGUAGES = ("en", "fr", "de", "es", "it", "nl", "pt")
#: Everyday names that the tables of names do not hold.
_ALSO = {
    "uk": "GB",
    "england": "GB",
    "scotland": "GB",
    "wales": "GB",
    "northern ireland": "GB",
    "usa": "US",
    "us": "US",
    "czechia": "CZ",
    "tchequie": "CZ",
    "holland": "NL",
}


def of_location(text: str | None) -> str | None:
    """ISO 3166-1 alpha-2 code of the last part that names a country; None when none does.

    Two-letter parts are not read as codes: “Portland, DE” may be Delaware.
    """
    for part in reversed((text or "").replace("(", ",").replace(")", ",").split(",")):
        if part.strip():
            return _names().get(_folded(part))
    return None


def is_code(text: str) -> bool:
    """Whether this is an ISO 3166-1 alpha-2 code in capitals."""
    return text in LOCALE_DATA


@lru_cache(maxsize=1)
def _names() -> dict[str, str]:
    names = {}
    for code, by_language in LOCALE_DATA.items():
        for language in _LANGUAGES:
            name = by_language.get(language, "")
            # "*xx" says: the same as in language xx.
            name = by_language.get(name[1:], "") if name.startswith("*") else name
            if name:
                names[_folded(name)] = code
    return names | _ALSO


def _folded(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.strip().casefold())
    return "".join(character for character in plain if not unicodedata.combining(character))
