"""Loads pyqtgraph while the window lives.

In the window's thread alone: where another thread makes classes of Qt's, as loading pyqtgraph does by the hundred,
PySide6 (6.11.3) changes a table that the window's thread reads at the same moment without a lock, and about one start
in a hundred dies.
"""

import asyncio
import time
from importlib import import_module

from PySide6 import QtCore, QtGui, QtWidgets

SLICE = 0.008  # s of loading between two looks at what else is to be done
BREATH = 0.004  # s that the window has between two slices
# What pyqtgraph loads besides and has nothing of Qt in it, so that another thread may do it.
PLAIN = ("cProfile", "colorama", "decimal", "multiprocessing.connection", "pydoc", "xml.etree.ElementTree")


async def load_plot_library() -> None:
    """Import pyqtgraph, with frames in between as far as that goes; the last step takes some tenths of a second."""
    plain = asyncio.get_running_loop().run_in_executor(None, _load_plain)
    began = time.perf_counter()
    for module in (QtCore, QtGui, QtWidgets):
        for name in dir(module):
            getattr(module, name)  # PySide6 makes a class when it is first asked for, and pyqtgraph asks for all
            if time.perf_counter() - began > SLICE:
                await asyncio.sleep(BREATH)
                began = time.perf_counter()
    await plain
    import_module("pyqtgraph")


def _load_plain() -> None:
    for name in PLAIN:
        import_module(name)
