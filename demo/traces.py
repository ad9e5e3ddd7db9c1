"""Searching for what is left of a person: in dumps, logs and files, in every usual disguise.

A haystack is decoded once and walked once, so that thousands of people cost little more than
one (Aho and Corasick 1975). Found are surnames, e-mail addresses and phone numbers written in
UTF-8, JSON escapes, hexadecimal or base64, in any case, phones with any separators.
"""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import ahocorasick

_ESCAPE = re.compile(r"\\+u([0-9a-fA-F]{4})")
_PHONE = re.compile(r"\+?\d(?:[\s().-]{0,2}\d){7,}")
_HEX = re.compile(rb"(?:[0-9a-fA-F]{2}){8,}")
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{8,}={0,2}")
#: Long and hexadecimal throughout: read as hexadecimal only.
_ONLY_HEX = re.compile(rb"[0-9a-fA-F]{32,}")
#: A value sealed inside a value inside a value: nobody nests deeper.
_DEPTH = 2
#: The digits at the end of a phone number that stay the same however it is written, and what
#: may stand before them.
_SIGNIFICANT = 9
_PREFIXES = frozenset({"", "0", "33", "44", "330", "440", "0033", "0044"})


@dataclass(slots=True)
class Needles:
    """Whom to look for: each needle leads to the number of its person."""

    texts: dict[str, int] = field(default_factory=dict)
    phones: dict[str, int] = field(default_factory=dict)

    def add(
        self, person: int, *, surname: str, emails: Iterable[str], phones: Iterable[str]
    ) -> None:
        for text in (_fold(surname), _ascii(surname), *map(_fold, emails)):
            self.texts[text] = person
        self.phones.update((_digits(phone)[-_SIGNIFICANT:], person) for phone in phones)

    def automaton(self) -> ahocorasick.Automaton:
        """Finds every text needle in one walk; built anew, as needles may have been added."""
        built = ahocorasick.Automaton()
        for text, person in self.texts.items():
            built.add_word(text, person)
        built.make_automaton()
        return built


def search(haystack: bytes, needles: Needles) -> set[int]:
    """The people of whom a trace was found."""
    if not needles.texts and not needles.phones:
        return set()
    return set(_search(haystack, needles, needles.automaton(), _DEPTH))


def _search(
    haystack: bytes, needles: Needles, automaton: ahocorasick.Automaton, depth: int
) -> Iterator[int]:
    text = _ESCAPE.sub(_unescape, haystack.decode("utf-8", errors="replace"))
    yield from (person for _, person in automaton.iter(_fold(text)))
    yield from _phones(text, needles.phones)
    if depth == 0:
        return
    for hidden in _decoded(haystack):
        yield from _search(hidden, needles, automaton, depth - 1)


def _decoded(haystack: bytes) -> Iterator[bytes]:
    """What lies in the haystack as hexadecimal or base64."""
    for run in _HEX.findall(haystack):
        yield binascii.unhexlify(run)
    for run in _BASE64.findall(haystack):
        if not _ONLY_HEX.fullmatch(run):
            # A run may begin in the middle of somebody else's text.
            yield from (_unbase64(run[offset:]) for offset in range(4))


def _phones(text: str, phones: Mapping[str, int]) -> Iterator[int]:
    for run in _PHONE.findall(text):
        digits = _digits(run)
        found = phones.get(digits[-_SIGNIFICANT:])
        if found is not None and digits[:-_SIGNIFICANT] in _PREFIXES:
            yield found


def _unescape(match: re.Match[str]) -> str:
    return chr(int(match.group(1), 16))


def _unbase64(run: bytes) -> bytes:
    clean = run.replace(b"-", b"+").replace(b"_", b"/").rstrip(b"=")
    whole = clean[: len(clean) // 4 * 4]
    rest = clean[len(whole) :]
    padded = whole + (rest + b"=" * (4 - len(rest)) if len(rest) > 1 else b"")
    return base64.b64decode(padded)


def _fold(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()


def _ascii(text: str) -> str:
    """Without accents, as file names and addresses often have it."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in plain if not unicodedata.combining(letter))


def _digits(phone: str) -> str:
    return "".join(character for character in phone if character.isdigit())
