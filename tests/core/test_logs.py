"""The last net under logs: nobody's address or number, in a message or a traceback."""

import logging

import pytest

from apps.core.logs import RedactPeople


def _written(record: logging.LogRecord) -> str:
    assert RedactPeople().filter(record)
    return logging.Formatter("%(message)s").format(record)


@pytest.mark.parametrize("person", ["zelda.quux@example.org", "+33 6 39 98 00 01", "0639980001"])
def test_a_message_names_nobody(person: str) -> None:
    record = logging.LogRecord("x", logging.INFO, __file__, 1, "about %s", (person,), None)
    assert person not in _written(record)


@pytest.mark.parametrize("person", ["zelda.quux@example.org", "+33 6 39 98 00 01"])
def test_a_traceback_names_nobody_and_still_says_where(person: str) -> None:
    try:
        raise ValueError(f"not a date for {person}")
    except ValueError as error:
        told = (type(error), error, error.__traceback__)
        record = logging.LogRecord("x", logging.ERROR, __file__, 1, "failed", None, told)
    text = _written(record)
    assert person not in text
    assert "ValueError: not a date for [" in text
    assert "test_logs.py" in text
