"""The journal on disk: written beside and once, two windows apart, its limit, and what is damaged in it."""

import contextlib
import errno
import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hnn_engine import journal, user_folders
from hnn_engine.errors import HnnLabError, RecordError
from hnn_engine.experiment import Experiment, new_experiment, recording_experiment, to_json
from hnn_engine.fit_run import FitRun
from hnn_engine.journal import Entry, Writer, claim, entries, keep_fit, remove
from hnn_engine.journal.places import DOCUMENT, LOCK
from hnn_engine.recordings import read_shipped_recording
from hnn_engine.records import Run, Session, load_run
from tests.reliability.tally import Tally

ROOT = Path(__file__).parents[2]


def fit(recorded: bool, seed: int) -> Run:
    base = recording_experiment(read_shipped_recording()) if recorded else new_experiment("mass-spring")
    small = {**base.data, "trajectories": 4, "points": 6} if base.data else base.data
    experiment = replace(base, data=small, seed=seed, settings={**base.settings, "steps": 3})
    made = FitRun(experiment, experiment.dataset())
    while made.end is None:
        made.advance()
    run = made.as_run(None)
    assert run is not None
    return run


@cache
def runs(recorded: bool = False, count: int = 3) -> tuple[Run, ...]:
    """Some small runs; of a recording they share its samples."""
    first = fit(recorded, 0)
    rest = [fit(False, seed) for seed in range(1, count)] if not recorded else []
    again = [replace(first, id=f"again-{i}", title=f"Again {i}") for i in range(1, count)] if recorded else []
    return (first, *rest, *again)


def session(kept: tuple[Run, ...]) -> Session:
    return Session(kept[0].experiment, kept, tuple(run.id for run in kept), {"speed": 2.0})


def left(root: Path, kept: tuple[Run, ...], limit: int = journal.LIMIT, age: float = 0.0) -> Path:
    """Leave `kept` behind as a dead window, written `age` seconds ago."""
    writer = Writer(root, limit)
    writer.write(session(kept), None)
    folder = writer.folder
    assert folder is not None
    writer.leave()
    if age:
        moment = (folder / DOCUMENT).stat().st_mtime - age
        os.utime(folder / DOCUMENT, (moment, moment))
    return folder


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    writer = Writer(tmp_path)
    yield writer
    writer.leave()


def same(a: Run, b: Run) -> None:
    assert (a.id, a.title, a.steps, a.ending) == (b.id, b.title, b.steps, b.ending)
    assert all(np.array_equal(a.snapshot.weights[name], w) for name, w in b.snapshot.weights.items())


def alike(a: Experiment, b: Experiment) -> None:
    assert to_json(a) == to_json(b)
    if a.recording is not None and b.recording is not None:
        assert np.array_equal(a.recording.coords, b.recording.coords)


@pytest.mark.parametrize("recorded", [False, True])
def test_what_was_kept_comes_back_whole(writer: Writer, tmp_path: Path, recorded: bool) -> None:
    kept = runs(recorded)
    assert writer.write(session(kept), tmp_path / "mine.hnnlab").whole
    assert entries(tmp_path) == []  # its window lives
    writer.leave()
    (entry,) = entries(tmp_path)
    assert (entry.path, entry.runs) == (tmp_path / "mine.hnnlab", tuple(run.title for run in kept))
    found, problems = claim(entry).load()
    assert problems == ()
    alike(found.experiment, kept[0].experiment)
    assert (found.shown, found.view) == (tuple(run.id for run in kept), {"speed": 2.0})
    for a, b in zip(found.runs, kept, strict=True):
        same(a, b)
    if recorded:
        assert len(list(entry.folder.glob("**/*.npz"))) == 1  # three runs and the screen share it
        assert all(run.experiment.recording is found.experiment.recording for run in found.runs)


