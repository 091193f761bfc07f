"""Damaged sessions and runs: one sentence, soon, or they open; and what opens can be saved and opens again the same."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hnn_engine.errors import RecordError
from hnn_engine.records import Run, Session, load_run, load_session, save_session, write_run
from hnn_engine.records.equality import difference
from hnn_engine.records.run import run_files
from hnn_engine.records.session import session_bytes
from tests.reliability.damage import Files, cut, flipped, harmed, rezipped, zipped
from tests.reliability.real_records import sessions
from tests.reliability.tally import Tally

LONGEST = 2.0  # s of the processor that a damaged file may take
QUICK, LONG = 150, 3000  # files of each kind, which hypothesis chooses or a seed


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


class SessionFuzz:
    """Damages sessions in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.outcome = Outcome()
        self._path, self._copy = folder / "damaged.hnnlab", folder / "again.hnnlab"

    def __call__(self, rng: random.Random) -> None:
        """Damage one and read it."""
        content, done = damaged_session(rng)
        self._path.write_bytes(content)
        self.outcome.take(lambda: load_session(self._path), self._again, session_bytes, f"session: {done}")

    def _again(self, session: Session) -> Session:
        save_session(session, self._copy)
        return load_session(self._copy)


class RunFuzz:
    """Damages runs in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.outcome = Outcome()
        self._place, self._copy = folder / "damaged", folder / "again"
        self._place.mkdir()

    def __call__(self, rng: random.Random) -> None:
        """Damage one and read it."""
        files, done = harmed(rng, rng.choice(run_folders()))
        for old in self._place.iterdir():
            old.unlink()
        for name, content in files.items():
            (self._place / name).write_bytes(content)
        self.outcome.take(lambda: load_run(self._place), self._again, run_files, f"run: {done}")

    def _again(self, run: Run) -> Run:
        write_run(run, self._copy, force=True)
        return load_run(self._copy)


FUZZES: tuple[tuple[str, type[SessionFuzz] | type[RunFuzz]], ...] = (("sessions", SessionFuzz), ("runs", RunFuzz))


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


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("kind", "fuzz"), FUZZES)
def test_anything_that_opens_saves(tmp_path: Path, kind: str, fuzz: type[SessionFuzz] | type[RunFuzz]) -> None:
    damage = fuzz(tmp_path)

    @given(rng=st.randoms(use_true_random=False))
    @settings(max_examples=QUICK, deadline=None, suppress_health_check=list(HealthCheck))
    def holds(rng: random.Random) -> None:
        damage(rng)

    holds()
    outcome = damage.outcome
    assert outcome.longest < LONGEST
    assert min(outcome.refused, outcome.saved) > QUICK // 20  # the damage is neither nothing nor all


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("kind", "fuzz"), FUZZES)
def test_many_damaged_records(tmp_path: Path, tally: Tally, kind: str, fuzz: type[SessionFuzz] | type[RunFuzz]) -> None:
    damage = fuzz(tmp_path)
    for i in range(LONG):
        try:
            damage(random.Random(f"3/{i}"))
        except BaseException as error:
            error.add_note(f"seed 3/{i}")
            raise
    outcome = damage.outcome
    tally.add(
        f"damaged {kind}",
        tried=outcome.tried,
        refused=outcome.refused,
        opened_and_saved=outcome.saved,
        longest_s=round(outcome.longest, 3),
    )
    assert outcome.tried == LONG
    assert outcome.longest < LONGEST
