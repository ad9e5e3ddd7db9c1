"""Creates rows under an audit package, or none, with that package's settings.

python -m tests.bench.rows.creator APP
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any, Final

from django.apps import apps
from django.db import connection, transaction

from tests.bench.rounds import seconds
from tests.bench.rows import processes

PERSON: Final[dict[str, Any]] = {
    "first_name": "Ada",
    "last_name": "Quillfeather",
    "email": "ada.quillfeather@example.org",
    "phone": "+33 6 39 98 00 01",
    "city": "Nantes",
    "state": "rejected",
    "applied_on": date(2026, 1, 5),
    "created_at": datetime(2026, 1, 5, 9, tzinfo=UTC),
}


def serve(create: Callable[[], object]) -> None:
    """Rows a second, of as many as it is told, in one transaction or with a commit each."""
    connection.ensure_connection()
    for mode, count in processes.listen():
        run = in_one if mode == "one" else each_alone
        processes.say(count / seconds(run, create, count))


def in_one(create: Callable[[], object], count: int) -> None:
    with transaction.atomic():
        for _ in range(count):
            create()


def each_alone(create: Callable[[], object], count: int) -> None:
    """A row and whatever is written about it become true together, on every side."""
    for _ in range(count):
        with transaction.atomic():
            create()


if __name__ == "__main__":
    Person = apps.get_model(sys.argv[1], "Person")
    serve(lambda: Person._default_manager.create(**PERSON))
