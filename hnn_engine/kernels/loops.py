"""Compiled loops, without the interpreter lock: systems and learned fields followed from one start or many, steps of a
fit, and the features of a closed form.

500 RK4 steps of a 2-200-200-1 HNN take about a third of what numpy needs, most of it spent reading the square weight
matrix; the reference truth takes a fiftieth of scipy's time. Numba compiles the loops once a machine and keeps them on
disk; `python -m hnn_engine.kernels` does so ahead. Importing this module imports numba, and compiles what is not kept;
the rest of the program gets at it by `hnn_engine.kernels.cache`.
"""

from hnn_engine.kernels.features import add_gradients, values
from hnn_engine.kernels.flow import batched_network_flow, compile_law, law_flow, network_flow
from hnn_engine.kernels.follow import compiled_flow, evaluate, follow
from hnn_engine.kernels.pixel_training import advance_pixels, pixel_network
from hnn_engine.kernels.tangents import follow_tangents
from hnn_engine.kernels.training import advance, network
from hnn_engine.kernels.weight_layout import weight_layout

__all__ = [
    "add_gradients",
    "advance",
    "advance_pixels",
    "batched_network_flow",
    "compile_law",
    "compiled_flow",
    "evaluate",
    "follow",
    "follow_tangents",
    "law_flow",
    "network",
    "network_flow",
    "pixel_network",
    "values",
    "weight_layout",
]
