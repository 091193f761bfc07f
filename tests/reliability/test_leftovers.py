"""What a killed process leaves beside goes with the next use of the folder; what lives, or carries no mark, stays."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hnn_engine.atomic_write import recover, write_file
from hnn_engine.disk import leftovers, operations
from hnn_engine.disk.living import lives
from hnn_engine.errors import RecordError
from hnn_engine.records import Session, check_target, load_run, load_session, save_session, write_run
from tests.engine.test_records import a_run
from tests.reliability.faults import tree

DEAD = 2**22 + 1  # no system gives out such a number of a process
locks = pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no locks of folders")


def left(folder: Path, name: str, role: str = leftovers.PART, folded: bool = False) -> Path:
    """Leave something beside `name`, as a process that is gone would have."""
    path = folder / f".{leftovers.stem_of(name)}.hnnlab-{role}-{DEAD}-0123abcd"
    if folded:
        path.mkdir()
        (path / "run.json").write_text("{}")
    else:
        path.write_text("half")
    return path


USES: dict[str, Callable[[Path], object]] = {
    "a file is written": lambda folder: write_file(folder / "new.csv", b"x"),
    "a session is saved": lambda folder: save_session(Session(a_run().experiment), folder / "s.hnnlab"),
    "a session is opened": lambda folder: load_session(folder / "s.hnnlab"),
    "a run is written": lambda folder: write_run(a_run(), folder / "other"),
    "a run is opened": lambda folder: load_run(folder / "run"),
    "a run's place is checked": lambda folder: check_target(folder / "third", False),
}


@pytest.mark.parametrize("use", USES)
def test_leftovers_go_when_the_folder_is_used(tmp_path: Path, use: str) -> None:
    save_session(Session(a_run().experiment), tmp_path / "s.hnnlab")
    write_run(a_run(), tmp_path / "run")
    paths = [left(tmp_path, "s.hnnlab"), left(tmp_path, "gone.mp4"), left(tmp_path, "run", folded=True)]
    USES[use](tmp_path)
    assert not [path for path in paths if path.exists()]


def test_what_carries_no_mark_of_the_program_stays(tmp_path: Path) -> None:
    strange = [".s.hnnlab-abcdefgh", ".x.hnnlab-part", ".x.hnnlab-part-1-0123abcz", "x.hnnlab-part-1-0123abcd", ".tmp"]
    for name in strange:
        (tmp_path / name).touch()
    (tmp_path / f".link.hnnlab-part-{DEAD}-0123abcd").symlink_to(".tmp")
    before = tree(tmp_path)
    recover(tmp_path / "run")
    assert tree(tmp_path) == before


def test_a_folder_in_a_leftover_stays_with_all_that_is_in_it(tmp_path: Path) -> None:
    path = left(tmp_path, "run", folded=True)
    (path / "mine").mkdir()
    (path / "mine" / "thesis.txt").touch()
    recover(tmp_path / "run")
    assert (path / "mine" / "thesis.txt").exists()


@locks
def test_what_somebody_writes_is_left_alone_until_he_is_gone(tmp_path: Path) -> None:
    path, hold = leftovers.make(tmp_path / "file", operations.create)
    other, held = leftovers.make(tmp_path / "run", operations.make_folder)
    for use in ("a file is written", "a run is written"):
        USES[use](tmp_path)
    assert path.exists()
    assert other.exists()
    hold.release()
    held.release()
    recover(tmp_path / "any")
    assert not path.exists()
    assert not other.exists()


@locks
def test_a_file_that_another_clears_before_it_is_held_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Path] = []

    def stolen(path: Path) -> None:
        operations.create(path)
        made.append(path)
        if len(made) < 3:
            os.unlink(path)

    path, hold = leftovers.make(tmp_path / "file", stolen)
    hold.release()
    assert (len(made), path.exists()) == (3, True)


@pytest.mark.parametrize(
    "name", ["run", "a" * 250, "ü" * 120, "name\nwith lines", "a.hnnlab-old-1-0123abcd", "a~" + 16 * "0"]
)
def test_a_name_beside_says_what_it_stands_beside(tmp_path: Path, name: str) -> None:
    one = leftovers.leftover(leftovers.beside(tmp_path / name, leftovers.OLD))
    assert one is not None
    assert (one.role, one.process, one.stem) == (leftovers.OLD, os.getpid(), leftovers.stem_of(name))
    assert len(os.fsencode(one.path.name)) < 140
    assert one.target == (tmp_path / name if one.stem == name else None)
    assert leftovers.stem_of(name + "x") != one.stem


# Folders taken aside --------------------------------------------------------------------------------------------------


def aside(folder: Path, name: str = "run") -> Path:
    """Leave a run as a process did that was killed between taking it aside and moving the new one in."""
    write_run(a_run("baseline"), folder / name)
    path = folder / f".{leftovers.stem_of(name)}.hnnlab-old-{DEAD}-0123abcd"
    (folder / name).rename(path)
    return path


@pytest.mark.parametrize("name", ["run", "r" * 200])
@pytest.mark.parametrize("empty", [False, True])
def test_a_run_taken_aside_is_put_back_by_who_reads_it(tmp_path: Path, name: str, empty: bool) -> None:
    path = aside(tmp_path, name)
    if empty:
        (tmp_path / name).mkdir()
    assert load_run(tmp_path / name).snapshot.model == "baseline"
    assert not path.exists()


def test_a_run_taken_aside_is_put_back_by_who_writes_there(tmp_path: Path) -> None:
    path = aside(tmp_path)
    with pytest.raises(RecordError, match="run is not empty: choose another folder, or add --force"):
        check_target(tmp_path / "run", force=False)
    (tmp_path / "run").rename(path)
    write_run(a_run(), tmp_path / "run", force=True)
    assert load_run(tmp_path / "run").snapshot.model == "hnn"
    assert os.listdir(tmp_path) == ["run"]


@pytest.mark.parametrize("name", ["run", "r" * 200])
def test_a_run_taken_aside_goes_where_the_new_one_is_in_place(tmp_path: Path, name: str) -> None:
    path = aside(tmp_path, name)
    os.rename(path, tmp_path / "kept")
    write_run(a_run(), tmp_path / name)
    os.rename(tmp_path / "kept", path)
    assert load_run(tmp_path / name).snapshot.model == "hnn"
    assert os.listdir(tmp_path) == [name]


def test_a_run_taken_aside_stays_where_something_else_has_taken_its_place(tmp_path: Path) -> None:
    path = aside(tmp_path)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.txt").touch()
    recover(tmp_path / "run")
    assert path.exists()
    assert os.listdir(tmp_path / "run") == ["thesis.txt"]


# Where a file system knows no locks -----------------------------------------------------------------------------------


def test_without_locks_the_process_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "hold", lambda path: operations.Hold(None))
    own, _ = leftovers.make(tmp_path / "file", operations.create)
    dead = left(tmp_path, "file")
    later = leftovers.time.time() + 2 * leftovers._FORGOTTEN
    monkeypatch.setattr(leftovers.time, "time", lambda: later)
    write_file(tmp_path / "file", b"x")
    assert own.exists()
    assert not dead.exists()


def test_without_locks_a_run_taken_aside_is_put_back_after_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "hold", lambda path: operations.Hold(None))
    monkeypatch.setattr(leftovers, "_PATIENCE", 0.05)
    aside(tmp_path)
    assert load_run(tmp_path / "run").snapshot.model == "baseline"


def test_a_process_is_known_to_live() -> None:
    assert lives(os.getpid())
    assert not lives(DEAD)
