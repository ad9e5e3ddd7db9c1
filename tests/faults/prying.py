"""Somebody with all that an installation has: its databases, its key files, its root key. Can they
read a person, or tell whether an address is theirs? And what do its doors answer?

    python -m tests.faults.prying CONTROLLER SUBJECT EMAIL   → one line of JSON
"""

import json
import os
import sys
from uuid import UUID

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.test")

import django

django.setup()

from django.test import Client  # noqa: E402 - after the setup, as all that follows

from apps.core import crypto, scope  # noqa: E402 - see above
from apps.core.errors import DomainError  # noqa: E402 - see above
from apps.keys import services as keys  # noqa: E402 - see above
from apps.subjects import sealing  # noqa: E402 - see above
from apps.subjects.models import Record, Subject  # noqa: E402 - see above


def readable(subject_id: UUID) -> bool:
    """Whether the person's addresses open."""
    subject = Subject.objects.get(pk=subject_id)
    try:
        key = keys.open_one(subject_id)
        return bool(sealing.open_identity(subject, key).emails)
    except (DomainError, crypto.CryptoError):
        return False


def testable(email: str) -> bool:
    """Whether the address is known to be somebody's."""
    try:
        return bool(keys.find("email", [email]))
    except DomainError:
        return False


def main(controller: str, subject: str, email: str) -> None:
    with scope.enter(UUID(controller)):
        records = Record.objects.filter(subject_id=subject).values_list("state", flat=True)
        found = {
            "readable": readable(UUID(subject)),
            "testable": testable(email),
            "records": sorted(records),
        }
    browser = Client(headers={"host": "127.0.0.1"})
    found["answers"] = {
        path: browser.get(path).status_code
        for path in ("/", "/api/v1/records", "/healthz", "/readyz")
    }
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
