"""The search for traces finds them in every disguise, and nothing else."""

import base64
import json

import pytest

from demo.traces import Needles, search

ADA = Needles()
ADA.add(
    7,
    surname="Quillféather",
    emails=("Ada.Quill@Example.org",),
    phones=("+33 6 39 98 12 34",),
)
NAME = "Quillféather".encode()


@pytest.mark.parametrize(
    "hidden",
    [
        b"a line about Quillf\xc3\xa9ather here",
        b"QUILLF\xc3\x89ATHER",
        json.dumps({"last_name": "Quillféather"}).encode(),
        b"cv_Ada_Quillfeather_2026.pdf",
        b"\\\\x" + NAME.hex().encode(),
        b"INSERT 00ff" + NAME.hex().upper().encode() + b"00",
        base64.b64encode(NAME),
        base64.b64encode(b"x" + NAME),
        base64.b64encode(b"xy" + NAME + b"z"),
        b"token=" + base64.urlsafe_b64encode(b"{'who': '" + NAME + b"'}"),
        base64.b64encode(json.dumps({"n": "Quillféather"}).encode()).hex().encode(),
        b"<ADA.QUILL@EXAMPLE.ORG>",
        b"tel:0639981234",
        b"06.39.98.12.34",
        b"0033 6 39-98-12-34",
    ],
)
def test_a_trace_is_found(hidden: bytes) -> None:
    assert search(hidden, ADA) == {7}


@pytest.mark.parametrize(
    "innocent",
    [
        b"2026-11-23 03:39:98.123456",
        b"quill feather",
        b"ada.quill@example.com",
        bytes(range(256)) * 40,
        b"deadbeef" * 500,
    ],
)
def test_nothing_else_is(innocent: bytes) -> None:
    assert search(innocent, ADA) == set()
