"""What a figure was measured on: machine, versions, commit, date and command."""

import os
import platform
import subprocess
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

LIBRARIES = {
    "numpy": "numpy",
    "scipy": "scipy",
    "torch": "torch",
    "PySide6": "PySide6-Essentials",
    "pyqtgraph": "pyqtgraph",
    "numba": "numba",
    "qasync": "qasync",
}
ROOT = Path(__file__).parents[1]


def about(arguments: Sequence[str]) -> dict[str, Any]:
    """Return what every file of figures names beside them."""
    return {
        "machine": machine(),
        "versions": versions(),
        "commit": commit(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": " ".join(["python -m benchmarks", *arguments]),
    }


def machine() -> dict[str, Any]:
    """Return processor, cores, memory in GB, and system."""
    return {
        "cpu": cpu_model(),
        "cores": os.cpu_count(),
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


def cpu_model() -> str:
    """Return the processor's name as the system gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()


def memory_gb() -> float | None:
    """Return the machine's memory in GB, or None where the system does not say."""
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1)
    except (AttributeError, ValueError, OSError):
        return None


def versions() -> dict[str, str]:
    """Return the versions of Python and of every library that the figures depend on."""
    found = {"python": platform.python_version()}
    for name, distribution in LIBRARIES.items():
        try:
            found[name] = metadata.version(distribution)
        except metadata.PackageNotFoundError:
            found[name] = "missing"
    return found


def commit() -> str:
    """Return the commit that was measured, '+changes' where files differ from it; 'unknown' outside a checkout."""
    head = _git("rev-parse", "HEAD")
    if not head:
        return "unknown"
    return head + ("+changes" if _git("status", "--porcelain", "--untracked-files=no") else "")


def _git(*words: str) -> str:
    try:
        done = subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
