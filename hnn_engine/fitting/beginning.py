"""Where a fit begins: at fresh weights, or at those of an earlier run of the same architecture."""

from collections.abc import Mapping

from hnn_engine.errors import ExperimentError
from hnn_engine.fitting.events import FitTask
from hnn_engine.fitting.hidden import Hidden
from hnn_engine.models import get_model
from hnn_engine.models.base import Settings
from hnn_engine.models.mlp import Weights, depth_of
from hnn_engine.models.networks import Network
from hnn_engine.snapshot import Snapshot


def check_beginning(task: FitTask) -> None:
    """Raise `ExperimentError` where the earlier run that the task is to begin at is of another architecture."""
    if task.start is None:
        return
    wanted = architecture(task.model, task.model_settings, task.data.dof)
    there = architecture(task.start.model, task.start.settings, task.start.dof)
    if wanted != there:
        raise ExperimentError(
            f"The fit is to begin at a run of another architecture: it has {there}, and here it is {wanted}; choose "
            "a run of the same model and network, or fresh weights"
        )
    if task.data.views is not None and task.start.sight is not None:
        _check_frames(task, task.start)


def _check_frames(task: FitTask, start: Snapshot) -> None:
    assert start.sight is not None
    assert task.data.views is not None
    wanted = 2 * task.data.views.size**2
    there = len(start.sight.weights["encoder.w0"])
    if there != wanted:
        raise ExperimentError(
            f"The fit is to begin at a run that sees {there} pixels, but here {wanted} are seen: choose a run that "
            "sees frames of the same size, or fresh weights"
        )


def architecture(model: str, settings: Settings, dof: int) -> str:
    """Return what an architecture is, in words."""
    parts = ", ".join(f"{p.title.lower()} {settings[p.name]}" for p in get_model(model).parameters)
    return f"the {get_model(model).title} of {dof} degree{'s' * (dof > 1)} of freedom with {parts}"


def field_weights(task: FitTask) -> Weights:
    """Return the trained weights of the field that the task begins at, by name."""
    assert task.start is not None
    names = get_model(task.model).weight_shapes(task.data.dof, task.model_settings)
    return {name: task.start.weights[name] for name in names}


def hidden_of(weights: Mapping[str, object], net: Network, activation: str) -> Hidden:
    """Return the hidden layers that `net` has in `weights`."""
    own = net.of(weights)
    layers = tuple((own[f"w{i}"].astype(float), own[f"b{i}"].astype(float)) for i in range(depth_of(own)))
    return Hidden(activation, layers)
