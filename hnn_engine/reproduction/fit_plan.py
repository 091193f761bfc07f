"""Which fits a reproduction is made of: one for each task, seed and model."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from hnn_engine.experiment import Experiment, checked, default_settings, model_spec, resolved
from hnn_engine.recordings import Recording, is_paper_pendulum, read_recording, read_shipped_recording
from hnn_engine.tasks import SIMULATED, Task


@dataclass(frozen=True, eq=False)
class PlannedFit:
    """One fit: the task that it belongs to, and the experiment, with a single model, that says all the rest."""

    task: Task
    experiment: Experiment

    @property
    def model(self) -> str:
        """The model's name."""
        return self.experiment.models[0].name

    @property
    def seed(self) -> int:
        """The seed of data and weights."""
        return self.experiment.seed

    @property
    def foreign(self) -> bool:
        """Whether the data is another recording than the one that the paper's figures are of."""
        recording = self.experiment.recording
        return recording is not None and not is_paper_pendulum(recording)


def plan(
    tasks: Iterable[Task],
    models: Sequence[str] | None = None,
    recipe: str = "paper",
    seeds: int = 1,
    recording: Recording | None = None,
) -> list[PlannedFit]:
    """Return the fits of `tasks`, seeds 0 to `seeds` − 1, by `recipe`; of each task's own models where None are named.

    Those of one task and seed, which share their data, are adjacent. Raises an `HnnLabError` where an experiment
    is not possible.
    """
    fits = []
    for task in tasks:
        base = task.experiment(recording if task.needs_recording else None)
        settings = base.settings if recipe == base.recipe else default_settings(recipe, base.scene)
        for seed in range(seeds):
            for model in models or task.models:
                one = replace(base, models=(model_spec(model),), recipe=recipe, settings=settings, seed=seed)
                fits.append(PlannedFit(task, resolved(checked(one))))
    return fits


def read_recording_or_shipped(name: str) -> Recording:
    """Read the recording in file `name`, or the package's own for 'simulated'; raise `RecordingError`."""
    return read_shipped_recording() if name == SIMULATED else read_recording(name)
