"""Half an hour of random use by a seeded hand: nothing is lost, nothing is unforeseen, and memory stays bounded.

`HNN_LAB_HAND_SEED` says which hand, `HNN_LAB_HAND_MINUTES` for how long.
"""

import gc
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest
from qasync import QEventLoop

import app.application
import app.workers.preload
from tests.app import conftest as window
from tests.app.bench import Bench
from tests.reliability.hand import Hand
from tests.reliability.tally import Tally
from tests.reliability.watch import Heartbeat, QtSays, held, still_answers

MINUTES = float(os.environ.get("HNN_LAB_HAND_MINUTES", "30"))
SEED = int(os.environ.get("HNN_LAB_HAND_SEED", "20261101"))
GROWTH = 1.02  # of memory, from the middle of the run to its end
SAMPLES = round(min(max(MINUTES, 4), 30))  # of memory, evenly over the run
AROUND = 5  # of them are looked at around the middle, and as many at the end
JUDGED = 15.0  # minutes; a shorter run is still loading what it needs
ANSWERS = 300.0  # s between two looks at whether the window still answers
STANDS = 2.0  # s that the window's thread may compute, or wait for somebody, without coming back
HANGS = 30.0  # s that it may be away in all: on a busy machine it is others that compute

no_leaks, own_settings, few_orbits = window.no_leaks, window.own_settings, window.few_orbits
compiled_loops, loop = window.compiled_loops, window.loop


@pytest.fixture
def as_in_the_program(loop: QEventLoop, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the window collect its garbage, and share the interpreter with its workers, as it does in the program."""
    for module in (app.workers.preload, app.application):
        monkeypatch.setattr(module, "gc", gc)
    before = sys.getswitchinterval()
    sys.setswitchinterval(app.application.SWITCH_SECONDS)
    yield
    sys.setswitchinterval(before)


class Session:
    """One run of the hand, with all who watch it."""

    def __init__(self, bench: Bench, folder: Path) -> None:
        self.bench, self.hand = bench, Hand(bench, SEED, folder)
        self.heart = Heartbeat(lambda: self.hand.trail.last[-1] if self.hand.trail.last else "the start")
        self.says = QtSays()
        self.memory: list[tuple[float, float]] = []  # share of the run, MB
        self.answers: list[float] = []  # s

    async def go(self, seconds: float) -> None:
        """Let the hand work."""
        await self.bench.warm()
        began, asked = time.monotonic(), 0.0
        while (passed := time.monotonic() - began) < seconds:
            await self.hand.act()
            if passed > seconds * (len(self.memory) + 1) / SAMPLES:
                await self.weigh(passed / seconds)
            if passed - asked > ANSWERS:
                asked = passed
                self.answers.append(await still_answers(self.bench))
        await self.weigh(1.0)
        self.answers.append(await still_answers(self.bench))

    async def weigh(self, share: float) -> None:
        """Note what memory is held in a fresh document."""
        await self.hand.tidy()
        with self.heart.rest():
            self.memory.append((share, await held(self.bench)))

    def growth(self) -> float:
        """Memory at the end over memory in the middle of the run, each the median of some samples."""
        held = [amount for _, amount in self.memory]
        middle = len(held) // 2
        return median(held[-AROUND:]) / median(held[middle - AROUND // 2 : middle + AROUND // 2 + 1])

    def stalls(self) -> list[str]:
        """When the window stood still for too long."""
        late = [s for s in self.heart.stalls if s.busy > STANDS or (s.waits and s.seconds > STANDS)]
        return [str(stall) for stall in {*late, *(s for s in self.heart.stalls if s.seconds > HANGS)}]

    def close(self) -> None:
        """End the watch."""
        self.heart.close()
        self.says.close()

    def report(self) -> str:
        """What was seen."""
        desk = self.hand.desk
        lines = [
            f"seed {SEED}: {self.hand.trail.count} acts, {desk.saves} saves read back, {desk.opened} opened again",
            f"acts: {dict(sorted(self.hand.done.items()))}",
            f"memory (MB): {', '.join(f'{share:.2f}: {amount:.1f}' for share, amount in self.memory)}",
            f"answers after (s): {', '.join(f'{seconds:.2f}' for seconds in self.answers)}",
            *(f"stood still for {stall}" for stall in self.heart.worst()),
            *(f"Qt said: {text}" for text in self.says.warnings),
        ]
        return "\n".join(lines)


@pytest.mark.long
@pytest.mark.timeout(60 * MINUTES + 600)
@pytest.mark.usefixtures("as_in_the_program")
def test_half_an_hour_of_random_use(loop: QEventLoop, tmp_path: Path, tally: Tally) -> None:
    print(f"\nseed {SEED}, {MINUTES:g} minutes; all acts are written down in {tmp_path}")
    bench = loop.run_until_complete(Bench.open())
    session = Session(bench, tmp_path / "files")
    try:
        loop.run_until_complete(session.go(60 * MINUTES))
    except BaseException:
        print(f"seed {SEED}, the last acts:\n{session.hand.trail}")
        raise
    finally:
        session.close()
        print(session.report())
        loop.run_until_complete(bench.close())
    worst = session.heart.worst(1)
    hand = session.hand
    tally.add(
        "random hand",
        minutes=MINUTES,
        acts=hand.trail.count,
        saves_read_back=hand.desk.saves,
        opened_again=hand.desk.opened,
        worst_growth_percent=100 * (session.growth() - 1),
        worst_stall_s=worst[0].seconds if worst else 0.0,
        worst_answer_s=max(session.answers),
    )
    assert bench.unforeseen == []
    assert list(session.says.warnings) == []
    assert not session.stalls()
    assert hand.desk.saves > 0
    assert session.growth() <= GROWTH or MINUTES < JUDGED
