"""Small hostile files stay cheap: sessions and runs that claim much are refused soon and in little memory.

A child process reads them and measures itself: its time on the processor, and the most memory that it ever had.
"""

import io
import json
import os
import socket
import subprocess
import sys
import tarfile
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hnn_engine import data_edits, limits
from hnn_engine.data_edits import DataEdits, Place, Stroke
from hnn_engine.errors import ExperimentError, RecordError
from hnn_engine.experiment import checked, model_spec, recording_experiment
from hnn_engine.fitting import RECIPES
from hnn_engine.models import get_model
from hnn_engine.recordings import Recording
from hnn_engine.records import History, Session, load_session, save_session, totals
from hnn_engine.records.equality import difference
from hnn_engine.records.recorded import arrays_size
from hnn_engine.records.run import run_files
from hnn_engine.records.session import session_bytes
from hnn_engine.snapshot import Snapshot
from tests.reliability.damage import Files, zipped
from tests.reliability.real_records import filmed, pendulum, recorded

ROOT = Path(__file__).parents[2]
SECONDS, MEGABYTES = 2.0, 300
READER = """
import json, sys, time, warnings
warnings.simplefilter("error")
from pathlib import Path
from hnn_engine.errors import RecordError
from hnn_engine.records import load_run, load_session

def peak():
    status = Path("/proc/self/status")
    if status.exists():
        return next(int(line.split()[1]) / 1e3 for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    import resource
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)

for name, kind in json.loads(sys.stdin.read()):
    began = time.process_time()
    try:
        (load_run if kind == "run" else load_session)(Path(name))
        said = ""
    except RecordError as error:
        said = str(error)
    print(json.dumps([said, time.process_time() - began, peak()]), flush=True)
"""


def measured(cases: list[tuple[str, str]]) -> list[tuple[str, float, float]]:
    """Return what a child says of each file, the seconds that it took, and its peak of memory so far in MB."""
    done = subprocess.run(
        [sys.executable, "-c", READER],
        input=json.dumps(cases),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return [tuple(json.loads(line)) for line in done.stdout.splitlines()]


# What a session can be made of ----------------------------------------------------------------------------------------


@cache
def whole() -> Files:
    return session_bytes(pendulum())


def with_document(**changes: Any) -> bytes:
    return zipped({**whole(), "session.json": json.dumps({**json.loads(whole()["session.json"]), **changes}).encode()})


def with_text(text: str) -> bytes:
    """Return a session of which a part of the experiment is `text`."""
    document = json.dumps({**json.loads(whole()["session.json"]), "experiment": "HERE"}).replace('"HERE"', text)
    return zipped({**whole(), "session.json": document.encode()})


def with_hand(**changes: Any) -> bytes:
    document = json.loads(whole()["session.json"])
    hand = {"strokes": [], "moved": [], "removed": [], "alone": False, **changes}
    return with_document(experiment={**document["experiment"], "hand": hand})


def first(name: str) -> str:
    return f"runs/{pendulum().runs[0].id}/{name}"


def with_member(name: str, content: bytes) -> bytes:
    return zipped({**whole(), name: content})


def doubled() -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        warnings.simplefilter("ignore")  # names that stand twice are meant to
        for name, content in [*whole().items(), *[(first("weights.safetensors"), bytes(15_000_000))] * 2]:
            archive.writestr(name, content)
    return buffer.getvalue()


def many_entries(count: int, said: int | None = None) -> bytes:
    """Return a zip of `count` empty members, whose end says that there are so many, or as many as are `said`."""
    local = b"PK\x03\x04" + bytes(22) + (5).to_bytes(2, "little") + bytes(2)
    entry = b"PK\x01\x02" + bytes(24) + (5).to_bytes(2, "little") + bytes(12)
    names = [b"%05x" % i for i in range(count)]
    places = (i * (len(local) + 5) for i in range(count))
    table = b"".join(entry + at.to_bytes(4, "little") + name for name, at in zip(names, places, strict=True))
    body = b"".join(local + name for name in names)
    end = min(count if said is None else said, 65535).to_bytes(2, "little")
    sizes = len(table).to_bytes(4, "little") + len(body).to_bytes(4, "little")
    return body + table + b"PK\x05\x06" + bytes(4) + end + end + sizes + bytes(2)


def over_each_other() -> bytes:
    """Return a zip whose members all lie at one place, a bomb that is none to each of them alone."""
    files = {f"runs/r{i}/weights.safetensors": bytes(2_000_000 if i == 0 else 0) for i in range(400)}
    content = bytearray(zipped({"session.json": b"{}", **files}))
    entries = [i for i in range(len(content)) if content.startswith(b"PK\x01\x02", i)]
    where = next(i for i in entries if content[i + 46 :].startswith(b"runs/r0/"))
    for entry in entries[2:]:
        content[entry + 16 : entry + 28] = content[where + 16 : where + 28]
        content[entry + 42 : entry + 46] = content[where + 42 : where + 46]
    return bytes(content)


def flagged(place: int, value: int) -> bytes:
    """Return a session whose table of contents has a byte of its last entry changed."""
    content = bytearray(zipped(whole()))
    content[content.rfind(b"PK\x01\x02") + place] = value
    return bytes(content)


def header(name: str, shape: str, body: int, kind: str = "<f8") -> dict[str, bytes]:
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return {f"{name}.npy": b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode() + bytes(body)}


def with_samples(*members: dict[str, bytes], base: Callable[[], Any] = recorded) -> bytes:
    files = session_bytes(base())
    arrays: Files = {}
    with zipfile.ZipFile(io.BytesIO(files["data.npz"])) as archive:
        arrays = {name: archive.read(name) for name in archive.namelist()}
    for member in members:
        arrays |= member
    return zipped({**files, "data.npz": zipped(arrays)})


def safetensors(size: int, head: bytes) -> bytes:
    return size.to_bytes(8, "little") + head


def tarred() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("session.json"))
    return buffer.getvalue()


