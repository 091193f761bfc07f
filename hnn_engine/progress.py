"""How long work tells of its progress."""

from collections.abc import Callable

ProgressCallback = Callable[[float], None]  # called with the share that is done, 0 to 1; what it raises ends the work
