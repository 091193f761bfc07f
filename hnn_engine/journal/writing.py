"""Writing an entry: what has come since the last time, and then, all at once, the document that refers to it."""

import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hnn_engine.atomic_write import write_folder
from hnn_engine.errors import HnnLabError, RecordError
from hnn_engine.experiment import to_json
from hnn_engine.journal.places import (
    DOCUMENT,
    LIMIT,
    LOCK,
    Lock,
    clear,
    discard,
    folders,
    new_place,
    seized,
    size_of,
    sweep,
    without_locks,
)
from hnn_engine.recordings import Recording
from hnn_engine.records import Run, Session, write_file
from hnn_engine.records.documents import FORMAT, dump_json
from hnn_engine.records.recorded import recording_arrays, recording_header
from hnn_engine.records.run import run_files

# What of a run stands in its files; its title, which can be changed, stands in the document too.
_LASTING = ("experiment", "snapshot", "history", "figures", "ending", "reason", "steps", "fit_seconds", "created")
LISTED = 500  # bytes of the document that a run takes, at most about
_TRACK = ("t", "trial", "coords", "gaps", "frames", "reader")  # what two recordings share that are kept once


@dataclass(frozen=True)
class Written:
    """What became of a request to keep a session: how many of its oldest runs found no room, and what went wrong with
    some."""

    left_out: int = 0
    problems: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether the journal holds all of it."""
        return not self.left_out and not self.problems


@dataclass(frozen=True, eq=False)
class _Part:
    """A run or a recording in the entry: the name of its folder or file, and its bytes."""

    name: str
    size: int
    what: Any


class Writer:
    """Keeps the work of one window in an entry under `root`; all entries there take at most `limit` bytes together.

    The folder is made with the first work and removed when there is none. One thread at a time uses it.
    """

    def __init__(self, root: Path, limit: int = LIMIT) -> None:
        """Write under the folder `root`, in which all entries together have at most `limit` bytes; nothing is made
        yet."""
        self.root, self.limit = root, limit
        self.folder: Path | None = None
        self._lock: Lock | None = None
        self._runs: dict[str, _Part] = {}
        self._recordings: list[_Part] = []
        self._count = 0

    def write(self, session: Session, path: Path | None) -> Written:
        """Keep `session`, which was last saved at `path` or never, instead of what was kept before; raise `RecordError`
        where the disk or the limit prevents it."""
        try:
            if self.folder is not None and not (self.folder / LOCK).exists():
                self.leave()  # it has been removed from outside
            if self.folder is None:
                sweep(self.root, time.time())
                self.folder, self._lock = new_place(self.root)
            return self._write(session, path)
        except OSError as error:
            raise RecordError(_trouble(self.root, error)) from error
        except (HnnLabError, ValueError) as error:
            raise RecordError(_trouble(self.root, error.__cause__ or error)) from error

    def clear(self) -> None:
        """Keep nothing any more; raise `RecordError` where the entry cannot be removed."""
        if self.folder is not None and self._lock is not None:
            folder, lock = self.folder, self._lock
            self._forget()
            try:
                clear(folder, lock)
            except OSError as error:
                raise RecordError(_trouble(self.root, error)) from error

    def leave(self) -> None:
        """Leave the entry to be found."""
        if self._lock is not None:
            self._lock.release()
        self._forget()

    def _forget(self) -> None:
        self.folder = self._lock = None
        self._runs.clear()
        self._recordings.clear()

    # The parts --------------------------------------------------------------------------------------------------------

    def _write(self, session: Session, path: Path | None) -> Written:
        assert self.folder is not None
        room = Room(self.root, self.folder, self.limit)
        document = head(session, path)
        recording = session.experiment.recording
        if recording is not None:
            document["recording"] = self._recording(recording, room, must=True)
        room.take(len(dump_json(document)) + LISTED * len(session.runs), must=True)
        kept, problems = self._keep_runs(session.runs, room)
        document["runs"] = [self._listed(run, room) for run in session.runs if run.id in kept]
        document["recordings"] = {part.name: recording_header(part.what) for part in self._recordings}
        document["left_out"] = len(session.runs) - len(kept) - len(problems)
        write_file(self.folder / DOCUMENT, dump_json(document))
        self._tidy(document)
        return Written(int(document["left_out"]), tuple(problems))

    def _keep_runs(self, runs: Iterable[Run], room: "Room") -> tuple[set[str], list[str]]:
        """Write the runs that are new; return the ids of those that are kept, the newest first to find room."""
        kept, problems = set(), []
        for run in reversed(tuple(runs)):
            try:
                if self._keep_run(run, room):
                    kept.add(run.id)
            except (HnnLabError, ValueError) as error:
                if isinstance(error.__cause__, OSError):
                    raise
                problems.append(f"{run.title} cannot be kept: {error}")
        return kept, problems

    def _keep_run(self, run: Run, room: "Room") -> bool:
        """Write `run` where it is not written yet; return whether there was room for it."""
        part = self._runs.get(run.id)
        if part is not None and not _same(part.what, run):
            part = None
        files = run_files(run, with_samples=False, with_training=False) if part is None else {}
        size = part.size if part is not None else sum(map(len, files.values()))
        recording = run.experiment.recording
        if recording is not None and not self._recording(recording, room, must=False):
            return False
        if not room.take(size):
            return False
        if files:
            name = self._new_name(run.id)
            assert self.folder is not None
            write_folder(self.folder / name, files)
            self._runs[run.id] = _Part(name, size, run)
        return True

    def _recording(self, recording: Recording, room: "Room", must: bool) -> str:
        """Write the samples of `recording` where they are not written yet; return the name of their file, '' where
        there was no room."""
        assert self.folder is not None
        for part in self._recordings:
            if _same_track(part.what, recording):
                return part.name if part.name in room.counted or room.take(part.size, part.name, must) else ""
        content = recording_arrays(recording)
        name = self._new_name("recording") + ".npz"
        if not room.take(len(content), name, must):
            return ""
        write_file(self.folder / name, content)
        self._recordings.append(_Part(name, len(content), recording))
        return name

    def _new_name(self, stem: str) -> str:
        self._count += 1
        return f"{stem}.{self._count}"

    def _listed(self, run: Run, room: "Room") -> dict[str, Any]:
        recording = run.experiment.recording
        samples = {} if recording is None else {"recording": self._recording(recording, room, must=True)}
        return {"id": run.id, "title": run.title, "folder": self._runs[run.id].name, **samples}

    def _tidy(self, document: Mapping[str, Any]) -> None:
        """Remove what the document refers to no more."""
        assert self.folder is not None
        listed = {one["folder"] for one in document["runs"]}
        used = {one["recording"] for one in document["runs"] if "recording" in one} | {document.get("recording")}
        self._runs = {key: part for key, part in self._runs.items() if part.name in listed}
        self._recordings = [part for part in self._recordings if part.name in used]
        for path in self.folder.iterdir():
            if path.name not in listed | used | {DOCUMENT, LOCK}:
                discard(path)


class Room:
    """What the journal may still take, in bytes. Where that is too little, entries of dead windows go, the oldest
    first."""

    def __init__(self, root: Path, own: Path, limit: int) -> None:
        """Count what the entries under `root` take, but for the folder `own`, of `limit` bytes in all."""
        self._left = limit
        self._others = {folder: size_of(folder) for folder in folders(root) if folder != own}
        self._limit = limit
        self.counted: set[str] = set()  # names of recordings that are paid for

    def take(self, size: int, name: str = "", must: bool = False) -> bool:
        """Take `size` bytes; return whether they were there, and raise `RecordError` where they `must`."""
        for folder in list(self._others):
            if size <= self._left - sum(self._others.values()):
                break
            self._drop(folder)
        if size > self._left - sum(self._others.values()):
            if must:
                raise RecordError(f"it holds at most {self._limit / 1e6:.0f} MB, and this needs more")
            return False
        self._left -= size
        self.counted.add(name)
        return True

    def _drop(self, folder: Path) -> None:
        lock = seized(folder)
        if lock is not None:
            with suppress(OSError):  # it stays, and the next one goes
                clear(folder, lock)
            self._others[folder] = size_of(folder)


def head(session: Session, path: Path | None) -> dict[str, Any]:
    """Return the document of an entry but for what it says of runs and recordings."""
    return {
        "format": FORMAT,
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "title": session.experiment.source_title,
        "path": str(path) if path is not None else None,
        "experiment": to_json(session.experiment),
        "shown": list(session.shown),
        "view": dict(session.view),
        "left_out": 0,
    }


def _same(a: Run, b: Run) -> bool:
    """Whether two runs differ in their titles at most."""
    return all(getattr(a, name) is getattr(b, name) for name in _LASTING)


def _same_track(a: Recording, b: Recording) -> bool:
    """Whether two recordings differ at most in the reference that evaluates them, which each run states."""
    same = all(getattr(a, name) is getattr(b, name) for name in _TRACK)
    return same and {**recording_header(a), "reference": None} == {**recording_header(b), "reference": None}


def _trouble(root: Path, error: BaseException) -> str:
    if without_locks(error):
        return f"Unsaved work is not kept in {root}: its disk has no locks; save often, or set HNN_LAB_DATA to another"
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return f"Unsaved work cannot be kept in {root} ({reason}): save the session; free space or correct its permissions"
