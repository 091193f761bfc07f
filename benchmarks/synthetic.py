"""Tasks on random rows: how long a step or a closed form takes does not depend on what the numbers say."""

from collections.abc import Mapping

import numpy as np

from hnn_engine.datasets import Dataset
from hnn_engine.experiment import model_spec
from hnn_engine.fitting.events import FitTask
from hnn_engine.models import get_model
from hnn_engine.parameters import Value

TENTH = 10  # every tenth row tests


def random_task(
    model: str, rows: int, dof: int, network: Mapping[str, Value], settings: Mapping[str, Value]
) -> FitTask:
    """Return a task on `rows` normal states and derivatives of `dof` degrees of freedom, with masses of one."""
    rng = np.random.default_rng(0)
    coords, dcoords = rng.normal(size=(rows, 2 * dof)), rng.normal(size=(rows, 2 * dof))
    train = np.arange(rows) % TENTH != 0
    data = Dataset(coords, dcoords, np.zeros(rows), np.zeros(rows, dtype=np.int64), train)
    known = {name: np.ones(shape) for name, shape in get_model(model).known_shapes(dof).items()}
    return FitTask(model, model_spec(model, network).settings, data, settings, 0, known)
