"""What tests of this room share; a file may have its own legal entity of the same name."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from apps.core import scope
from tests import cast
from tests.cast import Company
from tests.post import PostOffice, open_office
from tests.subjects.steps import take


@pytest.fixture
def nordlys() -> Iterator[Company]:
    """Ada and another candidate."""
    company = cast.company()
    with scope.enter(company.id):
        take(cast.csv_connection(), cast.ADA, cast.candidate(1))
        yield company


@pytest.fixture
def office(settings: Settings) -> Iterator[PostOffice]:
    with open_office(settings) as found:
        yield found
