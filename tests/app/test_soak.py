"""Some random use by a seeded hand in every run: nothing breaks, nothing leaks, what is saved can be read, and the
window still answers. Half an hour of it is in `tests/reliability/test_random_hand.py`."""

import threading
import time
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QApplication

from tests.app.bench import Bench
from tests.reliability.hand import Hand
from tests.reliability.watch import held, still_answers

SECONDS = 45.0
SETTLED = 15.0  # seconds after which memory should hardly grow
GROWTH = 120.0  # MB, beside what is kept on purpose
SEED = 20261101
FEWEST = 40  # acts, on a slow machine too


@pytest.mark.soak
@pytest.mark.timeout(240)
@pytest.mark.usefixtures("unevaluated")
async def test_some_random_use(bench: Bench, tmp_path: Path) -> None:
    await bench.warm()
    hand = Hand(bench, SEED, tmp_path / "files")
    try:
        await use(hand)
    except BaseException:
        print(f"the last acts:\n{hand.trail}")
        raise
    assert bench.error_dialogs() == []
    await still_answers(bench)
    await still_works(hand)


async def use(hand: Hand) -> None:
    """Let the hand work for a while, and hold memory at its end against memory near its beginning."""
    began, early = time.monotonic(), 0.0
    while (passed := time.monotonic() - began) < SECONDS or hand.trail.count < FEWEST:
        await hand.act()
        if passed > SETTLED and not early:
            early = await held(hand.bench)
    assert all(any(act.__name__ in hand.done for act, _ in part.acts) for part in hand.parts), "a part was never used"
    assert await held(hand.bench) - early < GROWTH


async def still_works(hand: Hand) -> None:
    """End what goes on; then everything must work as at the beginning."""
    bench = hand.bench
    await hand.tidy()
    assert "fitting" not in {t.name for t in threading.enumerate()}
    assert not bench.document.dirty
    assert not bench.document.undo_label
    await bench.pick("mass-spring")
    assert bench.truth[0].tolist() == list(bench.experiment.start)
    bench.small_fit(10, 8)
    await bench.train()
    assert len(bench.answer.models) == 2
    at = QPoint(bench.window.scene.rect().center())
    assert QApplication.widgetAt(bench.window.scene.mapToGlobal(at)) is bench.window.scene
