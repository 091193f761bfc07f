"""What numba keeps on disk of the compiled loops, and which sources it was made from.

Numba compiles functions of several files into one but looks at the date of one file alone: so a note kept with its
files says which sources they were made from, and whether they are complete. The loops depend on numba's version, on the
files of `hnn_engine.kernels` and on the constants that those take from elsewhere. The law of a system is compiled by
itself and called by address: it depends on that, on its own file and on the files of systems which that file imports.
"""

import json
import re
from pathlib import Path

from hnn_engine.integrators import DIVERGED, MIDPOINT_ITERATIONS, MIDPOINT_TOLERANCE, FlowDirection
from hnn_engine.models.pixels import FIELD_SHARE

_HERE = Path(__file__).parents[1]
_KERNELS, _SYSTEMS = _HERE / "kernels", _HERE / "systems"
_NOT_COMPILED = {"__init__.py", "__main__.py", "cache.py", "disk_cache.py", "loops.py"}
# What the loops have compiled into them of other folders: a new integrator, say, changes none of it.
_CONSTANTS = (DIVERGED, MIDPOINT_TOLERANCE, MIDPOINT_ITERATIONS, *map(int, FlowDirection), FIELD_SHARE)
_IMPORTED = re.compile(r"^from hnn_engine\.systems\.(\w+) import", re.MULTILINE)


def _kept() -> tuple[Path, Path]:
    """Return where numba keeps what it compiles of the loops and of the laws."""
    return _KERNELS / "__pycache__", _SYSTEMS / "__pycache__"


def _note_file() -> Path:
    return _kept()[0] / "compiled.json"


def _dated(path: Path) -> str:
    found = path.stat()
    return f"{path.name} {found.st_mtime_ns} {found.st_size}"


def _loops_stamp() -> str:
    """Return what the loops depend on."""
    from importlib.metadata import version  # slow to load, and not needed for the first paint

    sources = [path for path in sorted(_KERNELS.glob("*.py")) if path.name not in _NOT_COMPILED]
    return "\n".join([f"numba {version('numba')}", str(_CONSTANTS), *map(_dated, sources)])


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


def _note() -> tuple[str, dict[str, str], bool]:
    """Return the stamps of what is kept, and whether it is complete; empty stamps where nothing is known of it."""
    try:
        found = json.loads(_note_file().read_text(encoding="utf-8"))
        return str(found["loops"]), dict(found["laws"]), found["complete"] is True
    except (OSError, ValueError, KeyError, TypeError):
        return "", {}, False


def is_complete() -> bool:
    """Return whether everything had been compiled when the note was written."""
    return _note()[2]


def is_stale() -> bool:
    """Return whether something kept was made from other sources than those that lie here now."""
    return _note()[:2] != (_loops_stamp(), _law_stamps())


def count() -> int:
    """Return how many files of compiled code are kept."""
    return sum(1 for folder in _kept() for _ in folder.glob("*.nbc"))


def write_note(complete: bool) -> None:
    """Note what is kept, where that can be written; elsewhere numba keeps its files by user, and by whole versions."""
    new = _loops_stamp(), _law_stamps(), complete
    try:
        if _note() != new:
            _note_file().parent.mkdir(exist_ok=True)
            text = json.dumps(dict(zip(("loops", "laws", "complete"), new, strict=True)), indent=1)
            _note_file().write_text(text + "\n", encoding="utf-8")
    except OSError:
        return


def forget_stale() -> None:
    """Throw away what was compiled from other sources: all of it where the loops are, else the laws of the systems
    that changed. Called by `kernels.jit` before anything is compiled or read."""
    loops, laws, _ = _note()
    now = _law_stamps()
    if loops != _loops_stamp():
        patterns = ["*"]
    else:
        patterns = [f"{stem}.*" for stem in laws.keys() | now.keys() if laws.get(stem) != now.get(stem)]
    removed = [_remove(pattern) for pattern in patterns]
    if removed and all(removed):
        write_note(complete=False)


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
