"""Searching for what is left of a person: in dumps, logs and files, in every usual disguise.

A haystack is decoded once and walked once, so that thousands of people cost little more than
one (Aho and Corasick 1975). Found are surnames, e-mail addresses and phone numbers written in
UTF-8, JSON escapes, hexadecimal or base64, in any case.

Of a phone number the significant digits are looked for, at every place of every run of digits:
what stands before or after them (a country code, a date, the next number) does not hide them.
Separators join digits as people write them, on one line; a tab or the end of a line parts them.
"""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import ahocorasick

_ESCAPE = re.compile(r"\\+u([0-9a-fA-F]{4})")
#: What people write between the digits of one number; never a tab or the end of a line.
_SEPARATORS = " .()/\u00a0\u2010\u2011\u2012\u2013\u202f-"
#: The shortest significant number: of France, of nine digits.
_SHORTEST = 9
_DIGITS = re.compile(rf"[0-9](?:[{_SEPARATORS}]{{0,3}}[0-9]){{{_SHORTEST - 1},}}")
_JOIN = dict.fromkeys(map(ord, _SEPARATORS))
#: Ids and digests are full of digits, and a few in a million would look like somebody's number.
_OPAQUE = re.compile(
    r"(?<![0-9a-fA-F])(?:[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
    r"|(?=[0-9]*[a-fA-F])[0-9a-fA-F]{32,})(?![0-9a-fA-F])"
)
#: What stands before the significant digits: an international prefix with the country, a zero.
_BEFORE = re.compile(r"(?:00)?(?:33|44)?0?(?=[0-9]{9,10}$)")
_HEX = re.compile(rb"[0-9a-fA-F]{16,}")
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{8,}={0,2}")
#: Long and hexadecimal throughout: read as hexadecimal only.
_ONLY_HEX = re.compile(rb"[0-9a-fA-F]{32,}")
#: A value sealed inside a value inside a value: nobody nests deeper.
_DEPTH = 2


@dataclass(slots=True)
class Needles:
    """Whom to look for: each needle leads to the number of its person."""

    texts: dict[str, int] = field(default_factory=dict)
    phones: dict[str, int] = field(default_factory=dict)

    def add(
        self,
        person: int,
        *,
        surname: str = "",
        emails: Iterable[str] = (),
        phones: Iterable[str] = (),
    ) -> None:
        names = {_fold(surname), _ascii(surname)} if surname else set()
        for text in (*names, *map(_fold, emails)):
            self.texts[text] = person
        self.phones.update((_significant(phone), person) for phone in phones)


@dataclass(frozen=True, slots=True)
class _Finder:
    """Finds every needle of a kind in one walk."""

    texts: ahocorasick.Automaton
    phones: ahocorasick.Automaton


def search(haystack: bytes, needles: Needles) -> set[int]:
    """The people of whom a trace was found."""
    finder = _Finder(_automaton(needles.texts), _automaton(needles.phones))
    return set(_search(haystack, finder, _DEPTH))


def _automaton(words: dict[str, int]) -> ahocorasick.Automaton:
    built = ahocorasick.Automaton()
    for word, person in words.items():
        built.add_word(word, person)
    built.make_automaton()
    return built


def _search(haystack: bytes, finder: _Finder, depth: int) -> Iterator[int]:
    text = _ESCAPE.sub(_unescape, haystack.decode("utf-8", errors="replace"))
    yield from _found(finder.texts, _fold(text))
    yield from _found(finder.phones, _numbers(text))
    if depth == 0:
        return
    for hidden in _decoded(haystack):
        yield from _search(hidden, finder, depth - 1)


def _found(automaton: ahocorasick.Automaton, text: str) -> Iterator[int]:
    # Without any word it is no automaton, and refuses to search.
    if text and len(automaton):
        yield from (person for _, person in automaton.iter(text))


def _numbers(text: str) -> str:
    """Every run of digits long enough for a number, its separators taken out, one a line."""
    if _DIGITS.search(text) is None:
        return ""
    return "\n".join(_DIGITS.findall(_OPAQUE.sub("\n", text))).translate(_JOIN)


def _decoded(haystack: bytes) -> Iterator[bytes]:
    """What lies in the haystack as hexadecimal or base64."""
    for run in _HEX.findall(haystack):
        # A run may begin in the middle of a byte, after a digit that is none of its own.
        yield from (_unhex(run[offset:]) for offset in range(2))
    for run in _BASE64.findall(haystack):
        if not _ONLY_HEX.fullmatch(run):
            # A run may begin in the middle of somebody else's text.
            yield from (_unbase64(run[offset:]) for offset in range(4))


def _unescape(match: re.Match[str]) -> str:
    return chr(int(match.group(1), 16))


def _unhex(run: bytes) -> bytes:
    return binascii.unhexlify(run[: len(run) // 2 * 2])


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
    """The digits that stay the same however the number is written. Raises ValueError."""
    digits = _BEFORE.sub("", re.sub(r"[^0-9]", "", phone), count=1)
    if len(digits) < _SHORTEST:
        raise ValueError(f"a phone number of fewer than {_SHORTEST} significant digits")
    return digits
