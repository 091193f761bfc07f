"""Compile every loop and keep it on disk: `python -m hnn_engine.kernels`."""

import sys

from hnn_engine.kernels.cache import load

sys.exit(0 if load() else "The loops cannot be compiled here; numpy and torch serve in their place.")
