"""For every test: no display, and one thread a matrix product, as the program has it."""

import os

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "soak: a minute of random use; leave it out with -m 'not soak'")
