"""What a figure was measured on: machine, versions, commit, date and command."""

import os
import platform
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hnn_engine.environment import commit, cores, cpu_model, versions

LIBRARIES = {
    "numpy": "numpy",
    "scipy": "scipy",
    "torch": "torch",
    "PySide6": "PySide6-Essentials",
    "pyqtgraph": "pyqtgraph",
    "numba": "numba",
    "qasync": "qasync",
}


def about(arguments: Sequence[str]) -> dict[str, Any]:
    """Return what every file of figures names beside them."""
    return {
        "machine": machine(),
        "versions": versions(LIBRARIES),
        "commit": commit() or "unknown",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": " ".join(["python -m benchmarks", *arguments]),
    }


def machine() -> dict[str, Any]:
    """Return processor, cores, memory in GB, and system."""
    return {
        "cpu": cpu_model(),
        "cores": cores(),
        "memory_gb": memory_gb(),
        "system": platform.platform(),
    }


class Neighbours:
    """How many processors other programs have kept busy since this was made, on average; None where unknown.

    Processes of the benchmark's own count as its own once they have ended.
    """

    def __init__(self) -> None:
        self._began, self._busy, self._own = time.monotonic(), _busy_seconds(), _own_seconds()

    def processors(self) -> float | None:
        """Return the average so far."""
        busy = _busy_seconds()
        if busy is None or self._busy is None:
            return None
        others = (busy - self._busy) - (_own_seconds() - self._own)
        return round(max(others, 0.0) / max(time.monotonic() - self._began, 1e-9), 2)


def _own_seconds() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _busy_seconds() -> float | None:
    """Return the seconds of work that all processors have done since the machine was started."""
    try:
        first = Path("/proc/stat").read_text(encoding="utf-8").split("\n", 1)[0].split()
    except OSError:
        return None
    user, nice, system, _idle, _wait, *interrupts = (float(x) for x in first[1:9])
    return (user + nice + system + sum(interrupts[:2])) / float(os.sysconf("SC_CLK_TCK"))


def memory_gb() -> float | None:
    """Return the machine's memory in GB, or None where the system does not say."""
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1)
    except (AttributeError, ValueError, OSError):
        return None
