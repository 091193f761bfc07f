"""The status line: whose colour is whose, and in words how the models do."""

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QWidget

from app.lab import Lab
from app.model.document import State
from app.model.rollout_messages import Answer, RolloutCurve
from app.widgets.elided import ElidedLabel
from app.widgets.legend import Legend
from app.widgets.text import PlainLabel
from hnn_engine.coords import Array
from hnn_engine.experiment import same_system
from hnn_engine.number_format import number, percent
from hnn_engine.rollouts.energy_drift import steered, verdict

_SPACE = 16  # pixels between the parts
_PRESS = "Press Train to fit the models."
_EXPLAINED = "E = H(x(0)) − min H of the start, or |H(x(0))| where H has no minimum."


class StatusLine(QWidget):
    """Legend, sentence, frames per second: in one line, or the sentence below the rest where it finds no room."""

    def __init__(self, lab: Lab, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.lab = lab
        self.legend = Legend()
        self.legend.pointed.connect(lab.point_at)
        self.sentence = ElidedLabel()
        self.sentence.setProperty("muted", False)
        self.sentence.setAccessibleName("Summary of the rollouts")
        self.fps = PlainLabel()
        self.fps.setProperty("muted", True)
        self._rows = QGridLayout(self)
        self._rows.setContentsMargins(12, 2, 12, 4)
        self._rows.setHorizontalSpacing(_SPACE)
        self._rows.setVerticalSpacing(0)
        self._rows.setColumnStretch(1, 1)
        self._rows.addWidget(self.legend, 0, 0)
        self._rows.addWidget(self.fps, 0, 2)
        self._below: bool | None = None  # whether the sentence is in a line of its own
        self._arrange()
        lab.highlighted.connect(self.legend.set_hot)
        lab.answered.connect(self._on_answered)
        lab.document.changed.connect(self._on_changed)
        lab.frame_clock.text.connect(self._on_text)

    def _on_text(self) -> None:
        self.fps.setText(f"{self.lab.frame_clock.fps():.0f} fps")

    def _on_changed(self, old: State, new: State) -> None:
        if not same_system(old.experiment, new.experiment):
            self.sentence.say("")

    def _on_answered(self, answer: Answer) -> None:
        entries = [("truth", answer.truth.title.capitalize())] if answer.truth is not None else []
        entries += [(track.role, track.title) for track in answer.leads]
        if answer.twin is not None:
            entries.append((answer.twin.role, answer.twin.title.capitalize()))
        self.legend.show_entries(tuple(entries))
        self.sentence.say(self._words(answer), _EXPLAINED if answer.models else "")
        self._arrange()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        """Let the sentence have a line of its own where legend and sentence do not fit into one."""
        wanted = self.legend.sizeHint().width() + self.sentence.fontMetrics().horizontalAdvance(self.sentence.whole)
        below = wanted + self.fps.sizeHint().width() + 2 * _SPACE + 32 > self.width() and len(self.legend.entries) > 2
        if below == self._below:
            return
        self._below = below
        for part in (self.legend, self.sentence):
            self._rows.removeWidget(part)
        if below:
            self._rows.addWidget(self.legend, 0, 0, 1, 2)
            self._rows.addWidget(self.sentence, 1, 0, 1, 3)
        else:
            self._rows.addWidget(self.legend, 0, 0)
            self._rows.addWidget(self.sentence, 0, 1, Qt.AlignmentFlag.AlignVCenter)
        self.updateGeometry()

    def _words(self, answer: Answer) -> str:
        if not answer.models:
            known = _known(answer)
            fitting = self.lab.training.worker.active
            return ("The models are being fitted." if fitting else _PRESS) + (f" T{known[1:]}." if known else "")
        steering = answer.request.experiment.rollout.steering
        if steering.kind == "reverse":
            return _return_words(answer)
        system = answer.request.experiment.system
        moved = steering.kind != "none" and system is not None and system.conserves
        truth = [answer.truth] if moved and answer.truth is not None else []
        tracks = (*truth, *answer.leads)
        energies = [part for part in (_energy(track, answer) for track in tracks) if part]
        if answer.truth is not None and answer.truth.measured:
            recorded = _last(answer.truth.drift)
            energies += [f"the recording {_changed(recorded)}"] if np.isfinite(recorded) and energies else []
        head = _head(answer)
        parts = [f"{head}: {'; '.join(energies)}"] if energies else []
        parts += [_film(track) for track in answer.leads if track.in_step is not None]
        parts += [f"{t.title}: {t.note}" for t in tracks if t.note and not np.isfinite(t.ended)]
        return "; ".join(p for p in [*parts, _gap(answer), _known(answer)] if p)


def _head(answer: Answer) -> str:
    """What the shares of energy are of, and over what time."""
    experiment = answer.request.experiment
    changes = experiment.system is not None and not experiment.system.conserves
    what = "Energy against truth's" if changes else "Energy"
    span = max((float(track.t[-1]) for track in answer.leads if len(track.t)), default=experiment.rollout.length)
    return f"{what} over {span:.3g} s, in % of E"


def _energy(track: RolloutCurve, answer: Answer) -> str:
    """How the energy of a rollout fares, or '' where that is not known, or says nothing: of what paints frames that are
    soon out of step with truth's."""
    experiment = answer.request.experiment
    changes = experiment.system is not None and not experiment.system.conserves
    if track.note and not np.isfinite(track.ended):
        return ""
    if experiment.recording is not None:
        if np.isfinite(track.ended):
            return f"{track.title} diverged after {track.ended:.3g} s"
        own = _last(track.drift)
        return f"{track.title} {_changed(own)}" if np.isfinite(own) else ""
    shown = answer.shown(track.key)
    paints = shown is not None and shown.snapshot.autoencoder is not None
    if paints and not _mostly_in_step(track) and not np.isfinite(track.ended):
        return ""
    steering = experiment.rollout.steering
    if steering.kind in ("pump", "drain") and not changes and not np.isfinite(track.ended):
        done = steered(track.title, track.t, track.drift, steering.at, steering.at + steering.span)
        if done:
            return done
    sentence = verdict(track.title, track.drift, changes, track.ended)
    family = answer.band(track)
    if sentence and len(family) > 1:
        sentence += f" ({_range_words(family)})"
    return f"{sentence} (learning)" if track.live and sentence else sentence


def _mostly_in_step(track: RolloutCurve) -> bool:
    """Whether the painted frames stay in step with truth's over half of the rollout."""
    return track.in_step is not None and 2 * track.in_step >= track.frames


def _film(track: RolloutCurve) -> str:
    """How long the film that a model paints stays in step with truth's."""
    return f"{track.title}: {track.in_step} of {track.frames} frames in step"


def _range_words(family: tuple[RolloutCurve, ...]) -> str:
    """How differently the repetitions of a fit fared: '5 seeds: 0.4 % to 3 %'."""
    diverged = sum(bool(np.isfinite(track.ended)) for track in family)
    worst = [float(np.nanmax(np.abs(t.drift))) for t in family if np.isfinite(t.drift).any() and np.isnan(t.ended)]
    between = f"{percent(min(worst))} to {percent(max(worst))}" if worst else ""
    lost = f"{diverged} diverged" if diverged else ""
    return f"{len(family)} seeds: {', '.join(part for part in (between, lost) if part)}"


def _return_words(answer: Answer) -> str:
    """How far from its start each rollout is after the way there and back."""
    tracks = [*([answer.truth] if answer.truth is not None else []), *answer.leads]
    gaps = [(track.title, track.gap) for track in tracks if track.gap is not None]
    words = [f"{title} {number(gap, digits=2)}" if np.isfinite(gap) else f"{title} diverged" for title, gap in gaps]
    return f"Distance from the start after reversal (in units of rms ‖x‖): {', '.join(words)}" if words else ""


def _gap(answer: Answer) -> str:
    """How far the learned H is from the true one, where they are compared."""
    gap = answer.field.gap if answer.field is not None else None
    if gap is None:
        return ""
    compared = answer.shown(answer.request.compared)
    name = compared.title if compared is not None else "The model"
    return f"{name}'s Ĥ is off by {percent(gap.rms / answer.scale)} of E {gap.where}"


def _known(answer: Answer) -> str:
    """Up to when truth is known, where that is less than all of it."""
    return f"truth is known for {answer.known_until:.3g} s" if np.isfinite(answer.known_until) else ""


def _last(values: Array) -> float:
    known = values[np.isfinite(values)]
    return float(known[-1]) if len(known) else float("nan")


def _changed(share: float) -> str:
    return f"{'gained' if share > 0 else 'lost'} {percent(abs(share))}"
