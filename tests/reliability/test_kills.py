"""kill -9 while something is written: the path holds the old or the new, whole, and what was left goes with next use.

The kills are made by a process of its own (`killing`), which also looks at what is there."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.reliability.tally import Tally

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no kill -9 and no fork")


def kill(what: str, folder: Path, *numbers: int, seconds: float = 120) -> Any:
    """Let the killing process do its work; return its counts."""
    command = [sys.executable, "-m", "tests.reliability.killing", what, str(folder), *map(str, numbers)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=seconds)
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_killed_between_every_two_operations_the_old_or_the_new_is_there(tmp_path: Path) -> None:
    found = kill("some", tmp_path)
    for counts in found.values():
        assert counts["killed"] > 5
        assert counts["old"]
        assert counts["new"]
    assert found["a run instead of another, in two steps"]["put back"]


def test_killed_at_random_while_it_saves_the_old_or_the_new_is_there(tmp_path: Path) -> None:
    found = kill("random", tmp_path, 7, 1)
    assert sum(counts["killed"] for counts in found.values()) == 21


# The long part --------------------------------------------------------------------------------------------------------


@pytest.mark.long
@pytest.mark.timeout(900)
def test_killed_twice_on_the_way_the_old_or_the_new_is_there(tmp_path: Path, tally: Tally) -> None:
    for counts in kill("twice", tmp_path, seconds=900).values():
        tally.add("kills while a run is replaced, and again while it is opened next", **counts)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_killed_before_every_operation_the_old_or_the_new_is_there(tmp_path: Path, tally: Tally) -> None:
    for half in (0, 1):
        for counts in kill("between", tmp_path, half, seconds=900).values():
            tally.add("kills between every two operations of a writing", **counts)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_killed_at_many_random_moments_the_old_or_the_new_is_there(tmp_path: Path, tally: Tally) -> None:
    found = kill("random", tmp_path, 120, 2, seconds=900)
    assert sum(counts["cut off"] for counts in found.values()) > 30, "many kills came in the middle"
    for name, counts in found.items():
        tally.add(f"kills at random moments of writing {name}", **counts)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_train_killed_in_mid_fit_and_at_its_end_keeps_the_old_run_or_the_new(tmp_path: Path, tally: Tally) -> None:
    counts = kill("train", tmp_path, 40, 3, seconds=900)
    assert counts["old"]
    assert counts["new"]
    tally.add("kills of train --force", **counts)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_reproduce_killed_goes_on_from_whole_fits(tmp_path: Path, tally: Tally) -> None:
    counts = kill("reproduce", tmp_path, 40, 4, seconds=900)
    assert counts["kept"]
    tally.add("kills of reproduce", **counts)
