"""The weights along a fit by gradient, at steps spaced evenly in their logarithm, and snapshots.safetensors, which
keeps them.

As many as `limits` allow: what is large is kept less often, and never more than `LARGEST_SNAPSHOTS` bytes of a run.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hnn_engine.coords import Index
from hnn_engine.errors import RecordError
from hnn_engine.experiment import Experiment
from hnn_engine.limits import LARGEST_SNAPSHOTS, MOST_SNAPSHOTS, MOST_STEPS
from hnn_engine.records.archive import size_of
from hnn_engine.records.weights import (
    LONGEST_HEADER,
    array_shapes,
    arrays_of,
    expected_arrays,
    loaded,
    saved,
    snapshot_of,
    why_unusable,
)
from hnn_engine.snapshot import Snapshot

NAME = "snapshots.safetensors"
STEPS = "steps"  # the array in it that says after which steps the others were taken
_MEND = "restore it from a copy, or delete it: the run opens without"


@dataclass(frozen=True, eq=False)
class TrainingSnapshots:
    """The arrays of a snapshot after each of the `steps` `(S,)`, which rise; 0 is before the first one.

    `arrays` holds them by name, `(S, …)` each: weights, and of a model of frames its autoencoder.
    """

    steps: Index
    arrays: Mapping[str, Any]

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.steps)

    @property
    def size(self) -> int:
        """How many bytes they take, in memory and in a file."""
        return sum(int(one.nbytes) for one in self.arrays.values())

    def snapshot(self, number: int, like: Snapshot) -> Snapshot:
        """Return the model of number `number`, from 0, of the fit that ended with `like`. Nothing is copied."""
        return snapshot_of({name: one[number] for name, one in self.arrays.items()}, like)

    def before(self, step: int) -> int:
        """Return the number of the last one that was taken after at most `step` steps; −1 where there is none."""
        return int(np.searchsorted(self.steps, step, side="right")) - 1

    def thinned(self, most: int) -> "TrainingSnapshots":
        """Return at most `most` of them, evenly chosen, the first and the last among them."""
        if most >= len(self):
            return self
        chosen = np.unique(np.linspace(0, len(self) - 1, max(most, 1)).round().astype(int))
        return TrainingSnapshots(self.steps[chosen], {name: one[chosen] for name, one in self.arrays.items()})


def wanted_steps(steps: int, count: int) -> Index:
    """Return at most `count` of the steps 0 to `steps`: 0, and then from 1 on spaced evenly in their logarithm."""
    if count < 2:
        return np.zeros(max(count, 0), dtype=np.int64)
    spaced = np.round(np.geomspace(1, max(steps, 1), count - 1)).astype(np.int64)
    return np.concatenate([[0], np.unique(spaced)])


class Collector:
    """Takes the weights of a fit of at most `steps` steps as it goes, at most `most` times."""

    def __init__(self, steps: int, most: int, first: Snapshot) -> None:
        """Choose the steps, by the size of `first`, the weights before the first of them, which are taken too."""
        size = sum(one.nbytes for one in arrays_of(first).values())
        affordable = min(most, MOST_SNAPSHOTS, LARGEST_SNAPSHOTS // max(size, 1))
        self._wanted = frozenset(wanted_steps(steps, affordable).tolist())
        self._taken: list[tuple[int, dict[str, Any]]] = []
        self.take(0, first)

    def wants(self, step: int) -> bool:
        """Whether the weights after `step` steps are to be taken."""
        return step in self._wanted

    def take(self, step: int, snapshot: Snapshot) -> None:
        """Take the weights after `step` steps; not where they are no finite numbers."""
        if self.wants(step) and not why_unusable(snapshot):
            self._taken.append((step, arrays_of(snapshot)))

    def collected(self) -> TrainingSnapshots | None:
        """Return what was taken, None where that is nothing."""
        if not self._taken:
            return None
        steps = np.array([step for step, _ in self._taken], dtype=np.int64)
        names = self._taken[0][1]
        return TrainingSnapshots(steps, {name: np.stack([one[name] for _, one in self._taken]) for name in names})


# The file -------------------------------------------------------------------------------------------------------------


def training_file(training: TrainingSnapshots) -> bytes:
    """Return snapshots.safetensors; raise `ImportError` without that library, `RecordError` where it would hold more
    than a run may."""
    if len(training) > MOST_SNAPSHOTS or training.size > LARGEST_SNAPSHOTS:
        raise RecordError(
            f"{NAME} would hold {len(training)} snapshots with {training.size / 1e6:.1f} MB, more than "
            f"{MOST_SNAPSHOTS} or {LARGEST_SNAPSHOTS / 1e6:.0f} MB: thin them"
        )
    return saved({STEPS: training.steps.astype(np.int64), **training.arrays})


def read_training(files: Mapping[str, bytes], experiment: Experiment) -> TrainingSnapshots | None:
    """Read back the weights along the fit of the one model of `experiment`, None where none are kept; raise
    `RecordError` where the file does not fit in names, types, shapes or size."""
    if NAME not in files:
        return None
    size, most = size_of(files, NAME), LARGEST_SNAPSHOTS + LONGEST_HEADER
    if size > most:
        raise RecordError(f"{NAME} has {size / 1e6:.1f} MB, more than the {most / 1e6:.1f} MB of a run: {_MEND}")
    shapes = array_shapes(experiment)
    found = loaded(files[NAME], NAME, {STEPS, *shapes}, _MEND)
    steps = _read_steps(found.get(STEPS))
    arrays = expected_arrays(found, {name: (len(steps), *shape) for name, shape in shapes.items()}, NAME, _MEND)
    training = TrainingSnapshots(steps, arrays)
    for number in range(len(steps)):
        why = why_unusable({name: one[number] for name, one in arrays.items()})
        if why:
            raise RecordError(f"{NAME} holds {why} after {steps[number]} steps: {_MEND}")
    return training


def _read_steps(found: Any) -> Index:
    if found is None or found.dtype != np.int64 or found.ndim != 1 or not 1 <= len(found) <= MOST_SNAPSHOTS:
        said = "missing" if found is None else f"{found.dtype} {found.shape}"
        raise RecordError(f"{NAME} does not fit: {STEPS} is {said}, expected 1 to {MOST_SNAPSHOTS} counts: {_MEND}")
    if not 0 <= found[0] <= found[-1] <= MOST_STEPS or not (np.diff(found) > 0).all():
        raise RecordError(f"{NAME} does not fit: {STEPS} do not rise from 0 to {MOST_STEPS:,} at most: {_MEND}")
    steps: Index = found
    return steps
