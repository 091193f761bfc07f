"""The losses along a fit, and history.csv, which keeps them."""

import csv
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.errors import RecordError
from hnn_engine.limits import MOST_STEPS

_HEADER = ["step", "train_loss", "test_loss"]


@dataclass(frozen=True, eq=False)
class History:
    """The losses along a fit: `train` `(n,)`, the training loss of each of `train_steps` `(n,)`, and `test` `(m,)`, the
    test loss at the `test_steps` `(m,)` where it was taken.

    Steps rise from 1. A loss is at least 0, or infinite or NaN where a fit diverges.
    """

    train_steps: Array
    train: Array
    test_steps: Array
    test: Array

    def until(self, step: int) -> "History":
        """Return the losses of at most `step` steps."""
        train, test = self.train_steps <= step, self.test_steps <= step
        return History(self.train_steps[train], self.train[train], self.test_steps[test], self.test[test])


def history_csv(history: History) -> bytes:
    """Return the file of `history`: step, training loss, and the test loss where it was taken, a line for each step."""
    tests = dict(zip(history.test_steps.tolist(), history.test.tolist(), strict=True))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_HEADER)
    for step, loss in zip(history.train_steps.tolist(), history.train.tolist(), strict=True):
        writer.writerow([int(step), repr(loss), repr(tests[step]) if step in tests else ""])
    return text.getvalue().encode()


def read_history(files: Mapping[str, bytes]) -> History:
    """Read back `history_csv`; raise `RecordError` where it is missing, too long, cut off, or no rising steps."""
    if "history.csv" not in files:
        raise RecordError("history.csv is missing: restore it from a copy")
    content = files["history.csv"]
    if content.count(b"\n") > MOST_STEPS + 1:
        raise RecordError(f"history.csv has more lines than the {MOST_STEPS} steps of the longest fit: restore it")
    lines = content.decode("utf-8", "replace").split("\n")
    if not lines[0].startswith(_HEADER[0]):
        raise _wrong(1)
    if lines.pop():
        raise RecordError(f"history.csv, line {len(lines) + 1}: it is cut off, or no line end follows; restore it")
    train: list[tuple[int, float]] = []
    test: list[tuple[int, float]] = []
    last = 0
    for number, line in enumerate(lines[1:], start=2):
        try:
            step, loss, tested = line.rstrip("\r").split(",")
            last = _step(step, last)
            train.append((last, _loss(loss)))
            if tested:
                test.append((last, _loss(tested)))
        except ValueError:
            raise _wrong(number) from None
    a, b = np.array(train, dtype=np.float64).reshape(-1, 2), np.array(test, dtype=np.float64).reshape(-1, 2)
    return History(*(np.ascontiguousarray(column) for column in (*a.T, *b.T)))


def _wrong(line: int) -> RecordError:
    expected = "step, train loss, test loss: steps that rise from 1, losses of at least 0"
    return RecordError(f"history.csv, line {line}: expected {expected}; restore it from a copy")


def _step(text: str, last: int) -> int:
    step = int(text)
    if not last < step <= MOST_STEPS:
        raise ValueError(text)
    return step


def _loss(text: str) -> float:
    loss = float(text)
    if loss < 0:
        raise ValueError(text)
    return math.nan if math.isnan(loss) else loss
