"""A run: one fit's experiment, history, weights and figures, as a handful of named files in memory.

run.json, history.csv, weights.safetensors, data.npz where the data was measured, and snapshots.safetensors where
weights along the fit were kept. The same files make a folder on
disk or a folder inside a session. Nothing is pickled, and everything is checked before it is believed.
"""

import math
import re
import sys
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields, replace
from typing import Any

from hnn_engine.errors import HnnLabError, RecordError, begins_with
from hnn_engine.evaluation import Figures
from hnn_engine.experiment import Experiment, from_json, to_json
from hnn_engine.fitting.backend_choice import BACKENDS
from hnn_engine.limits import (
    LARGEST_DATA,
    LARGEST_HISTORY,
    LARGEST_JSON,
    LARGEST_SNAPSHOTS,
    LARGEST_WEIGHTS,
    LONGEST_REASON,
    LONGEST_TITLE,
    MOST_STEPS,
)
from hnn_engine.recordings import Recording
from hnn_engine.records.documents import FORMAT, Fields, dump_json, load_json
from hnn_engine.records.history import History, history_csv, read_history
from hnn_engine.records.recorded import (
    Kept,
    read_recording_files,
    recording_arrays,
    recording_header,
    with_stated_reference,
)
from hnn_engine.records.training_snapshots import NAME as SNAPSHOTS_NAME
from hnn_engine.records.training_snapshots import TrainingSnapshots, read_training, training_file
from hnn_engine.records.weights import LONGEST_HEADER, read_weights, weights_file
from hnn_engine.snapshot import Snapshot

RUN_FILES: dict[str, int] = {  # name -> largest size that is read, in bytes
    "run.json": LARGEST_JSON,
    "history.csv": LARGEST_HISTORY,
    "weights.safetensors": LARGEST_WEIGHTS,
    "data.npz": LARGEST_DATA,
    SNAPSHOTS_NAME: LARGEST_SNAPSHOTS + LONGEST_HEADER,
}
RUN_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
ENDINGS = ("finished", "stopped", "failed")
LOST = sys.float_info.max  # stands in a file for a figure that no number holds


@dataclass(frozen=True)
class Origin:
    """The earlier run at whose weights a fit began."""

    id: str
    title: str


@dataclass(frozen=True, eq=False)
class Run:
    """One fit: what was asked (with a single model), what came out, and how it ended after `steps` steps and
    `fit_seconds` s."""

    id: str
    title: str
    experiment: Experiment
    snapshot: Snapshot
    history: History
    figures: Figures | None
    ending: str  # one of ENDINGS
    reason: str
    steps: int
    fit_seconds: float
    created: str  # ISO time
    backend: str = ""  # what computed it, one of BACKENDS; empty where an older program did, which did not say
    started_from: Origin | None = None
    training: TrainingSnapshots | None = None  # the weights along the fit

    def at_step(self, step: int) -> "Run":
        """Return the run as it stood after the last snapshot that was taken within `step` steps: its weights and losses
        up to there, without figures. Raises `RecordError` where none was taken."""
        number = -1 if self.training is None else self.training.before(step)
        if self.training is None or number < 0:
            raise RecordError(
                f"{self.title} has no snapshots of its weights: fit again by gradient, and let snapshots be kept"
            )
        reached = int(self.training.steps[number])
        return replace(
            self,
            snapshot=self.training.snapshot(number, self.snapshot),
            history=self.history.until(reached),
            figures=None,
            steps=reached,
            training=None,
        )

    def summary(self) -> dict[str, Any]:
        """Return what `train --json` and `evaluate --json` print, but for the place of the run."""
        figures = self.figures.as_dict() if self.figures is not None else {}
        return {
            "system": self.experiment.source_name,
            "model": self.snapshot.model,
            "recipe": self.experiment.recipe,
            "seed": self.experiment.seed,
            "steps": self.steps,
            "fit_seconds": round(self.fit_seconds, 4),
            **({"backend": self.backend} if self.backend else {}),
            **({"started_from": self.started_from.id} if self.started_from is not None else {}),
            **figures,
        }


def run_files(run: Run, with_samples: bool = True, with_training: bool = True) -> dict[str, bytes]:
    """Return the files of `run`, name -> content; not `with_samples`, the recording itself is left out, and not
    `with_training` the weights along the fit.

    Raises `RecordError` for what could not be read back: a number that is not finite, an id that is none.
    """
    document: dict[str, Any] = {
        "format": FORMAT,
        "id": _checked_id(run.id),
        "title": run.title[:LONGEST_TITLE],
        "created": run.created,
        "experiment": to_json(run.experiment),
        "result": {
            "ending": run.ending,
            "reason": run.reason[:LONGEST_REASON],
            "steps": run.steps,
            "fit_seconds": run.fit_seconds,
            **({"backend": run.backend} if run.backend else {}),
            "figures": _figures_json(run.figures) if run.figures is not None else None,
        },
    }
    if run.started_from is not None:
        document["started_from"] = asdict(run.started_from) | {"title": run.started_from.title[:LONGEST_TITLE]}
    files = {"history.csv": history_csv(run.history), "weights.safetensors": weights_file(run.snapshot)}
    recording = run.experiment.recording
    if recording is not None:
        document["recording"] = recording_header(recording)
        files |= {"data.npz": recording_arrays(recording)} if with_samples else {}
    if run.training is not None and with_training:
        files[SNAPSHOTS_NAME] = training_file(run.training)
    return {"run.json": dump_json(document), **files}


