"""What if there were less friction? One slider that scales truth's and the learned one, at once and after the fit."""

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.lab import Lab
from app.model.document import State
from app.model.rollout_messages import Answer, ShownModel
from app.widgets.parameter_form import ParameterForm
from app.widgets.section import Section
from app.widgets.text import quiet_label
from hnn_engine.experiment import FRICTION, Experiment
from hnn_engine.models import get_model

_UNIQUE = "the friction that the model has learned"
_NOT_UNIQUE = (
    "This split is not unique: H may contain part of the friction, so other terms change as well. A dissipative "
    "HNN with friction on p alone has a unique split."
)
_NONE = "no shown model has a friction term separate from its H"


def _words(simulated: bool, shown: Sequence[ShownModel], learned: Sequence[ShownModel]) -> str:
    """What the slider scales, and whether that is a change of friction alone."""
    if not all(m.snapshot.split_unique for m in learned):
        return _NOT_UNIQUE
    if learned:
        whose = f"of truth and {_UNIQUE}" if simulated else f"in {_UNIQUE} only: a recording cannot be changed"
        return f"Scales the friction {whose}."
    return f"Scales the friction of truth; {_NONE}." if simulated and shown else ""


class WhatIf(QWidget):
    """The slider, and a line that says how far to trust it. It shows itself where there is friction to scale."""

    def __init__(self, lab: Lab, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.lab = lab
        self.section = Section("What if")
        self.form = ParameterForm((FRICTION,))
        self.form.edited.connect(self._on_edited)
        self.note = quiet_label()
        self._gesture: object = None
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.section)
        self.section.add(self.form)
        self.section.add(self.note)
        lab.document.changed.connect(self._on_changed)
        lab.answered.connect(self._on_answered)
        self.sync(lab.experiment)

    def sync(self, experiment: Experiment) -> None:
        """Show the experiment's value, where it means something."""
        self.form.set_values({FRICTION.name: experiment.rollout.friction})
        shown = self.lab.shown_models()
        learned = [m for m in shown if m.snapshot.dissipates and get_model(m.model).has_energy]
        system = experiment.system
        changed = experiment.rollout.friction != 1.0
        self.setVisible((system.damped if system is not None else bool(learned)) or changed)
        self.note.setText(_words(system is not None, shown, learned))
        self.note.setVisible(bool(self.note.text()) and changed)

    def _on_changed(self, old: State, new: State) -> None:
        a, b = old.experiment, new.experiment
        if a.rollout is not b.rollout or a.source is not b.source or old.shown != new.shown:
            self.sync(b)

    def _on_answered(self, answer: Answer) -> None:
        self.sync(self.lab.experiment)

    def _on_edited(self, name: str, value: object, final: bool) -> None:
        self._gesture = self._gesture or object()
        self.lab.drag.slide(final)
        spec = self.lab.experiment.rollout
        self.lab.edit("Scale the friction", self._gesture, rollout=replace(spec, friction=float(str(value))))
        if final:
            self._gesture = None
