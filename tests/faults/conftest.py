"""The house of the journeys, as fixtures."""

from tests.journeys.house import fake, house

__all__ = ["fake", "house"]