def read_run(files: Mapping[str, bytes], where: str, film: Recording | None = None, kept: Kept | None = None) -> Run:
    """Read back what `run_files` wrote; raise `RecordError` naming `where`, what is wrong and what to do.

    `film` is the recording of a run whose samples were left out, and `kept` what it may share its samples with.
    """
    document = load_json(files, "run.json", where)
    try:
        top = Fields(document, "run.json")
        result = Fields(top.get("result"), "the result in run.json")
        figures = _read_figures(result.get("figures"))
        recording = _read_recording(document, files, where, film, kept)
        experiment = from_json(document.get("experiment"), recording)
        if len(experiment.models) != 1:
            raise RecordError(f"the run holds {len(experiment.models)} models, but a run has one")
        return Run(
            id=_checked_id(top.get("id")),
            title=top.text("title"),
            experiment=experiment,
            snapshot=read_weights(files, experiment),
            history=read_history(files),
            figures=figures,
            ending=result.one_of("ending", ENDINGS),
            reason=result.text("reason", LONGEST_REASON),
            steps=result.whole("steps", MOST_STEPS),
            fit_seconds=result.number("fit_seconds"),
            created=top.time("created"),
            backend=result.one_of("backend", BACKENDS) if result.has("backend") else "",
            started_from=_read_origin(document.get("started_from")),
            training=read_training(files, experiment),
        )
    except HnnLabError as error:
        if begins_with(error, where):  # the file that the members come from is damaged
            raise
        raise RecordError(f"{where} cannot be read: {error}") from error


def _checked_id(value: object) -> str:
    """Return a run's id, which becomes the name of its folder in a session."""
    if not isinstance(value, str) or not RUN_ID.fullmatch(value):
        raise RecordError(
            f"the run's id is {str(value)[:80]!r}, expected up to 64 letters and digits: correct run.json"
        )
    return value


def _read_origin(value: object) -> Origin | None:
    if value is None:
        return None
    origin = Fields(value, "started_from in run.json")
    return Origin(_checked_id(origin.get("id")), origin.text("title"))


def _read_recording(
    document: Mapping[str, Any], files: Mapping[str, bytes], where: str, film: Recording | None, kept: Kept | None
) -> Recording | None:
    if "recording" not in document:
        return None
    if "data.npz" not in files and film is not None:
        return with_stated_reference(film, document["recording"])
    if "data.npz" not in files:
        raise RecordError("data.npz with the recorded samples is missing: restore it from a copy")
    return read_recording_files(document["recording"], files["data.npz"], where, kept)


# Figures --------------------------------------------------------------------------------------------------------------

_REQUIRED = tuple(field.name for field in fields(Figures) if field.default is MISSING)
_COUNTED, _MOST_COUNTED = ("diverged",), 1_000_000  # rollouts that are evaluated: far fewer


def _figures_json(figures: Figures) -> dict[str, float | int | None]:
    """Return `figures` as JSON values: what has no meaning is null, and what is infinite, as where rollouts diverge, is
    `LOST`."""
    return {k: v if v is None or math.isfinite(v) else LOST for k, v in asdict(figures).items()}


def _read_figures(value: object) -> Figures | None:
    """Read back figures: each a number of at least 0, or null where one may be without, or where an older program wrote
    that for a loss that no number holds."""
    if value is None:
        return None
    known = {field.name for field in fields(Figures)}
    if not isinstance(value, dict) or not known.issuperset(value):
        strange = f"{min(set(value) - known)[:40]!r}" if isinstance(value, dict) else type(value).__name__
        raise RecordError(f"the figures in run.json have {strange}, which is none: restore it from a copy")
    found = {name: _figure(name, one) for name, one in value.items()}
    missing = next((name for name in _REQUIRED if name not in value), None)
    if missing is not None:
        raise RecordError(f"the figures in run.json lack {missing}: restore it from a copy")
    return Figures(**found)


def _figure(name: str, value: object) -> Any:
    if value is None:
        return math.inf if name in _REQUIRED else None
    counted = name in _COUNTED
    good = type(value) is int and 0 <= value <= _MOST_COUNTED if counted else type(value) in (int, float) and value >= 0  # type: ignore[operator]
    if not good:
        expected = f"a count up to {_MOST_COUNTED:,}" if counted else "a number of at least 0"
        found = f"{name} is {ascii(value)[:40]}, expected {expected}"
        raise RecordError(f"the figures in run.json are no numbers that they can be: {found}; restore it")
    return math.inf if value == LOST and not counted else value
