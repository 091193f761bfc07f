"""Compiled loops, without the interpreter lock: learned fields followed from one start.

500 RK4 steps of a 2-200-200-1 HNN take about a third of what numpy needs, most of it spent reading the square weight
matrix. Numba compiles the loops once a machine and keeps them on disk; `python -m hnn_engine.kernels` does so ahead.
Importing this package imports numba; `snapshot` uses it only after `load_kernels()`.
"""

import numpy as np

from hnn_engine.kernels.follow import SCHEMES, evaluate, follow
from hnn_engine.kernels.perceptron import HNN, pack

__all__ = ["SCHEMES", "evaluate", "follow", "pack", "warm"]


def warm() -> None:
    """Compile (or load from disk) the loops for float32 and float64 weights."""
    for dtype in (np.float32, np.float64):
        w = {"w0": np.ones((2, 4)), "b0": np.ones(4), "out": np.ones((4, 1))}
        net = pack(HNN, "tanh", {name: value.astype(dtype) for name, value in w.items()})
        follow(net, np.zeros(2), np.array([0.0, 0.1]), 1, "rk4")
        evaluate(net, np.zeros((1, 2)))
