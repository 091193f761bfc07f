"""The tools that edit the data in the portrait, and a summary of the edits."""

from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from app.lab import Lab
from app.model.document import State, View
from app.widgets.text import PlainLabel, quiet_label, set_tip
from hnn_engine.data_edits import NO_EDITS, DataEdits

TIPS = {
    "draw": "Draw trajectories in the phase portrait\nIts duration is the time you draw, at the playback speed.",
    "move": "Move a point of the data in the phase portrait\nWith Ctrl: its whole trajectory.",
    "erase": "Remove points of the data in the phase portrait\nWith Ctrl: whole trajectories.",
    "band": "Choose the energies of the training starts in the phase portrait\nDrag from one contour of H to another.",
}
TITLES = {"draw": "Draw", "move": "Move", "erase": "Erase", "band": "Band"}


class DataTools(QWidget):
    """One tool at a time; pressed again, it is deselected, and the mouse moves the start again.

    Call `sync` once it is in a layout: shown without a parent, it would be a window for a moment.
    """

    def __init__(self, lab: Lab, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.lab = lab
        self.buttons = {tool: self._button(tool) for tool in TITLES}
        self.only = QCheckBox("Only drawn data")
        set_tip(self.only, "Exclude the other data.")
        self.only.clicked.connect(self._on_only)
        self.clear = QToolButton()
        self.clear.setText("Reset")
        set_tip(self.clear, "Undo all that was drawn, added, moved and removed.")
        self.clear.clicked.connect(lambda: lab.edit("Reset the data edits", edits=NO_EDITS))
        self.facts = quiet_label()
        self._lay_out()
        lab.document.changed.connect(self._on_changed)
        lab.document.view_changed.connect(self._on_view)

    def _button(self, tool: str) -> QToolButton:
        button = QToolButton()
        button.setText(TITLES[tool])
        button.setAccessibleName(TIPS[tool].partition("\n")[0])
        button.setCheckable(True)
        button.clicked.connect(lambda on: self.lab.document.set_view(tool=tool if on else "start"))
        return button

    def _lay_out(self) -> None:
        tools, done = QHBoxLayout(), QHBoxLayout()
        tools.addWidget(PlainLabel("Edit data"))
        tools.addStretch(1)
        for button in self.buttons.values():
            tools.addWidget(button)
        done.addWidget(self.only)
        done.addStretch(1)
        done.addWidget(self.clear)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(tools)
        layout.addWidget(self.facts)
        layout.addLayout(done)

    def sync(self) -> None:
        """Show which tool is selected, which are not possible, and what has been edited."""
        experiment, tool = self.lab.experiment, self.lab.document.view.tool
        self.setVisible(not experiment.frame_size)
        for name, button in self.buttons.items():
            reason = ""
            if name == "draw" and experiment.scene.dof > 1:
                reason = f"A stroke has one degree of freedom, but this has {experiment.scene.dof}."
            button.setEnabled(not reason)
            set_tip(button, reason or TIPS[name])
            button.setChecked(name == tool and not reason)
        self.buttons["band"].setVisible("starts" in experiment.data)
        edits = experiment.edits
        self.only.setVisible(edits.drawn)
        self.only.setChecked(edits.alone)
        self.clear.setVisible(edits != NO_EDITS)
        self.facts.setVisible(edits != NO_EDITS)
        self.facts.setText(_words(edits))

    def _on_changed(self, old: State, new: State) -> None:
        a, b = old.experiment, new.experiment
        if a.edits is not b.edits or a.source is not b.source:
            tool = self.lab.document.view.tool
            if (b.scene.dof > 1 and tool == "draw") or ("starts" not in b.data and tool == "band"):
                self.lab.document.set_view(tool="start")
            self.sync()

    def _on_view(self, old: View, new: View) -> None:
        if old.tool != new.tool:
            self.sync()

    def _on_only(self, on: bool) -> None:
        self.lab.edit("Only drawn data", edits=self.lab.experiment.edits.only(on))


def _words(edits: DataEdits) -> str:
    added = sum(len(one.starts) for one in edits.added)
    counts = (
        (len(edits.strokes), "drawn"),
        (added, "added"),
        (len(edits.moved), "moved"),
        (len(edits.removed), "removed"),
    )
    return "Edited: " + ", ".join(f"{count} {what}" for count, what in counts if count) + "."
