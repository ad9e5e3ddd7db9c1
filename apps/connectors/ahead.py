"""Reading the next page while the last one is taken in.

An ATS's limit is a number of requests in a window: what is not asked in it is lost. Taking a
page in (sealing, the ledger) and asking for the next one use different machines, so they are
done at the same time: one thread asks, and is never more than `depth` pages in front.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db import connections

T = TypeVar("T")
_POLL = 0.2
#: Seconds for which a reader nobody listens to any more is waited for.
_PATIENCE = 5.0


@dataclass(frozen=True, slots=True)
class _Item(Generic[T]):
    value: T | None = None
    error: BaseException | None = None
    last: bool = False


def read_ahead(start: Callable[[], Iterator[T]], *, depth: int = 2) -> Iterator[T]:
    """What `start()` yields, in its order; its exceptions are raised here.

    A caller that stops listening stops the reader after the request it has under way.
    """
    items: queue.Queue[_Item[T]] = queue.Queue(maxsize=depth)
    stopped = threading.Event()
    reader = threading.Thread(
        target=_read, args=(start, items, stopped), name="read-ahead", daemon=True
    )
    reader.start()
    try:
        while not (item := items.get()).last:
            if item.error is not None:
                raise item.error
            yield item.value  # type: ignore[misc]  # an item without error or end has a value
    finally:
        stopped.set()
        reader.join(_PATIENCE)


def _read(
    start: Callable[[], Iterator[T]], items: queue.Queue[_Item[T]], stopped: threading.Event
) -> None:
    try:
        for value in start():
            if not _hand_over(items, _Item(value), stopped):
                return
        _hand_over(items, _Item(last=True), stopped)
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is raised in the caller
        _hand_over(items, _Item(error=error), stopped)
    finally:
        connections.close_all()  # this thread's own, opened by the limiter


def _hand_over(items: queue.Queue[_Item[T]], item: _Item[T], stopped: threading.Event) -> bool:
    while not stopped.is_set():
        try:
            items.put(item, timeout=_POLL)
        except queue.Full:
            continue
        return True
    return False
