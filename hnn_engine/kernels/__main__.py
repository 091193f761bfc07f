"""Compile every loop and keep it on disk, the law of SYSTEM first: `python -m hnn_engine.kernels [SYSTEM]`."""

import os
import sys

from hnn_engine.kernels import cache
from hnn_engine.log_file import logging_to_file

NICE = 10  # the window, and what it computes, go first

if hasattr(os, "nice"):
    os.nice(NICE)
with logging_to_file("compile"):
    there = cache.build(*sys.argv[1:2])
sys.exit(0 if there else "The loops cannot be compiled here; numpy and torch are used instead.")
