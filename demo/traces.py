"""Searching for what is left of a person: in dumps, logs and files, in every usual disguise.

A haystack is decoded once and looked up in sets, so that thousands of people cost no more than
one. Found are surnames, e-mail addresses and phone numbers written in UTF-8, JSON escapes,
hexadecimal or base64, in any case, phones with any separators.
"""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

_ESCAPE = re.compile(r"\\+u([0-9a-fA-F]{4})")
_WORD = re.compile(r"[^\W\d_]{4,}")
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_PHONE = re.compile(r"\+?\d(?:[\s().-]{0,2}\d){7,}")
_HEX = re.compile(rb"(?:[0-9a-fA-F]{2}){8,}")
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{8,}={0,2}")
#: Long and hexadecimal throughout: read as hexadecimal only.
_ONLY_HEX = re.compile(rb"[0-9a-fA-F]{32,}")
#: A value sealed inside a value inside a value: nobody nests deeper.
_DEPTH = 2


@dataclass(slots=True)
class Needles:
    """Whom to look for: each needle leads to the number of its person."""

    words: dict[str, int] = field(default_factory=dict)
    emails: dict[str, int] = field(default_factory=dict)
    phones: dict[str, int] = field(default_factory=dict)

    def add(
        self, person: int, *, surname: str, emails: Iterable[str], phones: Iterable[str]
    ) -> None:
        for spelling in (_fold(surname), _ascii(surname)):
            self.words.update((part, person) for part in _WORD.findall(spelling))
        self.emails.update((_fold(email), person) for email in emails)
        self.phones.update((_significant(phone), person) for phone in phones)


def search(haystack: bytes, needles: Needles) -> set[int]:
    """The people of whom a trace was found."""
    return set(_search(haystack, needles, _DEPTH))


def _search(haystack: bytes, needles: Needles, depth: int) -> Iterator[int]:
    yield from _look(haystack.decode("utf-8", errors="replace"), needles)
    if depth == 0:
        return
    for run in _HEX.findall(haystack):
        yield from _search(binascii.unhexlify(run), needles, depth - 1)
    for run in _BASE64.findall(haystack):
        if _ONLY_HEX.fullmatch(run):
            continue
        for offset in range(4):  # a run may begin in the middle of somebody else's text
            yield from _search(_unbase64(run[offset:]), needles, depth - 1)


def _look(text: str, needles: Needles) -> Iterator[int]:
    plain = _fold(_ESCAPE.sub(lambda match: chr(int(match.group(1), 16)), text))
    for word in _WORD.findall(plain):
        if word in needles.words:
            yield needles.words[word]
    for email in _EMAIL.findall(plain):
        if email in needles.emails:
            yield needles.emails[email]
    for run in _PHONE.findall(plain):
        found = needles.phones.get(_significant(run))
        if found is not None:
            yield found


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


def _significant(phone: str) -> str:
    """The last nine digits: the same however the country and its zero are written."""
    return "".join(character for character in phone if character.isdigit())[-9:]
