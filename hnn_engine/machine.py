"""What a figure was made on: processor, versions, and the commit where the program runs from a clone."""

import os
import platform
import subprocess
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).parents[1]


def cores() -> int:
    """Return the number of processors."""
    return os.cpu_count() or 1


def cpu_model() -> str:
    """Return the processor's name as the system gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()


def free_memory() -> int | None:
    """Return the bytes of memory that programs could still take, or None where the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="utf-8").splitlines()
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration, ValueError, IndexError):
        return None


def versions(distributions: Mapping[str, str]) -> dict[str, str]:
    """Return the versions of Python and of `distributions` (name -> distribution), 'missing' where it is not there."""
    found = {"python": platform.python_version()}
    for name, distribution in distributions.items():
        try:
            found[name] = metadata.version(distribution)
        except metadata.PackageNotFoundError:
            found[name] = "missing"
    return found


def commit() -> str:
    """Return the commit of the clone that this runs from, '+changes' where files differ from it; empty elsewhere."""
    # An installed copy may lie inside somebody else's clone, whose commit would say nothing of it.
    head = _git("rev-parse", "HEAD") if (ROOT / ".git").exists() else ""
    if not head:
        return ""
    return head + ("+changes" if _git("status", "--porcelain", "--untracked-files=no") else "")


def _git(*words: str) -> str:
    try:
        done = subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
