"""Train, Stop and the progress of a fit in one short row, for where the Laboratory panel is not on screen."""

from typing import Any, Protocol

from PySide6.QtCore import QEvent, QSize
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QWidget

from app.lab import Lab
from app.style.icons import draw_icons_at, icon
from app.style.theme import text_scale
from app.widgets.text import PlainLabel, set_tip

_BAR_WIDTH = 110  # pixels, at the usual size of type


class TrainSource(Protocol):
    """The training panel, as this row knows it."""

    button: QPushButton
    stop_button: QPushButton
    bar: QProgressBar
    progress: PlainLabel
    told: Any  # a signal

    def press(self) -> None:
        """Train, pause or resume."""


class TrainControls(QWidget):
    """Shows what the button, Stop and the progress of `source` show, and does the same; words are in the tooltip."""

    def __init__(self, lab: Lab, source: TrainSource, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._source = source
        self.button = QPushButton("Train")
        self.button.setProperty("primary", True)
        self.button.setAccessibleName("Train")
        self.button.clicked.connect(source.press)
        self.stop = QPushButton()
        self.stop.setIcon(icon("stop"))
        self.stop.setAccessibleName("Stop and keep the run")
        set_tip(self.stop, "Stop and keep the run up to this step.")
        self.stop.clicked.connect(lab.stop)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Progress of the training")
        row = QHBoxLayout(self)
        row.setContentsMargins(4, 0, 4, 0)
        row.setSpacing(6)
        for widget in (self.button, self.stop, self.bar):
            row.addWidget(widget)
        self._make_room()
        source.told.connect(self._follow)  # a bound method: the connection ends with the widget
        self._follow()

    def _follow(self) -> None:
        button, stop, bar = self._source.button, self._source.stop_button, self._source.bar
        words = self._source.progress.text()
        if self.button.text() != button.text():
            self.button.setText(button.text())
        if self.button.icon().cacheKey() != button.icon().cacheKey():
            self.button.setIcon(button.icon())
        for mine, theirs in ((self.stop, stop), (self.bar, bar)):
            mine.setVisible(not theirs.isHidden())
        self.bar.setRange(bar.minimum(), bar.maximum())
        self.bar.setValue(bar.value())
        if words != self.toolTip():
            set_tip(self, words)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.FontChange and hasattr(self, "bar"):
            self._make_room()

    def _make_room(self) -> None:
        scale = text_scale(self.font())
        self.bar.setFixedWidth(round(_BAR_WIDTH * scale))
        side = round(16 * scale)
        draw_icons_at(side)
        for button in (self.button, self.stop):
            button.setIconSize(QSize(side, side))