def test_each_run_is_written_once_and_what_is_deleted_goes(writer: Writer) -> None:
    first, second, third = runs()
    writer.write(session((first, second)), None)
    assert writer.folder is not None
    before = {path: path.stat().st_mtime_ns for path in writer.folder.glob("*/*")}
    writer.write(session((replace(first, title="Renamed"), second, third)), None)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    writer.write(session((second,)), None)
    assert [path.name.split(".")[0] for path in writer.folder.iterdir() if path.is_dir()] == [second.id]
    writer.write(session((replace(second, reason="evaluated later"),)), None)
    folder = writer.folder
    writer.leave()
    found, _ = claim(entries(writer.root)[0]).load()
    assert found.runs[0].reason == "evaluated later"
    assert len([path for path in folder.iterdir() if path.is_dir()]) == 1


def test_clearing_leaves_nothing_and_the_next_work_is_kept_again(writer: Writer, tmp_path: Path) -> None:
    writer.write(session(runs()), None)
    writer.clear()
    writer.clear()
    assert list(tmp_path.iterdir()) == []
    writer.write(session(runs()), None)
    shutil.rmtree(tmp_path / next(tmp_path.iterdir()).name)  # somebody clears the folder by hand
    assert writer.write(session(runs()), None).whole
    writer.leave()
    assert len(entries(tmp_path)) == 1


# Two windows ----------------------------------------------------------------------------------------------------------


def test_two_windows_do_not_mix(tmp_path: Path) -> None:
    one, other = Writer(tmp_path), Writer(tmp_path)
    first, second, _ = runs()
    one.write(session((first,)), None)
    other.write(session((second,)), None)
    assert entries(tmp_path) == []
    one.leave()
    (entry,) = entries(tmp_path)
    assert entry.runs == (first.title,)
    other.write(session((second, first)), None)
    other.clear()
    assert [e.runs for e in entries(tmp_path)] == [(first.title,)]


def test_an_entry_is_taken_up_by_one_window_alone(tmp_path: Path) -> None:
    left(tmp_path, runs())
    (entry,) = entries(tmp_path)
    mine = claim(entry)
    assert entries(tmp_path) == []
    with pytest.raises(RecordError, match="another window"):
        claim(entry)
    mine.leave()
    remove(entry)
    assert entries(tmp_path) == []
    with pytest.raises(RecordError, match="discarded"):
        remove(entry)


HOLDER = """
import sys, time
from pathlib import Path
from hnn_engine.experiment import new_experiment
from hnn_engine.journal import Writer
from hnn_engine.records import Session
Writer(Path(sys.argv[1])).write(Session(new_experiment("pendulum")), None)
print("kept", flush=True)
time.sleep(60)
"""


def test_the_entry_of_a_killed_process_is_found_and_that_of_a_living_one_is_not(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, cwd=ROOT)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == b"kept\n"
        assert entries(tmp_path) == []
    finally:
        process.kill()
        process.communicate()
    (entry,) = entries(tmp_path)
    assert (entry.title, entry.runs) == ("Pendulum", ())


# The limit ------------------------------------------------------------------------------------------------------------


def test_the_oldest_go_first_and_never_those_of_living_windows(tmp_path: Path) -> None:
    oldest, old, new = (left(tmp_path, runs(), age=age) for age in (300.0, 200.0, 100.0))
    living = Writer(tmp_path)
    living.write(session(runs()), None)
    assert living.folder is not None
    os.utime(living.folder / DOCUMENT, (1.0, 1.0))
    size = journal.places.size_of(new)
    writer = Writer(tmp_path, limit=4 * size + 4000)
    assert writer.write(session(runs()), None).whole
    assert not oldest.exists()
    assert [folder.exists() for folder in (old, new, living.folder)] == [True] * 3
    assert sum(journal.places.size_of(f) for f in tmp_path.iterdir()) <= writer.limit
    living.leave()
    writer.leave()


