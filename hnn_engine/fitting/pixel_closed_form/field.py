"""The field of the latents: states and rates read from the frames, and the last layer solved for.

Source: Rahma et al. 2024 for sampled networks whose output is H.
"""

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.fitting.random_features.hidden_layers import Hidden
from hnn_engine.fitting.random_features.ridge_regression import ridge_solve
from hnn_engine.models.networks import Term

SLOPE = 0.3  # of a hidden unit's argument over the distance of its pair
NUMBERS, ROWS = 2_400_000, 4  # of a regression: its rows times the width; and rows a unit at least
DEGREE = 4
QUIET, NOISY, SHORTEST, BLUR = 7, 13, 5, 0.002  # windows of frames, and the noise of z_q where one takes over


def smoothed(q: Array, window: int) -> tuple[Array, Array]:
    """Return the state (q, q′ − q) and its rate a frame, `(F − window, 2)` each, after each frame of q `(F,)`.

    Both are read from a polynomial of degree `DEGREE` through `window` frames, least squares (Savitzky & Golay 1964):
    of the frames n … n + window − 1 and those one later. Five frames give the central difference of fourth order; more
    average the camera's noise away.
    """
    runs = np.lib.stride_tricks.sliding_window_view(q, window)
    values, rates = runs @ local_polynomial(window, 0), runs @ local_polynomial(window, 1)
    return np.column_stack([values[:-1], np.diff(values)]), np.column_stack([rates[:-1], np.diff(rates)])


def local_polynomial(window: int, derivative: int) -> Array:
    """Return the weights `(window,)` of successive frames in the middle value (`derivative` 0), or the slope a frame
    (1), of their least-squares polynomial of degree `DEGREE`. Source: Savitzky & Golay 1964."""
    t = np.arange(window, dtype=np.float64) - window // 2
    row: Array = np.linalg.pinv(np.vander(t, DEGREE + 1, increasing=True))[derivative]
    return row


def regression_rows(total: int, width: int) -> int:
    """Return how many of `total` states a field of `width` units is solved on: enough of them, and soon done."""
    return min(total, max(ROWS * width, NUMBERS // width))


def last_layer(hidden: Hidden, z: Array, rate: Array, term: Term, ridge: float) -> Array:
    """Return the last layer, `(width, outputs)`, of a field that is one `term`, by ridge regression on the states z
    `(n, 2)` and their rates a frame `rate` `(n, 2)`.

    Of a gradient both coordinates are rows of one regression, as of an H: ∂H/∂p = dq/dt, −∂H/∂q = dp/dt. Each is over
    its rate's spread, so that both count alike. Source: Rahma et al. 2024.
    """
    if term.output is None:
        return ridge_solve(hidden.values(z), rate, ridge)
    weight, slopes = 1 / np.maximum(rate.std(axis=0), 1e-12), hidden.gradients(z)
    into = sorted((component, i, factor) for i, (component, factor) in enumerate(term.into))
    rows = np.concatenate([factor * weight[component] * slopes[:, i] for component, i, factor in into])
    return ridge_solve(rows, (rate * weight).T.reshape(-1, 1), ridge)
