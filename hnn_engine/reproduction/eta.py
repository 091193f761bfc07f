"""The time that a reproduction still takes."""

import time
from collections.abc import Sequence

from hnn_engine.reproduction.fit_plan import PlannedFit
from hnn_engine.reproduction.running import Result


class RemainingTime:
    """Estimates the time in s of the fits to come from that of the same task and model, else from the work they are."""

    def __init__(self, fits: Sequence[PlannedFit], kept: dict[int, Result]) -> None:
        """Estimate for `fits`, of which those in `kept` (by number) are done already."""
        self._fits, self._kept = fits, kept
        self._took: dict[int, float] = {number: result.row.fit_seconds for number, result in kept.items()}
        self._now, self._began = -1, 0.0

    def begin(self, number: int) -> None:
        """Take note that the planned fit `number` begins, and the one before it is done."""
        clock = time.monotonic()
        if self._now >= 0:
            self._took[self._now] = clock - self._began
        self._now, self._began = number, clock

    def left(self, seconds: float) -> float:
        """Return the time in s until the end, where the fit under way has `seconds` left."""
        present = time.monotonic() - self._began + seconds
        known = {**self._took, self._now: present}
        rate = sum(known.values()) / sum(_work(self._fits[number]) for number in known)
        coming = (n for n in range(self._now + 1, len(self._fits)) if n not in self._kept)
        return seconds + sum(self._guess(n, known, rate) for n in coming)

    def _guess(self, number: int, known: dict[int, float], rate: float) -> float:
        planned = self._fits[number]
        alike = [s for n, s in known.items() if _kind(self._fits[n]) == _kind(planned)]
        return sum(alike) / len(alike) if alike else rate * _work(planned)


def _kind(planned: PlannedFit) -> tuple[str, str]:
    return planned.task.name, planned.model


def _work(planned: PlannedFit) -> float:
    """Return about how much work a fit is: steps times rows a step."""
    experiment = planned.experiment
    rows = float(experiment.data.get("trajectories", 1)) * float(experiment.data.get("points", 500))
    batch = float(experiment.settings.get("batch", 0)) or rows
    return float(experiment.settings.get("steps", 2000)) * min(batch, rows)
