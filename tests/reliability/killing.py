"""A process of its own that forks others and kills them while they write: `python -m tests.reliability.killing …`.

It loads everything once, so that a kill costs milliseconds, looks after each at what is there, and prints its counts as
JSON. What must not be ends it with an error.
"""

import io
import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from unittest import mock

from hnn_engine.disk import leftovers
from hnn_engine.records import load_run, write_run
from tests.reliability.faults import Tree, clean, interrupted, lay, tree, unflushed
from tests.reliability.writings import ALL, FOLDERS, Writing, names

Counts = dict[str, int]
SURVIVED, ENDED = 0, 9
LOOKING = {"look", "names", "read", "hold"}  # operations that change nothing
LIFE = 0.05  # s, for which a child lives at most once it writes
AGAIN = tuple(writing for writing in ALL if writing.name.startswith(("a session instead", "a run instead")))


def child(work: Callable[[], object]) -> int:
    """Fork a process that does `work`, and return its number."""
    number = os.fork()
    if number == 0:
        try:
            work()
            os._exit(SURVIVED)
        except BaseException as error:
            print(f"in a child: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
            os._exit(1)
    return number


def end_of(number: int) -> int:
    """Wait for a child; return its exit code, or the signal's number made negative."""
    return os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])


State = tuple[object, list[str]]


def states(writing: Writing, folder: Path) -> tuple[Tree, State, State]:
    """Return the folder before, and what is there before and after, each with the names in the folder."""
    clean(folder)
    writing.prepare(folder)
    before, old = tree(folder), (writing.open(folder), names(folder))
    writing.write(folder)
    return before, old, (writing.open(folder), names(folder))


# Between every two operations -----------------------------------------------------------------------------------------


def changes(work: Callable[[], object]) -> list[int]:
    """Do `work` and return the numbers of its operations before which something may have changed since the last."""
    with interrupted(sys.maxsize, fail) as seen:
        work()
    return [i for i, name in enumerate(seen) if name not in LOOKING]


def fail(name: str) -> None:
    raise AssertionError(name)


def killed(work: Callable[[], object], number: int, half: bool = True) -> None:
    """Let a child do `work` up to the operation `number`, and die there."""

    def dying() -> None:
        with interrupted(number, lambda name: os._exit(ENDED), half):
            work()

    code = end_of(child(dying))
    assert code == ENDED, f"operation {number}: the child ended with {code}"


def between(writing: Writing, folder: Path, half: bool) -> Counts:
    """Kill before every operation (or in the middle of a writing), and look; return how many and what was there."""
    before, old, new = states(writing, folder)
    lay(folder, before)
    counts = {"killed": 0, "old": 0, "new": 0, "put back": 0}
    for number in changes(lambda: writing.write(folder)):
        lay(folder, before)
        killed(lambda: writing.write(folder), number, half)
        taken = any(one.role == leftovers.OLD for one in leftovers.found(folder))
        found = writing.open(folder), names(folder)
        assert found in (old, new), f"{writing.name}, killed at {number}: neither the old nor the new, or more"
        counts["killed"] += 1
        counts["old" if found == old else "new"] += 1
        counts["put back"] += taken and found == old
    return counts


def twice(writing: Writing, folder: Path) -> Counts:
    """Kill between every two operations of the writing, and then between those of whoever opens it next."""
    before, old, new = states(writing, folder)
    lay(folder, before)
    kills = 0
    for number in changes(lambda: writing.write(folder)):
        lay(folder, before)
        killed(lambda: writing.write(folder), number)
        cut = tree(folder)
        for later in changes(lambda: writing.open(folder)):
            lay(folder, cut)
            killed(lambda: writing.open(folder), later)
            assert (writing.open(folder), names(folder)) in (old, new), f"{writing.name}: {number}, {later}"
            kills += 1
    return {"killed": kills}


# At random moments ----------------------------------------------------------------------------------------------------


def at_random(writing: Writing, folder: Path, kills: int, seed: int) -> Counts:
    """Kill children that write the old and the new by turns, over and over; look after each kill."""
    chance = random.Random(seed)
    _, old, new = states(writing, folder)
    counts = {"killed": 0, "old": 0, "new": 0, "cut off": 0}
    for _ in range(kills):
        number = child(lambda: over_and_over(writing, folder))
        time.sleep(chance.uniform(0, LIFE))
        os.kill(number, signal.SIGKILL)
        assert end_of(number) == -signal.SIGKILL
        counts["cut off"] += bool(leftovers.found(folder))
        found = writing.open(folder), names(folder)
        assert found in (old, new), f"{writing.name}: neither the old nor the new, or more"
        counts["killed"] += 1
        counts["old" if found == old else "new"] += 1
    writing.write(folder)
    assert (writing.open(folder), names(folder)) == new
    return counts


def over_and_over(writing: Writing, folder: Path) -> None:
    while True:
        writing.prepare(folder)
        writing.write(folder)


@contextmanager
def silent() -> Iterator[None]:
    """Print nothing."""
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        yield


# The commands ---------------------------------------------------------------------------------------------------------

