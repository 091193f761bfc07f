"""A run: one fit's experiment, history, weights and figures, as a handful of named files in memory.

run.json, history.csv, weights.safetensors, and data.npz where the data was measured. The same files make a folder on
disk or a folder inside a session. Nothing is pickled, and everything is checked before it is believed.
"""

import csv
import io
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.errors import HnnLabError, RecordError
from hnn_engine.evaluation import Figures
from hnn_engine.experiment import Experiment, from_json, to_json
from hnn_engine.models import get_model
from hnn_engine.models.mlp import finite
from hnn_engine.models.pixels import Seeing
from hnn_engine.recordings import Recording
from hnn_engine.records.recorded import (
    LARGEST_DATA,
    judged_by,
    read_recording_files,
    recording_arrays,
    recording_header,
)
from hnn_engine.sight import MAP_SHAPES, Sight
from hnn_engine.snapshot import Snapshot

FORMAT = 1
RUN_FILES: dict[str, int] = {  # name -> largest size that is read, in bytes
    "run.json": 5_000_000,
    "history.csv": 50_000_000,
    "weights.safetensors": 200_000_000,
    "data.npz": LARGEST_DATA,
}
RUN_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
ENDINGS = ("finished", "stopped", "failed")


@dataclass(frozen=True, eq=False)
class History:
    """The losses along a fit: the training loss of each step, the test loss at the steps where it was taken."""

    train_steps: Array
    train: Array
    test_steps: Array
    test: Array


@dataclass(frozen=True)
class Origin:
    """The earlier run at whose weights a fit began."""

    id: str
    title: str


@dataclass(frozen=True, eq=False)
class Run:
    """One fit: what was asked (with a single model), what came out, and how it ended."""

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
    started_from: Origin | None = None

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
            **({"started_from": self.started_from.id} if self.started_from is not None else {}),
            **figures,
        }


def run_files(run: Run, with_samples: bool = True) -> dict[str, bytes]:
    """Return the files of `run`, name -> content; not `with_samples`, the recording itself is left out."""
    from safetensors.numpy import save

    document: dict[str, Any] = {
        "format": FORMAT,
        "id": run.id,
        "title": run.title,
        "created": run.created,
        "experiment": to_json(run.experiment),
        "result": {
            "ending": run.ending,
            "reason": run.reason,
            "steps": run.steps,
            "fit_seconds": run.fit_seconds,
            "figures": run.figures.as_dict() if run.figures is not None else None,
        },
    }
    if run.started_from is not None:
        document["started_from"] = asdict(run.started_from)
    files = {"history.csv": _history_csv(run.history), "weights.safetensors": save(_weights(run.snapshot))}
    recording = run.experiment.recording
    if recording is not None:
        document["recording"] = recording_header(recording)
        files |= {"data.npz": recording_arrays(recording)} if with_samples else {}
    return {"run.json": dump_json(document), **files}


def read_run(files: Mapping[str, bytes], where: str, film: Recording | None = None) -> Run:
    """Read back what `run_files` wrote; raise `RecordError` naming `where`, what is wrong and what to do.

    `film` is the recording of a run whose samples were left out.
    """
    document = load_json(files, "run.json", where)
    try:
        recording = _read_recording(document, files, where, film)
        experiment = from_json(document.get("experiment"), recording)
        if len(experiment.models) != 1:
            raise RecordError(f"the run holds {len(experiment.models)} models, but a run has one")
        result = document["result"]
        return Run(
            id=_read_id(document["id"]),
            title=str(document["title"])[:200],
            experiment=experiment,
            snapshot=_read_weights(files, experiment),
            history=_read_history(files),
            figures=_read_figures(result["figures"]),
            ending=str(result["ending"]) if result["ending"] in ENDINGS else "finished",
            reason=str(result["reason"]),
            steps=int(result["steps"]),
            fit_seconds=float(result["fit_seconds"]),
            created=str(document["created"]),
            started_from=_read_origin(document.get("started_from")),
        )
    except HnnLabError as error:
        raise RecordError(f"{where} cannot be read: {error}") from error
    except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
        raise RecordError(f"{where} is damaged: run.json lacks or misspells {error}; fit again") from error


def _read_id(value: object) -> str:
    """Return a run's id, which becomes the name of its folder in a session."""
    if not RUN_ID.fullmatch(str(value)):
        raise RecordError(f"the run's id is '{str(value)[:80]}', expected up to 64 letters and digits: mend run.json")
    return str(value)


def _read_origin(value: Any) -> Origin | None:
    return None if value is None else Origin(_read_id(value["id"]), str(value["title"])[:200])


def _read_figures(value: object) -> Figures | None:
    if value is None:
        return None
    if not isinstance(value, dict) or not all(x is None or type(x) in (int, float) for x in value.values()):
        raise RecordError("the figures in run.json are no numbers: restore it from a copy, or fit again")
    return Figures(**value)


# JSON -----------------------------------------------------------------------------------------------------------------


def dump_json(value: object) -> bytes:
    """Return `value` as readable UTF-8 JSON; no NaN gets in."""
    return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False).encode()


