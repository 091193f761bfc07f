"""What dead windows have left in the journal: listed from the documents alone, and read back when it is claimed."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from hnn_engine.errors import HnnLabError, RecordError, listing
from hnn_engine.experiment import Experiment, from_json
from hnn_engine.journal.places import DOCUMENT, Lock, clear, folders, seized, unreadable
from hnn_engine.recordings import Recording
from hnn_engine.records import Run, Session
from hnn_engine.records.documents import load_json
from hnn_engine.records.recorded import read_recording_files
from hnn_engine.records.run import RUN_FILES, read_run
from hnn_engine.regular_files import read_regular

LARGEST_DOCUMENT = 5_000_000  # bytes
_RUN = re.compile(r"[A-Za-z0-9_-]{1,64}\.[0-9]{1,9}")
_RECORDING = re.compile(r"recording\.[0-9]{1,9}\.npz")
_DAMAGE = (LookupError, TypeError, ValueError, ArithmeticError, AttributeError)


@dataclass(frozen=True)
class Entry:
    """What one window has left: when it was kept, of what it was, where that was saved last, the titles of its runs,
    and how many found no room; or what is wrong with it."""

    folder: Path
    written: datetime | None = None
    title: str = ""
    path: Path | None = None
    runs: tuple[str, ...] = ()
    left_out: int = 0
    problem: str = ""

    def sentence(self, now: datetime) -> str:
        """Say in one sentence what it holds; `now` tells today from other days."""
        if self.problem:
            return self.problem
        assert self.written is not None
        local = self.written.astimezone(now.tzinfo)
        moment = f"{local:%H:%M}" if local.date() == now.date() else f"{local:%Y-%m-%d, %H:%M}"
        name = f" on {self.path.name}" if self.path is not None else ""
        return f"Work from {moment}{name} was not saved: {self.title}, {self._fits()}."

    def _fits(self) -> str:
        fits = f"{len(self.runs)} fit{'' if len(self.runs) == 1 else 's'}" if self.runs else "no fits"
        named = f" ({listing(self.runs, most=4)})" if self.runs else ""
        lost = f"; {self.left_out} older ones found no room" if self.left_out else ""
        return fits + named + lost


def entries(root: Path) -> list[Entry]:
    """Return what windows that have ended have left under `root`, the one written last first. It raises nothing: an
    entry that cannot be read says why."""
    found = []
    for folder in reversed(folders(root)):
        problem = unreadable(folder)
        if problem:
            found.append(Entry(folder, problem=f"Unsaved work cannot be read: {problem}."))
            continue
        if not os.path.lexists(folder / DOCUMENT):  # which raises nothing
            continue
        lock = seized(folder)
        if lock is None:
            continue  # its window lives
        try:
            found.append(_read_entry(folder))
        finally:
            lock.release()
    return found


class Claim:
    """An entry that is this process's own from now on: read it, and then remove it or leave it."""

    def __init__(self, entry: Entry, lock: Lock) -> None:
        """Take over `entry`, whose `lock` is held until `leave` or `remove`."""
        self.entry, self._lock = entry, lock

    def load(self) -> tuple[Session, tuple[str, ...]]:
        """Return what it holds, and what of it could not be read; raise `RecordError` where nothing could."""
        return _load(self.entry.folder)

    def remove(self) -> None:
        """Remove it; raise `RecordError` where it stays."""
        try:
            clear(self.entry.folder, self._lock)
        except OSError as error:
            raise RecordError(
                f"{self.entry.folder} cannot be removed ({error.strerror or error}): correct its permissions"
            ) from error

    def leave(self) -> None:
        """Leave it to be found again."""
        self._lock.release()


def claim(entry: Entry) -> Claim:
    """Take `entry` for this process; raise `RecordError` where another has it, or it is gone."""
    lock = seized(entry.folder)
    if lock is None:
        gone = "This work is not there any more: another window has taken it up, or it was discarded"
        raise RecordError(unreadable(entry.folder) or gone)
    return Claim(entry, lock)


def remove(entry: Entry) -> None:
    """Remove `entry` from the disk; raise `RecordError` where another process has it, or it stays."""
    claim(entry).remove()


# Reading --------------------------------------------------------------------------------------------------------------


