"""The menus, their keys, and the right end of the bar."""

from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QApplication, QDockWidget, QMenu, QMenuBar, QSizePolicy, QToolBar, QToolButton, QWidget

from app.lab import Lab
from app.model.settings import settings
from app.style.icons import icon
from app.widgets.switch_menu import SwitchMenu
from app.widgets.text import action_text, set_tip
from app.window.explain import WHAT, explain_pointed
from app.window.layouts import LAYOUTS
from app.window.session_actions import SessionActions
from hnn_engine.errors import shortened
from hnn_engine.limits import LARGEST_SNAPSHOTS, MOST_SNAPSHOTS
from hnn_engine.rollouts.truth import HAIR_TEXT


@dataclass(frozen=True)
class WindowActions:
    """What the menus call that is neither the laboratory's nor a session's."""

    train: Callable[[], object]  # train, pause or go on
    race: Callable[[], object]
    help: Callable[[], object]
    show_log: Callable[[], object]
    reset_layout: Callable[[], object]
    choose_layout: Callable[[str], object]
    present: Callable[[], object]
    full_screen: Callable[[], object]
    resize_text: Callable[[int], object]  # by so many steps; 0 makes it as it was at first
    switch_theme: Callable[[], object]
    keep_unsaved: Callable[[bool], object]
    new_system: Callable[[], object]  # type one of one's own
    fill_panels: Callable[[QMenu], object]  # with what leaves each panel
    quit: Callable[[], object]


class _TabLeaves(QObject):
    """Lets Tab leave a bar of menus, which keeps the keyboard when one is closed by Esc, for what comes next."""

    def __init__(self, owner: QWidget) -> None:
        super().__init__(owner)
        self._owner = owner

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        keys = (Qt.Key.Key_Tab, Qt.Key.Key_Backtab)
        if event.type() is not QEvent.Type.KeyPress or not isinstance(event, QKeyEvent) or event.key() not in keys:
            return False
        # Esc ends it, and gives the keyboard back to what had it.
        QApplication.sendEvent(
            watched, QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_Escape, Qt.KeyboardModifier.NoModifier)
        )
        if event.key() == Qt.Key.Key_Tab:
            self._owner.focusNextChild()
        else:
            self._owner.focusPreviousChild()
        return True


def _keep_snapshots(on: bool) -> None:
    settings().keeps_snapshots = on


