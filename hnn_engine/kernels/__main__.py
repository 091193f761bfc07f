"""Compile every loop and keep it on disk: `python -m hnn_engine.kernels`."""

from hnn_engine.kernels import warm

warm()