def with_models(count: int) -> bytes:
    experiment = json.loads(whole()["session.json"])["experiment"]
    return with_document(experiment={**experiment, "models": [{"name": "hnn"}] * count})


def stroke(points: int) -> dict[str, Any]:
    return {"dt": 0.1, "coords": [[0, 0]] * points}


def with_weights(head: bytes, size: int | None = None) -> bytes:
    return with_member(first("weights.safetensors"), safetensors(len(head) if size is None else size, head))


def of_runs(count: int, change: Callable[[Files, int], Files], base: Callable[[], Any] = filmed) -> bytes:
    """Return a session of so many runs, each the first one of `base` with its files changed."""
    files, run = session_bytes(base()), run_files(base().runs[0])
    names = [f"r{i}" for i in range(count)]
    members = {"session.json": json.dumps({**json.loads(files["session.json"]), "runs": names, "shown": []}).encode()}
    members |= {"data.npz": files["data.npz"]} if "data.npz" in files else {}
    for i, name in enumerate(names):
        document = json.dumps({**json.loads(run["run.json"]), "id": name}).encode()
        members |= {f"runs/{name}/{file}": x for file, x in change({**run, "run.json": document}, i).items()}
    return zipped(members)


def films(count: int) -> bytes:
    """Return a session of so many runs, each with its own film of 96 MB of zeros."""
    with zipfile.ZipFile(io.BytesIO(session_bytes(filmed())["data.npz"])) as archive:
        arrays = {name: archive.read(name) for name in archive.namelist()}
    content = bytearray(zipped({**arrays, **header("frames", "(24, 2000, 2000)", 96_000_000, "|u1")}))

    def another(files: Files, i: int) -> Files:
        at = content.rfind(b"PK\x01\x02") + 12
        content[at : at + 2] = i.to_bytes(2, "little")  # when it was packed, which nobody asks
        return {**files, "data.npz": bytes(content)}

    return of_runs(count, another)


def crowded(files: Files, i: int) -> Files:
    return {**files, "run.json": files["run.json"][:-1] + b', "x": [' + b"0," * 499_000 + b"0]}"}


