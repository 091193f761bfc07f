"""A run is replaced and nothing but a run; what is written is flushed, read back, and never seen half."""

import errno
import json
import os
import stat
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hnn_engine import cli
from hnn_engine.atomic_write import check_file, write_file
from hnn_engine.cli import commands
from hnn_engine.disk import leftovers, operations
from hnn_engine.errors import ProtectedFileError, RecordError
from hnn_engine.fit_run import FitRun
from hnn_engine.records import check_target, load_run, write_run
from hnn_engine.records.run import run_files
from hnn_engine.reproduction import FitCache, plan
from hnn_engine.tasks import get_task
from tests.engine.test_records import a_run
from tests.reliability.faults import interrupted, tree

posix = pytest.mark.skipif(sys.platform == "win32", reason="links, rights and pipes as Unix has them")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A folder that holds a run."""
    write_run(a_run("baseline"), tmp_path / "run")
    return tmp_path / "run"


# Nothing but a run ----------------------------------------------------------------------------------------------------


def instead(name: str, content: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_text(content) and None


def linked(folder: Path) -> None:
    (folder / "weights.safetensors").rename(folder.parent / "weights")
    (folder / "weights.safetensors").symlink_to(folder.parent / "weights")


def piped(folder: Path) -> None:
    os.mkfifo(folder / "pipe")


def renamed(name: str, without: str = "") -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        document = {**json.loads((folder / "run.json").read_text()), "id": name}
        document.pop(without, None)
        (folder / "run.json").write_text(json.dumps(document))

    return spoil


DAMAGED = ("", "{", '{"format": 1, "id": "ab', "\0" * 900)
FOREIGN: dict[str, tuple[Callable[[Path], None], str]] = {
    "a file": (instead("thesis.txt", "years"), "holds thesis.txt, which is no part of a run, and --force replaces"),
    "a hidden file": (instead(".keep", "x"), "holds .keep, which is no part"),
    "a folder": (lambda folder: (folder / "plots").mkdir(), "holds plots (a folder), which"),
    "a link": (linked, "holds weights.safetensors (a link), which"),
    "a pipe": (piped, "holds pipe (no file), which"),
    "a mark without its form": (instead(".x.hnnlab-part", "x"), "holds .x.hnnlab-part, which"),
    "an unprintable name": (instead("a\x1b[1mb", "x"), "holds 'a\\x1b[1mb', which"),
    "another program's run": (instead("run.json", '{"format": 1, "name": "mine"}'), "holds no run that HNN Lab has"),
    "a list": (instead("run.json", "[1]"), "holds no run that HNN Lab has"),
    "another's run with our names": (
        instead("run.json", '{"format": 1, "id": "wandb-1", "experiment": "mnist"}'),
        "holds no run that HNN Lab has",
    ),
    "an id that is none": (renamed("a/b"), "holds no run that HNN Lab has"),
    "no result": (renamed("ab", without="result"), "holds no run that HNN Lab has"),
    "data of another's": (instead("data.npz", "PK\x03\x04"), "holds data.npz of another program's, which is no part"),
    "a history of another's": (instead("history.csv", "step,loss\n1,2\n"), "holds history.csv of another program's"),
    "weights of another's": (instead("weights.safetensors", "torch.pt, 80 GB of it"), "holds weights.safetensors of"),
    **{f"damaged: {content[:9]!r}": (instead("run.json", content), "can tell for its own") for content in DAMAGED},
}


@posix
@pytest.mark.parametrize("what", FOREIGN)
def test_what_the_program_did_not_write_is_named_before_the_fit(
    run: Path, what: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil, words = FOREIGN[what]
    spoil(run)
    there = set(os.listdir(run))
    monkeypatch.setattr(commands, "run_fit", lambda *_: pytest.fail("a fit began"))
    assert cli.main(["train", "--system", "pendulum", "--model", "hnn", "--out", str(run), "--force"]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert str(run) in said
    assert said.count("\n") == 1
    with pytest.raises(RecordError, match="replaces only runs"):
        write_run(a_run(), run, force=True)
    assert set(os.listdir(run)) == there


def test_of_many_things_five_are_named(run: Path) -> None:
    for i in range(300):
        (run / f"photo{i:03}.jpg").touch()
    with pytest.raises(RecordError, match=r"holds photo000\.jpg, .*, …, photo299\.jpg, which are no parts") as caught:
        check_target(run, force=True)
    assert str(caught.value).count("photo") == 5


def test_a_leftover_inside_is_not_in_the_way_and_one_that_is_written_is(run: Path) -> None:
    path, hold = leftovers.make(run / "x.csv", operations.create)
    if hold.certain:
        with pytest.raises(RecordError, match=r"x\.csv\.hnnlab-part-.* \(being written\)"):
            check_target(run, force=True)
    hold.release()
    write_run(a_run(), run, force=True)
    assert not path.exists()
    assert tree(run).keys() == run_files(a_run()).keys()


@pytest.mark.parametrize("recorded", [False, True])
@pytest.mark.parametrize("name", ["history.csv", "weights.safetensors", "data.npz"])
@pytest.mark.parametrize("kept", [0, 60])
def test_a_run_of_ours_with_a_file_cut_off_is_replaced(tmp_path: Path, recorded: bool, name: str, kept: int) -> None:
    write_run(a_run("baseline", recorded), tmp_path / "run")
    place = tmp_path / "run" / name
    if place.exists():
        place.write_bytes(place.read_bytes()[:kept])
    write_run(a_run(), tmp_path / "run", force=True)
    assert load_run(tmp_path / "run").snapshot.model == "hnn"


def test_of_a_history_only_the_beginning_is_read(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, beginning = [], operations.beginning
    monkeypatch.setattr(operations, "beginning", lambda path, n: asked.append((path.name, n)) or beginning(path, n))
    check_target(run, force=True)
    assert dict(asked)["history.csv"] == len("step,train_loss,test_loss")


def test_reproduce_is_refused_before_the_fits_where_something_else_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (planned, *_) = plan([get_task("mass-spring")], ["hnn"], seeds=1)
    place = FitCache(tmp_path)._place(planned)
    place.mkdir(parents=True)
    (place / "mine.txt").write_text("mine")
    monkeypatch.setattr(FitRun, "advance", lambda self: pytest.fail("a fit began"))
    words = ["reproduce", "--task", "mass-spring", "--model", "hnn", "--seeds", "1", "--keep", str(tmp_path)]
    assert cli.main(words) == 2
    assert "holds mine.txt, which is no part of a run, and --keep replaces only runs" in capsys.readouterr().err
    assert (place / "mine.txt").read_text() == "mine"


def test_a_run_that_another_replaces_meanwhile_is_left_to_it(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "exchange", lambda one, other: False)
    hold = operations.hold(run)
    assert hold is not None
    if not hold.certain:
        pytest.skip("this file system knows no locks")
    with pytest.raises(RecordError, match="is being replaced by another HNN Lab: wait"):
        write_run(a_run(), run, force=True)
    hold.release()
    write_run(a_run(), run, force=True)
    assert os.listdir(run.parent) == ["run"]


# Links, rights, devices -----------------------------------------------------------------------------------------------


@posix
@pytest.mark.parametrize("dangling", [False, True])
def test_what_a_link_points_to_is_written(tmp_path: Path, dangling: bool) -> None:
    (tmp_path / "far").mkdir()
    (tmp_path / "near").symlink_to("far/file")
    (tmp_path / "nearer").symlink_to("near")
    if not dangling:
        (tmp_path / "far" / "file").write_text("old")
    write_file(tmp_path / "nearer", b"new")
    assert tree(tmp_path) == {"far": None, "far/file": b"new", "near": "far/file", "nearer": "near"}


@posix
def test_a_run_behind_a_link_is_replaced_and_the_link_stays(run: Path) -> None:
    (run.parent / "latest").symlink_to("run")
    write_run(a_run(), run.parent / "latest", force=True)
    assert (run.parent / "latest").is_symlink()
    assert load_run(run).snapshot.model == "hnn"


@posix
def test_a_circle_of_links_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    for refused in (lambda p: write_file(p, b""), lambda p: check_target(p, False), lambda p: check_file(p, "--out")):
        with pytest.raises(RecordError):
            refused(tmp_path / "a")


@posix
def test_a_read_only_file_is_replaced_only_where_that_is_said(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    path.chmod(0o444)
    for refused in (lambda: write_file(path, b"new"), lambda: check_file(path, "--out")):
        with pytest.raises(ProtectedFileError, match="file is read-only and stays as it is: choose another name"):
            refused()
    assert tree(tmp_path) == {"file": b"old"}
    write_file(path, b"new", replace_protected=True)
    assert tree(tmp_path) == {"file": b"new"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o444


@posix
@pytest.mark.parametrize("what", ["run.json", ""])
def test_a_read_only_run_is_not_replaced(run: Path, what: str) -> None:
    (run / what).chmod(0o555)
    with pytest.raises(RecordError, match="is read-only and stays as it is"):
        check_target(run, force=True)
    (run / what).chmod(0o755)
    write_run(a_run(), run, force=True)


@posix
def test_a_pipe_or_a_device_is_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "null").symlink_to(os.devnull)
    for name in ("pipe", "null"):
        for refused in (lambda p: write_file(p, b"new"), lambda p: check_file(p, "--out")):
            with pytest.raises(RecordError, match=f"{name} is a device or a pipe, but a file is to be written"):
                refused(tmp_path / name)
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)


@posix
def test_private_files_are_private_while_they_are_written(tmp_path: Path) -> None:
    path, seen = tmp_path / "file", []
    path.write_text("old")
    path.chmod(0o600)
    write_file(path, b"new", verify=lambda beside: seen.append(stat.S_IMODE(beside.stat().st_mode)))
    assert seen == [0o600]


# Flushed and read back ------------------------------------------------------------------------------------------------


def test_the_new_is_looked_at_before_it_replaces_the_old(tmp_path: Path) -> None:
    path, seen = tmp_path / "file", []
    write_file(path, b"old")

    def refuse(beside: Path) -> None:
        seen.append((beside.parent, beside.read_bytes(), path.read_bytes()))
        raise RecordError("it cannot be read again")

    with pytest.raises(RecordError, match="it cannot be read again"):
        write_file(path, b"new", verify=refuse)
    assert seen == [(tmp_path, b"new", b"old")]
    assert tree(tmp_path) == {"file": b"old"}


def test_a_run_that_the_disk_spoils_does_not_replace_the_old(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = operations.read

    def spoiled(path: Path) -> bytes:
        content = read(path)
        return content[:-1] + b"x" if path.name == "weights.safetensors" and "hnnlab" in str(path) else content

    monkeypatch.setattr(operations, "read", spoiled)
    with pytest.raises(RecordError, match="was not written: the disk gives back other bytes"):
        write_run(a_run(), run, force=True)
    monkeypatch.undo()
    assert load_run(run).snapshot.model == "baseline"
    assert os.listdir(run.parent) == ["run"]


def told_by(work: Callable[[], Any]) -> list[str]:
    """Return the operations of `work` that matter to what is on the disk, in order."""
    with interrupted(sys.maxsize, lambda name: None) as seen:
        work()
    return [n for n in seen if n in ("write", "sync", "move", "exchange", "sync_folder", "remove", "remove_folder")]


def test_a_file_is_on_the_disk_before_it_is_moved_and_its_name_after(tmp_path: Path) -> None:
    assert told_by(lambda: write_file(tmp_path / "file", b"new")) == ["write", "sync", "move", "sync_folder"]


@pytest.mark.parametrize("swaps", [True, False])
def test_a_run_is_on_the_disk_before_it_takes_the_place_and_before_the_old_one_goes(
    run: Path, swaps: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not swaps:
        monkeypatch.setattr(operations, "exchange", lambda one, other: False)
    elif not swapping(run.parent):
        pytest.skip("this system exchanges no folders")
    done = told_by(lambda: write_run(a_run(), run, force=True))
    start = done.index("write")
    taken = ["exchange", "sync_folder"] if swaps else ["exchange", "move", "move", "sync_folder", "move"]
    files = len(list(run.iterdir()))
    before = [*["write", "sync"] * files, "sync_folder", *taken]
    assert done[start:][: len(before)] == before
    assert done[start:][len(before) :].count("remove") == files


def swapping(folder: Path) -> bool:
    one, other = folder / "one", folder / "other"
    one.mkdir()
    other.mkdir()
    try:
        return operations.exchange(one, other)
    finally:
        one.rmdir()
        other.rmdir()


def test_two_folders_change_places(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    if not swapping(tmp_path):
        pytest.skip("this system exchanges no folders")
    assert operations.exchange(tmp_path / "a", tmp_path / "b")
    assert tree(tmp_path) == {"a": None, "a/b": b"", "b": None, "b/a": b""}
    with pytest.raises(OSError) as caught:
        operations.exchange(tmp_path / "a", tmp_path / "none")
    assert caught.value.errno == errno.ENOENT


# Read meanwhile -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["run.json", "history.csv", "weights.safetensors"])
def test_a_run_that_is_replaced_between_two_of_its_files_is_read_anew(
    run: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, replaced = operations.read, []

    def meanwhile(path: Path) -> bytes:
        content = read(path)
        if path == run / name and not replaced:
            replaced.append(path)
            write_run(a_run(), run, force=True)
        return content

    monkeypatch.setattr(operations, "read", meanwhile)
    assert run_files(load_run(run)) == run_files(a_run())
    assert replaced


@pytest.mark.parametrize("swaps", [True, False])
def test_a_run_that_is_replaced_while_it_is_read_is_read_whole(
    run: Path, swaps: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not swaps:
        monkeypatch.setattr(operations, "exchange", lambda one, other: False)
    both = [run_files(a_run(name)) for name in ("baseline", "hnn")]
    over, said = threading.Event(), []

    def replace() -> None:
        try:
            for i in range(1000):
                if over.is_set():
                    return
                write_run(a_run(("hnn", "baseline")[i % 2]), run, force=True)
        except RecordError as error:
            said.append(str(error))

    writer = threading.Thread(target=replace)
    writer.start()
    try:
        seen = [run_files(load_run(run)) for _ in range(25)]
    finally:
        over.set()
        writer.join()
    assert said == []
    assert all(one in both for one in seen)
    assert os.listdir(run.parent) == ["run"]
