"""Damaged sessions and runs: one sentence, soon, or they open; and what opens can be saved and opens again the same."""

import random
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from hnn_engine.errors import RecordError
from hnn_engine.records import Run, Session, load_run, load_session, save_session, write_run
from hnn_engine.records.equality import difference
from hnn_engine.records.run import run_files
from hnn_engine.records.session import session_bytes
from tests.reliability.damage import Files, cut, flipped, harmed, rezipped, zipped
from tests.reliability.real_records import sessions
from tests.reliability.tally import Tally

LONGEST = 2.0  # s of the processor that a damaged file may take
QUICK, LONG = 150, 3000  # files of each kind


@cache
def session_files() -> tuple[Files, ...]:
    return tuple(session_bytes(session) for session in sessions())


@cache
def run_folders() -> tuple[Files, ...]:
    return tuple(run_files(run) for session in sessions() for run in session.runs)


def damaged_session(rng: random.Random) -> tuple[bytes, str]:
    """Return a session with something wrong inside, or with the zip itself."""
    files = rng.choice(session_files())
    kind = rng.choice(("inside",) * 6 + ("cut", "flipped", "rezipped"))
    if kind == "inside":
        changed, done = harmed(rng, files)
        return zipped(changed), done
    return {"cut": cut, "flipped": flipped, "rezipped": rezipped}[kind](rng, zipped(files)), kind


def check_message(message: str, what: str) -> None:
    assert "\n" not in message, what
    assert message.isprintable(), f"{what}: {message!r}"
    assert len(message) <= 500, f"{what}: {message}"


Act = Callable[[Any], Any]


@dataclass
class Outcome:
    """What became of the damaged files, and the longest time that one took."""

    tried: int = 0
    refused: int = 0
    saved: int = 0
    longest: float = 0.0

    def take(
        self, read: Callable[[], Any], again: Callable[[Any], Any], files: Callable[[Any], Files], what: str
    ) -> None:
        """Read a damaged file; where it opens, compare it with what `again` makes of it: saved, and read again."""
        began = time.process_time()
        try:
            found = read()
        except RecordError as error:
            check_message(str(error), what)
            self.refused += 1
        else:
            other = again(found)
            place = difference(found, other)
            assert place == "", f"{what}: {place} is another when it is saved and read again"
            assert files(found) == files(other), f"{what}: some bits are others when it is saved and read again"
            self.saved += 1
        self.tried += 1
        self.longest = max(self.longest, time.process_time() - began)


def fuzz_sessions(folder: Path, count: int, seed: int) -> Outcome:
    outcome, path, copy = Outcome(), folder / "damaged.hnnlab", folder / "again.hnnlab"

    def again(session: Session) -> Session:
        save_session(session, copy)
        return load_session(copy)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for i in range(count):
            content, done = damaged_session(random.Random(f"{seed}/{i}"))
            path.write_bytes(content)
            outcome.take(lambda: load_session(path), again, session_bytes, f"session {seed}/{i}: {done}")
    return outcome


def fuzz_runs(folder: Path, count: int, seed: int) -> Outcome:
    outcome, place, copy = Outcome(), folder / "damaged", folder / "again"
    place.mkdir()

    def again(run: Run) -> Run:
        write_run(run, copy, force=True)
        return load_run(copy)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for i in range(count):
            rng = random.Random(f"{seed}/{i}")
            files, done = harmed(rng, rng.choice(run_folders()))
            for old in place.iterdir():
                old.unlink()
            for name, content in files.items():
                (place / name).write_bytes(content)
            outcome.take(lambda: load_run(place), again, run_files, f"run {seed}/{i}: {done}")
    return outcome


def test_what_is_whole_opens_equal(tmp_path: Path) -> None:
    for session in sessions():
        save_session(session, tmp_path / "s.hnnlab")
        first = load_session(tmp_path / "s.hnnlab")
        save_session(first, tmp_path / "again.hnnlab")
        assert difference(first, load_session(tmp_path / "again.hnnlab")) == ""
        assert session_bytes(first) == session_bytes(session)
        for run in session.runs:
            write_run(run, tmp_path / run.id, force=True)
            assert run_files(load_run(tmp_path / run.id)) == run_files(run)


def test_the_comparison_sees_what_differs() -> None:
    session, other = sessions()[0], sessions()[0].runs[0]
    assert difference(session, replace(session, shown=())) == "it.shown"
    changed = replace(
        other,
        snapshot=replace(other.snapshot, weights={**other.snapshot.weights, "b0": 0 * other.snapshot.weights["b0"]}),
    )
    assert difference(other, changed) == "it.snapshot.weights.b0"
    assert difference(session, replace(session, view={**session.view, "speed": 3.0})) == "it.view.speed"


def test_damaged_sessions_are_one_sentence_or_can_be_saved(tmp_path: Path) -> None:
    outcome = fuzz_sessions(tmp_path, QUICK, seed=1)
    assert outcome.longest < LONGEST
    assert min(outcome.refused, outcome.saved) > QUICK // 20  # the damage is neither nothing nor all


def test_damaged_runs_are_one_sentence_or_can_be_saved(tmp_path: Path) -> None:
    outcome = fuzz_runs(tmp_path, QUICK, seed=2)
    assert outcome.longest < LONGEST
    assert min(outcome.refused, outcome.saved) > QUICK // 20


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("kind", "fuzz"), [("sessions", fuzz_sessions), ("runs", fuzz_runs)])
def test_many_damaged_records(tmp_path: Path, tally: Tally, kind: str, fuzz: Callable[..., Outcome]) -> None:
    outcome = fuzz(tmp_path, LONG, seed=3)
    tally.add(
        f"damaged {kind}",
        tried=outcome.tried,
        refused=outcome.refused,
        opened_and_saved=outcome.saved,
        longest_s=round(outcome.longest, 3),
    )
    assert outcome.tried == LONG
    assert outcome.longest < LONGEST
