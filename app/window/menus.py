"""The menus, their keys, and the right end of the bar."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QSizePolicy, QToolButton, QWidget

from app.model.settings import settings
from app.style.icons import icon
from app.widgets.text import action_text, set_tip
from hnn_engine.errors import shortened

if TYPE_CHECKING:
    from app.window.main_window import MainWindow


class Menus:
    """Builds the menus of `window` and keeps the actions that change while the program runs."""

    def __init__(self, window: "MainWindow") -> None:
        self._window = window
        bar, lab = window.menuBar(), window.lab
        self._file_menu(bar.addMenu("&File"))
        edit = bar.addMenu("&Edit")
        self.undo = self._action(edit, "Undo", lab.document.undo, "Ctrl+Z", "undo")
        self.redo = self._action(edit, "Redo", lab.document.redo, "Ctrl+Shift+Z", "redo")
        run = bar.addMenu("&Run")
        self.train = self._action(run, "Train", window.training.press, "Ctrl+T", "train")
        self.stop = self._action(run, "Stop and keep", lab.stop, "Ctrl+.", "stop")
        self.race = self._action(run, "Race recipes…", window.show_race, "Ctrl+Shift+R")
        self._action(run, "Live fit", lambda: lab.set_live_fit(not lab.document.view.live_fit), "Ctrl+L")
        run.addSeparator()
        transport = lab.transport
        self.play = self._action(run, "Play or pause", transport.toggle, "Space", "play")
        self._action(run, "One step on", lambda: transport.step(1), ".", "step")
        self._action(run, "One step back", lambda: transport.step(-1), ",")
        self._action(run, "Back to the start", transport.restart, "Home", "restart")
        self._action(run, "To the end", lambda: transport.seek(transport.horizon), "End")
        run.addSeparator()
        self._action(run, "Add energy here", lambda: lab.steer("pump"), "Ctrl+Up", "pump")
        self._action(run, "Take energy here", lambda: lab.steer("drain"), "Ctrl+Down", "drain")
        self._action(run, "Turn time back here", lambda: lab.steer("reverse"), "Ctrl+R", "reverse")
        view = bar.addMenu("&View")
        self._view_menu(view)
        help_menu = bar.addMenu("&Help")
        self._action(help_menu, "Keys and a short tour", window.show_help, "F1", "help")
        self._build_corner(view)

    def _file_menu(self, menu: QMenu) -> None:
        window = self._window
        self._action(menu, "New", lambda: window.spawn(window.errands.new()), "Ctrl+N", "new")
        self._action(menu, "Open…", lambda: window.spawn(window.errands.open()), "Ctrl+O", "open")
        self.recent = menu.addMenu("Open recent")
        self.recent.aboutToShow.connect(self._fill_recent)
        menu.addSeparator()
        self._action(menu, "Save", lambda: window.spawn(window.errands.save()), "Ctrl+S", "save")
        self._action(menu, "Save as…", lambda: window.spawn(window.errands.save(ask=True)), "Ctrl+Shift+S")
        self._action(menu, "Unsaved work…", lambda: window.spawn(window.errands.show_unsaved()))
        self.keeps = QAction("Keep unsaved work", window, checkable=True, checked=window.journal.on)
        self.keeps.toggled.connect(window.keep_unsaved)
        menu.addAction(self.keeps)
        menu.addSeparator()
        self._action(
            menu, "Open a recording…", lambda: window.spawn(window.errands.ask_recording()), "Ctrl+I", "import"
        )
        self._action(menu, "Save a picture…", lambda: window.spawn(window.errands.picture()), "Ctrl+P", "camera")
        self.film = self._action(menu, "Save a film…", lambda: window.spawn(window.errands.film()), "Ctrl+Shift+P")
        menu.addSeparator()
        self._action(menu, "Quit", window.close, "Ctrl+Q")

    def _view_menu(self, menu: QMenu) -> None:
        for dock in self._window.docks.values():
            menu.addAction(dock.toggleViewAction())
        menu.addSeparator()
        self._action(menu, "Reset the layout", self._window.reset_layout, "Ctrl+0", "reset-layout")
        self._action(menu, "Light or dark", self._window.switch_theme, "Ctrl+D", "theme")

    def _action(self, menu: QMenu, text: str, act: Callable[[], object], keys: str = "", name: str = "") -> QAction:
        window = self._window
        action = QAction(icon(name), action_text(text), window) if name else QAction(action_text(text), window)
        if keys:
            action.setShortcut(QKeySequence(keys))
        action.triggered.connect(lambda: act())
        menu.addAction(action)
        window.addAction(action)
        return action

    def _build_corner(self, view: QMenu) -> None:
        """The right end of the bar: panels, picture, theme, help."""
        window = self._window
        gap = QWidget()
        gap.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)
        gap.setFixedWidth(8)
        window.transport.addWidget(gap)
        for name, tip, act in (
            ("panels", "Panels: show, hide, put back", None),
            ("camera", "Save a picture of the window (Ctrl+P)", lambda: window.spawn(window.errands.picture())),
            ("theme", "Light or dark (Ctrl+D)", window.switch_theme),
            ("help", "Keys and a short tour (F1)", window.show_help),
        ):
            button = QToolButton()
            button.setIcon(icon(name))
            set_tip(button, tip)
            button.setAccessibleName(tip.split(" (")[0])
            if act is None:
                button.setMenu(view)
                button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
            else:
                button.clicked.connect(lambda _=False, act=act: act())
            window.transport.addWidget(button)

    def _fill_recent(self) -> None:
        window = self._window
        self.recent.clear()
        for path in settings().recent:
            action = self.recent.addAction(action_text(shortened(path.name)))
            set_tip(action, str(path))
            action.triggered.connect(lambda _=False, path=path: window.spawn(window.errands.open(path)))
        if not self.recent.actions():
            self.recent.addAction("Nothing yet").setEnabled(False)
