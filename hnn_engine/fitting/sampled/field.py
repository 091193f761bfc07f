"""The field of the latents: hidden layers drawn from pairs of states, the last one solved for.

Source: Bolager et al. 2023 for sampled networks, Rahma et al. 2024 for those whose output is H.
"""

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.fitting.sampled.algebra import ridge_solve
from hnn_engine.models.mlp import ACTIVATIONS

Layer = tuple[Array, Array]

SLOPES = {"tanh": 0.3, "softplus": 0.6, "sine": 0.3, "silu": 0.6}  # over the distance of a pair
NUMBERS, ROWS = 2_400_000, 4  # of a regression: its rows times the width; and rows a unit at least
DEGREE = 4
QUIET, NOISY, SHORTEST, BLUR = 7, 13, 5, 0.002  # windows of frames, and the noise of z_q where one takes over


def smoothed(q: Array, window: int) -> tuple[Array, Array]:
    """Return the state (q, q′ − q) and its rate a frame, `(F − window, 2)` each, after each frame of q `(F,)`.

    Both are read from a polynomial of degree `DEGREE` through `window` frames, least squares (Savitzky & Golay 1964):
    of the frames n … n + window − 1 and those one later. Five frames give the central difference of fourth order;
    more average the camera's noise away.
    """
    runs = np.lib.stride_tricks.sliding_window_view(q, window)
    values, rates = runs @ local_polynomial(window, 0), runs @ local_polynomial(window, 1)
    return np.column_stack([values[:-1], np.diff(values)]), np.column_stack([rates[:-1], np.diff(rates)])


def local_polynomial(window: int, derivative: int) -> Array:
    """Return the weights of a run's frames in the middle value, or slope, of their least-squares polynomial."""
    t = np.arange(window, dtype=np.float64) - window // 2
    row: Array = np.linalg.pinv(np.vander(t, DEGREE + 1, increasing=True))[derivative]
    return row


def hidden_layers(z: Array, width: int, depth: int, activation: str, rng: np.random.Generator) -> list[Layer]:
    """Return `depth` layers of `width` units: the first drawn from pairs of states z `(n, 2)`, the others from pairs
    of what the layer before makes of them."""
    act, slope, spread = ACTIVATIONS[activation], SLOPES[activation], z.std(axis=0)
    w, b = sampled_layer(z / spread, width, slope, rng)
    layers, x = [(w / spread[:, None], b)], z
    for _ in range(depth - 1):
        x, _ = act(np, x @ layers[-1][0] + layers[-1][1])
        layers.append(sampled_layer(x, width, slope, rng))
    return layers


def sampled_layer(x: Array, width: int, slope: float, rng: np.random.Generator) -> Layer:
    """Return `width` units that change by `slope` over the distance of a pair of rows of x `(n, k)`, and are zero at a
    place between the two."""
    begin, end = x[rng.integers(len(x), size=width)], x[rng.integers(len(x), size=width)]
    chord = end - begin
    near = 1e-3 * x.var(axis=0).sum()
    w = (slope * chord / np.maximum(np.square(chord).sum(axis=1), near)[:, None]).T
    place = begin + rng.random(width)[:, None] * chord
    return w, -np.einsum("ij,ji->i", place, w)


def regression_rows(total: int, width: int) -> int:
    """Return how many of `total` states a field of `width` is solved on: enough of them, and soon done."""
    return min(total, max(ROWS * width, NUMBERS // width))


def last_layer(hidden: list[Layer], activation: str, z: Array, rate: Array, conservative: bool, ridge: float) -> Array:
    """Return the last layer, `(width, 1)` of H or `(width, 2)` of the field, by ridge regression on the rates.

    Of an H both coordinates are rows of one regression: ∂H/∂p = dq/dt, −∂H/∂q = dp/dt, each over its rate's spread,
    so that both count alike.
    """
    features, to_q, to_p = derivatives(hidden, activation, z)
    weight = 1 / np.maximum(rate.std(axis=0), 1e-12)
    if not conservative:
        return ridge_solve(features, rate, ridge)
    rows = np.concatenate([weight[0] * to_p, -weight[1] * to_q])
    return ridge_solve(rows, (rate * weight).T.reshape(-1, 1), ridge)


def derivatives(hidden: list[Layer], activation: str, z: Array) -> tuple[Array, Array, Array]:
    """Return the last hidden units at z `(n, 2)` and their derivatives by q and by p, each `(n, width)`."""
    act = ACTIVATIONS[activation]
    x, to_q, to_p = z, np.broadcast_to([1.0, 0.0], z.shape), np.broadcast_to([0.0, 1.0], z.shape)
    for w, b in hidden:
        x, slope = act(np, x @ w + b)
        to_q, to_p = slope * (to_q @ w), slope * (to_p @ w)
    return x, to_q, to_p