FIT = ["--model", "baseline", "--recipe", "adam", "--setting", "width=16", "--trajectories", "10", "--steps", "40"]
FILES = ("history.csv", "run.json", "weights.safetensors")


def train(folder: Path, seed: int, bell: int) -> None:
    """Do as `hnn-lab train --force` does, silently; ring the bell when the fit is over and the run is to be kept."""
    from hnn_engine.cli import main

    def ringing(*words: Any) -> None:
        os.write(bell, b"!")
        write_run(*words)

    words = ["train", "--system", "mass-spring", *FIT, "--seed", seed, "--out", folder / "run", "--force"]
    with mock.patch("hnn_engine.cli.training.write_run", ringing), silent():
        assert main([str(word) for word in words]) == 0


def alone(work: Callable[[], object]) -> float:
    """Do `work` in a child after this process, which has loaded all that it needs then; return what it took in s."""
    work()
    began = time.monotonic()
    assert end_of(child(work)) == SURVIVED
    return time.monotonic() - began


def training(folder: Path, kills: int, seed: int) -> Counts:
    """Kill `train --force`: each second time in the fit, else while it keeps the run."""
    chance, counts = random.Random(seed), {"killed": 0, "old": 0, "new": 0, "over": 0}
    hears, bell = os.pipe()
    lasts, present = alone(lambda: train(folder, 0, bell)), 0
    os.read(hears, 2)
    for i in range(1, kills + 1):
        number = child(lambda i=i: train(folder, i, bell))
        if i % 2:
            time.sleep(chance.uniform(0, 0.8) * lasts)
        else:
            os.read(hears, 1)
            time.sleep(chance.uniform(0, LIFE))
        os.kill(number, signal.SIGKILL)
        killed = end_of(number) == -signal.SIGKILL
        now = load_run(folder / "run").experiment.seed
        assert now in ((present, i) if killed else (i,)), f"kill {i}: the run of seed {now} is there"
        assert names(folder) == ["run", *(f"run/{name}" for name in FILES)]
        counts["killed" if killed else "over"] += 1
        counts["new" if now == i else "old"] += killed
        present = now
    return counts


def reproducing(folder: Path, kills: int, seed: int) -> Counts:
    """Kill `reproduce` at random moments; in the end it goes on from what is kept, and nothing else is there."""
    chance, counts = random.Random(seed), {"killed": 0, "over": 0, "kept": 0, "cut off": 0}
    lasts = alone(lambda: (clean(folder), reproduce(folder)))
    for _ in range(kills):
        if chance.random() < 0.7:
            clean(folder)
        number = child(lambda: reproduce(folder))
        time.sleep(chance.uniform(0, 1.1 * lasts))
        os.kill(number, signal.SIGKILL)
        counts["killed" if end_of(number) == -signal.SIGKILL else "over"] += 1
        counts["cut off"] += len(list(folder.glob("*/.*")))
        for kept in folder.glob("*/[!.]*"):
            assert load_run(kept).ending == "finished"
            counts["kept"] += 1
    assert end_of(child(lambda: reproduce(folder))) == SURVIVED
    assert len(list(folder.glob("*/*"))) == len(list(folder.glob("*/[!.]*"))) == 2
    return counts


def reproduce(folder: Path) -> None:
    """Do as `hnn-lab reproduce` does, with fits of twelve steps that nobody evaluates."""
    from hnn_engine.cli import main
    from hnn_engine.fit_run import FitRun
    from hnn_engine.fitting import PAPER_TASKS
    from tests.engine.test_reproduction import made_up

    words = ["reproduce", "--task", "mass-spring", "--model", "baseline,hnn", "--seeds", "1", "--keep"]
    short = mock.patch.dict(PAPER_TASKS, {"mass-spring": (12, 200, 1e-4)})
    with short, mock.patch.object(FitRun, "evaluate", made_up), silent():
        assert main([*words, str(folder)]) == 0


# From the tests -------------------------------------------------------------------------------------------------------


def main(words: list[str]) -> None:
    kind, place, *rest = words
    folder, numbers = Path(place), [int(word) for word in rest]
    kinds: dict[str, Callable[..., Any]] = {
        "some": lambda: each(AGAIN, lambda w: between(w, folder, True)),
        "between": lambda half: each(ALL, lambda w: between(w, folder, bool(half))),
        "twice": lambda: each(FOLDERS[2:], lambda w: twice(w, folder)),
        "random": lambda kills, seed: each(AGAIN, lambda w: at_random(w, folder, kills, seed)),
        "train": lambda kills, seed: training(folder, kills, seed),
        "reproduce": lambda kills, seed: reproducing(folder, kills, seed),
    }
    print(json.dumps(kinds[kind](*numbers)))


def each(writings: tuple[Writing, ...], work: Callable[[Writing], Counts]) -> dict[str, Counts]:
    found = {}
    for writing in writings:
        with writing.system(), unflushed():
            found[writing.name] = work(writing)
    return found


if __name__ == "__main__":
    main(sys.argv[1:])
