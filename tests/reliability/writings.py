"""What the program writes, each as an old state, what replaces it, and how it is opened again: for tests that let the
disk fail or kill the process meanwhile."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import numpy as np

from hnn_engine.atomic_write import recover, write_file
from hnn_engine.disk import operations
from hnn_engine.records import Session, is_run_folder, load_run, load_session, save_session, write_run
from hnn_engine.records.run import run_files
from hnn_engine.records.session import session_bytes
from hnn_engine.video import write_video
from tests.engine.test_records import a_run

Content = object  # compared by ==


@dataclass(frozen=True)
class Writing:
    """A thing in a folder, as it is before and after it is written."""

    name: str
    prepare: Callable[[Path], None]
    write: Callable[[Path], None]
    open: Callable[[Path], Content]  # as a user would; None where nothing is
    swaps: bool = True  # whether the system can exchange two folders

    @contextmanager
    def system(self) -> Iterator[None]:
        """The system as this writing has it."""
        if self.swaps:
            yield
            return
        with mock.patch.object(operations, "exchange", return_value=False):
            yield


def nothing(folder: Path) -> None:
    """No old state."""


def file_in(folder: Path) -> Content:
    path = folder / "file.csv"
    recover(path)
    return path.read_bytes() if path.exists() else None


def session_in(folder: Path) -> Content:
    path = folder / "s.hnnlab"
    recover(path)
    return session_bytes(load_session(path)) if path.exists() else None


def run_in(folder: Path) -> Content:
    path = folder / "run"
    return run_files(load_run(path)) if is_run_folder(path) and any(path.iterdir()) else None


def film_in(name: str) -> Callable[[Path], Content]:
    def read(folder: Path) -> Content:
        recover(folder / name)
        return (folder / name).read_bytes() if (folder / name).exists() else None

    return read


def put_file(content: bytes) -> Callable[[Path], None]:
    return lambda folder: write_file(folder / "file.csv", content)


def put_session(model: str) -> Callable[[Path], None]:
    run = a_run(model)
    return lambda folder: save_session(Session(run.experiment, (run,)), folder / "s.hnnlab")


def put_run(model: str) -> Callable[[Path], None]:
    return lambda folder: write_run(a_run(model), folder / "run", force=True)


def put_film(name: str, count: int) -> Callable[[Path], None]:
    pictures = np.stack([np.full((16, 16, 3), 40 * i, np.uint8) for i in range(count)])
    return lambda folder: write_video(folder / name, iter(pictures), 0.1)


def empty_run(folder: Path) -> None:
    (folder / "run").mkdir(exist_ok=True)


def link(folder: Path) -> None:
    (folder / "elsewhere").mkdir(exist_ok=True)
    (folder / "elsewhere" / "real.csv").write_bytes(b"old")
    if not (folder / "file.csv").is_symlink():
        (folder / "file.csv").symlink_to("elsewhere/real.csv")


FOLDERS = (
    Writing("a new run", nothing, put_run("hnn"), run_in),
    Writing("a run in an empty folder", empty_run, put_run("hnn"), run_in),
    Writing("a run instead of another", put_run("baseline"), put_run("hnn"), run_in),
    Writing("a run instead of another, in two steps", put_run("baseline"), put_run("hnn"), run_in, swaps=False),
)
FILES = (
    Writing("a new file", nothing, put_file(b"new"), file_in),
    Writing("a file instead of another", put_file(b"old"), put_file(b"new" * 10_000), file_in),
    Writing("a file that a link points to", link, put_file(b"new"), file_in),
    Writing("a new session", nothing, put_session("hnn"), session_in),
    Writing("a session instead of another", put_session("baseline"), put_session("hnn"), session_in),
)
FILMS = tuple(
    Writing(f"a video, {kind}, instead of another", put_film(f"film.{kind}", 3), put_film(f"film.{kind}", 5), film)
    for kind, film in (("gif", film_in("film.gif")), ("mp4", film_in("film.mp4")))
)
ALL = (*FILES, *FOLDERS, *FILMS)


def names(folder: Path) -> list[str]:
    """All that is in a folder, however deep, in order."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


__all__ = ["ALL", "FILES", "FILMS", "FOLDERS", "Writing", "names"]