def test_of_a_session_that_is_too_large_the_oldest_runs_are_left_out(tmp_path: Path) -> None:
    first, second, third = runs()
    size = journal.places.size_of(left(tmp_path, (first, second, third), age=10.0))
    writer = Writer(tmp_path, limit=size - 2000)
    written = writer.write(session((first, second, third)), None)
    assert (written.left_out, written.whole) == (1, False)
    assert journal.places.size_of(tmp_path) <= writer.limit
    assert writer.write(session((first, third)), None).whole  # there is room again
    assert writer.write(session((first, second, third)), None).left_out == 1
    writer.leave()
    (entry,) = entries(tmp_path)
    assert entry.runs == (second.title, third.title)
    assert "1 older ones found no room" in entry.sentence(datetime.now(UTC))
    tiny = Writer(tmp_path / "tiny", limit=1000)
    with pytest.raises(RecordError, match="at most 0 MB"):
        tiny.write(session(runs()), None)
    tiny.clear()


# Damage ---------------------------------------------------------------------------------------------------------------


def test_a_damaged_run_is_named_and_the_rest_comes_back(tmp_path: Path) -> None:
    first, second, third = runs()
    folder = left(tmp_path, (first, second, third))
    (bad,) = folder.glob(f"{second.id}.*/weights.safetensors")
    bad.write_bytes(b"no weights")
    found, problems = claim(entries(tmp_path)[0]).load()
    assert [run.id for run in found.runs] == [first.id, third.id]
    (problem,) = problems
    assert problem.startswith(f"{second.title}: ")


def test_without_its_experiment_an_entry_shows_that_of_the_newest_run(tmp_path: Path) -> None:
    folder = left(tmp_path, runs())
    document = json.loads((folder / DOCUMENT).read_text())
    (folder / DOCUMENT).write_text(json.dumps({**document, "experiment": {"format": 1}}))
    found, problems = claim(entries(tmp_path)[0]).load()
    assert found.experiment == runs()[-1].experiment
    assert len(problems) == 1


@pytest.mark.parametrize("name", ["../outside.1", "/etc.1", "a/b.1", ""])
def test_a_document_cannot_name_what_lies_elsewhere(tmp_path: Path, name: str) -> None:
    folder = left(tmp_path, runs()[:1])
    document = json.loads((folder / DOCUMENT).read_text())
    document["runs"][0]["folder"] = name
    (folder / DOCUMENT).write_text(json.dumps(document))
    found, problems = claim(entries(tmp_path)[0]).load()
    assert found.runs == ()
    assert "none of the journal's" in problems[0]


def damage_one(folder: Path, dice: random.Random) -> None:
    """Cut, flip or empty one of the files of an entry."""
    path = dice.choice(sorted(p for p in folder.glob("**/*") if p.is_file() and p.name != LOCK))
    content = bytearray(path.read_bytes())
    kind = dice.choice(("cut", "flip", "empty", "gone"))
    if kind == "gone":
        path.unlink()
        return
    if kind == "flip":
        for _ in range(dice.randint(1, 8)):
            content[dice.randrange(len(content))] = dice.randrange(256)
    path.write_bytes(content[: dice.randrange(len(content))] if kind == "cut" else b"" if kind == "empty" else content)


def damaged(tmp_path: Path, count: int, seed: int) -> dict[str, int]:
    """Damage an entry `count` times over; whatever comes of it must be a sentence or work that is sound."""
    dice, tried = random.Random(seed), {"tried": 0, "refused": 0, "in part": 0, "whole": 0}
    sources = [left(tmp_path / "whole", runs(recorded)) for recorded in (False, True)]
    for number in range(count):
        root = tmp_path / str(number)
        source = dice.choice(sources)
        shutil.copytree(source, root / source.name)
        damage_one(root / source.name, dice)
        found = entries(root)
        tried["tried"] += 1
        outcome = "refused"
        if found and not found[0].problem:
            assert "was not saved" in found[0].sentence(datetime.now(UTC))
            taken = claim(found[0])
            with contextlib.suppress(HnnLabError):
                _, problems = taken.load()
                outcome = "in part" if problems else "whole"
            taken.leave()
        tried[outcome] += 1
        shutil.rmtree(root)
    return tried


def test_damage_of_any_kind_is_a_sentence(tmp_path: Path) -> None:
    tried = damaged(tmp_path, 60, 1)
    assert tried["refused"] > 0
    assert tried["in part"] > 0


