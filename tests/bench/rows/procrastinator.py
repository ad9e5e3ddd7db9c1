"""A worker of procrastinate's, which takes jobs whose effect is one row.

python -m tests.bench.rows.procrastinator DSN

Told ["defer", n] it makes n jobs; told ["work"] it works until nothing waits.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time

import psycopg
from procrastinate import App, PsycopgConnector
from procrastinate.types import JSONDict
from psycopg_pool import AsyncConnectionPool

from tests.bench.rows import processes

#: Jobs at a time in one worker: more made it no faster here.
CONCURRENCY = 8


async def main(dsn: str) -> None:
    logging.disable(logging.CRITICAL)
    app = App(connector=PsycopgConnector(conninfo=dsn))
    async with (
        app.open_async(),
        AsyncConnectionPool(
            dsn, min_size=CONCURRENCY, open=False, kwargs={"autocommit": True}
        ) as pool,
    ):

        @app.task
        async def effect(job: int) -> None:
            async with pool.connection() as connection:
                await connection.execute("INSERT INTO bench_effect (job) VALUES (%s)", [job])

        for word, *rest in processes.listen():
            began = time.perf_counter()
            if word == "defer":
                made: list[JSONDict] = [{"job": n} for n in range(rest[0])]
                await effect.batch_defer_async(*made)
            else:
                await app.run_worker_async(
                    wait=False, concurrency=CONCURRENCY, install_signal_handlers=False
                )
            processes.say(time.perf_counter() - began)


def apply_schema(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as it:
        it.execute("CREATE TABLE bench_effect (job bigint NOT NULL)")
    app = App(connector=PsycopgConnector(conninfo=dsn))

    async def apply() -> None:
        async with app.open_async():
            await app.schema_manager.apply_schema_async()

    asyncio.run(apply())


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
