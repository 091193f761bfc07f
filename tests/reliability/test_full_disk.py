"""A disk that is really full, and one that takes no file so long: the old is there, and a sentence says why."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hnn_engine import cli
from hnn_engine.errors import RecordError
from tests.reliability.tally import Tally
from tests.reliability.writings import ALL, Writing, names

ROOT = Path(__file__).parents[2]
SIZE = 400_000  # bytes of the small disk


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own with hardly any room, where the system lets this user make one."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    place = tmp_path / "disk"
    place.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", place], capture_output=True, text=True
    )
    if done.returncode != 0:
        pytest.skip(f"this system mounts no small disk: {done.stderr.strip()}")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def fill(folder: Path, leave: int) -> None:
    """Fill the disk but for `leave` bytes, in whole pages."""
    room = os.statvfs(folder)
    with open(folder.parent / folder.name / "ballast", "wb") as file:
        file.write(b"\0" * max(0, room.f_bavail * room.f_frsize - leave))


@pytest.mark.long
@pytest.mark.parametrize("writing", ALL, ids=lambda w: w.name)
def test_on_a_full_disk_the_old_or_the_new_is_there(writing: Writing, small_disk: Path, tally: Tally) -> None:
    refused = done = 0
    with writing.system():
        writing.prepare(small_disk)
        old, left = writing.open(small_disk), names(small_disk)
        for pages in range(30):
            fill(small_disk, pages * 4096)
            said = ""
            try:
                writing.write(small_disk)
            except RecordError as error:
                said = str(error)
            (small_disk / "ballast").unlink()
            if not said:
                done += 1
                break
            assert "No space left on device" in said
            assert writing.open(small_disk) == old
            assert names(small_disk) == left
            refused += 1
        writing.write(small_disk)
        assert writing.open(small_disk) != old
    assert refused
    assert done
    tally.add("writings on a full disk", tried=refused + done, refused=refused, written=done)


@pytest.mark.long
def test_commands_on_a_full_disk_say_so_in_a_sentence(
    small_disk: Path, capsys: pytest.CaptureFixture[str], tally: Tally
) -> None:
    fill(small_disk, 0)
    fit = ["--model", "baseline", "--recipe", "adam", "--setting", "width=16", "--trajectories", "4", "--steps", "4"]
    commands = {
        "swing.csv cannot be written: No space left on device; ": ["simulate", "--system", "pendulum"],
        "run cannot be written (No space left on device), but": ["train", "--system", "mass-spring", *fit],
    }
    for expected, words in commands.items():
        assert cli.main([*words, "--out", str(small_disk / expected.split()[0])]) == 2
        said = capsys.readouterr().err.splitlines()[-1]
        assert expected in said
        assert names(small_disk) == ["ballast"]
    tally.add("commands on a full disk", tried=len(commands))


LIMITED = """
import resource, signal, sys
from pathlib import Path
from hnn_engine.errors import RecordError
from tests.reliability.writings import FILES, FOLDERS, names
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
for number, writing in enumerate((FILES[1], FILES[4], *FOLDERS[2:])):
    folder = Path(sys.argv[1]) / str(number)
    folder.mkdir()
    with writing.system():
        writing.prepare(folder)
        old, left = writing.open(folder), names(folder)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))
        try:
            writing.write(folder)
            said = ""
        except RecordError as error:
            said = str(error)
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        assert "cannot be written: File too large; choose another place" in said, said
        assert writing.open(folder) == old
        assert names(folder) == left
        writing.write(folder)
        assert writing.open(folder) != old
print("all")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows limits no files")
def test_a_file_that_may_not_grow_leaves_the_old_one(tmp_path: Path) -> None:
    command = [sys.executable, "-c", LIMITED, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "all\n"), done.stderr[-2000:]
