"""A laboratory that stands still: what is on screen in another, or in a file, computed once and then shown at any
instant."""

import asyncio
import time
from dataclasses import replace

from app.lab import Lab
from app.model.film_order import Shown
from app.model.rollout_messages import ShownModel
from hnn_engine.errors import ExperimentError

SETTLE_SECONDS = 120.0  # that rollouts and data may take
LOOK = 0.01  # seconds between two looks whether they are there


class StillLab(Lab):
    """Shows `shown`: it neither trains nor fits, and time stands where it is put. The training data, which may take
    longer than all else, is there where it is needed."""

    _models: tuple[ShownModel, ...] | None = None

    def __init__(self, shown: Shown, needs_data: bool = True) -> None:
        self._needs_data = needs_data
        super().__init__(shown.state.experiment)
        self._models = shown.models
        view = replace(shown.view, live_fit=False, before_live=None, tool="start", speed=1.0)
        self.document.reset(shown.state, None, view)
        self.playback.hold(True)  # time moves by hand alone, and nothing invites to be dragged
        self.rollouts.worker.reference_ready = True

    def shown_models(self) -> tuple[ShownModel, ...]:
        return super().shown_models() if self._models is None else self._models

    @property
    def calm(self) -> bool:
        """Whether rollouts and data are there, in full, and nothing is computed any more."""
        answer, rollouts = self.answer, self.rollouts
        if answer is None or self._due or (self._needs_data and self.dataset is None):
            return False
        if rollouts.wanted or rollouts.worker.busy:
            return False
        fresh = answer.request.experiment is self.experiment and not answer.request.preview
        return fresh and (self.dataset is None or self.dataset.dof == self.experiment.scene.dof)

    def _want_data(self) -> None:
        if self._needs_data:
            super()._want_data()

    async def settle(self) -> None:
        """Begin, and wait until all is there; raise `ExperimentError` where that takes too long or fails."""
        problems: list[str] = []
        self.failed.connect(lambda text, _: problems.append(text))
        self.start()
        self.rollouts.refresh()
        end, still = time.monotonic() + SETTLE_SECONDS, 0
        while still < 5:
            await asyncio.sleep(LOOK)
            still = still + 1 if self.calm else 0
            if problems or time.monotonic() > end:
                why = problems[0] if problems else f"it takes longer than {SETTLE_SECONDS:.0f} s"
                raise ExperimentError(
                    f"The rollouts cannot be computed ({why}): choose a shorter horizon or other models"
                )
        self.frame_clock.stop()
