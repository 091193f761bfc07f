"""What a figure was measured on: machine, versions, commit, date and command."""

import os
import platform
import subprocess
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
    """Return processor, cores, memory in GB, system, and the load of the last minute (others may be at work)."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {
        "cpu": cpu_model(),
        "cores": os.cpu_count(),
        "memory_gb": memory_gb(),
        "system": platform.platform(),
        "load_average": None if load is None else round(load, 2),
    }


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
