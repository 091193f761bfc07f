"""Compile every loop and keep it on disk, the law of SYSTEM first: `python -m hnn_engine.kernels [SYSTEM]`."""

import gc
import os
import sys

from hnn_engine.kernels import cache
from hnn_engine.log_file import logging_to_file

NICE = 10  # the window, and what it computes, go first
COLLECT = 100_000  # objects made between two collections; numba makes millions, most of which stay
os.environ["NUMBA_DISABLE_ERROR_MESSAGE_HIGHLIGHTING"] = "1"  # of messages that it makes by the thousand and drops

if hasattr(os, "nice"):
    os.nice(NICE)
gc.set_threshold(COLLECT, 20, 20)
with logging_to_file("compile"):
    there = cache.build(*sys.argv[1:2])
sys.exit(0 if there else "The loops cannot be compiled here; numpy and torch are used instead.")
