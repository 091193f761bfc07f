"""The presentation: the two pictures and one plot over a whole screen, large enough for the last row of a room.

The panels are those of the window, lent for as long as it lasts: what is drawn twice would take twice the time. On a
second screen, if there is one, the controls stay where they are; on one screen it lies over the window.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, QSize, Qt, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QColor,
    QContextMenuEvent,
    QCursor,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QScreen,
)
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QComboBox,
    QDockWidget,
    QFrame,
    QHBoxLayout,
    QSplitter,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.lab import Lab
from app.model.settings import TEXT_SIZES, settings
from app.panels.playback_bar import PlaybackBar
from app.panels.scene import ScenePanel
from app.panels.status import StatusLine
from app.panels.train_controls import TrainControls
from app.style.icons import draw_icons_at, icon
from app.style.theme import current_theme, text_scale
from app.widgets.plot import LabPlot
from app.widgets.text import PlainLabel, set_tip
from app.window.explain import offer

SMALLEST_TEXT = 24.0  # pixels on a screen of 1080 lines, in proportion on others
SMALLEST_SHARE = 0.85  # of the type, that the smallest text of a plot has
STROKE = 3.0  # pixels, of a curve, on a screen of 1080 lines; no thinner on a smaller one
LINES = 1080.0
STEP = 1.15  # by which Ctrl and + make the type larger
LINGER = 1.5  # seconds that the bar stays when the pointer has left it
FIRST_SECONDS = 5.0  # that it stays at first
EDGE = 0.05  # of the height: there the pointer calls the bar
HALO = 34  # pixels, the radius around the pointer on a screen of 1080 lines
PLOTS = {"energy": "Energy", "error": "Error", "loss": "Loss"}


@dataclass(frozen=True)
class WindowParts:
    """What the presentation takes from the window: panels by name, made when they are asked for, their docks, and what
    shows how far a fit is; `theme` and `text` act on the window."""

    panel: Callable[[str], QWidget]
    docks: dict[str, QDockWidget]
    train: TrainControls
    theme: Callable[[], object]
    resize_text: Callable[[int], object]


class Presentation(QWidget):
    """Shows itself when it is made; `left()` once it has given everything back. Esc leaves it."""

    left = Signal()

    def __init__(self, lab: Lab, window: QWidget, parts: WindowParts) -> None:
        self.screen_of_its_own = other_screen(window) is not None
        super().__init__(window, Qt.WindowType.Window if self.screen_of_its_own else Qt.WindowType.Widget)
        self.lab, self._window, self._parts = lab, window, parts
        self._lent: dict[str, QWidget] = {}
        self._buttons: list[QToolButton] = []
        self._controls: list[tuple[QWidget, QWidget]] = []  # a panel, and its controls while they are in the bar
        self._shown_until = time.monotonic() + FIRST_SECONDS
        self._over = False
        self._at, self._by_keys = QPoint(), False  # where the pointer was, and whether keys went on from there
        self.pointer: Callable[[], QPoint] = QCursor.pos  # where the pointer is on the screen
        self.setWindowTitle("HNN Lab")
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)  # nothing under it need be painted
        self.setAccessibleName("Presentation")
        self.status = StatusLine(lab)
        self.status.fps.hide()
        self.status.sentence.setWordWrap(True)
        self.pictures = QSplitter(Qt.Orientation.Horizontal)
        self.right = QSplitter(Qt.Orientation.Vertical)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.status)
        layout.addWidget(self.pictures, 1)
        self._build_bar()
        self.halo = PointerHalo(self)
        self.bar.raise_()
        self._borrow()
        lab.frame_clock.frame.connect(self._on_frame)
        window.installEventFilter(self)
        self.addActions(window.actions() if self.screen_of_its_own else [])
        self._open()

    # The bar ----------------------------------------------------------------------------------------------------------

    def _build_bar(self) -> None:
        self.bar = QFrame(self)
        self.bar.setProperty("overlay", True)
        self.playback = PlaybackBar(self.lab)
        self.choice = QComboBox()
        for name, title in PLOTS.items():
            self.choice.addItem(title, name)
        self.choice.setAccessibleName("Plot")
        set_tip(self.choice, "The plot beside the pictures")
        self.choice.activated.connect(lambda: self.show_plot(str(self.choice.currentData())))
        first, self._second = QHBoxLayout(), QHBoxLayout()
        first.addWidget(self.playback, 1)
        first.addWidget(self._parts.train)
        self._second.setContentsMargins(8, 0, 4, 0)
        self._second.addWidget(PlainLabel("Plot"))
        self._second.addWidget(self.choice)
        self._second.addStretch(1)
        for name, tip, act in (
            ("smaller", "Smaller text (Ctrl+−)", lambda: self._parts.resize_text(-1)),
            ("larger", "Larger text (Ctrl++)", lambda: self._parts.resize_text(1)),
            ("theme", "Theme: light or dark (Ctrl+D)", self._parts.theme),
            ("close", "Leave the presentation (Esc)", self.leave),
        ):
            button = QToolButton()
            button.setIcon(icon(name))
            set_tip(button, tip)
            button.setAccessibleName(tip.split(" (")[0])
            button.clicked.connect(lambda _=False, act=act: act())
            self._second.addWidget(button)
            self._buttons.append(button)
        rows = QVBoxLayout(self.bar)
        rows.setContentsMargins(4, 4, 4, 4)
        rows.setSpacing(2)
        rows.addLayout(first)
        rows.addLayout(self._second)
        self.bar.installEventFilter(self)
        for pressed in self.bar.findChildren(QAbstractButton):
            pressed.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # so that Space goes on meaning play

    def _take_controls(self, panel: QWidget) -> None:
        """Bring the controls of a panel into the bar: the picture has its room."""
        controls = getattr(panel, "controls", None)
        if isinstance(controls, QWidget):
            self._controls.append((panel, controls))
            self._second.insertWidget(self._second.count() - 5, controls)

    def _return_controls(self, panel: QWidget) -> None:
        for lender, controls in [pair for pair in self._controls if pair[0] is panel]:
            self._controls.remove((lender, controls))
            shown = not controls.isHidden()
            layout = lender.layout()
            assert isinstance(layout, QVBoxLayout)
            layout.insertWidget(0, controls)
            controls.setVisible(shown)

    # The panels -------------------------------------------------------------------------------------------------------

    @property
    def picture(self) -> str:
        """Which panel shows the thing itself: the scene, or what a camera sees of it."""
        return "frames" if self.lab.experiment.scene.observed else "scene"

    @property
    def plot(self) -> str:
        """The plot that is shown, by name."""
        return next((name for name in PLOTS if name in self._lent), "")

    def _borrow(self) -> None:
        self.pictures.addWidget(self._lend(self.picture))
        self.pictures.addWidget(self.right)
        for name in ("portrait", "energy"):
            self.right.addWidget(self._lend(name))
        for panel in self._lent.values():
            panel.show()  # taking it out of its dock has hidden it
        self.pictures.setChildrenCollapsible(False)
        self.right.setChildrenCollapsible(False)

    def _lend(self, name: str) -> QWidget:
        panel, dock = self._parts.panel(name), self._parts.docks[name]
        self._lent[name] = panel
        place = PlainLabel("In the presentation")
        place.setAlignment(Qt.AlignmentFlag.AlignCenter)
        place.setProperty("muted", True)
        dock.setWidget(place)
        self._take_controls(panel)
        if name in PLOTS:
            _title(panel, str(getattr(panel, "title", "")))
        return panel

    def _return(self, name: str) -> None:
        panel, dock = self._lent.pop(name), self._parts.docks[name]
        self._return_controls(panel)
        _widen(panel, 1.0)
        if name in PLOTS:
            _title(panel, "")
        place = dock.widget()
        dock.setWidget(panel)
        panel.show()
        if place is not None:
            place.deleteLater()

    def show_plot(self, name: str) -> None:
        """Show another plot in place of the present one."""
        if name == self.plot or name not in PLOTS:
            return
        sizes = self.right.sizes()
        self._return(self.plot)
        panel = self._lend(name)
        self.right.addWidget(panel)
        panel.show()
        self.right.setSizes(sizes)
        self.choice.setCurrentIndex(self.choice.findData(name))
        self._dress()

    def follow_scene(self) -> None:
        """Show the scene or the frames, as what is studied is seen."""
        if self._over or self.picture in self._lent:
            return
        sizes = self.pictures.sizes()
        self._return("frames" if "frames" in self._lent else "scene")
        panel = self._lend(self.picture)
        self.pictures.insertWidget(0, panel)
        panel.show()
        self.pictures.setSizes(sizes)
        self._dress()

    # Size -------------------------------------------------------------------------------------------------------------

    @property
    def scale(self) -> float:
        """How large this screen is beside one of 1080 lines."""
        return self.height() / LINES

    def text_pixels(self) -> float:
        """Return the size of the smallest text in pixels."""
        return SMALLEST_TEXT * self.scale * settings().presented_size / 100

    def _dress(self) -> None:
        """Take the sizes of type and lines that this screen asks for."""
        points = self.text_pixels() * 72.0 / self.logicalDpiY()
        for widget, size in ((self, points / SMALLEST_SHARE), (self.bar, points)):
            sheet = f"* {{ font-size: {size:.2f}pt; }}"  # with a style sheet, Qt passes no fonts on to children
            if sheet != widget.styleSheet():
                widget.setStyleSheet(sheet)
        side = round(20 * text_scale(self.bar.font()))
        draw_icons_at(side)
        for button in self._buttons:
            button.setIconSize(QSize(side, side))
        self.status.setMinimumHeight(round(2.2 * self.status.fontMetrics().height()))
        for panel in self._lent.values():
            _widen(panel, STROKE * max(1.0, self.scale))
        self.halo.set_radius(round(HALO * max(0.7, self.scale)))
        self._place_bar()

    def resize_text(self, steps: int) -> None:
        """Make the type larger by `steps` of 15 %, or smaller."""
        percent = round(settings().presented_size * STEP**steps)
        settings().presented_size = min(max(percent, TEXT_SIZES[0]), TEXT_SIZES[1])
        self._dress()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._dress()

    def _place_bar(self) -> None:
        height = self.bar.sizeHint().height()
        self.bar.setGeometry(0, self.height() - height, self.width(), height)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._window and event.type() is QEvent.Type.Resize and not self.screen_of_its_own:
            self.setGeometry(self._window.rect())
        if watched is self.bar and event.type() is QEvent.Type.LayoutRequest:
            self._place_bar()
        return False

    # The pointer and the keys -----------------------------------------------------------------------------------------

    def _on_frame(self, seconds: float) -> None:
        """Follow the pointer: its halo with every frame, and the bar, which it calls at the lower edge."""
        at = self.mapFromGlobal(self.pointer())
        inside = self.rect().contains(at)
        over_bar = inside and self.bar.isVisible() and self.bar.geometry().contains(at)
        near = inside and at.y() >= self.height() * (1 - EDGE) and not QApplication.mouseButtons()
        focus = QApplication.focusWidget()
        if at != self._at:
            self._at, self._by_keys = at, False
        focused = focus is not None and self.bar.isAncestorOf(focus)
        used = (focused and self._by_keys) or QApplication.activePopupWidget() is not None
        if near or over_bar or (used and self.bar.isVisible()):
            self.call_bar()
        shown = time.monotonic() < self._shown_until
        if focused and not shown:
            self._lent[self.picture].setFocus()
        self.bar.setVisible(shown)
        self.halo.follow(at, inside and not over_bar)

    def call_bar(self, seconds: float = LINGER) -> None:
        """Show the bar for a while."""
        self._shown_until = max(self._shown_until, time.monotonic() + seconds)

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Go to the next control of the presentation, never to one that it covers."""
        self.call_bar(FIRST_SECONDS)
        self.bar.show()
        self._by_keys = True
        focus = QApplication.focusWidget()
        ring = [w for w in self.findChildren(QWidget) if w.focusPolicy() & Qt.FocusPolicy.TabFocus]
        ring = [w for w in ring if w.isVisible() and w.isEnabled()]
        if not ring:
            return False
        at = ring.index(focus) if focus in ring else -1 if forward else 0
        reason = Qt.FocusReason.TabFocusReason if forward else Qt.FocusReason.BacktabFocusReason
        ring[(at + (1 if forward else -1)) % len(ring)].setFocus(reason)
        return True

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.leave()
            return
        super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if offer(self, self.childAt(event.pos()), event.globalPos()) is None:
            super().contextMenuEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(event.rect(), current_theme().color("paper"))
        painter.end()

    # Beginning and end ------------------------------------------------------------------------------------------------

    def _open(self) -> None:
        screen = other_screen(self._window)
        if screen is not None:
            self.setGeometry(screen.geometry())
            self.showFullScreen()
        else:
            self._before = self._window.windowState()
            self._window.setWindowState(self._before | Qt.WindowState.WindowFullScreen)
            self.setGeometry(self._window.rect())
            self.show()
            self.raise_()
        self._dress()
        self.pictures.setSizes([self.width() // 2, self.width() // 2])
        self.right.setSizes([self.height() * 3 // 5, self.height() * 2 // 5])
        self._lent[self.picture].setFocus()
        self.lab.rollouts.refresh()  # for the words above the pictures, which are new

    def leave(self) -> None:
        """Give the panels back, and go."""
        if self._over:
            return
        self._over = True
        self.lab.frame_clock.frame.disconnect(self._on_frame)
        self._window.removeEventFilter(self)
        for name in list(self._lent):
            self._return(name)
        if not self.screen_of_its_own:
            self._window.setWindowState(self._before)
        self.hide()
        self.left.emit()
        self.deleteLater()

    def closeEvent(self, event: QCloseEvent) -> None:
        event.ignore()
        self.leave()


class PointerHalo(QWidget):
    """A ring around the pointer, which a room can follow; it takes no events."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    def set_radius(self, radius: int) -> None:
        """Be so large, in pixels."""
        self.resize(2 * radius, 2 * radius)

    def follow(self, at: QPoint, shown: bool) -> None:
        """Stand around `at`, or be hidden."""
        if shown:
            self.move(at - self.rect().center())
        if shown == self.isHidden():
            self.setVisible(shown)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        color = QColor(current_theme().accent)
        width = max(self.width() / 17, 2.0)
        color.setAlpha(60)
        painter.setBrush(color)
        color.setAlpha(170)
        painter.setPen(QPen(color, width))
        radius = (self.width() - width) / 2 - 1
        painter.drawEllipse(QPointF(self.width() / 2, self.height() / 2), radius, radius)
        painter.end()


def other_screen(window: QWidget) -> QScreen | None:
    """Return a screen that `window` is not on, or None where there is one alone."""
    return next((screen for screen in QApplication.screens() if screen is not window.screen()), None)


def _title(panel: QWidget, title: str) -> None:
    """Write into a plot what its frame in the window says."""
    for plot in panel.findChildren(LabPlot):
        plot.set_title(title)


def _widen(panel: QWidget, stroke: float) -> None:
    """Draw the lines of a panel `stroke` pixels wide."""
    for widget in (panel, *panel.findChildren(QWidget)):
        if isinstance(widget, ScenePanel | LabPlot):
            widget.set_stroke(stroke)
