"""How long a reproduction will still take."""

import time
from collections.abc import Sequence

from hnn_engine.reproduction.fit_plan import Cell
from hnn_engine.reproduction.running import Result


class Pace:
    """Guesses the seconds of the fits to come from those of the same task and model, else from the work they are."""

    def __init__(self, cells: Sequence[Cell], kept: dict[int, Result]) -> None:
        """Guess for `cells`, of which those in `kept` (by number) are done already."""
        self._cells, self._kept = cells, kept
        self._took: dict[int, float] = {number: result.row.fit_seconds for number, result in kept.items()}
        self._now, self._began = -1, 0.0

    def begin(self, number: int) -> None:
        """Take note that the fit of cell `number` begins, and the one before it is done."""
        clock = time.monotonic()
        if self._now >= 0:
            self._took[self._now] = clock - self._began
        self._now, self._began = number, clock

    def left(self, seconds: float) -> float:
        """Return the seconds until the end, where the fit under way has `seconds` left."""
        present = time.monotonic() - self._began + seconds
        known = {**self._took, self._now: present}
        rate = sum(known.values()) / sum(_work(self._cells[number]) for number in known)
        coming = (n for n in range(self._now + 1, len(self._cells)) if n not in self._kept)
        return seconds + sum(self._guess(n, known, rate) for n in coming)

    def _guess(self, number: int, known: dict[int, float], rate: float) -> float:
        cell = self._cells[number]
        alike = [s for n, s in known.items() if _kind(self._cells[n]) == _kind(cell)]
        return sum(alike) / len(alike) if alike else rate * _work(cell)


def _kind(cell: Cell) -> tuple[str, str]:
    return cell.task.name, cell.model


def _work(cell: Cell) -> float:
    """Return about how much work a fit is: steps times rows a step."""
    experiment = cell.experiment
    rows = float(experiment.data.get("trajectories", 1)) * float(experiment.data.get("points", 500))
    batch = float(experiment.settings.get("batch", 0)) or rows
    return float(experiment.settings.get("steps", 2000)) * min(batch, rows)
