"""Numbers as CSV: rollouts, training data, fields, curves and figures of runs, with units in the headings.

UTF-8, commas, a point in numbers, which are written so that they read back to the last bit; `nan` where there is none:

    rows = numpy.genfromtxt("rollout.csv", delimiter=",", skip_header=1)
"""

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hnn_engine.coords import Array
from hnn_engine.errors import ExperimentError, shown
from hnn_engine.evaluation import Figures
from hnn_engine.scene import Coordinate, Scene

if TYPE_CHECKING:
    from hnn_engine.datasets import Dataset
    from hnn_engine.phase_portrait import EnergyGap, PortraitField
    from hnn_engine.records import Run

Value = float | int | str | None
FIGURE_UNITS = {"clean_energy_mse": "J²", "energy_mse": "J²", "energy_median": "J²", "valid_time": "s"}


@dataclass(frozen=True, eq=False)
class CsvTable:
    """`columns`, heading -> values, all of one length."""

    columns: Mapping[str, Sequence[Value] | npt.NDArray[np.generic]]

    def content(self) -> bytes:
        """Return the file's content; raise `ExperimentError` where there is no row."""
        lengths = {len(values) for values in self.columns.values()}
        if lengths in (set(), {0}):
            raise ExperimentError("There are no numbers to save yet: wait until the panel shows some")
        assert len(lengths) == 1, f"columns of {sorted(lengths)} rows"
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([shown(heading) for heading in self.columns])
        columns = [_words(values) for values in self.columns.values()]
        writer.writerows(zip(*columns, strict=True))
        return text.getvalue().encode(errors="replace")


def _words(values: Sequence[Value] | npt.NDArray[np.generic]) -> list[str]:
    return [_word(value) for value in (values.tolist() if isinstance(values, np.ndarray) else values)]


def _word(value: Value) -> str:
    if value is None:
        return "nan"
    if isinstance(value, str):
        return shown(value)
    return repr(float(value)) if isinstance(value, float) else str(value)


# Headings -------------------------------------------------------------------------------------------------------------


def heading(name: str, unit: str) -> str:
    """Return 'q (rad)', or 'q' where it has no unit."""
    return f"{name} ({unit})" if unit else name


def rate_unit(unit: str) -> str:
    """Return the unit of a time derivative of what has `unit`: 'rad/s', 'kg m²/s²'."""
    if not unit:
        return "1/s"
    return f"{unit}²" if unit.endswith("/s") else f"{unit}/s"


def coordinate_headings(coordinates: Iterable[Coordinate]) -> list[str]:
    """Return the headings of the coordinates, as 'q (rad)'."""
    return [heading(one.name, one.unit) for one in coordinates]


def _rate_headings(coordinates: Iterable[Coordinate]) -> list[str]:
    return [heading(f"d{one.name}/dt", rate_unit(one.unit)) for one in coordinates]


# Tables ---------------------------------------------------------------------------------------------------------------


def rollout_table(scene: Scene, t: Array, coords: Array, energy: Array | None) -> CsvTable:
    """Return t `(T,)`, coords `(T, 2*dof)` and, where it is known, the true H `(T,)` of a rollout."""
    columns = {"t (s)": t, **dict(zip(coordinate_headings(scene.coordinates), coords.T, strict=True))}
    return CsvTable(columns if energy is None else {**columns, "H (J)": energy})


def rollouts_table(scene: Scene, rollouts: Iterable[tuple[str, Array, Array, Array | None]]) -> CsvTable:
    """Return several rollouts, each a name, t, coords and the true H as in `rollout_table`, whose columns carry its
    name: 'HNN: q (rad)'."""
    parts: list[tuple[str, Array, Array]] = []
    for name, t, coords, energy in rollouts:
        for title, values in rollout_table(scene, t, coords, energy).columns.items():
            if title != "t (s)":
                parts.append((f"{name}: {title}", t, np.asarray(values, dtype=np.float64)))
    return curves_table("t (s)", parts)


def curves_table(across: str, curves: Iterable[tuple[str, Array, Array]]) -> CsvTable:
    """Return curves, each a heading, x and y `(n,)`, over one column `across` of all their x; `nan` where a curve has
    none."""
    found = _told_apart(list(curves))
    x = np.unique(np.concatenate([one[1] for one in found])) if found else np.empty(0)
    columns: dict[str, Array] = {across: x}
    for name, own, values in found:
        column = np.full(len(x), np.nan)
        column[np.searchsorted(x, own)] = values
        columns[name] = column
    return CsvTable(columns)


def _told_apart(curves: list[tuple[str, Array, Array]]) -> list[tuple[str, Array, Array]]:
    """Number the headings that stand there twice."""
    seen: dict[str, int] = {}
    named = []
    for name, x, y in curves:
        seen[name] = seen.get(name, 0) + 1
        named.append((name if seen[name] == 1 else f"{name} #{seen[name]}", x, y))
    return named


def dataset_table(scene: Scene, data: "Dataset") -> CsvTable:
    """Return the training data: trajectory, t, coords, their time derivatives, and whether a row trains (1) or tests
    (0)."""
    columns: dict[str, npt.NDArray[np.generic]] = {"trajectory": data.trajectory, "t (s)": data.t}
    columns |= dict(zip(coordinate_headings(scene.coordinates), data.coords.T, strict=True))
    columns |= dict(zip(_rate_headings(scene.coordinates), data.dcoords.T, strict=True))
    return CsvTable({**columns, "train": data.train.astype(np.int64)})


def field_table(scene: Scene, field: "PortraitField") -> CsvTable:
    """Return the arrows of a phase portrait: where they are on its plane, and the field there; raise `ExperimentError`
    where none are shown."""
    if field.at is None or field.flow is None:
        raise ExperimentError("The phase portrait shows no field: switch Arrows on")
    axes = [scene.coordinates[axis] for axis in field.spec.axes]
    columns = dict(zip(coordinate_headings(axes), field.at.reshape(-1, 2).T, strict=True))
    return CsvTable({**columns, **dict(zip(_rate_headings(axes), field.flow.reshape(-1, 2).T, strict=True))})


def gap_table(scene: Scene, field: "PortraitField", gap: "EnergyGap") -> CsvTable:
    """Return the map of a comparison: points of the plane, and Ĥ − H − c there."""
    across, upward = (
        np.linspace(*side, count) for side, count in zip((field.spec.x, field.spec.y), gap.values.T.shape, strict=True)
    )
    x, y = np.meshgrid(across, upward)
    axes = [scene.coordinates[axis] for axis in field.spec.axes]
    places = dict(zip(coordinate_headings(axes), (x.ravel(), y.ravel()), strict=True))
    return CsvTable({**places, "H_learned - H - c (J)": gap.values.ravel()})


def runs_table(runs: Sequence["Run"], name: "Callable[[Run], str]" = lambda run: run.title) -> CsvTable:
    """Return each run with what it was asked for and its figures, named as in docs/figures.md."""
    asked: dict[str, list[Value]] = {
        "run": [name(run) for run in runs],
        "system": [run.experiment.source_title for run in runs],
        "model": [run.snapshot.model for run in runs],
        "recipe": [run.experiment.recipe for run in runs],
        "seed": [run.experiment.seed for run in runs],
        "ending": [run.ending for run in runs],
        "steps": [run.steps for run in runs],
        "fit_seconds (s)": [run.fit_seconds for run in runs],
    }
    figures: dict[str, list[Value]] = {
        heading(key, FIGURE_UNITS.get(key, "")): [getattr(run.figures, key) if run.figures else None for run in runs]
        for key in Figures.__dataclass_fields__
    }
    return CsvTable({**asked, **figures})
