"""The weights of a fitted field, and weights.safetensors, which keeps them."""

import math
from collections.abc import Collection, Mapping
from dataclasses import replace
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
_COPY = "restore it from a copy"

_Shapes = Mapping[str, tuple[int, ...]]


def weights_file(snapshot: Snapshot) -> bytes:
    """Return the safetensors file of the weights of `snapshot`, and of its autoencoder where it has one; raise
    `ImportError` without that library."""
    return saved(arrays_of(snapshot))


def saved(arrays: Mapping[str, Any]) -> bytes:
    """Return the safetensors file of `arrays`; raise `ImportError` without that library."""
    from safetensors.numpy import save

    # safetensors writes memory as it lies
    return bytes(save({name: np.ascontiguousarray(one) for name, one in arrays.items()}))


def arrays_of(snapshot: Snapshot) -> dict[str, Any]:
    """Return all arrays of a snapshot by name: weights, and of a model of frames its autoencoder and its map."""
    seen = snapshot.autoencoder.arrays() if snapshot.autoencoder is not None else {}
    return {**snapshot.weights, **seen}


def snapshot_of(arrays: Mapping[str, Any], like: Snapshot) -> Snapshot:
    """Return a snapshot as `like` with other `arrays`, which `arrays_of` gives."""
    weights = {name: arrays[name] for name in like.weights}
    if like.autoencoder is None:
        return replace(like, weights=weights)
    seen = {name: one for name, one in arrays.items() if name not in weights}
    return replace(like, weights=weights, autoencoder=_autoencoder(seen))


def read_weights(files: Mapping[str, bytes], experiment: Experiment) -> Snapshot:
    """Read back the fitted field of the one model of `experiment`; raise `RecordError` where the file is missing or
    does not fit in names, types or shapes."""
    if NAME not in files:
        raise RecordError(f"{NAME} is missing: {_COPY}")
    spec, scene = experiment.models[0], experiment.scene
    shapes = array_shapes(experiment)
    size, most = size_of(files, NAME), LONGEST_HEADER + _WIDEST * sum(math.prod(shape) for shape in shapes.values())
    if size > most:
        found = f"{size / 1e6:.1f} MB, more than the {most / 1e6:.1f} MB that those of the model can have"
        raise RecordError(f"{NAME} has {found}: {_COPY}")
    arrays = expected_arrays(loaded(files[NAME], NAME, shapes, _COPY), shapes, NAME, "fit again")
    why = why_unusable(arrays)
    if why:
        raise RecordError(f"{NAME} holds {why}: fit again")
    own = _field_shapes(experiment)
    seen = {name: one for name, one in arrays.items() if name not in own}
    return Snapshot(
        spec.name,
        scene.dof,
        fit_settings(spec, scene),
        {name: arrays[name] for name in own},
        autoencoder=_autoencoder(seen) if seen else None,
    )


def array_shapes(experiment: Experiment) -> dict[str, tuple[int, ...]]:
    """Return the shapes of all arrays of a snapshot of the one model of `experiment`, by name."""
    sees = _autoencoder_shapes(experiment)
    return {**_field_shapes(experiment), **sees, **(MAP_SHAPES if sees else {})}


def _field_shapes(experiment: Experiment) -> dict[str, tuple[int, ...]]:
    spec, scene = experiment.models[0], experiment.scene
    model, settings, dof = get_model(spec.name), fit_settings(spec, scene), scene.dof + scene.timed
    return {**model.weight_shapes(dof, settings), **model.known_shapes(dof, settings)}


def _autoencoder_shapes(experiment: Experiment) -> _Shapes:
    """Return the shapes of the autoencoder of a model that sees frames, else none."""
    model = get_model(experiment.models[0].name)
    if not isinstance(model, PixelModel):
        return {}
    return model.autoencoder_shapes(experiment.models[0].settings, experiment.frame_size)


def loaded(content: bytes, name: str, known: Collection[str], mend: str) -> Mapping[str, Any]:
    """Return the arrays in the safetensors file `name`, of which each is `known`; raise `RecordError`, which says how
    to `mend` it."""
    from safetensors.numpy import load

    if int.from_bytes(content[:8], "little") > LONGEST_HEADER:
        raise RecordError(f"{name} is damaged (its header is too long): {mend}")
    try:
        found: Mapping[str, Any] = load(content)
    except Exception as error:  # what damaged bytes make it raise is of many kinds
        raise RecordError(f"{name} is damaged ({str(error)[:120]}): {mend}") from error
    strange = next((one for one in found if one not in known), None)
    missing = [one for one in known if one not in found]
    if strange is not None and not missing:
        raise RecordError(f"{name} holds {strange[:40]!r}, which the model does not have: {mend}")
    return found


def expected_arrays(found: Mapping[str, Any], shapes: _Shapes, name: str, mend: str) -> dict[str, Any]:
    """Return the arrays of `shapes` from what was `found` in the file `name`; raise `RecordError` where they are
    not, which says how to `mend` it."""
    arrays = {}
    for one, expected in shapes.items():
        if one not in found or found[one].shape != expected:
            shape = found[one].shape if one in found else "missing"
            raise RecordError(f"{name} does not fit the model: {one} is {shape}, expected {expected}")
        if found[one].dtype not in (np.float32, np.float64):
            raise RecordError(f"{name} holds {one} as {found[one].dtype}, expected float32: {mend}")
        arrays[one] = found[one]
    return arrays


def why_unusable(arrays: Mapping[str, Any] | Snapshot) -> str:
    """Return what is wrong with the numbers of a snapshot, or of its `arrays_of`; empty where they are what a model can
    have."""
    given = arrays_of(arrays) if isinstance(arrays, Snapshot) else dict(arrays)
    if not finite(given):
        return "numbers that are not finite"
    if not set(MAP_SHAPES) <= set(given):
        return ""
    matrix, _, seconds = (given[name] for name in MAP_SHAPES)
    with np.errstate(over="ignore", invalid="ignore"):
        turned = abs(np.linalg.det(matrix))
    return "" if 1e-300 <= turned < np.inf and seconds[0] > 0 else "a map of latents that cannot be inverted"


def _autoencoder(arrays: Mapping[str, Any]) -> FrozenAutoencoder:
    """Return the autoencoder of a model that sees frames, from all arrays but those of the field."""
    matrix, offset, seconds = (arrays[name] for name in MAP_SHAPES)
    weights = {name: one for name, one in arrays.items() if name not in MAP_SHAPES}
    return FrozenAutoencoder(weights, matrix, offset, float(seconds[0]))
