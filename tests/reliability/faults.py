"""A disk on which the n-th operation fails, or is the last that the process sees."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from hnn_engine.disk import operations


@contextmanager
def interrupted(number: int, end: Callable[[str], None], half: bool = True) -> Iterator[list[str]]:
    """Call `end` with the name of the operation in place of the one that comes as `number` (from 0), and of each after
    it; yields the names as they come. A writing has written half by then, unless not `half`."""
    seen: list[str] = []

    def counted(name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def operation(*words: Any) -> Any:
            seen.append(name)
            if len(seen) > number:
                if name == "write" and half:
                    path, content = words
                    work(path, content[: len(content) // 2])
                end(name)
            return work(*words)

        return operation

    with ExitStack() as stack:
        for name in operations.NAMES:
            stack.enter_context(mock.patch.object(operations, name, counted(name, getattr(operations, name))))
        yield seen


@contextmanager
def failing(number: int, code: int, for_good: bool) -> Iterator[list[str]]:
    """Let the operation that comes as `number` fail with the error `code`, and all after it too where it is
    `for_good`."""
    failed: list[str] = []

    def fail(name: str) -> None:
        if for_good or not failed:
            failed.append(name)
            raise OSError(code, "the disk has failed")

    with interrupted(number, fail) as seen:
        yield seen


def unflushed() -> Any:
    """Do not wait for the disk: what is tested is the order, not the hardware."""
    return mock.patch("os.fsync", return_value=None)


# Folders as they are --------------------------------------------------------------------------------------------------

Tree = dict[str, bytes | str | None]
"""Content of files, aim of links, None for folders; by their way from the root."""


def tree(folder: Path) -> Tree:
    """Return all that is in a folder."""
    found: Tree = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        found[name] = str(path.readlink()) if path.is_symlink() else None if path.is_dir() else path.read_bytes()
    return found


def lay(folder: Path, found: Tree) -> None:
    """Let a folder hold what `tree` has found, and nothing else."""
    clean(folder)
    for name, content in found.items():
        if content is None:
            (folder / name).mkdir()
        elif isinstance(content, str):
            (folder / name).symlink_to(content)
        else:
            (folder / name).write_bytes(content)


def clean(folder: Path) -> None:
    """Empty a folder."""
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