class Menus:
    """Fills `bar` and the right end of `corner`, and keeps the actions that change while the program runs.

    `owner` is the widget whose keys the actions have; `spawn` runs what is awaited.
    """

    def __init__(
        self,
        bar: QMenuBar,
        corner: QToolBar,
        owner: QWidget,
        docks: Iterable[QDockWidget],
        lab: Lab,
        session_actions: SessionActions,
        window: WindowActions,
        spawn: Callable[[Coroutine[Any, Any, Any]], None],
        keeps_unsaved: bool,
    ) -> None:
        self._owner, self._lab, self._session_actions, self._window, self._spawn = (
            owner,
            lab,
            session_actions,
            window,
            spawn,
        )
        bar.installEventFilter(_TabLeaves(owner))
        self._file_menu(bar.addMenu("&File"), keeps_unsaved)
        edit = bar.addMenu("&Edit")
        self.undo = self._action(edit, "Undo", lab.document.undo, "Ctrl+Z", "undo")
        self.redo = self._action(edit, "Redo", lab.document.redo, "Ctrl+Shift+Z", "redo")
        self._run_menu(bar.addMenu("&Run"))
        view = SwitchMenu("&View", owner)
        bar.addMenu(view)
        self._view_menu(view, docks)
        help_menu = bar.addMenu("&Help")
        self._action(help_menu, "Shortcuts and tour", window.help, "F1", "help")
        self._action(help_menu, WHAT, explain_pointed, "Shift+F1")
        self._action(help_menu, "Show the log", window.show_log)
        self._build_corner(corner, view)

    def _file_menu(self, menu: QMenu, keeps_unsaved: bool) -> None:
        session_actions, spawn = self._session_actions, self._spawn
        self._action(menu, "New", lambda: spawn(session_actions.new()), "Ctrl+N", "new")
        self._action(menu, "Open…", lambda: spawn(session_actions.open()), "Ctrl+O", "open")
        self.recent = menu.addMenu("Open recent")
        self.recent.aboutToShow.connect(self._fill_recent)
        menu.addSeparator()
        self._action(menu, "Save", lambda: spawn(session_actions.save()), "Ctrl+S", "save")
        self._action(menu, "Save as…", lambda: spawn(session_actions.save(ask=True)), "Ctrl+Shift+S")
        self._action(menu, "Unsaved work…", lambda: spawn(session_actions.show_unsaved()))
        self.keeps = QAction("Keep unsaved work", self._owner, checkable=True, checked=keeps_unsaved)
        self.keeps.toggled.connect(self._window.keep_unsaved)
        menu.addAction(self.keeps)
        menu.addSeparator()
        self._action(menu, "New system…", self._window.new_system, "Ctrl+Shift+N")
        self._action(menu, "Save the system…", lambda: spawn(session_actions.save_system()))
        self._action(menu, "Open a recording…", lambda: spawn(session_actions.ask_recording()), "Ctrl+I", "import")
        menu.addSeparator()
        self._action(menu, "Save a picture…", lambda: spawn(session_actions.picture()), "Ctrl+P", "camera")
        panels = menu.addMenu("Export a panel")
        panels.aboutToShow.connect(lambda: self._window.fill_panels(panels))
        self.film_views = self._action(
            menu, "Save a film…", lambda: spawn(session_actions.film_views()), "Ctrl+Shift+P"
        )
        self.film = self._action(menu, "Save predicted frames…", lambda: spawn(session_actions.film()))
        set_tip(self.film, "The frames that models predict beside those of the camera, as a video")
        menu.addSeparator()
        self._action(menu, "Copy link to this state", session_actions.copy_link, "Ctrl+Shift+C")
        self._action(menu, "Open link…", lambda: spawn(session_actions.ask_link()), "Ctrl+Shift+O")
        menu.addSeparator()
        self._action(menu, "Quit", self._window.quit, "Ctrl+Q")

    def _run_menu(self, menu: QMenu) -> None:
        lab, playback = self._lab, self._lab.playback
        self.train = self._action(menu, "Train", self._window.train, "Ctrl+T", "train")
        self.stop = self._action(menu, "Stop and keep the run", lab.stop, "Ctrl+.", "stop")
        self.race = self._action(menu, "Race recipes…", self._window.race, "Ctrl+Shift+R")
        self._action(menu, "Live fit", lambda: lab.live_fit.set_on(not lab.document.view.live_fit), "Ctrl+L")
        keeps = QAction("Keep snapshots of fits", self._owner, checkable=True, checked=settings().keeps_snapshots)
        set_tip(
            keeps,
            f"Keep the weights along a fit by gradient, at most {MOST_SNAPSHOTS} times and "
            f"{LARGEST_SNAPSHOTS / 1e6:.0f} MB a run: its training can then be gone through again.",
        )
        keeps.toggled.connect(_keep_snapshots)
        menu.addAction(keeps)
        menu.addSeparator()
        self.play = self._action(menu, "Play or pause", playback.toggle, "Space", "play")
        self._action(menu, "Step forward", lambda: playback.step(1), ".", "step")
        self._action(menu, "Step back", lambda: playback.step(-1), ",")
        self._action(menu, "Go to the start", playback.restart, "Home", "restart")
        self._action(menu, "Go to the end", lambda: playback.seek(playback.horizon), "End")
        menu.addSeparator()
        self._action(menu, "Add energy", lambda: lab.steer("pump"), "Ctrl+Up", "pump")
        self._action(menu, "Remove energy", lambda: lab.steer("drain"), "Ctrl+Down", "drain")
        self._action(menu, "Reverse time", lambda: lab.steer("reverse"), "Ctrl+R", "reverse")

    def _view_menu(self, menu: QMenu, docks: Iterable[QDockWidget]) -> None:
        window = self._window
        self._action(menu, "Present", window.present, "F5", "present")
        for name, layout in LAYOUTS.items():
            action = self._action(menu, f"Layout: {layout.title}", partial(window.choose_layout, name), layout.key)
            set_tip(action, layout.tip)
        self._action(menu, "Full screen", window.full_screen, "F11")
        menu.addSeparator()
        for dock in docks:
            menu.addAction(dock.toggleViewAction())
        menu.addSeparator()
        document = self._lab.document
        self.twin = QAction("Second start, a hair away", self._owner, checkable=True, checked=document.view.twin)
        set_tip(
            self.twin,
            f"Follow truth and the models also from a start {HAIR_TEXT} away: Error shows how the two part.",
        )
        self.twin.toggled.connect(lambda on: document.set_view(twin=on))
        document.view_changed.connect(lambda _, view: self.twin.setChecked(view.twin))
        menu.addAction(self.twin)
        menu.addSeparator()
        larger = self._action(menu, "Larger text", lambda: window.resize_text(1), "Ctrl++")
        larger.setShortcuts([QKeySequence("Ctrl++"), QKeySequence("Ctrl+=")])
        self._action(menu, "Smaller text", lambda: window.resize_text(-1), "Ctrl+-")
        self._action(menu, "Usual text size", lambda: window.resize_text(0))
        self._action(menu, "Reset the layout", self._window.reset_layout, "Ctrl+0", "reset-layout")
        self._action(menu, "Theme", self._window.switch_theme, "Ctrl+D", "theme")

    def _action(self, menu: QMenu, text: str, act: Callable[[], object], keys: str = "", name: str = "") -> QAction:
        owner = self._owner
        action = QAction(icon(name), action_text(text), owner) if name else QAction(action_text(text), owner)
        if keys:
            action.setShortcut(QKeySequence(keys))
        action.triggered.connect(lambda: act())
        menu.addAction(action)
        owner.addAction(action)
        return action

    def _build_corner(self, corner: QToolBar, view: QMenu) -> None:
        """The right end of the bar: panels, picture, theme, help."""
        gap = QWidget()
        gap.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)
        gap.setFixedWidth(8)
        corner.addWidget(gap)
        for name, tip, act in (
            ("panels", "Panels: show, hide, layouts", None),
            ("present", "Present: the pictures over the whole screen (F5)", self._window.present),
            ("camera", "Save a picture of the window (Ctrl+P)", lambda: self._spawn(self._session_actions.picture())),
            ("theme", "Theme: light or dark (Ctrl+D)", self._window.switch_theme),
            ("help", "Shortcuts and tour (F1)", self._window.help),
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
            corner.addWidget(button)

    def _fill_recent(self) -> None:
        self.recent.clear()
        for path in settings().recent:
            action = self.recent.addAction(action_text(shortened(path.name)))
            set_tip(action, str(path))
            action.triggered.connect(lambda _=False, path=path: self._spawn(self._session_actions.open(path)))
        if not self.recent.actions():
            self.recent.addAction("No recent sessions").setEnabled(False)
