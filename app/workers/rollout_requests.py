"""Asks for the rollouts on screen, at most once a frame but for drags, and hands on the newest answer."""

import time
import traceback
from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QObject, Qt, Signal

from app.model.document import Document
from app.model.model_roles import compared_key, error_key, evaluated_key, field_key, latents_key
from app.model.rollout_messages import Answer, Request, ShownModel
from app.workers.rollout_worker import RolloutWorker
from hnn_engine.datasets import Dataset
from hnn_engine.experiment import same_scene
from hnn_engine.phase_portrait import Drawn, PortraitSpec, States, drawn_rows, sample

BETWEEN_FIELDS_S = 0.2  # while time goes on, at least


class RolloutRequests(QObject):
    """What is wanted of the rollout worker for `document`.

    `models` returns the models to follow, `dragging` whether a drag is under way: then few steps are computed, and
    answers are taken at once.

    Signals: `answered(Answer)` there is a newer `answer`, of the system on screen; `failed(text, details)`.
    """

    answered = Signal(object)
    failed = Signal(str, str)
    _woken = Signal(bool)

    def __init__(
        self,
        document: Document,
        models: Callable[[], tuple[ShownModel, ...]],
        dragging: Callable[[], bool],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.worker = RolloutWorker()
        self.answer: Answer | None = None
        self.portrait: PortraitSpec | None = None
        self.wanted = True  # something has changed since the last request
        self.time = 0.0  # of the playback, in s
        self._drawn_at, self._drew = 0.0, 0.0  # that of the last fields, and perf_counter then
        self.states: States | None = None  # some of the training data
        self.drawn: Drawn | None = None  # what of it was drawn with the mouse
        self._document, self._models, self._dragging = document, models, dragging
        self._known_data: Dataset | None = None  # what these are of
        self._urgent = True
        self.worker.failure = self._on_failure
        self.worker.wake = self._woken.emit
        self._woken.connect(self._on_woken, Qt.ConnectionType.QueuedConnection)

    # What is wanted ---------------------------------------------------------------------------------------------------

    def want(self, urgent: bool) -> None:
        """Ask with the next frame; an `urgent` request interrupts a full one that is under way."""
        self.wanted = True
        self._urgent = self._urgent or urgent

    def go_on(self, time_: float) -> None:
        """The playback has come to `time_` in s: fields that depend on time are drawn anew, now and then."""
        self.time = time_
        stale = self._document.experiment.scene.timed and time_ != self._drawn_at and self.portrait is not None
        if stale and not self.worker.busy and time.perf_counter() - self._drew >= BETWEEN_FIELDS_S:
            self.refresh()

    def refresh(self) -> None:
        """Compute what is on screen anew where it has changed, with the next frame."""
        self.want(urgent=False)

    def show_portrait(self, spec: PortraitSpec) -> None:
        """The portrait shows this plane from now on; the state that it goes through is always the start."""
        plane = replace(spec, through=(), latents="")
        if plane != self.portrait:
            self.portrait = plane
            self.refresh()

    def show_data(self, data: Dataset | None) -> bool:
        """Take in what the worker is to know of `data`; return whether that is anything new."""
        if data is not None and data is self._known_data:
            return False
        self._known_data = data
        self.states = sample(data.coords, data.train, data.frame_pairs) if data is not None else None
        self.drawn = drawn_rows(data)
        return True

    def forget(self) -> None:
        """Another system is on screen."""
        self.answer = self.portrait = None

    def latents_key(self) -> str:
        """The key of the model whose latents the portrait shows, or ''."""
        seen = self._document.experiment.scene.observed
        return latents_key(self._models(), self._document.view) if seen else ""

    def ask(self, moved_at: float = 0.0) -> None:
        """Ask for everything on screen, now; because of a move at `moved_at` (perf_counter), if that is not 0."""
        experiment, view = self._document.experiment, self._document.view
        portrait, models = self.portrait, self._models()
        if portrait is not None:
            start = experiment.start
            plane = replace(portrait, through=start, latents=self.latents_key())
            portrait = plane if len(start) > max(portrait.axes) else None
        self._drawn_at, self._drew = self.time, time.perf_counter()
        self.worker.ask(
            Request(
                experiment=experiment,
                models=models,
                portrait=portrait,
                field_of=field_key(models, view),
                arrows=view.arrows,
                contours=view.contours,
                preview=self._dragging(),
                energy_of=view.energy_of,
                compared=compared_key(models, view),
                wrong=error_key(models, view),
                data=self._known_data if view.error_map else None,
                states=self.states,
                drawn=self.drawn,
                evaluated=evaluated_key(models, view),
                twin=view.twin,
                urgent=self._urgent,
                asked=moved_at or time.perf_counter(),
                time=experiment.rollout.world_time(self.time) if experiment.scene.timed else 0.0,
            )
        )
        self.wanted = self._urgent = False

    # Answers ----------------------------------------------------------------------------------------------------------

    def take(self) -> None:
        """Take the newest answer, unless it is of another system by now."""
        answer = self.worker.newest()
        if answer is not None and same_scene(answer.request.experiment, self._document.experiment):
            self.answer = answer
            self.answered.emit(answer)

    def _on_woken(self, urgent: bool) -> None:
        """There is an answer: it is shown at once where a hand waits for it, and after the next frame otherwise."""
        if urgent or self._dragging():
            self.take()

    def _on_failure(self, error: Exception) -> None:
        details = "".join(traceback.format_exception(error))
        self.failed.emit(f"The rollouts could not be computed: {error}", details)
