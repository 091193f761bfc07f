"""How work that takes its time says how far it is; free of Qt, so that child processes need not load it."""

from collections.abc import Callable

ProgressCallback = Callable[[float], None]  # is told the share that is done, 0 to 1; what it raises ends the work
