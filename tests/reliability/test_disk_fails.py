"""Every operation of every writing fails in turn: the old or the new is there, nothing else, and a sentence says so."""

import errno
import os
from itertools import count, product
from pathlib import Path

import pytest

from hnn_engine.errors import RecordError
from tests.reliability.faults import failing, lay, tree, unflushed
from tests.reliability.tally import Tally
from tests.reliability.writings import ALL, Writing, names

CODES = (errno.ENOSPC, errno.EIO, errno.EACCES)
# What fails here is cleared away at once; where a folder cannot be flushed, what was taken aside waits.
CHANGING = ("create", "write", "sync", "allow", "make_folder", "move", "exchange")


def fails(writing: Writing, folder: Path, codes: tuple[int, ...], every: bool) -> tuple[int, int]:
    """Let each operation fail, alone and with all after it; return how many were tried and how many brought the new."""
    with writing.system():
        writing.prepare(folder)
        before, old, left = tree(folder), writing.open(folder), names(folder)
        writing.write(folder)
        new, right = writing.open(folder), names(folder)
        assert old != new
        tried = done = 0
        for number in count():
            for code, for_good in product(codes if every else codes[number % len(codes) :][:1], (False, True)):
                lay(folder, before)
                said, seen = attempt(writing, folder, number, code, for_good)
                if said and not for_good and seen[number] in CHANGING:
                    assert names(folder) in (left, right), "what is beside goes at once where that is possible"
                found = writing.open(folder)
                assert found in (old, new), f"operation {number}, {seen[number:][:1]}: neither is there"
                assert said or found == new, "what has not worked is said"
                assert "\n" not in said
                assert names(folder) == (right if found == new else left), "nothing is left beside"
                tried, done = tried + 1, done + (found == new)
            if len(seen) <= number:
                assert not said
                return tried, done
    raise AssertionError


def attempt(writing: Writing, folder: Path, number: int, code: int, for_good: bool) -> tuple[str, list[str]]:
    """Write on the failing disk; return what was said, and the operations."""
    with failing(number, code, for_good) as seen:
        try:
            writing.write(folder)
        except RecordError as error:
            return str(error), list(seen)
        return "", list(seen)


@pytest.mark.parametrize("writing", ALL, ids=lambda w: w.name)
def test_the_old_or_the_new_is_there_whatever_fails(writing: Writing, tmp_path: Path) -> None:
    with unflushed():
        tried, done = fails(writing, tmp_path, CODES, every=False)
    assert tried > 10
    assert 0 < done < tried


@pytest.mark.long
@pytest.mark.parametrize("writing", ALL, ids=lambda w: w.name)
def test_the_old_or_the_new_is_there_whatever_fails_in_whichever_way(
    writing: Writing, tmp_path: Path, tally: Tally
) -> None:
    tried, done = fails(writing, tmp_path, (*CODES, errno.EROFS, errno.EDQUOT, errno.ENOENT), every=True)
    tally.add("failed operations", tried=tried, old=tried - done, new=done)


def test_a_full_disk_is_said_as_such(tmp_path: Path) -> None:
    writing = ALL[1]
    writing.prepare(tmp_path)
    with failing(0, errno.ENOSPC, True), pytest.raises(RecordError, match=r"file\.csv cannot be written: .*; choose"):
        writing.write(tmp_path)
    assert os.listdir(tmp_path) == ["file.csv"]
