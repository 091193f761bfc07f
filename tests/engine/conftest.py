"""Fixtures of the engine's tests."""

import pytest

from hnn_engine.kernels import cache as kernel_cache


@pytest.fixture(scope="session", autouse=True)
def compiled_loops() -> None:
    """Load the compiled loops once: what follows rollouts without them takes ten times as long. Tests of what happens
    without them take them away."""
    kernel_cache.build()
