"""One sheet with every key and a tour of two minutes."""

from collections.abc import Iterable
from importlib.resources import files

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QDialog, QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from app.widgets.text import Page, PlainLabel, heading

_MOUSE = (
    ("Drag", "a body, the tip of its momentum arrow, or the start in the phase portrait"),
    ("Shift + drag", "slow, precise drag"),
    ("Ctrl + drag", "with Move or Erase: a whole trajectory of the data instead of a point"),
    ("Arrow keys", "move the start (in the phase portrait; Shift: in small steps)"),
    ("Esc", "cancel a drag"),
    ("Wheel, drag", "zoom and pan a plot; double-click to show all"),
    ("Double-click", "on the name of a setting: reset it to its default"),
    ("F2, Del", "rename or delete a run"),
    ("Right-click", "on a control: what it is, with its symbol and unit"),
)


class HelpSheet(QDialog):
    """Keys on the right, taken from the menus themselves; the tour on the left."""

    def __init__(self, actions: Iterable[QAction], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Shortcuts and tour")
        self.resize(860, 560)
        tour = Page((files("resources") / "help" / "tour.md").read_text(encoding="utf-8"))
        keys = QWidget()
        grid = QGridLayout(keys)
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(4)
        rows = [
            (action.shortcut().toString(QKeySequence.SequenceFormat.NativeText), action.text().split(":")[0])
            for action in actions
            if not action.shortcut().isEmpty()
        ]
        for line, (key, text) in enumerate([*rows, *_MOUSE]):
            grid.addWidget(heading(key), line, 0)
            grid.addWidget(PlainLabel(text), line, 1)
        grid.setRowStretch(len(rows) + len(_MOUSE), 1)
        layout = QHBoxLayout()
        layout.addWidget(tour, 1)
        layout.addWidget(keys)
        outer = QVBoxLayout(self)
        outer.addLayout(layout)
