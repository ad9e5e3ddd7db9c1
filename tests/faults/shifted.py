"""Celery on a machine whose clock is some days off: `python -m tests.faults.shifted DAYS …`."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta

import time_machine

if __name__ == "__main__":
    wrong = datetime.now(UTC) + timedelta(days=int(sys.argv.pop(1)))
    time_machine.travel(wrong, tick=True).start()
    from celery.__main__ import main

    main()
