"""What a figure was made on: processor, versions, and the commit where the program runs from a clone."""

import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
LIBRARIES = ("numpy", "scipy", "numba", "torch", "safetensors", "contourpy", "PIL", "av", "PySide6")
PATIENCE = 20.0  # s that git may take


def cores() -> int:
    """Return the number of processors, 1 where the system does not say."""
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


def loaded_versions() -> list[str]:
    """Return 'name version' of each library that this process has loaded, by what the libraries say themselves."""
    found = [(name, getattr(sys.modules.get(name), "__version__", None)) for name in LIBRARIES]
    return [f"{name} {version}" for name, version in found if version is not None]


def commit() -> str:
    """Return the commit of the clone that this runs from, '+changes' where files differ from it; empty elsewhere, and
    where git does not answer in `PATIENCE` s."""
    head = _git("rev-parse", "HEAD") if _is_clone(ROOT) else ""
    if not head:
        return ""
    return head + ("+changes" if _git("status", "--porcelain", "--untracked-files=no") else "")


def _is_clone(folder: Path) -> bool:
    """Whether `folder` is a clone of this project: an installed copy may lie inside another project's, whose commit
    would say nothing of it and whose settings can name programs to run."""
    try:
        return (folder / ".git").exists() and 'name = "hnn-lab"' in (folder / "pyproject.toml").read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return False


def _git(*words: str) -> str:
    """Return what git says of the clone; empty where it says nothing, or there is no git."""
    program = _program("git")
    if program is None:
        return ""
    given = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    command = [program, "-C", str(ROOT), "-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}", *words]
    settings: dict[str, Any] = {"stdin": subprocess.DEVNULL, "cwd": ROOT, "env": {**given, "GIT_OPTIONAL_LOCKS": "0"}}
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE, **settings)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _program(name: str) -> str | None:
    """Return the full path of a program in a folder that PATH names in full: Windows would begin with the folder that
    one stands in, and so does a PATH with '.' in it."""
    file = f"{name}.exe" if os.name == "nt" else name
    places = [Path(folder) / file for folder in os.get_exec_path() if Path(folder).is_absolute()]
    return next((str(place) for place in places if place.is_file() and os.access(place, os.X_OK)), None)
