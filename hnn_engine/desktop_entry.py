"""The program among the applications of a desktop on Linux, for this user alone: a desktop file, icons and MIME types,
put in place and taken away again.

Sources: the Desktop Entry, Icon Theme and Shared MIME-info specifications of freedesktop.org.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from contextlib import suppress
from importlib.resources import files
from pathlib import Path

from hnn_engine.atomic_write import make_folders, reading, told, write_file
from hnn_engine.disk import operations
from hnn_engine.errors import RecordError

NAME = "hnn-lab"
SESSION_TYPE, SYSTEM_TYPE = "application/x-hnnlab", "application/x-hnnsystem"
MARK = "Written by 'hnn-lab desktop install'"  # in each file: none other is replaced or removed
SECONDS = 30.0  # that a tool which reads the new files may take
# What update-mime-database and update-desktop-database make of the files of a folder; of none they mean nothing.
_MADE_OF_TYPES = (
    *("XMLnamespaces", "aliases", "generic-icons", "globs", "globs2", "icons", "magic", "mime.cache", "subclasses"),
    *("treemagic", "types", "version"),
)
_MADE_OF_APPLICATIONS = ("mimeinfo.cache",)
_RESERVED = frozenset(" \t\n\"'\\><~|&;$*?#()`")  # letters for which an argument must be quoted


def install(folder: Path, command: str) -> list[Path]:
    """Write the files under `folder` (`desktop_folder()`), for the program at `command`, and tell the desktop; return
    where they are. Raises `RecordError` where one cannot be written, or is another program's."""
    contents = _contents(command)
    for name in contents:
        _check_ours(folder / name)
    for name, content in contents.items():
        make_folders((folder / name).parent)
        write_file(folder / name, content)
    _tell(folder)
    return [folder / name for name in contents]


def remove(folder: Path) -> list[Path]:
    """Remove what `install` has written under `folder`, and folders that are empty then; tell the desktop, and return
    what is gone. Raises `RecordError` where a file cannot be removed, or is another program's."""
    there = [folder / name for name in _contents("") if operations.look(folder / name) is not None]
    for path in there:
        _check_ours(path)
    with told(folder, "check its permissions"):
        for path in there:
            operations.remove(path)
    if there:
        _tell(folder)
        _clear(folder / "mime", folder / "mime" / "packages", _MADE_OF_TYPES)
        _prune(folder / "mime")
        _clear(folder / "applications", folder / "applications", _MADE_OF_APPLICATIONS)
        for path in there:
            _remove_empty(path.parent, folder)
    return there


def program() -> str:
    """Return the path of this program, as a desktop starts it; raise `RecordError` where it was started otherwise."""
    started = Path(sys.argv[0])
    beside = Path(sysconfig.get_path("scripts")) / NAME
    for path in (started, beside):
        if path.name == NAME and os.access(path, os.X_OK) and path.is_file():
            return str(path.absolute())
    found = shutil.which(NAME)
    if found is None:
        raise RecordError(f"There is no program '{NAME}' to be started by a desktop: install it by pip first")
    return found


# What is written ------------------------------------------------------------------------------------------------------


def _contents(command: str) -> dict[str, bytes]:
    logo = (files("resources") / "icons" / "logo.svg").read_bytes().rstrip() + f"\n<!-- {MARK} -->\n".encode()
    icons = Path("icons") / "hicolor" / "scalable"
    kinds = {kind: str(icons / "mimetypes" / f"{kind.replace('/', '-')}.svg") for kind in (SESSION_TYPE, SYSTEM_TYPE)}
    return {
        f"applications/{NAME}.desktop": _desktop_file(command).encode(),
        f"mime/packages/{NAME}.xml": _mime_types().encode(),
        str(icons / "apps" / f"{NAME}.svg"): logo,
        **dict.fromkeys(kinds.values(), logo),
    }