def _read_entry(folder: Path) -> Entry:
    try:
        document = _document(folder)
        path = document.get("path")
        return Entry(
            folder,
            datetime.fromisoformat(str(document["written"])).astimezone(),
            _line(document["title"]),
            Path(str(path)) if path is not None else None,
            tuple(_line(one["title"]) for one in document["runs"]),
            int(document["left_out"]),
        )
    except HnnLabError as error:
        return Entry(folder, problem=f"Unsaved work cannot be read: {error}.")
    except (OSError, OverflowError, *_DAMAGE) as error:
        return Entry(folder, problem=f"Unsaved work cannot be read: {folder / DOCUMENT} is damaged ({error}).")


def _line(value: object) -> str:
    return " ".join(str(value)[:200].split())


def _document(folder: Path) -> dict[str, Any]:
    files = _files(folder, {DOCUMENT: LARGEST_DOCUMENT})
    return load_json(files, DOCUMENT, str(folder))


def _files(folder: Path, limits: Mapping[str, int]) -> dict[str, bytes]:
    """Read what there is of the files named in `limits`; raise `RecordError`."""
    there = {name: limit for name, limit in limits.items() if os.path.lexists(folder / name)}
    return {name: read_regular(folder / name, f"the journal's {name}", limit) for name, limit in there.items()}


def _load(folder: Path) -> tuple[Session, tuple[str, ...]]:
    document = _document(folder)
    reader = _Reader(folder, document)
    try:
        runs = reader.runs()
        experiment = reader.experiment(runs)
        shown = tuple(str(name) for name in document.get("shown", []))
        view = document.get("view")
        session = Session(experiment, runs, shown, view if isinstance(view, dict) else {})
    except _DAMAGE as error:
        raise RecordError(f"{folder / DOCUMENT} is damaged: it lacks or misspells {error}") from error
    return session, tuple(reader.problems)


class _Reader:
    """Reads the parts that a document refers to, and notes in `problems` what cannot be read."""

    def __init__(self, folder: Path, document: Mapping[str, Any]) -> None:
        self._folder, self._document = folder, document
        self._recordings: dict[str, Recording] = {}
        self.problems: list[str] = []

    def runs(self) -> tuple[Run, ...]:
        """Return the runs that can be read."""
        found: dict[str, Run] = {}
        for one in self._document["runs"]:
            try:
                run = self._run(one)
                found[run.id] = run
            except (HnnLabError, *_DAMAGE) as error:
                self.problems.append(f"{_line(one.get('title', 'A run'))}: {error}")
        return tuple(found.values())

    def _run(self, listed: Mapping[str, Any]) -> Run:
        name = str(listed["folder"])
        if not _RUN.fullmatch(name):
            raise RecordError(f"its folder is '{name[:80]}', which is none of the journal's")
        track = self._recording(listed["recording"]) if "recording" in listed else None
        run = read_run(_files(self._folder / name, RUN_FILES), str(self._folder / name), track)
        return replace(run, title=str(listed["title"])[:200])

    def experiment(self, runs: tuple[Run, ...]) -> Experiment:
        """Return the experiment that was on screen, or that of the newest run where it states none that can be read."""
        stated, recorded = self._document.get("experiment"), self._document.get("recording")
        try:
            if stated is not None or not runs:
                return from_json(stated, self._recording(recorded) if recorded is not None else None)
        except (HnnLabError, *_DAMAGE) as error:
            if not runs:
                raise RecordError(f"{self._folder / DOCUMENT} cannot be read: {error}") from error
            self.problems.append(f"What was on screen: {error}")
        return runs[-1].experiment

    def _recording(self, name: object) -> Recording:
        """Read a recording, once for all that share it."""
        name = str(name)
        if not _RECORDING.fullmatch(name):
            raise RecordError(f"its recording is '{name[:80]}', which is none of the journal's")
        if name not in self._recordings:
            where = self._folder / name
            files = _files(self._folder, {name: RUN_FILES["data.npz"]})
            if name not in files:
                raise RecordError(f"{where} with the recorded samples is missing")
            header = self._document["recordings"][name]
            self._recordings[name] = read_recording_files(header, files[name], str(where))
        return self._recordings[name]
