"""Where the panels are: the original places, the room that each has, and layouts for one purpose each."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QByteArray, QPoint, Qt
from PySide6.QtWidgets import (
    QApplication,
    QDockWidget,
    QFrame,
    QMainWindow,
    QScrollArea,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from app.style.theme import text_scale

ASIDE = ("verdict", "split", "views")  # panels that are there where a layout, or the menu, asks for them
CONTROLS_WIDTH = 300  # pixels, at the usual size of type
FLOAT_BY = QPoint(36, 36)  # pixels that a panel moves when it begins to float, so that this can be seen
_LEFT, _RIGHT = Qt.DockWidgetArea.LeftDockWidgetArea, Qt.DockWidgetArea.RightDockWidgetArea
_ACROSS, _DOWN = Qt.Orientation.Horizontal, Qt.Orientation.Vertical


@dataclass(frozen=True)
class Layout:
    """A set of panels for one purpose: its title, the key that chooses it, and whether the portrait shows where the
    learned field is off."""

    title: str
    key: str
    tip: str
    panels: tuple[str, ...]
    maps_error: bool = False


LAYOUTS = {
    "learn": Layout("Learn", "F6", "The two pictures and the energy", ("controls", "scene", "portrait", "energy")),
    "train": Layout(
        "Train",
        "F7",
        "All panels but those of Debug",
        ("controls", "scene", "portrait", "energy", "error", "loss", "runs"),
    ),
    "debug": Layout(
        "Debug",
        "F8",
        "Phase portrait with the error map, whose error it is, the verdict, and a view to choose",
        ("controls", "portrait", "split", "verdict", "views"),
        True,
    ),
}


def controls_column(panels: Iterable[QWidget], foot: QWidget) -> QWidget:
    """Return the quiet column: what is set above, the button to press always in sight below."""
    column = QWidget()
    layout = QVBoxLayout(column)
    layout.setContentsMargins(10, 2, 10, 8)
    layout.setSpacing(14)
    for panel in panels:
        layout.addWidget(panel)
    layout.addStretch(1)
    scroll = QScrollArea()
    scroll.setWidget(column)
    scroll.setWidgetResizable(True)
    scroll.setFrameShape(QFrame.Shape.NoFrame)
    scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    whole = QWidget()
    outer = QVBoxLayout(whole)
    outer.setContentsMargins(0, 0, 0, 0)
    outer.setSpacing(0)
    outer.addWidget(scroll, 1)
    outer.addWidget(foot)
    return whole


class Arrangement:
    """Places `docks`, by name, in `window`, and gives each its room; `column` is the widget of the controls.

    `frames_offered()` is called when the frames of a camera come or go; `observed` says whether there are some.
    """

    def __init__(self, window: QMainWindow, docks: Mapping[str, QDockWidget], observed: Callable[[], bool]) -> None:
        self._window, self._docks, self._observed = window, docks, observed
        self.frames_offered: Callable[[bool], object] = lambda seen: None
        for dock in docks.values():
            dock.topLevelChanged.connect(partial(step_aside, dock))
        self._place()
        self._original = QByteArray()

    def note_original(self) -> None:
        """Take the present places for those that `put_back` restores; once the window has all its parts."""
        self._original = self._window.saveState()

    def _place(self) -> None:
        window, docks = self._window, self._docks
        window.addDockWidget(_LEFT, docks["controls"])
        window.addDockWidget(_RIGHT, docks["scene"])
        window.splitDockWidget(docks["scene"], docks["portrait"], _ACROSS)
        window.splitDockWidget(docks["scene"], docks["energy"], _DOWN)
        window.splitDockWidget(docks["portrait"], docks["loss"], _DOWN)
        window.splitDockWidget(docks["scene"], docks["views"], _DOWN)
        window.splitDockWidget(docks["scene"], docks["verdict"], _DOWN)
        window.splitDockWidget(docks["portrait"], docks["split"], _DOWN)
        window.splitDockWidget(docks["energy"], docks["error"], _ACROSS)
        window.splitDockWidget(docks["loss"], docks["runs"], _ACROSS)
        window.setTabPosition(Qt.DockWidgetArea.AllDockWidgetAreas, QTabWidget.TabPosition.North)
        window.tabifyDockWidget(docks["scene"], docks["frames"])
        for name in ASIDE:
            docks[name].hide()

    def size_column(self) -> int:
        """Give the column of controls the width that its type needs; return it, in pixels."""
        width = round(CONTROLS_WIDTH * text_scale(self._window.font()))
        column = self._docks["controls"].widget()
        column.setMinimumWidth(width)
        column.setMaximumWidth(width + 20)
        return width

    def share_room(self) -> None:
        """Let the two pictures own the window."""
        controls, window = self.size_column(), self._window
        width = max(window.width() - controls, 2 * controls)
        height = max(window.height() - 90, 400)
        for names, sizes, way in (
            (("controls",), (controls,), _ACROSS),
            (("scene", "portrait"), (width // 2, width // 2), _ACROSS),
            (("scene", "energy"), (int(height * 0.63), int(height * 0.37)), _DOWN),
            (("portrait", "loss"), (int(height * 0.63), int(height * 0.37)), _DOWN),
            (("verdict", "portrait"), (width * 12 // 25, width * 13 // 25), _ACROSS),
            (("verdict", "views"), (height // 2, height // 2), _DOWN),
            (("portrait", "split"), (int(height * 0.6), int(height * 0.4)), _DOWN),
            (("energy", "error"), (width // 4, width // 4), _ACROSS),
            (("loss", "runs"), (width * 8 // 40, width * 12 // 40), _ACROSS),
        ):
            docks = [self._docks[name] for name in names]
            if not any(dock.isHidden() for dock in docks):  # one alone would take the room of another column
                window.resizeDocks(docks, list(sizes), way)

    def offer_frames(self) -> None:
        """Lay the frames over the scene where a camera sees what is studied; put them away elsewhere."""
        seen, dock = self._observed(), self._docks["frames"]
        dock.toggleViewAction().setVisible(seen)
        dock.setVisible(seen)
        self.frames_offered(seen)
        self._docks["frames" if seen else "scene"].raise_()

    def put_back(self) -> None:
        """Put every panel back."""
        for name, dock in self._docks.items():
            dock.setFloating(False)
            dock.setVisible(name not in ASIDE)
        self._window.restoreState(self._original)
        self.offer_frames()
        self.share_room()

    def choose(self, layout: Layout) -> None:
        """Show the panels of `layout` in their places, and hide the others."""
        self.put_back()
        self.show_only(layout)
        self.share_room()

    def show_only(self, layout: Layout) -> None:
        """Show the panels of `layout` where they are, and hide the others."""
        for name, dock in self._docks.items():
            if name != "frames":
                dock.setVisible(name in layout.panels)
            elif "scene" not in layout.panels:
                dock.hide()


def step_aside(dock: QDockWidget, floats: bool) -> None:
    """Move a panel that begins to float off its old place; one that the mouse carries goes with the mouse."""
    if not floats or QApplication.mouseButtons() & Qt.MouseButton.LeftButton:
        return
    room = dock.screen().availableGeometry()
    at = dock.pos() + FLOAT_BY
    last = room.bottomRight() - QPoint(dock.width(), dock.height())
    dock.move(max(min(at.x(), last.x()), room.left()), max(min(at.y(), last.y()), room.top()))
