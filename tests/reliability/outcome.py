"""What may come of a damaged file: a recording that holds together, or one sentence."""

import time
import warnings
from collections import Counter
from collections.abc import Callable

import numpy as np
import scipy.linalg
import scipy.signal

from hnn_engine.errors import HnnLabError
from hnn_engine.experiment import recording_experiment
from hnn_engine.recordings import Recording

LOADED = (scipy.linalg, scipy.signal)  # by what reads, before its time is taken
LONGEST = 2.0  # seconds of the processor that a file may take
LONGEST_FOLLOWED = 8.0  # a film whose angles are read too, and the libraries for it loaded


def evaluated(
    read: Callable[[], Recording | None], counts: Counter[str], name: str, longest: float = LONGEST
) -> Recording | None:
    """Read a file, go on to the rows that models train on, and count what came of it.

    `read` may return None where it has read something that is not gone on with. An error that is no `HnnLabError`, a
    warning, a recording that does not hold together, and too much time fail.
    """
    began = time.process_time()
    counts["tried"] += 1
    recording, is_read = None, False
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            recording, is_read = read(), True
            counts["read"] += 1
            if recording is not None:
                check_recording(recording)
                data = recording_experiment(recording).dataset()
                assert all(np.isfinite(x).all() for x in (data.coords, data.dcoords)), name
                counts["datasets"] += 1
        except HnnLabError as error:
            message = str(error)
            assert message, name
            assert len(message.splitlines()) == 1, f"{name}: {message!r}"
            counts["without a dataset" if is_read else "refused"] += 1
    assert time.process_time() - began < longest, f"{name} took {time.process_time() - began:.1f} s"
    return recording


def check_recording(recording: Recording) -> None:
    """Fail where the parts of a recording do not fit together."""
    rows = len(recording.t)
    assert recording.t.shape == recording.trial.shape == (rows,)
    assert recording.coords.shape == (rows, 2)
    assert np.isfinite(recording.t).all()
    assert np.isfinite(recording.coords).all()
    turns = np.diff(recording.trial)
    assert recording.trial[0] == 0
    assert np.isin(turns, (0, 1)).all()
    assert (np.diff(recording.t)[turns == 0] > 0).all()
    assert ((recording.gaps > 0) & (recording.gaps < rows)).all()
    if recording.frames is not None:
        assert recording.frames.shape[0] == rows
        assert recording.frames.dtype == np.uint8
