"""Where a fit begins: at fresh weights, or at those of an earlier run of the same architecture."""

from hnn_engine.errors import ExperimentError
from hnn_engine.fitting.events import FitTask
from hnn_engine.models import get_model
from hnn_engine.models.base import CLOCK, Settings
from hnn_engine.models.mlp import Weights
from hnn_engine.snapshot import Snapshot


def check_warm_start(task: FitTask) -> None:
    """Raise `ExperimentError` where the earlier run that the task is to begin at is of another architecture."""
    size = task.data.frame_pairs.size if task.data.frame_pairs is not None else 0
    reason = why_not_from(task.start, task.model, task.model_settings, task.data.dof, size) if task.start else ""
    if reason:
        raise ExperimentError(reason)


def why_not_from(start: Snapshot, model: str, settings: Settings, dof: int, size: int) -> str:
    """Return why a fit of `model` with `settings` cannot begin at `start`; empty where it can. `size`: pixels across a
    frame, or 0."""
    wanted, there = architecture(model, settings, dof), architecture(start.model, start.settings, start.dof)
    if wanted != there:
        return (
            f"The fit is to start from a run of another architecture: it has {there}, and here it is {wanted}; choose "
            "a run of the same model and network, or random weights"
        )
    seen = len(start.autoencoder.weights["encoder.w0"]) // 2 if start.autoencoder is not None else 0
    if seen != size**2:
        return (
            f"The fit is to start from a run on frames of {seen} pixels, but here they have {size**2}: choose a run "
            "on frames of the same size, or random weights"
        )
    return ""


def architecture(model: str, settings: Settings, dof: int) -> str:
    """Return what an architecture is, in words."""
    parts = ", ".join(f"{p.title.lower()} {settings[p.name]}" for p in get_model(model).parameters)
    time = " and time" if settings.get(CLOCK) else ""
    return f"the {get_model(model).title} of {dof} degree{'s' * (dof > 1)} of freedom{time} with {parts}"


def field_weights(task: FitTask) -> Weights:
    """Return the trained weights of the field that the task begins at, by name."""
    assert task.start is not None
    names = get_model(task.model).weight_shapes(task.dof, task.model_settings)
    return {name: task.start.weights[name] for name in names}
