"""A session on disk: one `.hnnlab` zip of session.json, a folder for each run, and the recorded data, if there is any.

Written under another name and then moved into place. Names, sizes and compression inside a zip are checked before
anything is read.
"""

import io
import logging
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

from hnn_engine.atomic_write import reading, recover, told, write_file
from hnn_engine.disk import operations
from hnn_engine.errors import HnnLabError, RecordError, begins_with
from hnn_engine.experiment import Experiment, from_json, to_json
from hnn_engine.limits import LARGEST_DATA, LARGEST_JSON, LARGEST_SESSION, LARGEST_TRAINING, MOST_RUNS
from hnn_engine.recordings import Recording
from hnn_engine.records.archive import Archive, Content, Members, believable
from hnn_engine.records.documents import FORMAT, Fields, dump_json, load_json
from hnn_engine.records.equality import difference
from hnn_engine.records.recorded import Kept, read_recording_files, recording_arrays, recording_header
from hnn_engine.records.run import RUN_FILES, Run, read_run, run_files
from hnn_engine.records.totals import check_totals
from hnn_engine.records.training_snapshots import NAME as SNAPSHOTS_NAME
from hnn_engine.regular_files import open_regular, opened

_log = logging.getLogger(__name__)
SUFFIX = ".hnnlab"
SESSION_LIMITS = {"session.json": LARGEST_JSON, "data.npz": LARGEST_DATA}
_REPORT = "what was there before stays; save under another name, and report this"
_RUN_PATH = re.compile(r"runs/([A-Za-z0-9_-]{1,64})/([a-z]+\.[a-z]+)")
_FIRST, _NAME_AT = b"session.json", 30  # the first member of a session, and where a zip names its first
_VIEW_ENTRIES, _VIEW_TEXT = 100, 200  # of a view: its values, a list's, and characters


@dataclass(frozen=True, eq=False)
class Session:
    """What a session holds: the experiment on screen, its runs, which of them are shown, and how it was looked at."""

    experiment: Experiment
    runs: tuple[Run, ...] = ()
    shown: tuple[str, ...] = ()  # ids of runs
    view: Mapping[str, Any] = field(default_factory=dict)


def session_bytes(session: Session) -> dict[str, bytes]:
    """Return the members of the session's zip, name -> content; raise `RecordError` for what a file may not hold."""
    ids = [run.id for run in session.runs]
    if len(ids) > MOST_RUNS:
        raise RecordError(f"a session holds at most {MOST_RUNS} runs, and this one {len(ids)}: delete some")
    if len(set(ids)) < len(ids):
        raise RecordError("a session holds a run once, and this one holds one twice: delete one of the two")
    document: dict[str, Any] = {
        "format": FORMAT,
        "experiment": to_json(session.experiment),
        "runs": ids,
        "shown": [name for name in dict.fromkeys(session.shown) if name in set(ids)],
        "view": plain_view(session.view),
    }
    members: dict[str, bytes] = {}
    recording = session.experiment.recording
    if recording is not None:
        document["recording"] = recording_header(recording)
        members["data.npz"] = recording_arrays(recording)
    for run in session.runs:
        for name, content in run_files(run, with_samples=not _shows_film(recording, run)).items():
            members[f"runs/{run.id}/{name}"] = content
    return {"session.json": dump_json(document), **members}


def with_room(session: Session) -> Session:
    """Return `session` with so few of the snapshots along its fits that all together have at most `LARGEST_TRAINING`
    bytes: of the runs that have most, every other one goes, until they do."""
    kept = [run.training for run in session.runs]
    sizes = [one.size if one is not None else 0 for one in kept]
    while sum(sizes) > LARGEST_TRAINING:
        largest = sizes.index(max(sizes))
        found = kept[largest]
        assert found is not None
        fewer = found.thinned((len(found) + 1) // 2) if len(found) > 2 else None
        kept[largest], sizes[largest] = fewer, fewer.size if fewer is not None else 0
    runs = zip(session.runs, kept, strict=True)
    return replace(session, runs=tuple(run if run.training is one else replace(run, training=one) for run, one in runs))


def plain_view(view: object) -> dict[str, Any]:
    """Return what of `view` is plain and short: texts, numbers, flags, nothing, and lists of these."""
    if not isinstance(view, Mapping):
        return {}
    kept = {name: value for name, value in view.items() if _is_short(name) and isinstance(name, str) and _plain(value)}
    return dict(list(kept.items())[:_VIEW_ENTRIES])


def _plain(value: object) -> bool:
    if isinstance(value, list):
        return len(value) <= _VIEW_ENTRIES and all(_is_short(one) for one in value)
    return _is_short(value)


def _is_short(value: object) -> bool:
    if isinstance(value, str):
        return len(value) <= _VIEW_TEXT
    if isinstance(value, bool | None):
        return True
    return isinstance(value, int | float) and abs(value) < 1e18


def _shows_film(recording: Recording | None, run: Run) -> bool:
    """Whether a run saw the very film that is on screen: then it is kept once."""
    seen = run.experiment.recording
    if recording is None or seen is None or recording.frames is None:
        return False
    return seen.frames is recording.frames and seen.coords is recording.coords


def save_session(session: Session, path: Path, replace_protected: bool = False) -> None:
    """Write `session` to `path` all at once, read back before it replaces an older one; raise `RecordError` where that
    is not possible, `ProtectedFileError` where a read-only file is there, unless `replace_protected`."""
    with told(path):
        found = operations.kind(path)
    if operations.is_folder(found):
        raise RecordError(f"{path} is a folder, but a session is a file: choose a name that ends in {SUFFIX}")
    session = with_room(session)
    try:
        members = session_bytes(session)
    except RecordError as error:
        raise RecordError(f"{path} was not written: {error}") from error
    _check_sizes(members, f"{path} was not written")
    check_totals(members, f"{path} was not written")
    write_file(path, _packed(members), lambda beside: _read_back(session, beside, path), replace_protected)


def _read_back(session: Session, beside: Path, path: Path) -> None:
    """Raise `RecordError` unless the file `beside` opens as what `session` is."""
    shown = tuple(name for name in dict.fromkeys(session.shown) if name in {run.id for run in session.runs})
    asked = replace(session, shown=shown, view=plain_view(session.view))
    try:
        with beside.open("rb") as file:
            place = difference(asked, read_session(file, str(path)), "session")
    except RecordError as error:
        raise RecordError(f"{path} was not written, since it would not open again: {error}; {_REPORT}") from error
    if place:
        raise RecordError(f"{path} was not written, since {place} would be another one when it is opened; {_REPORT}")


def _packed(members: Mapping[str, bytes]) -> bytes:
    """Return the zip of `members`; they are not packed where they would shrink more than a reader believes, nor are
    snapshots, which hardly shrink."""
    unpacked = sum(map(len, members.values()))
    packed = _zipped(members, zipfile.ZIP_DEFLATED)
    return packed if believable(unpacked, len(packed)) else _zipped(members, zipfile.ZIP_STORED)


def _zipped(members: Mapping[str, bytes], method: int) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content, zipfile.ZIP_STORED if name.endswith(SNAPSHOTS_NAME) else method)
    return packed.getvalue()


