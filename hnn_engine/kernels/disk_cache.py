"""What is kept on disk of the compiled loops, and which sources it was made from.

Numba compiles functions of several files into one but looks at the date of one file alone: so a note kept with its
files says which sources they were made from, and what of them is compiled. The loops depend on numba's version, on the
files of `hnn_engine.kernels` and on the constants that those take from elsewhere. The law of a system is compiled by
itself and called by address: it depends on that, on its own file and on the files of systems which that file imports.
"""

import json
import os
import re
import sys
import zlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import NamedTuple

from hnn_engine.integrators import DIVERGED, MIDPOINT_ITERATIONS, MIDPOINT_TOLERANCE, FlowDirection
from hnn_engine.models.pixels import FIELD_SHARE
from hnn_engine.systems.base import System
from hnn_engine.user_folders import cache_folder

_HERE = Path(__file__).parents[1]
_KERNELS, _SYSTEMS = _HERE / "kernels", _HERE / "systems"
# What is not kept on disk; `formula_law` compiles as it goes.
_NOT_COMPILED = {"__init__.py", "__main__.py", "building.py", "cache.py", "disk_cache.py", "formula_law.py", "loops.py"}
# What the loops have compiled into them of other folders: a new integrator, say, changes none of it.
_CONSTANTS = (DIVERGED, MIDPOINT_TOLERANCE, MIDPOINT_ITERATIONS, *map(int, FlowDirection), FIELD_SHARE)
LOOPS_SHARE = 0.96  # of everything, what the loops take to compile; the rest are laws
_IMPORTED = re.compile(r"^from hnn_engine\.systems\.(\w+) import", re.MULTILINE)


def _kept() -> tuple[Path, Path]:
    """Return where numba keeps what it compiles of the loops and of the laws."""
    return _KERNELS / "__pycache__", _SYSTEMS / "__pycache__"


def _note_file() -> Path:
    """Return where the note is: with numba's files, or where those cannot be written and numba keeps them by user, in
    the user's cache."""
    beside = _kept()[0]
    if os.access(beside if beside.is_dir() else beside.parent, os.W_OK):
        return beside / "compiled.json"
    return cache_folder() / f"compiled-{zlib.crc32(str(_HERE).encode()):08x}.json"


def _dated(path: Path) -> str:
    found = path.stat()
    return f"{path.name} {found.st_mtime_ns} {found.st_size}"


def _loops_stamp() -> str:
    """Return what the loops depend on."""
    sources = [path for path in sorted(_KERNELS.glob("*.py")) if path.name not in _NOT_COMPILED]
    return "\n".join([*_machine(), str(_CONSTANTS), *map(_dated, sources)])


@cache
def _machine() -> tuple[str, ...]:
    """Return what besides sources compiled code depends on."""
    from hnn_engine.environment import cpu_model, versions  # slow to load, and not needed for the first paint

    numba = versions({"numba": "numba"})["numba"]
    return f"numba {numba}", f"Python {sys.version_info.major}.{sys.version_info.minor}", cpu_model()


def _law_stamps() -> dict[str, str]:
    """Return what each file of systems depends on besides, by its name without the suffix."""
    files = {path.stem: path for path in sorted(_SYSTEMS.glob("*.py"))}
    imports = {
        stem: set(_IMPORTED.findall(path.read_text(encoding="utf-8"))) & files.keys() for stem, path in files.items()
    }
    return {stem: "\n".join(_dated(files[one]) for one in sorted(_reached(stem, imports))) for stem in files}


def _reached(stem: str, imports: dict[str, set[str]]) -> set[str]:
    """Return `stem` and all that it imports, directly or not."""
    found, ahead = {stem}, [stem]
    while ahead:
        new = imports[ahead.pop()] - found
        found |= new
        ahead += new
    return found


class Note(NamedTuple):
    """What is kept: the stamps of the loops and of each file of systems, whether the loops are compiled, the files
    whose laws are, and the share of everything."""

    loops: str = ""
    laws: dict[str, str] = {}  # noqa: RUF012  (never changed)
    ready: bool = False
    compiled: tuple[str, ...] = ()
    share: float = 0.0


def note() -> Note:
    """Return what is known of what is kept; nothing where there is no note that can be read."""
    try:
        found = json.loads(_note_file().read_text(encoding="utf-8"))
        compiled = tuple(str(stem) for stem in found["compiled"])
        return Note(str(found["loops"]), dict(found["laws"]), found["ready"] is True, compiled, float(found["share"]))
    except (OSError, ValueError, KeyError, TypeError, RuntimeError):
        return Note()


def is_complete() -> bool:
    """Return whether everything had been compiled when the note was written."""
    return note().share == 1.0


def is_ready() -> bool:
    """Return whether the loops, which all systems share, are compiled from the sources that lie here now."""
    found = note()
    return found.ready and found.loops == _loops_stamp()


def is_stale() -> bool:
    """Return whether something kept was made from other sources than those that lie here now."""
    return note()[:2] != (_loops_stamp(), _law_stamps())


def has_law(system: type[System]) -> bool:
    """Return whether the law of a kind of system is compiled."""
    return stem_of(system) in note().compiled


def stem_of(system: type[System]) -> str:
    """Return the name of the file of a kind of system, without its suffix; empty where it is not the program's."""
    package, _, stem = system.__module__.rpartition(".")
    return stem if package == "hnn_engine.systems" else ""


def write_note(ready: bool, compiled: Iterable[str], share: float) -> None:
    """Note what is kept, where that can be written."""
    new = Note(_loops_stamp(), _law_stamps(), ready, tuple(sorted(set(compiled))), share)
    try:
        if note() != new:
            file = _note_file()
            file.parent.mkdir(parents=True, exist_ok=True)
            part = file.with_suffix(f".{os.getpid()}.part")  # another process may read it meanwhile
            part.write_text(json.dumps(new._asdict(), indent=1) + "\n", encoding="utf-8")
            part.replace(file)
    except (OSError, RuntimeError):
        return


def forget_stale() -> None:
    """Throw away what was compiled from other sources: all of it where the loops are, else the laws of the systems
    that changed. Called by `kernels.jit` before anything is compiled or read."""
    found, now = note(), _law_stamps()
    if found.loops != _loops_stamp():
        patterns, kept = ["*"], None
    else:
        changed = {stem for stem in found.laws.keys() | now.keys() if found.laws.get(stem) != now.get(stem)}
        patterns, kept = [f"{stem}.*" for stem in sorted(changed)], [s for s in found.compiled if s not in changed]
    removed = [_remove(pattern) for pattern in patterns]
    if removed and all(removed):
        write_note(kept is not None and found.ready, kept or (), 0.0 if kept is None else min(found.share, LOOPS_SHARE))


def _remove(pattern: str) -> bool:
    """Remove compiled code by its name without the suffix; return False where that is not ours to change, and so not
    ours to have compiled. A file of systems may be named as one of the loops is: laws go alone where not all goes."""
    folders = _kept() if pattern == "*" else _kept()[1:]
    try:
        for folder in folders:
            for suffix in (".nbi", ".nbc"):
                for file in folder.glob(pattern + suffix):
                    file.unlink(missing_ok=True)
    except OSError:
        return False
    return True
