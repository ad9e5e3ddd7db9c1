"""Reading ahead: the same pages in the same order, a little earlier, and never for nobody."""

import threading
import time
from collections.abc import Iterator

import pytest

from apps.connectors.ahead import read_ahead
from apps.connectors.errors import ConnectorError

from .greenhouse_caller import until


def test_everything_comes_in_its_order() -> None:
    assert list(read_ahead(lambda: iter(range(100)))) == list(range(100))


def test_nothing_is_nothing() -> None:
    assert list(read_ahead(lambda: iter([]))) == []


def test_the_next_is_read_while_the_last_is_taken_in() -> None:
    read: list[int] = []

    def counting() -> Iterator[int]:
        for number in range(5):
            read.append(number)
            yield number

    pages = read_ahead(counting, depth=1)
    assert next(pages) == 0
    until(lambda: 1 in read)
    assert list(pages) == [1, 2, 3, 4]


def test_it_is_never_further_in_front_than_told() -> None:
    read: list[int] = []

    def counting() -> Iterator[int]:
        for number in range(50):
            read.append(number)
            yield number

    pages = read_ahead(counting, depth=2)
    next(pages)
    time.sleep(0.3)
    assert len(read) <= 4, "one given, two waiting, one in hand"
    assert list(pages)[-1] == 49


def test_a_failure_comes_after_what_was_read_before_it() -> None:
    def failing() -> Iterator[int]:
        yield 1
        raise ConnectorError("rate_limited", retry_after=3)

    pages = read_ahead(failing)
    assert next(pages) == 1
    with pytest.raises(ConnectorError) as caught:
        next(pages)
    assert caught.value.retry_after == 3


def test_when_nobody_listens_any_more_nothing_is_read() -> None:
    read: list[int] = []

    def endless() -> Iterator[int]:
        while True:
            read.append(1)
            yield 1

    pages = read_ahead(endless)
    next(pages)
    pages.close()  # type: ignore[attr-defined]  # a generator, as `for` closes it
    assert not [one for one in threading.enumerate() if one.name == "read-ahead"]
    before = len(read)
    time.sleep(0.3)
    assert len(read) == before
