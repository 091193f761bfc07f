"""What a learned field is made of: whether it has the form J∇H, what it does to volumes, and whether its units work."""

from dataclasses import dataclass

import numpy as np

from hnn_engine.coords import Array, canonical_matrix
from hnn_engine.equilibria import Field, jacobian
from hnn_engine.models.mlp import ACTIVATIONS, depth_of
from hnn_engine.models.networks import Network
from hnn_engine.snapshot import Snapshot

SATURATED = 0.99  # |tanh|, beyond which a unit hardly answers
ALWAYS = 0.99  # share of the states at which a unit is saturated
STATES = 400


@dataclass(frozen=True)
class Structure:
    """`curl`: rms ‖A − Aᵀ‖/(2 rms ‖A‖) with A = J⁻¹ ∂f/∂x, from 0 of J∇H to 1; `divergence`: the mean of tr ∂f/∂x in
    1/s, by which volumes change."""

    curl: float
    divergence: float


def structure(field: Field, states: Array) -> Structure:
    """Return how far `field` is from J∇H at `states` `(N, 2*dof)`, of which at most `STATES` are looked at.

    f = J∇H for some H exactly where A = J⁻¹ ∂f/∂x, the second derivative of H, is symmetric. Jacobians by central
    differences.
    """
    few = states[np.linspace(0, len(states) - 1, min(STATES, len(states))).astype(int)]
    with np.errstate(all="ignore"):
        slopes = jacobian(field, few)
    good = np.isfinite(slopes).all(axis=(1, 2))
    if not good.any():
        return Structure(float("nan"), float("nan"))
    slopes = slopes[good]
    a = canonical_matrix(few.shape[-1] // 2).T @ slopes  # J⁻¹ = Jᵀ
    odd, whole = np.square(a - np.swapaxes(a, 1, 2)).sum(), np.square(a).sum()
    return Structure(float(np.sqrt(odd / (4 * whole + 1e-300))), float(np.trace(slopes, axis1=1, axis2=2).mean()))


def saturated_share(snapshot: Snapshot, states: Array) -> float | None:
    """Return the share of hidden units that are saturated, |tanh| > `SATURATED`, at nearly all of `states`
    `(N, 2*dof)`; None for another activation than tanh, and for a model of frames."""
    if str(snapshot.settings.get("activation")) != "tanh" or snapshot.autoencoder is not None:
        return None
    few = states[np.linspace(0, len(states) - 1, min(STATES, len(states))).astype(int)]
    units = dead = 0
    for net in snapshot.networks:
        for hidden in _hidden(net, snapshot, few):
            units += hidden.shape[-1]
            dead += int(((np.abs(hidden) > SATURATED).mean(axis=0) > ALWAYS).sum())
    return dead / units if units else None


def _hidden(net: Network, snapshot: Snapshot, states: Array) -> list[Array]:
    """The values of the hidden units of `net`, `(N, width)` a layer."""
    weights = {name: np.asarray(w, dtype=np.float64) for name, w in net.of(snapshot.weights).items()}
    x, out = states[:, net.columns], []
    for i in range(depth_of(weights)):
        x, _ = ACTIVATIONS["tanh"](np, x @ weights[f"w{i}"] + weights[f"b{i}"])
        out.append(x)
    return out