NAMELESS = '{"format": 4, "source": {"system": "%s"}}'
CLAIM = b'{"w0":{"dtype":"F32","shape":[1048576,1048576],"data_offsets":[0,4]}}'
SESSIONS: dict[str, tuple[Callable[[], bytes], str]] = {
    "a run 100,000 times": (lambda: with_document(runs=[pendulum().runs[0].id] * 100_000), "at most 500"),
    "a run twice": (lambda: with_document(runs=[pendulum().runs[0].id] * 2), "names one thing twice"),
    "a run shown 100,000 times": (lambda: with_document(shown=[pendulum().runs[0].id] * 100_000), "at most 500"),
    "501 runs": (lambda: with_document(runs=[f"r{i}" for i in range(501)]), "at most 500"),
    "a member twelve times": (doubled, "twice"),
    "JSON 100,000 deep": (lambda: with_text("[" * 100_000 + "]" * 100_000), "not JSON"),
    "JSON 900 deep": (lambda: with_text("[" * 900 + "]" * 900), "nested more than"),
    "a number of 4.9 million digits": (lambda: with_text("1" * 4_900_000), "too large a number"),
    "a number of 10 million digits": (lambda: with_text("1" * 10_000_000), "10 MB"),
    "a million empty lists": (lambda: with_text("[" + "[]," * 1_000_000 + "[]]"), "values"),
    "half a million values": (lambda: with_text("[" + "{}," * 240_000 + "{}]"), "must be an object"),
    "a name 300,000 times": (lambda: with_text("{" + '"a": 1, ' * 300_000 + '"a": 1}'), "occurs twice"),
    "a million strokes": (lambda: with_hand(strokes=[1] * 1_000_000), "values"),
    "6,000 strokes": (lambda: with_hand(strokes=[stroke(3)] * 6_000), "5,000 at most"),
    "a stroke of 60,000 points": (lambda: with_hand(strokes=[stroke(60_000)]), "100,000 at most"),
    "60,000 places": (lambda: with_hand(removed=[{"trajectory": 1, "t": 0}] * 60_000), "100,000 at most"),
    "a text of 4 million letters": (lambda: with_text(NAMELESS % ("x" * 4_000_000)), "no system"),
    "models without end": (lambda: with_models(100_000), "at most 50"),
    "100,000 members": (lambda: many_entries(100_000), "at most 500 runs"),
    "60,000 members": (lambda: many_entries(60_000), "at most 500 runs"),
    "60,000 members that the end hides": (lambda: many_entries(60_000, 1), "at most 500 runs"),
    "30,000 members that the end hides": (lambda: many_entries(30_000, 1), "at most 500 runs"),
    "members over each other": (over_each_other, "over each other"),
    "an encrypted member": (lambda: flagged(8, 1), "encrypted"),
    "a member packed by LZMA": (lambda: flagged(10, 14), "packed as in no other"),
    "a bomb": (lambda: with_member(first("weights.safetensors"), bytes(60_000_000)), "would unpack to"),
    "weights that are too many": (lambda: with_member(first("weights.safetensors"), bytes(19_000_000)), "more than"),
    "a history of one line": (lambda: with_member(first("history.csv"), b"1" * 60_000_000), "60 MB"),
    "a history without line ends": (lambda: with_member(first("history.csv"), b"step,\r" * 3_000_000), "history.csv"),
    "a history of 10 million lines": (lambda: with_member(first("history.csv"), b"\n" * 10_000_000), "more lines"),
    "a history of long lines": (
        lambda: with_member(first("history.csv"), b"step\n" + b"9" * 15_000_000 + b",1,\n"),
        "line 2",
    ),
    "weights with a header of 2⁶⁰ bytes": (lambda: with_weights(b"{}", 2**60), "header is too long"),
    "weights that claim 2⁴⁰ numbers": (lambda: with_weights(CLAIM), "weights.safetensors"),
    "samples that claim 10¹⁴ numbers": (lambda: with_samples(header("t", "(100000000000000,)", 16)), "cannot be read"),
    "samples of 60 MB": (lambda: with_samples(header("t", "(7500000,)", 60_000_000)), "60 MB"),
    "samples that do not fit": (lambda: with_samples(header("coords", "(1000000, 2)", 16_000_000)), "do not fit"),
    "frames of 100 MB": (
        lambda: with_samples(header("frames", "(24, 2000, 2000)", 96_000_000, "|u1"), base=filmed),
        "data.npz",
    ),
    "eyes of 60 MB": (lambda: with_samples(header("reader.body", "(4, 1900000)", 60_800_000), base=filmed), "pendulum"),
    "eyes of 60 million bytes": (
        lambda: with_samples(header("reader.body", "(4, 15000000)", 60_000_000, "|u1"), base=filmed),
        "pendulum",
    ),
    "a tar": (lambda: tarred(), "is no session"),
    "8 runs, each on its own video": (lambda: films(8), "more than 400 MB of recordings"),
    "500 runs, each on its own video": (lambda: films(500), "more than 400 MB of recordings"),
    "12 runs of half a million values": (lambda: of_runs(12, crowded, pendulum), "5,000,000 values in its JSON"),
}


