"""The longest table that is read costs no more than a few times what numpy's own reader takes for it."""

import argparse

import pytest

from benchmarks import table
from hnn_engine.limits import MOST_ROWS
from tests.reliability.tally import Tally

TIMES = 4.0  # numpy.loadtxt's seconds for the same columns of the same file, which both read by turns


@pytest.mark.long
@pytest.mark.timeout(900)
def test_two_million_rows_are_read_in_less_than_four_times_what_loadtxt_takes(tally: Tally) -> None:
    found = table.measure(argparse.Namespace(runs=1))
    assert found["rows"] == MOST_ROWS == 2_000_000
    for name in table.CASES:
        ratio = found[name]["reading_s"] / found[name]["loadtxt_s"]
        tally.add(f"2 million rows read ({name.replace('_', ' ')}), over numpy.loadtxt", worst_ratio=round(ratio, 2))
        assert ratio < TIMES, f"{name}: {found[name]}"