def _desktop_file(command: str) -> str:
    return f"""# {MARK}; 'hnn-lab desktop remove' takes it away.
[Desktop Entry]
Type=Application
Version=1.4
Name=HNN Lab
GenericName=Laboratory for Hamiltonian neural networks
GenericName[de]=Labor für Hamiltonsche neuronale Netze
Comment=Drag mechanical systems, train networks on them, and compare their motion with the truth
Comment[de]=Mechanische Systeme bewegen, Netze an ihnen trainieren und mit der Wahrheit vergleichen
Exec={exec_word(command)} %u
Icon={NAME}
Terminal=false
Categories=Science;Physics;
Keywords=physics;mechanics;pendulum;neural network;Hamiltonian;
MimeType={SESSION_TYPE};{SYSTEM_TYPE};x-scheme-handler/hnnlab;
StartupNotify=true
StartupWMClass={NAME}
"""


def exec_word(path: str) -> str:
    """Return `path` as the first word of Exec: quoted where it must be, its escapes escaped again as in any value, and
    no percent sign a field code."""
    word = path.replace("%", "%%")
    if not _RESERVED & set(path):
        return word
    for letter in ("\\", '"', "`", "$"):
        word = word.replace(letter, f"\\{letter}")
    return '"' + word.replace("\\", "\\\\") + '"'


def _mime_types() -> str:
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<!-- {MARK} -->
<mime-info xmlns="http://www.freedesktop.org/standards/shared-mime-info">
  <mime-type type="{SESSION_TYPE}">
    <comment>HNN Lab session</comment>
    <comment xml:lang="de">HNN-Lab-Sitzung</comment>
    <sub-class-of type="application/zip"/>
    <glob pattern="*.hnnlab" weight="80"/>
  </mime-type>
  <mime-type type="{SYSTEM_TYPE}">
    <comment>Mechanical system for HNN Lab</comment>
    <comment xml:lang="de">Mechanisches System für HNN Lab</comment>
    <glob pattern="*.hnnsystem" weight="80"/>
  </mime-type>
</mime-info>
"""


# What is there --------------------------------------------------------------------------------------------------------


def _check_ours(path: Path) -> None:
    """Raise `RecordError` where another program has written what is at `path`."""
    with reading(path):
        found = operations.look(path)
        ours = found is None or (operations.is_file(found) and MARK.encode() in operations.beginning(path, 100_000))
    if not ours:
        raise RecordError(f"{path} was not written by HNN Lab and stays as it is: move it away first")


def _tell(folder: Path) -> None:
    """Let the desktop read what has changed, where the tools for that are there; it will do so by itself else."""
    for tool, place in (
        ("update-mime-database", folder / "mime"),
        ("update-desktop-database", folder / "applications"),
    ):
        found = shutil.which(tool)
        if found is None or not place.is_dir():
            continue
        with suppress(OSError, subprocess.SubprocessError):
            subprocess.run([found, str(place)], capture_output=True, check=False, timeout=SECONDS)


def _clear(place: Path, source: Path, made: Iterable[str]) -> None:
    """Remove what was `made` in `place` of the files in `source`, where there are none any more."""
    with suppress(OSError):
        if any(name for name in (operations.names(source) if source.is_dir() else []) if name not in made):
            return
        for name in made:
            with suppress(FileNotFoundError):
                operations.remove(place / name)


def _prune(folder: Path) -> None:
    """Remove the empty folders in `folder`, which a tool has made for one kind of file each."""
    with suppress(OSError):
        for name in operations.names(folder):
            if operations.is_folder(operations.look(folder / name)) and not operations.names(folder / name):
                operations.remove_folder(folder / name)


def _remove_empty(folder: Path, root: Path) -> None:
    """Remove `folder` and those above it while they are empty, but not `root`."""
    with suppress(OSError):
        while folder != root and not (folder.exists() and operations.names(folder)):
            if folder.exists():
                operations.remove_folder(folder)
            folder = folder.parent
