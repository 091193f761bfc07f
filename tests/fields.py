"""Fresh snapshots of every family, for tests that hold for all of them."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from hnn_engine.experiment import model_spec
from hnn_engine.models import MODELS
from hnn_engine.models.base import NETWORK_PARAMETERS
from hnn_engine.parameters import Value
from hnn_engine.snapshot import Snapshot


def _variants(model: str) -> list[dict[str, Value]]:
    """Every choice of the settings that a model has beside those of its networks."""
    found: list[dict[str, Value]] = [{}]
    for parameter in MODELS[model].parameters:
        if parameter not in NETWORK_PARAMETERS:
            choices = parameter.choices or (parameter.default,)
            found = [{**one, parameter.name: choice} for one in found for choice in choices]
    return found


VARIANTS = [(model, variant) for model in MODELS for variant in _variants(model)]
IDS = ["-".join([model, *(str(value) for value in variant.values())]) for model, variant in VARIANTS]


def fresh(
    model: str,
    settings: Mapping[str, Value],
    dof: int = 1,
    seed: Any = 0,
    dtype: type = np.float32,
    rough: float = 0.0,
) -> Snapshot:
    """Return a snapshot with fresh weights. `rough` stirs them, so that no float32 holds them."""
    bound, rng = model_spec(model, settings).settings, np.random.default_rng(seed)
    drawn = MODELS[model].initial_weights(dof, bound, rng)
    weights = {n: w + rough * rng.standard_normal(w.shape) for n, w in drawn.items()}
    known = {n: rng.uniform(0.5, 2.0, shape) for n, shape in MODELS[model].known_shapes(dof).items()}
    return Snapshot(model, dof, bound, {n: w.astype(dtype) for n, w in weights.items()} | known)
