#!/usr/bin/env python3
"""Is this certificate what Lethe signed? Needs Python 3.9 or later and nothing else.

    python3 verify_certificate.py CERTIFICATE KEY

CERTIFICATE is the file that Lethe gave out. KEY is the ledger's key, one line: name, key id and
Ed25519 public key, joined by plus. Have it from somewhere else than the certificate: the DPO, an
earlier certificate, the legal entity's page. Exit code 0: every byte is as it was signed. 1: not.

The file is a signed note (https://c2sp.org/signed-note): a line that names the format, a line of
JSON, an empty line, a signature. The Ed25519 check follows RFC 8032, section 5.1.7.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

Point = tuple[int, int, int, int]

FORMATS = (
    "lethe-erasure-certificate/5",
    "lethe-erasure-certificate/4",
    "lethe-subject-certificate/2",
    "lethe-subject-certificate/1",
)
DASH = "\u2014 "

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)


class Refused(Exception):
    """Why the certificate proves nothing."""


def decode(text: str) -> bytes:
    """Base64 in its one spelling: another one that means the same is a changed byte."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Refused("a part that should be base64 is not") from None
    if base64.b64encode(raw).decode() != text:
        raise Refused("base64 in another spelling than the one that was written")
    return raw


def key_of(line: str) -> tuple[str, bytes, bytes]:
    """(name, key id, public key) of a verifier key."""
    parts = line.strip().split("+", 2)
    if len(parts) != 3:
        raise Refused("the key is not name+id+base64")
    name, material = parts[0], decode(parts[2])
    identity = hashlib.sha256(name.encode() + b"\n" + material).digest()[:4]
    if len(material) != 33 or material[0] != 1 or identity.hex() != parts[1]:
        raise Refused("the key is not an Ed25519 key, or its id is not its own")
    return name, identity, material[1:]


def point(raw: bytes) -> Point:
    """A curve point (X, Y, Z, T) from its 32 bytes. Raises Refused."""
    y = int.from_bytes(raw, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    if y >= P:
        raise Refused("no point of the curve")
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if (x * x - square) % P or (x == 0 and sign):
        raise Refused("no point of the curve")
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


def add(one: Point, other: Point) -> Point:
    a = (one[1] - one[0]) * (other[1] - other[0]) % P
    b = (one[1] + one[0]) * (other[1] + other[0]) % P
    c = 2 * one[3] * other[3] * D % P
    d = 2 * one[2] * other[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(factor: int, base: Point) -> Point:
    total: Point = (0, 1, 1, 0)
    while factor:
        if factor & 1:
            total = add(total, base)
        base = add(base, base)
        factor >>= 1
    return total


def signed_by(public: bytes, signature: bytes, message: bytes) -> bool:
    """Whether this key made this signature of this message."""
    if len(signature) != 64:
        return False
    scalar = int.from_bytes(signature[32:], "little")
    if scalar >= L:
        return False
    key, nonce = point(public), point(signature[:32])
    digest = hashlib.sha512(signature[:32] + public + message).digest()
    right = add(nonce, times(int.from_bytes(digest, "little") % L, key))
    base_y = 4 * pow(5, P - 2, P) % P
    left = times(scalar, point(base_y.to_bytes(32, "little")))
    return (left[0] * right[2] - right[0] * left[2]) % P == 0 and (
        left[1] * right[2] - right[1] * left[2]
    ) % P == 0


def content_of(raw: bytes, key_line: str) -> dict[str, Any]:
    """What the certificate says, once every byte of it is shown to be signed. Raises Refused."""
    name, identity, public = key_of(key_line)
    try:
        text, empty, last = raw.decode("utf-8").rpartition("\n\n")
    except UnicodeDecodeError:
        raise Refused("the file is not text") from None
    start = DASH + name + " "
    if not empty or not last.endswith("\n") or not last.startswith(start) or "\n" in last[:-1]:
        raise Refused("the file does not end in one signature by this key's name")
    mark = decode(last[len(start) : -1])
    text += "\n"
    if mark[:4] != identity or not signed_by(public, mark[4:], text.encode("utf-8")):
        raise Refused("the signature is not this key's, or a byte was changed")
    lines = text.split("\n")
    if len(lines) != 3 or lines[0] not in FORMATS:
        raise Refused("signed, but no certificate that this program knows")
    found: dict[str, Any] = json.loads(lines[1])
    return found


def summary(content: dict[str, Any]) -> str:
    outcomes: dict[str, int] = {}
    for step in content["steps"]:
        outcomes[step["outcome"]] = outcomes.get(step["outcome"], 0) + 1
    what = content.get("plan") or content.get("subject")
    counted = ", ".join(f"{n} {state}" for state, n in sorted(outcomes.items()))
    until = content["irreversible"]["by"] or "not yet known"
    return (
        f"{content['format']} {what}\n{counted}\n"
        f"effective {content['effective']}, irreversible everywhere by {until}"
    )


def main(arguments: list[str]) -> int:
    if len(arguments) != 2:
        sys.stderr.write(__doc__ or "")
        return 2
    try:
        content = content_of(Path(arguments[0]).read_bytes(), arguments[1])
    except (OSError, Refused) as error:
        sys.stderr.write(f"NOT PROVEN: {error}\n")
        return 1
    sys.stdout.write(f"Every byte is as it was signed.\n{summary(content)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