def load_json(files: Mapping[str, bytes], name: str, where: str) -> dict[str, Any]:
    """Return the object in file `name`, checked for its format; raise `RecordError`."""
    if name not in files:
        raise RecordError(f"{where} has no {name}: it is not a run or session of HNN Lab")
    try:
        value = json.loads(files[name])
    except (ValueError, RecursionError) as error:
        raise RecordError(f"{where} is damaged: {name} is not JSON ({error}); restore it from a copy") from error
    if not isinstance(value, dict) or not isinstance(value.get("format"), int):
        raise RecordError(f"{where} is damaged: {name} states no format; restore it from a copy")
    if value["format"] > FORMAT:
        raise RecordError(
            f"{where} was written by a newer HNN Lab (format {value['format']}, this one reads {FORMAT}): update it"
        )
    return value


# History --------------------------------------------------------------------------------------------------------------


def _history_csv(history: History) -> bytes:
    tests = dict(zip(history.test_steps.tolist(), history.test.tolist(), strict=True))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["step", "train_loss", "test_loss"])
    for step, loss in zip(history.train_steps.tolist(), history.train.tolist(), strict=True):
        writer.writerow([int(step), repr(loss), repr(tests[step]) if step in tests else ""])
    return text.getvalue().encode()


def _read_history(files: Mapping[str, bytes]) -> History:
    if "history.csv" not in files:
        raise RecordError("history.csv is missing: restore it from a copy")
    train: list[tuple[float, float]] = []
    test: list[tuple[float, float]] = []
    reader = csv.reader(io.StringIO(files["history.csv"].decode("utf-8", "replace")))
    line = 0
    try:
        for line, row in enumerate(reader, start=1):
            if line == 1:
                continue
            step, loss = float(row[0]), float(row[1])
            if row[2]:
                test.append((step, float(row[2])))
            train.append((step, loss))
    except (IndexError, ValueError, csv.Error):
        raise RecordError(f"history.csv, line {line}: expected step, train loss, test loss; restore it") from None
    a, b = np.array(train).reshape(-1, 2), np.array(test).reshape(-1, 2)
    return History(a[:, 0], a[:, 1], b[:, 0], b[:, 1])


# Weights --------------------------------------------------------------------------------------------------------------


def _weights(snapshot: Snapshot) -> dict[str, Any]:
    found = {**snapshot.weights, **(snapshot.sight.arrays() if snapshot.sight is not None else {})}
    return {name: np.ascontiguousarray(w) for name, w in found.items()}  # safetensors writes memory as it lies


def _read_weights(files: Mapping[str, bytes], experiment: Experiment) -> Snapshot:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    if "weights.safetensors" not in files:
        raise RecordError("weights.safetensors is missing: restore it from a copy")
    try:
        found = load(files["weights.safetensors"])
    except (SafetensorError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RecordError(f"weights.safetensors is damaged ({error}): restore it from a copy") from error
    spec, dof = experiment.models[0], experiment.stage.dof
    model = get_model(spec.name)
    weights = _expected(found, {**model.weight_shapes(dof, spec.settings), **model.known_shapes(dof)})
    return Snapshot(spec.name, dof, spec.settings, weights, sight=_read_sight(found, experiment))


def _expected(found: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    """Return the arrays of `shapes` from what was `found`; raise `RecordError` where they are not."""
    weights = {}
    for name, expected in shapes.items():
        if name not in found or found[name].shape != expected:
            shape = found[name].shape if name in found else "missing"
            raise RecordError(f"weights.safetensors does not fit the model: {name} is {shape}, expected {expected}")
        if found[name].dtype not in (np.float32, np.float64):
            raise RecordError(f"weights.safetensors holds {name} as {found[name].dtype}, expected float32: fit again")
        weights[name] = found[name]
    if not finite(weights):
        raise RecordError("weights.safetensors holds numbers that are not finite: fit again")
    return weights


def _read_sight(found: Mapping[str, Any], experiment: Experiment) -> Sight | None:
    """Return the autoencoder of a model that sees frames, else None."""
    model = get_model(experiment.models[0].name)
    if not isinstance(model, Seeing):
        return None
    weights = _expected(found, model.sight_shapes(experiment.models[0].settings, experiment.frame_size))
    matrix, offset, seconds = _expected(found, MAP_SHAPES).values()
    if abs(np.linalg.det(matrix)) < 1e-300 or not seconds[0] > 0:
        raise RecordError("weights.safetensors holds a map of latents that cannot be inverted: fit again")
    return Sight(weights, matrix, offset, float(seconds[0]))


# Recordings -----------------------------------------------------------------------------------------------------------


def _read_recording(
    document: Mapping[str, Any], files: Mapping[str, bytes], where: str, film: Recording | None
) -> Recording | None:
    if "recording" not in document:
        return None
    if "data.npz" not in files and film is not None:
        return judged_by(film, document["recording"])
    if "data.npz" not in files:
        raise RecordError("data.npz with the recorded samples is missing: restore it from a copy")
    return read_recording_files(document["recording"], files["data.npz"], where)
