"""The verdict: what is wrong with a shown model, how sure that is, on what evidence, and buttons that help."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QScrollArea, QVBoxLayout, QWidget

from app.lab import Lab
from app.panels.debug.subject import SubjectBar
from app.widgets.text import PlainLabel, action_text, quiet_label, set_tip
from hnn_engine.number_format import number

if TYPE_CHECKING:  # loaded with the first verdict
    from hnn_engine.debugging.remedies import Remedy
    from hnn_engine.debugging.verdict import Finding

MOST_BUTTONS = 2
FELT = 0.1  # of rms ‖x‖: an error on a rollout that is seen
SOUND = "Nothing is found to be wrong."
SO_FAR = "Nothing so far: rollouts are being followed."
CHECKED = (
    "Looked at: losses and noise floor, the form of the field, units and penalties, the start, the method's drift, "
    "conserved quantities, and whether rollouts leave the data."
)
NO_SYSTEM = "Without a true system only what the field itself says is known."


class FindingCard(QFrame):
    """One finding. `taken(number)` where the button of one of its remedies is pressed."""

    taken = Signal(int)

    def __init__(self, finding: "Finding", remedies: "Sequence[Remedy]", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.finding = finding
        self.setProperty("notice", "info")
        self.setAccessibleName(finding.text)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 8, 10, 8)
        layout.setSpacing(4)
        self.text = PlainLabel(finding.text)
        self.text.setWordWrap(True)
        self.certainty = PlainLabel(finding.certainty.capitalize())
        self.certainty.setProperty("heading", finding.certainty == "certain")
        self.certainty.setProperty("muted", finding.certainty != "certain")
        self.evidence = quiet_label(evidence_words(finding))
        self.advice = quiet_label(finding.remedy)
        layout.addWidget(self.text)
        layout.addWidget(self.evidence)
        layout.addWidget(self.advice)
        row, column = QHBoxLayout(), QVBoxLayout()
        row.setSpacing(6)
        column.setSpacing(4)
        row.addWidget(self.certainty, 0, Qt.AlignmentFlag.AlignTop)
        row.addStretch(1)
        row.addLayout(column)
        self.buttons = [self._button(i, remedy) for i, remedy in enumerate(remedies)]
        for button in self.buttons:
            column.addWidget(button)
        layout.addLayout(row)

    def _button(self, which: int, remedy: "Remedy") -> QPushButton:
        button = QPushButton(action_text(remedy.label))
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        what = "One edit, and then the fit" if remedy.fits else "One edit"
        set_tip(button, f"{remedy.label}. {what}: undo takes it back.")
        button.clicked.connect(lambda: self.taken.emit(which))
        return button


def evidence_words(finding: "Finding") -> str:
    """Return the figures that a finding rests on: 'train loss 0.0012 · noise floor train 0.0011'."""
    parts = [f"{name.replace('_', ' ').replace('-', ' ')} {number(value)}" for name, value in finding.evidence.items()]
    return " · ".join(parts)


class VerdictPanel(QWidget):
    """Shows the findings on the model that is debugged."""

    def __init__(self, lab: Lab, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.lab = lab
        self.setAccessibleName("Verdict")
        self.head = SubjectBar(lab)
        self.summary = quiet_label()
        self.summary.setContentsMargins(12, 2, 12, 2)
        self.cards: list[FindingCard] = []
        inner = QWidget()
        self._column = QVBoxLayout(inner)
        self._column.setContentsMargins(8, 0, 8, 8)
        self._column.setSpacing(6)
        self._column.addWidget(self.summary)
        self._column.addStretch(1)
        self._scroll = QScrollArea()
        self._scroll.setWidget(inner)
        self._scroll.setWidgetResizable(True)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.head)
        layout.addWidget(self._scroll, 1)
        self._shown: object = ()
        lab.debugging.told.connect(self._on_told)
        lab.debugging.changed.connect(self.sync)
        lab.document.view_changed.connect(lambda *_: self.sync())
        self.sync()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.lab.debugging.look(self, ("verdict", "split", "methods"))

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.lab.debugging.look(self, ())

    def _on_told(self, view: str) -> None:
        if view in ("verdict", "split", "methods"):
            self.sync()

    def sync(self) -> None:
        """Show what is known by now."""
        self.head.show_state()
        debugging = self.lab.debugging
        view = debugging.answer("verdict")
        text = self._summary()
        self.summary.setText(text)
        self.summary.setVisible(bool(text))
        shown = (view, debugging.answer("methods"), debugging.run)
        if shown != self._shown:
            self._shown = shown
            self._show_cards(view.findings if view is not None else ())

    def _summary(self) -> str:
        debugging = self.lab.debugging
        view = debugging.answer("verdict")
        if debugging.run is None:
            return debugging.reason or "Looking…"
        if view is None:
            return debugging.problem("verdict") or ("Stopped." if debugging.stopped else "Looking…")
        if view.findings:
            return "" if view.whole else "More may follow: rollouts are being followed."
        if debugging.run.experiment.system is None:
            return f"{SOUND} {NO_SYSTEM}"
        return f"{SOUND} {self._unexplained()}{CHECKED}" if view.whole else SO_FAR

    def _unexplained(self) -> str:
        """Say that there is an error all the same, where there is."""
        split = self.lab.debugging.answer("split")
        error = split.largest(split.by_model) if split is not None else 0.0
        size = number(error, digits=2)
        return f"No rule explains the error of {size} rms ‖x‖ on this rollout. " if error > FELT else ""

    def _show_cards(self, findings: "Sequence[Finding]") -> None:
        for card in self.cards:
            self._column.removeWidget(card)
            card.hide()
            card.deleteLater()
        self.cards = []
        for finding in sorted(findings, key=lambda one: one.certainty != "certain"):
            card = FindingCard(finding, self._remedies(finding))
            card.taken.connect(lambda which, finding=finding: self.take(finding, which))
            self._column.insertWidget(self._column.count() - 1, card)
            self.cards.append(card)

    def _remedies(self, finding: "Finding") -> "tuple[Remedy, ...]":
        """What can be done about `finding` with the experiment on screen as it is now."""
        from hnn_engine.debugging.remedies import Case, remedies

        debugging = self.lab.debugging
        if debugging.run is None:
            return ()
        states, methods = debugging.states(), debugging.answer("methods")
        case = Case(self.lab.experiment, debugging.run.snapshot.model, states, methods)
        return remedies(finding, case)[:MOST_BUTTONS]

    def take(self, finding: "Finding", which: int) -> None:
        """Do what a remedy says: one edit, and the fit that follows from it."""
        lab, found = self.lab, self._remedies(finding)
        if which >= len(found):
            return  # it is done already
        remedy = found[which]
        if remedy.fits and lab.training.worker.active:
            lab.noticed.emit("A fit is under way: stop it first, or wait until it has ended.", False)
            return
        if remedy.experiment is not lab.experiment and not lab.put(remedy.label, remedy.experiment):
            return
        if remedy.goes_on:
            lab.document.set_view(warm_start=True)
        if remedy.fits and not lab.document.view.live_fit:
            lab.training.start()
