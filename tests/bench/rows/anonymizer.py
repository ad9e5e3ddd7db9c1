"""django-gdpr-assist anonymising people when told how many: in one transaction, as it is fastest.

python -m tests.bench.rows.anonymizer
"""

from __future__ import annotations

import time

import django

django.setup()

from django.db import transaction  # noqa: E402 - after the settings

from tests.bench.peers.with_gdpr_assist.models import Person  # noqa: E402 - after the settings
from tests.bench.rows import processes  # noqa: E402 - after the settings


def main() -> None:
    """Answers people per second. Everybody once: it skips whom it remembers."""
    done = 0
    for (count,) in processes.listen():
        ids = list(Person.objects.order_by("pk").values_list("pk", flat=True)[done : done + count])
        began = time.perf_counter()
        with transaction.atomic():
            Person.objects.filter(pk__in=ids).anonymise()  # type: ignore[attr-defined]  # the package's
        took = time.perf_counter() - began
        done += count
        left = Person.objects.filter(pk__in=ids, last_name__startswith="Tarnholt").count()
        if left:
            raise AssertionError(f"{left} people kept their name")
        processes.say(count / took)


if __name__ == "__main__":
    main()
