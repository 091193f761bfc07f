"""Fixtures of the tests of reliability."""

import pytest

from tests.reliability.tally import Tally


@pytest.fixture
def tally(request: pytest.FixtureRequest) -> Tally:
    """Counts what a test has tried; the counts of a long run are kept where `HNN_LAB_TALLY` says."""
    return Tally(request.node.name)
