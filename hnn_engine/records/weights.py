"""The weights of a fitted field, and weights.safetensors, which keeps them."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from hnn_engine.errors import RecordError
from hnn_engine.experiment import Experiment, fit_settings
from hnn_engine.frames.frozen_autoencoder import MAP_SHAPES, FrozenAutoencoder
from hnn_engine.models import get_model
from hnn_engine.models.mlp import finite
from hnn_engine.models.pixels import PixelModel
from hnn_engine.records.archive import size_of
from hnn_engine.snapshot import Snapshot

NAME = "weights.safetensors"
LONGEST_HEADER = 100_000  # bytes before the numbers: names, types and shapes of a few dozen arrays
_WIDEST = 8  # bytes of a number

_Shapes = Mapping[str, tuple[int, ...]]


def weights_file(snapshot: Snapshot) -> bytes:
    """Return the safetensors file of the weights of `snapshot`, and of its autoencoder where it has one; raise
    `ImportError` without that library."""
    from safetensors.numpy import save

    found = {**snapshot.weights, **(snapshot.autoencoder.arrays() if snapshot.autoencoder is not None else {})}
    arrays = {name: np.ascontiguousarray(w) for name, w in found.items()}  # safetensors writes memory as it lies
    return bytes(save(arrays))


def read_weights(files: Mapping[str, bytes], experiment: Experiment) -> Snapshot:
    """Read back the fitted field of the one model of `experiment`; raise `RecordError` where the file is missing or
    does not fit in names, types or shapes."""
    if NAME not in files:
        raise RecordError(f"{NAME} is missing: restore it from a copy")
    spec, scene = experiment.models[0], experiment.scene
    model, settings, dof = get_model(spec.name), fit_settings(spec, scene), scene.dof + scene.timed
    shapes = {**model.weight_shapes(dof, settings), **model.known_shapes(dof, settings)}
    sees = _autoencoder_shapes(experiment)
    found = _arrays(files, {**shapes, **sees, **(MAP_SHAPES if sees else {})})
    weights = _expected(found, shapes)
    return Snapshot(
        spec.name, scene.dof, settings, weights, autoencoder=_read_autoencoder(found, sees) if sees else None
    )


def _autoencoder_shapes(experiment: Experiment) -> _Shapes:
    """Return the shapes of the autoencoder of a model that sees frames, else none."""
    model = get_model(experiment.models[0].name)
    if not isinstance(model, PixelModel):
        return {}
    return model.autoencoder_shapes(experiment.models[0].settings, experiment.frame_size)


def _arrays(files: Mapping[str, bytes], shapes: _Shapes) -> Mapping[str, Any]:
    """Return the arrays in the file, which is not read where it is larger than those of `shapes` can be."""
    from safetensors.numpy import load

    size, most = size_of(files, NAME), LONGEST_HEADER + _WIDEST * sum(math.prod(shape) for shape in shapes.values())
    if size > most:
        found = f"{size / 1e6:.1f} MB, more than the {most / 1e6:.1f} MB that those of the model can have"
        raise RecordError(f"{NAME} has {found}: restore it from a copy")
    content = files[NAME]
    if int.from_bytes(content[:8], "little") > LONGEST_HEADER:
        raise RecordError(f"{NAME} is damaged (its header is too long): restore it from a copy")
    try:
        found_arrays: Mapping[str, Any] = load(content)
    except Exception as error:  # what damaged bytes make it raise is of many kinds
        raise RecordError(f"{NAME} is damaged ({str(error)[:120]}): restore it from a copy") from error
    strange = next((name for name in found_arrays if name not in shapes), None)
    missing = [name for name in shapes if name not in found_arrays]
    if strange is not None and not missing:
        raise RecordError(f"{NAME} holds {strange[:40]!r}, which the model does not have: restore it from a copy")
    return found_arrays


def _expected(found: Mapping[str, Any], shapes: _Shapes) -> dict[str, Any]:
    """Return the arrays of `shapes` from what was `found`; raise `RecordError` where they are not."""
    weights = {}
    for name, expected in shapes.items():
        if name not in found or found[name].shape != expected:
            shape = found[name].shape if name in found else "missing"
            raise RecordError(f"{NAME} does not fit the model: {name} is {shape}, expected {expected}")
        if found[name].dtype not in (np.float32, np.float64):
            raise RecordError(f"{NAME} holds {name} as {found[name].dtype}, expected float32: fit again")
        weights[name] = found[name]
    if not finite(weights):
        raise RecordError(f"{NAME} holds numbers that are not finite: fit again")
    return weights


def _read_autoencoder(found: Mapping[str, Any], shapes: _Shapes) -> FrozenAutoencoder:
    """Return the autoencoder of a model that sees frames."""
    weights = _expected(found, shapes)
    matrix, offset, seconds = _expected(found, MAP_SHAPES).values()
    with np.errstate(over="ignore", invalid="ignore"):
        turned = abs(np.linalg.det(matrix))
    if not 1e-300 <= turned < np.inf or not seconds[0] > 0:
        raise RecordError(f"{NAME} holds a map of latents that cannot be inverted: fit again")
    return FrozenAutoencoder(weights, matrix, offset, float(seconds[0]))
