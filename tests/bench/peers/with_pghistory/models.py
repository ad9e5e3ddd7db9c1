from __future__ import annotations

import pghistory

from tests.bench.peers import columns


@pghistory.track()
class Person(columns.Person):
    class Meta:
        app_label = "with_pghistory"
