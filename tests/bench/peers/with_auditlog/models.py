from __future__ import annotations

from auditlog.registry import auditlog

from tests.bench.peers import columns


class Person(columns.Person):
    class Meta:
        app_label = "with_auditlog"


auditlog.register(Person)