LARGE = (  # what takes long to make
    "a history of one line",
    "a history of 10 million lines",
    "samples of 60 MB",
    "frames of 100 MB",
    "eyes of 60 MB",
    "eyes of 60 million bytes",
    "weights of 190 MB",
    "500 runs, each on its own video",
)
SIZES = [pytest.param(False, id="small"), pytest.param(True, id="large", marks=pytest.mark.long)]


def check_cheap(expected: dict[str, str], cases: list[tuple[str, str]]) -> None:
    for (name, words), (said, seconds, memory) in zip(expected.items(), measured(cases), strict=True):
        assert words in said, f"{name}: {said}"
        assert "\n" not in said, name
        assert seconds < SECONDS, f"{name}: {seconds} s"
        assert memory < MEGABYTES, f"{name}: {memory} MB"


@pytest.mark.parametrize("large", SIZES)
def test_hostile_sessions_are_refused_soon_and_in_little_memory(tmp_path: Path, large: bool) -> None:
    chosen = {name: case for name, case in SESSIONS.items() if large or name not in LARGE}
    cases = []
    for i, (make, _) in enumerate(chosen.values()):
        (tmp_path / f"{i}.hnnlab").write_bytes(make())
        cases.append((str(tmp_path / f"{i}.hnnlab"), "session"))
    check_cheap({name: words for name, (_, words) in chosen.items()}, cases)


# Runs -----------------------------------------------------------------------------------------------------------------

RUNS: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "a history of 10 million lines": ("history.csv", lambda: b"1,1,\n" * 10_000_000, "50 MB"),
    "a history of 3 million lines": ("history.csv", lambda: b"1,1,\n" * 3_000_000, "more lines"),
    "JSON 100,000 deep": ("run.json", lambda: b"[" * 100_000, "not JSON"),
    "weights of 190 MB": ("weights.safetensors", lambda: bytes(190_000_000), "more than"),
    "a header of 2⁶⁰ bytes": ("weights.safetensors", lambda: safetensors(2**60, b"{}"), "header is too long"),
}


@pytest.mark.parametrize("large", SIZES)
def test_hostile_runs_are_refused_soon_and_in_little_memory(tmp_path: Path, large: bool) -> None:
    chosen = {name: case for name, case in RUNS.items() if large or name not in LARGE}
    files, cases = run_files(pendulum().runs[0]), []
    for i, (changed, make, _) in enumerate(chosen.values()):
        folder = tmp_path / str(i)
        folder.mkdir()
        for name, content in {**files, changed: make()}.items():
            (folder / name).write_bytes(content)
        cases.append((str(folder), "run"))
    check_cheap({name: words for name, (_, _, words) in chosen.items()}, cases)


# What is no file ------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes that have names are of Unix")
@pytest.mark.timeout(60)  # a reader that opens a pipe waits for ever
def test_what_is_no_regular_file_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.hnnlab")
    (tmp_path / "folder.hnnlab").mkdir()
    (tmp_path / "link.hnnlab").symlink_to(tmp_path / "pipe.hnnlab")
    with socket.socket(socket.AF_UNIX) as listening:
        os.chdir(before := Path.cwd())
        listening.bind(os.path.relpath(tmp_path / "socket.hnnlab"))
        os.chdir(before)
        places = [*sorted(tmp_path.glob("*.hnnlab")), Path("/dev/zero"), Path("/dev/null")]
        results = measured([(str(place), "session") for place in places])
    for place, (said, seconds, memory) in zip(places, results, strict=True):
        assert str(place) in said
        assert ("is a folder" if place.is_dir() else "is no regular file") in said
        assert (seconds < SECONDS, memory < MEGABYTES) == (True, True)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes that have names are of Unix")
