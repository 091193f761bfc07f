"""Fresh snapshots of every family, for tests that hold for all of them."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from hnn_engine.experiment import model_spec
from hnn_engine.fitting.network_sizes import PAPER_NETWORK, with_size
from hnn_engine.frames.frozen_autoencoder import FrozenAutoencoder
from hnn_engine.models import MODELS
from hnn_engine.models.base import NETWORK_PARAMETERS
from hnn_engine.models.pixels import PixelModel
from hnn_engine.parameters import Value
from hnn_engine.snapshot import Snapshot

SIZE, FEATURES = 10, 8  # pixels across a frame and units of an autoencoder, where a model sees


def _variants(model: str) -> list[dict[str, Value]]:
    """Every choice of the settings that a model has beside those of its networks."""
    found: list[dict[str, Value]] = [{}]
    for parameter in MODELS[model].parameters:
        if parameter.choices and parameter not in NETWORK_PARAMETERS:
            found = [{**one, parameter.name: choice} for one in found for choice in parameter.choices]
    return found


def _names(variants: list[tuple[str, dict[str, Value]]]) -> list[str]:
    return ["-".join([model, *(str(value) for value in variant.values())]) for model, variant in variants]


VARIANTS = [(model, variant) for model in MODELS for variant in _variants(model)]
IDS = _names(VARIANTS)
# What sees frames moves its latents by the very lines of the baseline and the HNN: no need to go through those twice.
FIELDS = [(model, variant) for model, variant in VARIANTS if not MODELS[model].observes_frames]
FIELD_IDS = _names(FIELDS)


def fresh(
    model: str,
    settings: Mapping[str, Value],
    dof: int = 1,
    seed: Any = 0,
    dtype: type = np.float32,
    rough: float = 0.0,
) -> Snapshot:
    """Return a snapshot with fresh weights. `rough` stirs them, so that no float32 holds them."""
    eyes = {"features": FEATURES} if MODELS[model].observes_frames else {}
    bound, rng = with_size(model_spec(model, {**eyes, **settings}).settings, PAPER_NETWORK), np.random.default_rng(seed)
    drawn = MODELS[model].initial_weights(dof, bound, rng)
    weights = {n: w + rough * rng.standard_normal(w.shape) for n, w in drawn.items()}
    known = {n: rng.uniform(0.5, 2.0, shape) for n, shape in MODELS[model].known_shapes(dof).items()}
    autoencoder = fresh_autoencoder(model, bound, rng) if MODELS[model].observes_frames and dof == 1 else None
    return Snapshot(
        model, dof, bound, {n: w.astype(dtype) for n, w in weights.items()} | known, autoencoder=autoencoder
    )


def fresh_autoencoder(model: str, settings: Mapping[str, Value], rng: np.random.Generator) -> FrozenAutoencoder:
    """Return fresh eyes for frames of `SIZE`² pixels, with some map of their latents."""
    seeing = MODELS[model]
    assert isinstance(seeing, PixelModel)
    weights = seeing.initial_autoencoder(settings, 2 * SIZE**2, rng)
    return FrozenAutoencoder(weights, np.eye(2) + 0.3 * rng.standard_normal((2, 2)), rng.standard_normal(2), 0.05)
