"""What a film or a picture is painted from: panels side by side under a line that says what is what, or the window."""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from app.export.pixels import Picture, Sheets, pixels
from app.export.still_lab import StillLab
from app.model.film_plan import VIEWS
from app.panels.frames import FramesPanel
from app.panels.loss import LossPanel
from app.panels.portrait.panel import PortraitPanel
from app.panels.runs import RunsPanel
from app.panels.scene import ScenePanel
from app.panels.time_plots import EnergyPanel, ErrorPanel
from app.style.theme import tabular
from app.widgets.figure import pdf_bytes, png_bytes, svg_bytes
from app.widgets.legend import Legend
from app.widgets.plot import LabPlot
from app.widgets.text import PlainLabel

if TYPE_CHECKING:  # with all that can be pressed
    from app.window.main_window import MainWindow

STROKE = 1.6  # pixels of a widget: the width of curves
TEXT_EVERY = 0.25  # seconds between two looks of words that run along, as in the window
SHEETS = 8  # pictures that are being painted, wait or are packed, at most
EASING = 400  # frames after which a view that eases is where it goes
PANELS: dict[str, Callable[[StillLab], QWidget]] = {
    "scene": ScenePanel,
    "frames": FramesPanel,
    "portrait": PortraitPanel,
    "energy": EnergyPanel,
    "error": ErrorPanel,
    "loss": LossPanel,
    "runs": RunsPanel,
}


