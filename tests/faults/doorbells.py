"""The Celery application of the fault tests: Lethe's own, with one slow task and no beat."""

import os
import time
from pathlib import Path

from config.celery import app

app.conf.beat_schedule = {}
# Short, so that a test sees the second delivery; the task takes less.
app.conf.broker_transport_options = {
    **app.conf.broker_transport_options,
    "visibility_timeout": 6,
    # Redis looks for messages of dead workers only now and then.
    "unacked_restore_interval": 1,
}


@app.task(name="tests.slow")
def slow(seconds: float) -> None:
    journal = Path(os.environ["LETHE_TEST_JOURNAL"])
    with journal.open("a") as lines:
        lines.write("began\n")
    time.sleep(seconds)
    with journal.open("a") as lines:
        lines.write("ended\n")