@pytest.mark.timeout(60)
def test_a_run_with_a_pipe_in_it_is_refused_without_waiting(tmp_path: Path) -> None:
    files = run_files(pendulum().runs[0])
    for name in files:
        folder = tmp_path / name
        folder.mkdir()
        for other, content in files.items():
            if other != name:
                (folder / other).write_bytes(content)
        os.mkfifo(folder / name)
    cases = [(str(tmp_path / name), "run") for name in files]
    for name, (said, *_) in zip(files, measured(cases), strict=True):
        assert name in said


# The limits -----------------------------------------------------------------------------------------------------------


def test_the_most_that_a_hand_may_change_fits_into_a_file(tmp_path: Path) -> None:
    number, share = -1.2345678901234567e-99, limits.MOST_HAND_NUMBERS // 4
    points = [(number, number)] * (share // 2)
    strokes = tuple(Stroke(-number, tuple(points[i : i + 3])) for i in range(0, len(points) - 2, 3))
    moved = tuple((Place(999_000 - i, number), (number, number)) for i in range(share // 4))
    removed = tuple(Place(999_000 - i, number) for i in range(share))
    experiment = checked(replace(pendulum().experiment, edits=DataEdits(strokes, moved, removed, False)))
    run = pendulum().runs[0]
    run = replace(run, experiment=replace(experiment, models=run.experiment.models))
    save_session(Session(experiment, (run,)), tmp_path / "s.hnnlab")
    back = load_session(tmp_path / "s.hnnlab")
    assert (back.experiment.edits, back.runs[0].experiment.edits) == (experiment.edits, experiment.edits)
    assert 2 * 3 * len(strokes) + 4 * len(moved) + 2 * len(removed) > 0.99 * limits.MOST_HAND_NUMBERS
    with pytest.raises(ExperimentError, match="numbers describe the data edits"):
        checked(replace(experiment, edits=replace(experiment.edits, removed=(*removed, *removed[:9]))))
    with pytest.raises(ExperimentError, match="strokes and pieces are drawn, 5,000 at most"):
        checked(replace(experiment, edits=DataEdits(strokes[:1] * (limits.MOST_STROKES + 1))))


def test_no_recipe_takes_more_steps_than_a_history_keeps() -> None:
    steps = [p.high for recipe in RECIPES.values() for p in recipe.parameters if p.name == "steps"]
    assert max(steps) <= limits.MOST_STEPS
    assert data_edits.MOST_STROKES < limits.MOST_STROKES


@pytest.mark.long
def test_the_most_that_a_file_may_hold_opens(tmp_path: Path) -> None:
    rng, rows, steps = np.random.default_rng(0), limits.MOST_ROWS, np.arange(1.0, limits.MOST_STEPS + 1)
    trial = np.repeat(np.arange(limits.MOST_TRIALS), rows // limits.MOST_TRIALS)
    t, coords = np.cumsum(rng.uniform(0.01, 0.011, rows)), rng.standard_normal((rows, 2))
    recording = Recording("Many", "many.csv", "length", t, trial, coords, np.empty(0, np.int64))
    base, run = recording_experiment(recording), recorded().runs[0]
    history = History(steps, rng.uniform(0, 1, len(steps)), steps, rng.uniform(0, 1, len(steps)))
    run = replace(run, experiment=replace(run.experiment, source=base.source), history=history)
    save_session(Session(base, (run,)), tmp_path / "s.hnnlab")
    back = load_session(tmp_path / "s.hnnlab")
    assert difference(back.experiment.recording, recording) == ""
    assert difference(back.runs[0].history, history) == ""


def test_as_many_runs_as_there_may_be_open_and_one_more_is_not_written(tmp_path: Path) -> None:
    session, run = pendulum(), pendulum().runs[0]
    runs = tuple(replace(run, id=f"r{i}") for i in range(limits.MOST_RUNS + 1))
    save_session(replace(session, runs=runs[:-1], shown=()), tmp_path / "s.hnnlab")
    assert [one.id for one in load_session(tmp_path / "s.hnnlab").runs] == [one.id for one in runs[:-1]]
    with pytest.raises(RecordError, match="at most 500 runs"):
        save_session(replace(session, runs=runs, shown=()), tmp_path / "more.hnnlab")
    with pytest.raises(RecordError, match="holds one twice"):
        save_session(replace(session, runs=(run, run), shown=()), tmp_path / "more.hnnlab")
    assert not (tmp_path / "more.hnnlab").exists()


def test_what_shrinks_a_hundredfold_is_written_so_that_it_opens(tmp_path: Path) -> None:
    run, spec = pendulum().runs[0], model_spec("hnn", {"width": 1500, "depth": 4})
    shapes = get_model("hnn").weight_shapes(1, spec.settings)
    still = Snapshot("hnn", 1, spec.settings, {name: np.zeros(shape, np.float32) for name, shape in shapes.items()})
    assert sum(w.nbytes for w in still.weights.values()) > 1.2 * limits.ALWAYS_UNPACKED
    experiment = replace(run.experiment, models=(spec,))
    session = replace(pendulum(), runs=(replace(run, experiment=experiment, snapshot=still),), shown=())
    save_session(session, tmp_path / "s.hnnlab")
    assert difference(load_session(tmp_path / "s.hnnlab").runs[0].snapshot.weights, still.weights) == ""


@pytest.mark.parametrize(
    ("name", "most", "words"),
    [
        ("LARGEST_SESSION", 5_000, "0 GB unpacked"),
        ("LARGEST_ARRAYS", 500, "0 MB of recordings"),
        ("LARGEST_HISTORIES", 10, "0 MB of losses"),
        ("MOST_SESSION_VALUES", 100, "100 values in its JSON"),
    ],
)
def test_what_a_session_takes_together_is_bounded_for_reading_and_writing_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, most: int, words: str
) -> None:
    save_session(recorded(), tmp_path / "s.hnnlab")
    monkeypatch.setattr(totals, name, most)
    with pytest.raises(RecordError, match=f"^[^:]*hnnlab: it has more than {words}, the most that a session may"):
        load_session(tmp_path / "s.hnnlab")
    with pytest.raises(RecordError, match=f"was not written: it has more than {words}"):
        save_session(recorded(), tmp_path / "t.hnnlab")
    assert not (tmp_path / "t.hnnlab").exists()


def test_runs_on_one_recording_count_it_once_and_share_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session, run = recorded(), recorded().runs[0]
    content = session_bytes(session)["data.npz"]
    monkeypatch.setattr(totals, "LARGEST_ARRAYS", arrays_size(content, "here"))
    runs = tuple(replace(run, id=f"r{i}") for i in range(20))
    save_session(replace(session, runs=runs, shown=()), tmp_path / "s.hnnlab")
    back = load_session(tmp_path / "s.hnnlab")
    own = back.experiment.recording
    assert own is not None
    assert all(one.experiment.recording.coords is own.coords for one in back.runs if one.experiment.recording)
    assert difference(back.runs[3], runs[3]) == ""


@pytest.mark.parametrize("make", [recorded, filmed])
def test_what_a_recording_is_said_to_take_is_what_it_takes(make: Callable[[], Any]) -> None:
    recording = make().experiment.recording
    arrays = [recording.t, recording.trial, recording.coords, recording.gaps]
    if recording.frames is not None:
        reader = recording.reader
        arrays += [recording.frames, np.array(reader.pivot), reader.radii, reader.body, np.array([reader.explained])]
    assert arrays_size(session_bytes(make())["data.npz"], "here") == sum(array.nbytes for array in arrays)


UNITS = {"MB": 10**6, "GB": 10**9, "MiB": 2**20}


def test_the_table_of_limits_in_the_docs_is_that_of_the_program() -> None:
    lines = (ROOT / "docs" / "files.md").read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    stated: dict[str, int] = {}
    for row in rows:
        if len(row) == 3 and row[2].startswith("`") and row[2].strip("`").isupper():
            number, _, unit = row[1].partition(" ")
            stated[row[2].strip("`")] = int(number.replace(",", "")) * UNITS.get(unit, 1)
    assert stated == {name: value for name, value in vars(limits).items() if name.isupper()}