def load_session(path: Path) -> Session:
    """Read the session at `path`; raise `RecordError` that says what is wrong and what to do."""
    recover(path)
    with reading(path):
        found = operations.kind(path)
    if operations.is_folder(found):
        raise RecordError(f"{path} is a folder, but a session is a file that ends in {SUFFIX}: choose one")
    with open_regular(path, "a session", LARGEST_SESSION) as file:
        session = read_session(file, str(path))
    _log.info("Session opened: %s, %d runs", path, len(session.runs))
    return session


def looks_like_session(path: Path) -> bool:
    """Whether `path` is a session by its name, or by how it begins."""
    if path.suffix.lower() == SUFFIX:
        return True
    try:
        with opened(path) as file:
            head = file.read(_NAME_AT + len(_FIRST))
    except (OSError, ValueError):
        return False
    return head.startswith(b"PK") and head[_NAME_AT:] == _FIRST


def read_session(file: BinaryIO, where: str) -> Session:
    """Read the session that an open file is; raise `RecordError`, which begins with `where`, as `load_session`."""
    with Archive(file, where, _content()) as archive:
        document = load_json(Members(archive), "session.json", where)
        try:
            return _read(archive, document, where)
        except RecordError as error:
            raise error if begins_with(error, where) else RecordError(f"{where} cannot be read: {error}") from error
        except HnnLabError as error:
            raise RecordError(f"{where} cannot be read: {error}") from error


def _read(archive: Archive, document: dict[str, Any], where: str) -> Session:
    given, members = Fields(document, "session.json"), Members(archive)
    ids = given.names("runs", MOST_RUNS)
    shown = given.names("shown", MOST_RUNS)
    _check_members(archive, ids, shown)
    check_totals(members, where)
    recording, kept = None, Kept()
    if "recording" in document:
        if "data.npz" not in members:
            raise RecordError("data.npz with the recorded samples is missing: restore it from a copy")
        recording = read_recording_files(document["recording"], members["data.npz"], where, kept)
    experiment = from_json(document.get("experiment"), recording)
    film = recording if recording is not None and recording.frames is not None else None
    runs = tuple(_read_run(archive, name, where, film, kept) for name in ids)
    return Session(experiment, runs, shown, plain_view(document.get("view")))


def _read_run(archive: Archive, name: str, where: str, film: Recording | None, kept: Kept) -> Run:
    run = read_run(Members(archive, f"runs/{name}/"), f"{where}, run {name}", film, kept)
    if run.id != name:
        raise RecordError(f"run {name} says that it is run {run.id}: restore it from a copy")
    return run


def _check_members(archive: Archive, ids: tuple[str, ...], shown: tuple[str, ...]) -> None:
    """Refuse members of runs that are not listed, and shown runs that are none, before anything else is unpacked."""
    listed = set(ids)
    bare = next((name for name in ids if f"runs/{name}/run.json" not in archive.sizes), None)
    if bare is not None:
        raise RecordError(f"run {bare[:80]} has no run.json: restore it from a copy")
    for name in archive.sizes:
        match = _RUN_PATH.fullmatch(name)
        if match and match[1] not in listed:
            raise RecordError(f"it holds {name!r}, but session.json lists no such run: restore it from a copy")
    strange = next((name for name in shown if name not in listed), None)
    if strange is not None:
        raise RecordError(f"session.json shows run {strange[:80]!r}, but lists no such run: restore it from a copy")


def _content() -> Content:
    return Content(
        "a session",
        MOST_RUNS * len(RUN_FILES) + len(SESSION_LIMITS),
        f"a session holds at most {MOST_RUNS} runs; restore it from a copy",
        "is no session of HNN Lab, or a damaged one",
        _limit,
    )


def _limit(name: str) -> int | None:
    """The largest size of the member `name`, or None where it is no part of a session."""
    match = _RUN_PATH.fullmatch(name)
    return RUN_FILES.get(match[2]) if match else SESSION_LIMITS.get(name)


def _check_sizes(members: Mapping[str, bytes], where: str) -> None:
    """Raise `RecordError` where a member to be written is more than a reader takes."""
    for name, content in members.items():
        if len(content) > (_limit(name) or 0):
            raise RecordError(f"{where}: {name} has {len(content) / 1e6:.0f} MB unpacked, more than a session may hold")
