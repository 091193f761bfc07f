"""The status line: whose colour is whose, and in words how the models do."""

import numpy as np
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from app.lab import Lab
from app.model.document import State
from app.model.rollout_messages import Answer, RolloutCurve
from app.widgets.swatch import Swatch
from app.widgets.text import PlainLabel, set_tip
from hnn_engine.coords import Array
from hnn_engine.experiment import same_system
from hnn_engine.models import get_model
from hnn_engine.number_format import number, percent
from hnn_engine.rollouts.energy_drift import steered, verdict


class StatusLine(QWidget):
    """Legend, sentence, frames per second."""

    def __init__(self, lab: Lab, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.lab = lab
        self._legend = QHBoxLayout()
        self._legend.setSpacing(6)
        self._roles: tuple[tuple[str, str], ...] = ()
        self.sentence = PlainLabel()
        self.sentence.setAccessibleName("Summary of the rollouts")
        self.sentence.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.fps = PlainLabel()
        self.fps.setProperty("muted", True)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 2, 12, 4)
        row.setSpacing(16)
        row.addLayout(self._legend)
        row.addWidget(self.sentence, 1)
        row.addWidget(self.fps)
        lab.answered.connect(self._on_answered)
        lab.document.changed.connect(self._on_changed)
        lab.frame_clock.text.connect(self._on_text)

    def _on_text(self) -> None:
        self.fps.setText(f"{self.lab.frame_clock.fps():.0f} fps")

    def _on_changed(self, old: State, new: State) -> None:
        if not same_system(old.experiment, new.experiment):
            self.sentence.clear()

    def _on_answered(self, answer: Answer) -> None:
        roles = [("truth", answer.truth.title)] if answer.truth is not None else []
        for track in answer.leads:
            entry = (track.model, get_model(track.model).title)
            if entry not in roles:
                roles.append(entry)
        if answer.twin is not None:
            roles.append((answer.twin.model, answer.twin.title))
        self._show_legend(tuple(roles))
        text = self._words(answer)
        if text != self.sentence.text():
            self.sentence.setText(text)
            set_tip(self.sentence, text)

    def _show_legend(self, roles: tuple[tuple[str, str], ...]) -> None:
        if roles == self._roles:
            return
        self._roles = roles
        while self._legend.count():
            item = self._legend.takeAt(0)
            widget = item.widget() if item is not None else None
            if widget is not None:
                widget.deleteLater()
        for role, title in roles:
            self._legend.addWidget(Swatch(role))
            self._legend.addWidget(PlainLabel(title))
            self._legend.addSpacing(6)

    def _words(self, answer: Answer) -> str:
        if not answer.models:
            known = _known(answer)
            return "Press Train to fit the models." + (f" T{known[1:]}." if known else "")
        steering = answer.request.experiment.rollout.steering
        if steering.kind == "reverse":
            return _return_words(answer)
        system = answer.request.experiment.system
        moved = steering.kind != "none" and system is not None and not system.damped
        truth = [answer.truth] if moved and answer.truth is not None else []
        parts = [self._of(track, answer) for track in (*truth, *answer.leads)]
        if answer.truth is not None and answer.truth.measured:
            recorded = _last(answer.truth.drift)
            parts.append(f"the recording's {_changed(recorded)}" if np.isfinite(recorded) and any(parts) else "")
        parts += [_gap(answer), _known(answer)]
        return "; ".join(p for p in parts if p)

    def _of(self, track: RolloutCurve, answer: Answer) -> str:
        if track.note and not np.isfinite(track.ended):
            return f"{track.title}: {track.note}"
        experiment = answer.request.experiment
        damped = experiment.system is not None and experiment.system.damped
        if experiment.recording is not None:
            if np.isfinite(track.ended):
                return f"{track.title} diverged after {track.ended:.3g} s"
            own = _last(track.drift)
            return f"{track.title}'s energy {_changed(own)}" if np.isfinite(own) else ""
        steering = experiment.rollout.steering
        if steering.kind in ("pump", "drain") and not damped and not np.isfinite(track.ended):
            done = steered(track.title, track.t, track.drift, steering.at, steering.at + steering.span)
            if done:
                return done
        sentence = verdict(track.title, track.drift, float(track.t[-1]), damped, track.ended)
        family = answer.band(track)
        if sentence and len(family) > 1:
            sentence += f" ({_range_words(family)})"
        if sentence and track.in_step:
            sentence += f", {track.in_step} frame{'s' * (track.in_step > 1)} in step"
        return f"{sentence} (learning)" if track.live and sentence else sentence


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
    name = get_model(gap.model).title
    return f"{name}'s Ĥ is off by {percent(gap.rms / answer.scale)} of E {gap.where}"


def _known(answer: Answer) -> str:
    """Up to when truth is known, where that is less than all of it."""
    return f"truth is known for {answer.known_until:.3g} s" if np.isfinite(answer.known_until) else ""


def _last(values: Array) -> float:
    known = values[np.isfinite(values)]
    return float(known[-1]) if len(known) else float("nan")


def _changed(share: float) -> str:
    return f"{'rose' if share > 0 else 'fell'} by {percent(abs(share))}"
