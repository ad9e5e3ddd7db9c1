from __future__ import annotations

from simple_history.models import HistoricalRecords

from tests.bench.peers import columns


class Person(columns.Person):
    history = HistoricalRecords()

    class Meta:
        app_label = "with_simple_history"
