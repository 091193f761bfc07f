"""Sessions and runs that version 0.1.0 wrote (commit 0c32566) open, and their weights are the same to the last bit."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from hnn_engine.records import Run, load_run, load_session, save_session

FOLDER = Path(__file__).parent / "old_files"
WEIGHTS: dict[str, dict[str, str]] = json.loads((FOLDER / "weights.json").read_text())
SESSIONS = [name for name in WEIGHTS if name.endswith(".hnnlab")]
RUNS = [name for name in WEIGHTS if name not in SESSIONS]


def digest(run: Run) -> str:
    """Return a digest of a run's weights: names, types, shapes and bytes."""
    found = hashlib.sha256()
    for name in sorted(run.snapshot.weights):
        weight = np.ascontiguousarray(run.snapshot.weights[name])
        found.update(f"{name} {weight.dtype.str} {weight.shape}".encode())
        found.update(weight.tobytes())
    return found.hexdigest()


def test_there_are_old_files_of_each_kind() -> None:
    assert SESSIONS == ["pendulum.hnnlab", "pixel-pendulum.hnnlab", "recording.hnnlab"]
    assert len(RUNS) == 2
    models = {run.snapshot.model for run in load_session(FOLDER / "pendulum.hnnlab").runs}
    assert models == {"hnn", "baseline", "second-order", "separable-hnn"}


@pytest.mark.parametrize("name", SESSIONS)
def test_an_old_session_opens_with_the_same_weights_and_can_be_saved(name: str, tmp_path: Path) -> None:
    session = load_session(FOLDER / name)
    assert {run.id: digest(run) for run in session.runs} == WEIGHTS[name]
    save_session(session, tmp_path / name)
    assert {run.id: digest(run) for run in load_session(tmp_path / name).runs} == WEIGHTS[name]


@pytest.mark.parametrize("name", RUNS)
def test_an_old_run_opens_with_the_same_weights(name: str) -> None:
    run = load_run(FOLDER / name)
    assert {run.id: digest(run)} == WEIGHTS[name]
