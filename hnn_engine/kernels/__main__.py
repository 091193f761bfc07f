"""Compile every loop and keep it on disk: `python -m hnn_engine.kernels`."""

import sys

from hnn_engine.kernels.cache import load
from hnn_engine.log_file import logging_to_file

with logging_to_file("compile"):
    there = load()
sys.exit(0 if there else "The loops cannot be compiled here; numpy and torch are used instead.")
