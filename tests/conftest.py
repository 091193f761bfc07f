"""For every test: no display, one thread a matrix product, and one heap for all threads, as the program has it."""

import atexit
import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from app.workers.malloc_trim import share_one_heap

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
share_one_heap()
# A test is right or wrong, however busy the machine is.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

# Nobody's own data folder is touched: not by a test, nor by a program that it starts.
_DATA = Path(tempfile.mkdtemp(prefix="hnn-lab-tests-"))
atexit.register(shutil.rmtree, _DATA, ignore_errors=True)
os.environ["HNN_LAB_DATA"] = str(_DATA / "first")
_numbers = itertools.count()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "soak: some random use; leave it out with -m 'not soak'")
    config.addinivalue_line("markers", "long: the long part of tests/reliability, run by -m long alone")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(config: pytest.Config, specs: Any) -> None:
    """Compile the loops before the workers begin: each would else do so by itself."""
    subprocess.run([sys.executable, "-m", "hnn_engine.kernels"], check=False)


@pytest.fixture(scope="session", autouse=True)
def signals_as_at_a_prompt() -> Iterator[None]:
    """Let signals be heard: workers of pytest-xdist are deaf to Ctrl-C, and what `nohup` begins is to SIGHUP."""
    meant = {signal.SIGINT: signal.default_int_handler}
    if hasattr(signal, "SIGHUP"):
        meant[signal.SIGHUP] = signal.SIG_DFL
    before = {number: signal.signal(number, handler) for number, handler in meant.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(autouse=True)
def data_folder(monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test a data folder of its own, which is made when something is kept there."""
    folder = _DATA / str(next(_numbers))
    monkeypatch.setenv("HNN_LAB_DATA", str(folder))
    return folder
