"""A session on disk: one `.hnnlab` zip of session.json, a folder for each run, and the recorded data, if there is any.

Written beside and then moved into place. Names, sizes and compression inside a zip are checked before anything is read.
"""

import io
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hnn_engine.atomic import recover, write_file
from hnn_engine.errors import HnnLabError, RecordError
from hnn_engine.experiment import Experiment, from_json, to_json
from hnn_engine.recordings import Recording
from hnn_engine.records.recorded import read_recording_files, recording_arrays, recording_header
from hnn_engine.records.run import FORMAT, RUN_FILES, Run, dump_json, load_json, read_run, run_files

SUFFIX = ".hnnlab"
SESSION_LIMITS = {"session.json": 5_000_000, "data.npz": RUN_FILES["data.npz"]}
MAX_TOTAL = 1_000_000_000
MAX_RUNS = 500
_RUN_PATH = re.compile(r"runs/([A-Za-z0-9_-]{1,64})/([a-z]+\.[a-z]+)")


@dataclass(frozen=True, eq=False)
class Session:
    """What a session holds: the experiment on screen, its runs, which of them are shown, and how it was looked at."""

    experiment: Experiment
    runs: tuple[Run, ...] = ()
    shown: tuple[str, ...] = ()  # ids of runs
    view: Mapping[str, Any] = field(default_factory=dict)


def session_bytes(session: Session) -> dict[str, bytes]:
    """Return the members of the session's zip, name -> content."""
    document: dict[str, Any] = {
        "format": FORMAT,
        "experiment": to_json(session.experiment),
        "runs": [run.id for run in session.runs],
        "shown": list(session.shown),
        "view": dict(session.view),
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


def _shows_film(recording: Recording | None, run: Run) -> bool:
    """Whether a run saw the very film that is on screen: then it is kept once."""
    seen = run.experiment.recording
    if recording is None or seen is None or recording.frames is None:
        return False
    return seen.frames is recording.frames and seen.coords is recording.coords


def save_session(session: Session, path: Path, replace_protected: bool = False) -> None:
    """Write `session` to `path` all at once; raise `RecordError` where that is not possible, `ProtectedFileError` where
    a read-only file is there, unless `replace_protected`."""
    target = path.absolute()
    if target.is_dir():
        raise RecordError(f"{path} is a folder, but a session is a file: choose a name that ends in {SUFFIX}")
    members = session_bytes(session)
    _check_sizes({name: len(content) for name, content in members.items()}, f"{path} was not written")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    write_file(path, packed.getvalue(), replace_protected=replace_protected)


def load_session(path: Path) -> Session:
    """Read the session at `path`; raise `RecordError` that says what is wrong and what to do."""
    recover(path)
    members = _read_members(path)
    where = str(path)
    document = load_json(members, "session.json", where)
    try:
        recording = None
        if "recording" in document:
            if "data.npz" not in members:
                raise RecordError(f"{where} is damaged: data.npz with the recorded samples is missing; restore it")
            recording = read_recording_files(document["recording"], members["data.npz"], where)
        experiment = from_json(document.get("experiment"), recording)
        ids = [str(name) for name in document.get("runs", [])]
        film = recording if recording is not None and recording.frames is not None else None
        runs = tuple(read_run(_folder(members, name), f"{where}, run {name}", film) for name in ids)
        shown = tuple(str(name) for name in document.get("shown", []) if str(name) in ids)
        view = document.get("view", {})
        return Session(experiment, runs, shown, view if isinstance(view, dict) else {})
    except RecordError:
        raise
    except HnnLabError as error:
        raise RecordError(f"{where} cannot be read: {error}") from error
    except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
        raise RecordError(f"{where} is damaged: session.json lacks or misspells {error}; restore it") from error


def _folder(members: Mapping[str, bytes], run: str) -> dict[str, bytes]:
    prefix = f"runs/{run}/"
    return {name[len(prefix) :]: content for name, content in members.items() if name.startswith(prefix)}


def _read_members(path: Path) -> dict[str, bytes]:
    if not path.exists():
        raise RecordError(f"{path} does not exist: check its name")
    if path.is_dir():
        raise RecordError(f"{path} is a folder, but a session is a file that ends in {SUFFIX}")
    try:
        with zipfile.ZipFile(path) as archive:
            infos = [info for info in archive.infolist() if not info.is_dir()]
            _check_members(infos, path)
            return {info.filename: archive.read(info) for info in infos}
    except zipfile.BadZipFile as error:
        raise RecordError(f"{path} is no session of HNN Lab, or a damaged one ({error}): restore it") from error
    except RecordError:
        raise
    except (OSError, RuntimeError) as error:
        raise RecordError(f"{path} cannot be read ({error}): check its permissions, or restore it") from error
    except Exception as error:  # what a damaged zip makes the decompressors raise is of many kinds
        raise RecordError(f"{path} is damaged ({error}): restore it from a copy") from error


def _check_members(infos: list[zipfile.ZipInfo], path: Path) -> None:
    """Refuse what no session holds, before a byte of it is unpacked."""
    for info in infos:
        if _limit(info.filename) is None:
            raise RecordError(f"{path} is refused: it holds '{info.filename[:80]}', which is no part of a session")
    _check_sizes({info.filename: info.file_size for info in infos}, f"{path} is refused")


def _limit(name: str) -> int | None:
    """The largest size of the member `name`, or None where it is no part of a session."""
    match = _RUN_PATH.fullmatch(name)
    return RUN_FILES.get(match[2]) if match else SESSION_LIMITS.get(name)


def _check_sizes(sizes: Mapping[str, int], where: str) -> None:
    """Raise `RecordError` where members are too many or too large, the same when writing as when reading."""
    if len(sizes) > MAX_RUNS * len(RUN_FILES) + len(SESSION_LIMITS):
        raise RecordError(f"{where}: a session holds at most {MAX_RUNS} runs; delete some")
    for name, size in sizes.items():
        if size > (_limit(name) or 0):
            raise RecordError(f"{where}: {name} has {size / 1e6:.0f} MB unpacked, more than a session may hold")
    if sum(sizes.values()) > MAX_TOTAL:
        raise RecordError(f"{where}: it has more than {MAX_TOTAL / 1e9:.0f} GB unpacked; delete some runs")
