"""A cache of finished fits, kept as runs in a folder: an interrupted reproduction resumes where it stopped.

A fit is used again only where its experiment is the same and the same sources made it, on the same libraries. Its
folder is named by a digest of all that, so that nothing that is no longer true is ever found.
"""

import hashlib
import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from hnn_engine.environment import versions
from hnn_engine.errors import RecordError
from hnn_engine.experiment import to_json
from hnn_engine.fitting.backend_choice import COMPILED
from hnn_engine.records import Run, check_folder, check_target, is_run_folder, load_run, write_run
from hnn_engine.reproduction.fit_plan import PlannedFit

_ENGINE = Path(__file__).parents[1]
# These do not change the result of a fit.
_IRRELEVANT = {
    "cli",
    "reproduction",
    "tasks.py",
    "presets.py",
    "environment.py",
    "user_folders.py",
    "signals.py",
    "journal",
    "number_format.py",
    "axis_ticks.py",
    "model_colors.py",
    "experiment_settings.py",
    "run_identities.py",
}
_LIBRARIES = {name: name for name in ("numpy", "scipy", "numba", "torch")}


class FitCache:
    """A folder of finished fits."""

    def __init__(self, folder: Path, backend: str = COMPILED) -> None:
        """Keep the fits of `backend` under `folder`, which is made with the first."""
        self.folder, self.backend = folder, backend

    def check(self) -> None:
        """Raise `RecordError` where nothing can be kept here; asked before the work, which may take an hour."""
        check_folder(self.folder, "--keep")

    def find(self, planned: PlannedFit) -> Run | None:
        """Return the finished and evaluated fit of `planned`, or None where there is none (that can be read)."""
        folder = self._place(planned)
        if not is_run_folder(folder):
            return None
        try:
            run = load_run(folder)
        except RecordError:
            return None  # damaged: fit again
        same = to_json(run.experiment) == to_json(planned.experiment)
        return run if same and run.figures is not None and run.ending != "stopped" else None

    def check_fits(self, fits: Iterable[PlannedFit]) -> None:
        """Raise `RecordError` where the fit of one of `fits` could not be kept, for something else is in its place."""
        for planned in fits:
            check_target(self._place(planned), force=True, option="--keep", cached=True)

    def put(self, planned: PlannedFit, run: Run) -> None:
        """Keep `run`, whole or not at all, instead of an earlier one; raise `RecordError`."""
        write_run(run, self._place(planned), force=True, option="--keep", cached=True)

    def _place(self, planned: PlannedFit) -> Path:
        mark = digest(planned, self.backend)
        name = f"{planned.model}-{planned.experiment.recipe}-seed-{planned.seed}-{mark}"
        return self.folder / planned.task.name / name


def digest(planned: PlannedFit, backend: str = COMPILED) -> str:
    """Return twelve letters that change with the experiment, the recorded samples, the engine with its libraries and
    the backend."""
    mark = hashlib.sha256(f"{sources()}{backend}".encode())
    mark.update(json.dumps(to_json(planned.experiment), sort_keys=True).encode())
    recording = planned.experiment.recording
    if recording is not None:
        for array in (recording.t, recording.trial, recording.coords, recording.gaps):
            mark.update(array.tobytes())
    return mark.hexdigest()[:12]


@cache
def sources() -> str:
    """Return the SHA-256 digest, in hexadecimal, of the engine's sources and the versions of the libraries that it
    computes with."""
    mark = hashlib.sha256(json.dumps(versions(_LIBRARIES), sort_keys=True).encode())
    for path in sorted(_ENGINE.rglob("*.py")):
        inside = path.relative_to(_ENGINE)
        if inside.parts[0] not in _IRRELEVANT:
            mark.update(inside.as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return mark.hexdigest()