class Stage(QWidget):
    """The panels `views` of `lab`, painted in pictures of `size` (width, height) pixels; with a line of names and time
    over them, `headed`. It is never on a screen. `close_all` ends it and the laboratory."""

    def __init__(self, lab: StillLab, views: tuple[str, ...], size: tuple[int, int], headed: bool = True) -> None:
        super().__init__()
        self.lab = lab
        self._size = size
        self._texts_at = -math.inf
        self._sheets: Sheets | None = None
        self.window_shown: MainWindow | None = None
        self.panels: dict[str, Any] = {}
        self.legend: Legend | None = None
        self.time: PlainLabel | None = None
        self.setAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        if views == ("window",):
            self.window_shown = self._window()
        else:
            if headed:
                layout.addLayout(self._header())
            layout.addWidget(self._body(views), 1)
        lab.answered.connect(self._on_answered)
        self._painted: QWidget = self.window_shown or self
        ratio = self._painted.devicePixelRatioF()
        self._painted.resize(math.ceil(size[0] / ratio), math.ceil(size[1] / ratio))
        self._painted.show()
        if self.window_shown is not None:
            self.window_shown.share_room()

    def _window(self) -> "MainWindow":
        from app.window.main_window import MainWindow

        window = MainWindow(self.lab)
        window.journal.set_on(False)  # there is no work to keep
        window.setAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen)
        window.furnish()
        window.scene.invites = False
        window.status.fps.hide()  # no frames are counted
        return window

    def _header(self) -> QHBoxLayout:
        legend, time = self.legend, self.time = Legend(), PlainLabel()
        time.setFont(tabular(self.font()))
        time.setMinimumWidth(time.fontMetrics().horizontalAdvance("t = 0000.00 s") + 8)
        time.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        row = QHBoxLayout()
        row.setContentsMargins(12, 6, 14, 2)
        row.setSpacing(16)
        row.addWidget(legend, 1)
        row.addWidget(time)
        return row

    def _body(self, views: tuple[str, ...]) -> QWidget:
        body = QWidget()
        grid = QGridLayout(body)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(4)
        for name, place in zip(views, places(len(views), self._size), strict=True):
            panel = self.panels[name] = self._panel(name)
            panel.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
            panel.setMinimumSize(0, 0)
            grid.addWidget(panel, *place)
        for row in range(grid.rowCount()):
            grid.setRowStretch(row, 1)
        for column in range(grid.columnCount()):
            grid.setColumnStretch(column, 1)
        return body

    def _panel(self, name: str) -> QWidget:
        observed = name == "scene" and self.lab.experiment.scene.observed
        panel = PANELS["frames" if observed else name](self.lab)
        dress(panel)
        return panel

    def _on_answered(self, answer: Any) -> None:
        if self.legend is not None:
            entries = [("truth", answer.truth.title.capitalize())] if answer.truth is not None else []
            entries += [(track.role, track.title) for track in answer.leads]
            if answer.twin is not None:
                entries.append((answer.twin.role, answer.twin.title.capitalize()))
            self.legend.show_entries(tuple(entries))

    async def settle(self) -> None:
        """Wait until all that is shown has been computed; raise `ExperimentError` where it cannot be."""
        await self.lab.settle()
        for _ in range(EASING):
            self.lab.frame_clock.frame.emit(0.0)
        await self.lab.settle()  # another size may ask for another plane

    def show_at(self, time: float, whole: bool = False) -> None:
        """Show the instant `time` s of the rollouts; `whole` curves, also what comes after it."""
        lab = self.lab
        lab.playback.seek(time)
        if abs(time - self._texts_at) >= TEXT_EVERY:
            self._texts_at = time
            lab.frame_clock.text.emit()
        if self.window_shown is None:
            for panel in self.panels.values():
                if not whole and isinstance(panel, EnergyPanel | ErrorPanel | PortraitPanel):
                    panel.reveal(time)
        if self.time is not None:
            self.time.setText(f"t = {lab.experiment.rollout.world_time(time):.2f} s")

    def picture(self, time: float) -> Picture:
        """Return the picture of the instant `time` s; it is another one after `SHEETS` pictures more."""
        self.show_at(time)
        return pixels(self.image())

    def image(self) -> QImage:
        """Paint what is shown, in just so many pixels as were asked for."""
        widget, (width, height) = self._painted, self._size
        ratio = widget.devicePixelRatioF()
        needed = QSize(round(widget.width() * ratio), round(widget.height() * ratio))
        larger = needed.width() > width + ratio or needed.height() > height + ratio  # the window has a least size
        if self._sheets is None:
            self._sheets = Sheets(needed if larger else QSize(width, height), SHEETS)
        image = self._sheets.take()
        image.setDevicePixelRatio(ratio)
        widget.render(image)
        if larger:
            image.setDevicePixelRatio(1.0)
            smooth = Qt.TransformationMode.SmoothTransformation
            image = image.scaled(width, height, Qt.AspectRatioMode.IgnoreAspectRatio, smooth)
            image.convertTo(QImage.Format.Format_RGB32)
        return image

    def figure(self, time: float, suffix: str) -> bytes:
        """Return the instant `time` s as the content of a file whose name ends in `suffix`: .png, .svg or .pdf."""
        self.show_at(time, whole=True)
        title = ", ".join(VIEWS.get(name, name.capitalize()) for name in self.panels)
        if suffix == ".svg":
            return svg_bytes(self._painted, self._painted.rect(), title, QSize(*self._size))
        if suffix == ".pdf":
            return pdf_bytes(self._painted, self._painted.rect(), title)
        return png_bytes(self.image())

    def close_all(self) -> None:
        """End what computes, and let all widgets go."""
        self.lab.close()
        if self.window_shown is not None:
            self.window_shown.journal.end(keep=False)
            self.window_shown.journal.finish()
            self.window_shown.allow_close = True
            self.window_shown.close()
            self.window_shown.deleteLater()
        self.close()
        self.deleteLater()


def dress(panel: Any) -> None:
    """Let a panel that is only looked at show nothing to press or drag, its own title, and lines that a film keeps."""
    if hasattr(panel, "invites"):
        panel.invites = False
    if hasattr(panel, "controls"):
        panel.controls.setMaximumHeight(0)  # it would come back with an answer
    if isinstance(panel, ScenePanel):
        panel.set_stroke(STROKE)
    for plot in panel.findChildren(LabPlot):
        plot.set_stroke(STROKE, still=False)
    if isinstance(panel, EnergyPanel | ErrorPanel):
        panel.titled.connect(panel.plot.set_title)
        panel.plot.set_title(panel.title)


def places(count: int, size: tuple[int, int]) -> list[tuple[int, int, int, int]]:
    """Return where each of `count` panels is in a grid: row, column, and how many of each it spans."""
    wide = size[0] >= size[1]
    if count == 4:
        return [(row, column, 1, 1) for row in (0, 1) for column in (0, 1)]
    if count == 3 and wide:
        return [(0, 0, 2, 1), (0, 1, 1, 1), (1, 1, 1, 1)]
    return [(0, i, 1, 1) if wide else (i, 0, 1, 1) for i in range(count)]
