from __future__ import annotations

from tests.bench.peers import columns


class Person(columns.Person):
    class Meta:
        app_label = "with_lethe"