@pytest.mark.long
def test_much_damage_of_any_kind_is_a_sentence(tmp_path: Path, tally: Tally) -> None:
    tally.add("damaged journal entries", **damaged(tmp_path, 2000, 2))


# Cut off --------------------------------------------------------------------------------------------------------------


class _CutError(BaseException):
    """Stands for the end of the process."""


def cut_off(root: Path, operation: int, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Write over an entry and end before the file operation of this number; return whether it was reached."""
    first, second, third = runs()
    writer = Writer(root)
    writer.write(session((first, second)), None)
    count = 0

    def counted(name: str) -> None:
        done = getattr(os, name)

        def step(*arguments: object, **named: object) -> object:
            nonlocal count
            count += 1
            if count == operation:
                raise _CutError
            return done(*arguments, **named)

        patch.setattr(os, name, step)

    with monkeypatch.context() as patch:
        for name in ("replace", "mkdir", "unlink", "fsync", "chmod", "rmdir"):
            counted(name)
        with contextlib.suppress(_CutError):
            writer.write(session((second, third)), None)
    writer.leave()
    (entry,) = entries(root)
    found, problems = claim(entry).load()
    assert problems == ()
    assert [run.id for run in found.runs] in ([first.id, second.id], [second.id, third.id])
    return count >= operation


def test_cut_off_anywhere_an_entry_holds_the_old_or_the_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    operation = 1
    while cut_off(tmp_path / str(operation), operation, monkeypatch):
        operation += 1
    assert operation > 10


def test_folders_that_an_interruption_left_empty_are_swept_away(writer: Writer, tmp_path: Path) -> None:
    torn, young = tmp_path / "20260304-123200-00aaff", tmp_path / "20260304-123200-00aafe"
    for folder, age in ((torn, 7200.0), (young, 0.0)):
        folder.mkdir()
        (folder / LOCK).touch()
        os.utime(folder, (datetime.now().timestamp() - age,) * 2)
    writer.write(session(runs()), None)
    assert not torn.exists()
    assert young.exists()


def test_what_the_journal_has_not_made_stays(tmp_path: Path) -> None:
    ours = left(tmp_path, runs())
    diary, named, document = tmp_path / "2024", tmp_path / "20240304-123200-0aaaaa", tmp_path / "20240304"
    for folder, file in ((diary, "diary.txt"), (named, "diary.txt"), (document, DOCUMENT), (document, LOCK)):
        folder.mkdir(exist_ok=True)
        (folder / file).write_text("mine")
        os.utime(folder, (1.0, 1.0))
    writer = Writer(tmp_path, limit=journal.places.size_of(ours) + 100)
    writer.write(session(runs()[:1]), None)
    writer.leave()
    assert not ours.exists()  # for want of room
    assert [sorted(path.name for path in folder.iterdir()) for folder in (diary, named, document)] == [
        ["diary.txt"],
        ["diary.txt"],
        sorted([DOCUMENT, LOCK]),
    ]
    assert len(entries(tmp_path)) == 1


def test_an_entry_that_cannot_be_opened_is_named_and_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shut, other = left(tmp_path, runs(), age=10.0), left(tmp_path, runs()[:1])
    closed_to_us(shut, monkeypatch)
    bad, good = sorted(entries(tmp_path), key=lambda entry: not entry.problem)
    assert (
        bad.problem
        == f"Unsaved work cannot be read: {shut} cannot be opened (Permission denied): correct its permissions."
    )
    assert good.folder == other
    with pytest.raises(RecordError, match="correct its permissions"):
        remove(bad)
    writer = Writer(tmp_path, limit=3 * journal.places.size_of(other))
    assert writer.write(session(runs()[:1]), None).whole
    writer.leave()
    if hasattr(os, "getuid"):
        monkeypatch.setattr(os, "getuid", lambda: -1)  # it is another user's
        assert all(not entry.problem for entry in entries(tmp_path))


def closed_to_us(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody look into `folder`, not even an administrator."""

    def guarded(name: str) -> None:
        done = getattr(os, name)

        def deny(path: Any, *arguments: Any, **named: Any) -> Any:
            if not isinstance(path, int) and str(path).startswith(f"{folder}{os.sep}"):
                raise PermissionError(errno.EACCES, "Permission denied", str(path))
            return done(path, *arguments, **named)

        monkeypatch.setattr(os, name, deny)

    for name in ("stat", "lstat", "open", "unlink"):
        guarded(name)


def test_an_entry_that_cannot_be_removed_does_not_stop_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    oldest, old = (left(tmp_path, runs(), age=age) for age in (300.0, 200.0))
    unlink = Path.unlink

    def refused(path: Path, missing_ok: bool = False) -> None:
        if path.parent == oldest:
            raise PermissionError(errno.EACCES, "Permission denied")
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", refused)
    writer = Writer(tmp_path, limit=2 * journal.places.size_of(old) + 4000)
    assert writer.write(session(runs()), None).whole
    assert (oldest / DOCUMENT).exists()
    assert not old.exists()
    assert writer.folder is not None
    stays = writer.folder / "odd"
    stays.touch()
    monkeypatch.setattr(Path, "unlink", lambda *_, **__: (_ for _ in ()).throw(PermissionError(13, "no")))
    assert writer.write(session(runs()), None).whole
    assert stays.exists()
    writer.leave()


def test_on_a_disk_without_locks_the_journal_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(file: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(journal.places, "_lock", refuse)
    with pytest.raises(RecordError, match="its disk has no locks; save often, or set HNN_LAB_DATA to another"):
        Writer(tmp_path).write(session(runs()), None)
    assert list(tmp_path.iterdir()) == []


# Words and places -----------------------------------------------------------------------------------------------------


def test_an_entry_says_what_it_holds_and_when() -> None:
    zone = timezone(timedelta(hours=2))
    entry = Entry(Path("x"), datetime(2026, 3, 4, 12, 32, tzinfo=UTC), "Pendulum", None, ("HNN", "Baseline"))
    today, later = datetime(2026, 3, 4, 20, 0, tzinfo=zone), datetime(2026, 3, 6, 20, 0, tzinfo=zone)
    assert entry.sentence(today) == "Work from 14:32 was not saved: Pendulum, 2 fits (HNN, Baseline)."
    assert entry.sentence(later).startswith("Work from 2026-03-04, 14:32 was not saved")
    assert replace(entry, runs=()).sentence(today).endswith("Pendulum, no fits.")
    many = replace(entry, runs=tuple(f"fit {i}" for i in range(40)))
    assert many.sentence(today).endswith("40 fits (fit 0, fit 1, fit 2, …, fit 39).")


def test_the_journal_lies_where_the_system_keeps_such(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert journal.journal_folder() == Path(os.environ["HNN_LAB_DATA"]) / "journal"
    monkeypatch.delenv("HNN_LAB_DATA")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert user_folders.data_folder() == tmp_path / "hnn-lab"
    monkeypatch.setenv("XDG_DATA_HOME", "relative")
    assert user_folders.data_folder() == Path.home() / ".local" / "share" / "hnn-lab"
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    assert user_folders.data_folder() == tmp_path / "hnn-lab"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert user_folders.data_folder().parts[-3:] == ("Library", "Application Support", "hnn-lab")


@pytest.mark.parametrize("recorded", [False, True])
def test_a_fit_that_found_no_place_is_a_run_by_itself_and_is_offered(data_folder: Path, recorded: bool) -> None:
    (run, *_) = runs(recorded)
    kept = keep_fit(run)
    assert kept is not None
    place, in_journal = kept
    assert in_journal
    same(load_run(place), run)
    (entry,) = entries(data_folder / "journal")
    found, problems = claim(entry).load()
    assert problems == ()
    same(found.runs[0], run)
    alike(found.experiment, run.experiment)


def test_where_nothing_can_be_written_it_is_said_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RecordError, match=r"cannot be kept in .*file.*save the session"):
        Writer(tmp_path / "file").write(session(runs()), None)
    assert entries(tmp_path / "file") == []
