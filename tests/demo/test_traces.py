"""The search for traces finds them in every disguise, and nothing else."""

import base64
import json
from collections.abc import Callable

import pytest

from demo.traces import Needles, search

ADA = Needles()
ADA.add(
    7,
    surname="Quillféather",
    emails=("Ada.Quill@Example.org",),
    phones=("+33 6 39 98 12 34",),
)
#: A British number has ten significant digits.
ADA.add(8, phones=("07700 900123",))
NAME = "Quillféather".encode()
#: How one and the same trace may lie somewhere.
TRACES = {
    "surname": "Quillféather",
    "surname in lower case": "quillféather",
    "surname without its accent": "QUILLFEATHER",
    "e-mail": "Ada.Quill@Example.org",
    "e-mail in lower case": "ada.quill@example.org",
    "phone": "+33 6 39 98 12 34",
    "phone as digits only": "33639981234",
    "phone in a row": "12\t0639981234\t2026-11-23",
}


def _escaped(text: str) -> str:
    return "".join(f"\\u{ord(letter):04x}" for letter in text)


DISGUISES: dict[str, Callable[[str], bytes]] = {
    "UTF-8": str.encode,
    "JSON": lambda text: json.dumps({"a": [text]}).encode(),
    "JSON escapes": lambda text: _escaped(text).encode(),
    "JSON escapes, escaped again": lambda text: json.dumps(_escaped(text)).encode(),
    "hex": lambda text: b"\\\\x" + text.encode().hex().encode(),
    "upper hex": lambda text: text.encode().hex().upper().encode(),
    "hex after a digit": lambda text: b"7" + text.encode().hex().encode(),
    "base64": lambda text: base64.b64encode(text.encode()),
    "base64, second byte": lambda text: base64.b64encode(b"x" + text.encode() + b"z"),
    "base64, third byte": lambda text: base64.b64encode(b"xy" + text.encode() + b"z"),
    "base64 for addresses": lambda text: base64.urlsafe_b64encode(b"{'a': '" + text.encode()),
    "JSON in base64": lambda text: base64.b64encode(json.dumps(text).encode()),
    "base64 in hex": lambda text: base64.b64encode(text.encode()).hex().encode(),
}


@pytest.mark.parametrize("disguise", DISGUISES.values(), ids=DISGUISES)
@pytest.mark.parametrize("trace", TRACES.values(), ids=TRACES)
def test_every_trace_is_found_in_every_disguise(
    trace: str, disguise: Callable[[str], bytes]
) -> None:
    assert search(b"before " + disguise(trace) + b"\tafter", ADA) == {7}


@pytest.mark.parametrize(
    "hidden",
    [
        b"a line about Quillf\xc3\xa9ather here",
        b"QUILLF\xc3\x89ATHER",
        b"cv_Ada_Quillfeather_2026.pdf",
        b"INSERT 00ff" + NAME.hex().upper().encode() + b"00",
        b"token=" + base64.urlsafe_b64encode(b"{'who': '" + NAME + b"'}"),
        b"<ADA.QUILL@EXAMPLE.ORG>",
    ],
)
def test_a_name_is_found_among_others(hidden: bytes) -> None:
    assert search(hidden, ADA) == {7}


@pytest.mark.parametrize(
    "hidden",
    [
        "tel:0639981234",
        "06.39.98.12.34",
        "0033 6 39-98-12-34",
        "+33 (0) 6 39 98 12 34",
        "(+33)639981234",
        "639981234",
        "06 39 98 12 34",
        "06‑39‑98‑12‑34",
        "06\u202f39\u202f98\u202f12\u202f34",
        "phone0639981234",
        "0639981234cafe",
    ],
)
def test_a_phone_is_found_however_it_is_written(hidden: str) -> None:
    assert search(hidden.encode(), ADA) == {7}


@pytest.mark.parametrize(
    "hidden",
    [
        b"12\t0639981234\t2026-11-23",
        b"0639981234\t42",
        b"42\t0639981234",
        b"2026-11-23 0639981234",
        b"0639981234 2026-11-23 12:00:00.123456+00",
        b"0199a3c4-1b2d-7abc-8def-001122334455\t0639981234\t\\N",
        b"0199a3c4-1b2d-7abc-8def-001122334455 0639981234",
        b"12\n0639981234\n42",
        b"12 34 0639981234 56",
        b"0639981235 0639981234 0639981236",
        b"12,0639981234,42",
        b'[12, "0639981234", 42]',
        b"1179500000000639981234000",
    ],
)
def test_a_number_beside_it_does_not_hide_a_phone(hidden: bytes) -> None:
    assert search(hidden, ADA) == {7}


@pytest.mark.parametrize("hidden", [b"42\t+44 7700 900123", b"447700900123 1", b"07700 900123 12"])
def test_a_phone_of_another_length_is_found(hidden: bytes) -> None:
    assert search(hidden, ADA) == {8}


@pytest.mark.parametrize(
    "innocent",
    [
        b"2026-11-23 03:39:98.123456",
        b"quill feather",
        b"ada.quill@example.com",
        bytes(range(256)) * 40,
        b"deadbeef" * 500,
        # Of two rows, two columns, two lines: never one number.
        b"06399\t81234",
        b"06399\n81234",
        b"06 39 98\t12 34",
        b"06 39 98\r\n12 34",
        # One digit away, cut short, of another number's end.
        b"0639981235 0639981233",
        b"063998123",
        b"7900900123 770090012",
        # Digits of an id or a digest are no number.
        b"0199a3c4-1b2d-7639-9812-34abcdef0011",
        b"c0ffee0639981234c0ffee0639981234",
    ],
)
def test_nothing_else_is(innocent: bytes) -> None:
    assert search(innocent, ADA) == set()


def test_only_what_was_added_is_looked_for() -> None:
    phone = Needles()
    phone.add(1, phones=("06 39 98 12 34",))
    assert search(b"", phone) == set()
    assert search(b"anything", Needles()) == set()
    assert search(NAME + b" 0639981234", phone) == {1}


def test_a_number_too_short_to_be_told_from_others_is_refused() -> None:
    with pytest.raises(ValueError, match="significant digits"):
        Needles().add(1, phones=("12 34 56",))
