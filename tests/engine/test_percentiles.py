"""Percentiles are numpy's, without what numpy loads for them."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hnn_engine.percentiles import percentile, percentiles

ROOT = Path(__file__).parents[2]


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40), st.lists(st.floats(0.0, 100.0), min_size=1, max_size=5))
def test_they_are_numpy_s(values: list[float], shares: list[float]) -> None:
    assert percentiles(values, shares) == pytest.approx(list(np.percentile(values, shares)), rel=1e-9, abs=1e-9)


def test_of_any_shape_and_with_what_is_not_finite() -> None:
    assert percentile(np.arange(12.0).reshape(3, 4), 50.0) == 5.5
    assert np.isnan(percentile([], 50.0))
    assert np.isnan(percentile([1.0, np.nan], 50.0))
    assert percentile([0.0, np.inf], 0.0) == 0.0


def test_the_drawings_of_the_systems_load_no_masked_arrays() -> None:
    code = (
        "import sys; from hnn_engine.systems import SYSTEMS; "
        "[system().geometry(system().default_start[: system().dof]) for system in SYSTEMS.values()]; "
        "sys.exit('numpy.ma' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False, timeout=120).returncode == 0
