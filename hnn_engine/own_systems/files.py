"""`.hnnsystem` files: a definition as TOML."""

import json
import tomllib
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from hnn_engine.atomic_write import write_file
from hnn_engine.errors import HnnLabError, RecordError, begins_with, shortened
from hnn_engine.limits import LARGEST_SYSTEM
from hnn_engine.own_systems.definition import Definition
from hnn_engine.own_systems.plain import from_plain, to_plain
from hnn_engine.regular_files import read_regular

SUFFIX = ".hnnsystem"
FORMAT = 1


def load_system(path: Path, interrupt: Callable[[], bool] = lambda: False) -> Definition:
    """Return the system in the file at `path`; raise `RecordError` that says what is wrong with it.

    `interrupt` is asked now and then while H of a Lagrangian is derived, and ends that.
    """
    return read_system(read_regular(path, "a system", LARGEST_SYSTEM), str(path), interrupt)


def save_system(definition: Definition, path: Path, replace_protected: bool = False) -> None:
    """Write a complete definition to `path` all at once, read back before it replaces an older one; raise `RecordError`
    where that is not possible, `ProtectedFileError` where a read-only file is there, unless `replace_protected`."""

    def verify(beside: Path) -> None:
        if load_system(beside) != definition:
            raise RecordError(f"{path} was not written, since it would be another system when it is opened")

    write_file(path, system_text(definition).encode(), verify, replace_protected)


def read_system(content: bytes, where: str, interrupt: Callable[[], bool] = lambda: False) -> Definition:
    """Return the system that a file's `content` says; `where` is what messages call the file, `interrupt` as in
    `load_system`."""
    try:
        raw = tomllib.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:  # of which those of TOML and of UTF-8 are
        reason = "its tables are nested too deep" if isinstance(error, RecursionError) else error
        raise RecordError(f"{where} is no system as TOML has it: {reason}; mend it, or write it anew") from error
    found = raw.pop("format", None)
    if type(found) is not int or found < 1:
        raise RecordError(f"{where} states no format: it must begin with 'format = {FORMAT}'")
    if found > FORMAT:
        raise RecordError(
            f"{where} was written by a newer HNN Lab (format {found}, this one reads {FORMAT}): update it"
        )
    try:
        return from_plain(raw, "it", interrupt=interrupt)
    except HnnLabError as error:
        if begins_with(error, where):
            raise
        raise RecordError(f"{where} cannot be opened: {error}") from error


def system_text(definition: Definition) -> str:
    """Return the content of the file of a complete definition."""
    plain = to_plain(definition)
    lines = [f"format = {FORMAT}"]
    lines += [f"{name} = {_toml(value)}" for name, value in plain.items() if not isinstance(value, Mapping)]
    for name, table in plain.items():
        if isinstance(table, Mapping):
            lines += ["", f"[{name}]", *(f"{_key(key)} = {_toml(value)}" for key, value in table.items())]
    return "\n".join(lines) + "\n"


def _key(name: str) -> str:
    return name if name.replace("_", "").isalnum() and name.isascii() else _toml(name)


def _toml(value: Any) -> str:
    """Return a value as TOML writes it: texts and numbers as JSON does, tables on one line."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(name)} = {_toml(one)}" for name, one in value.items()) + " }"
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return json.dumps(value)


# The shelf ------------------------------------------------------------------------------------------------------------


@cache
def shelf() -> tuple[str, ...]:
    """Return the names of the systems that come with the program, in alphabetical order."""
    folder = files("resources") / "systems"
    return tuple(sorted(one.name.removesuffix(SUFFIX) for one in folder.iterdir() if one.name.endswith(SUFFIX)))


def load_shelved(name: str) -> Definition:
    """Return a system that comes with the program, by its name in `shelf`."""
    content = (files("resources") / "systems" / f"{name}{SUFFIX}").read_bytes()
    return read_system(content, f"{shortened(name)}{SUFFIX}")


@cache
def shelved_titles() -> tuple[tuple[str, str, int], ...]:
    """Return the name, the title and the degrees of freedom of each system that comes with the program, by both of the
    last; the formulas are not read."""
    folder = files("resources") / "systems"
    found = []
    for name in shelf():
        raw = tomllib.loads((folder / f"{name}{SUFFIX}").read_text(encoding="utf-8"))
        found.append((name, str(raw["title"]), len(raw["coordinates"])))
    return tuple(sorted(found, key=lambda one: (one[2], one[1].lower())))
